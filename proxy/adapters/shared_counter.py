"""The limiter's shared counter: GCRA in Lua, in the server's own time, one key a call so that any cluster slot will do."""

from __future__ import annotations

from proxy.adapters.redis_connection import RedisConnection, RedisRefused, RedisUnavailable
from proxy.limiter import CounterUnavailable, Grant

# The value is the theoretical arrival time of GCRA in microseconds: `now` or earlier means that the whole burst is there.
TAKE = b"""
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, burst, want, back = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local full_at = tonumber(redis.call('GET', KEYS[1]) or '0') - back * interval
if full_at < now then full_at = now end
local room = math.floor((now + burst * interval - full_at) / interval + 0.000001)
local granted = math.max(0, math.min(want, room))
if granted > 0 or back > 0 then
  full_at = full_at + granted * interval
  redis.call('SET', KEYS[1], string.format('%.3f', full_at), 'PX', math.ceil((full_at - now) / 1000) + 1000)
end
local retry = 0
if granted < want then retry = math.ceil(full_at + interval - now - burst * interval) end
return {granted, math.max(0, room - granted), retry, math.ceil(full_at - now)}
"""


class RedisCounter:
    """The `SharedCounter` of a real installation."""

    def __init__(self, redis: RedisConnection) -> None:
        self._redis = redis

    async def take(self, key: bytes, interval_us: float, burst: int, want_count: int, give_back_count: float) -> Grant:
        try:
            arguments: list[bytes | str | int | float] = [repr(interval_us), burst, want_count, give_back_count]
            granted, remaining, retry_us, full_us = await self._redis.run_script(TAKE, [key], arguments)
        except (RedisUnavailable, RedisRefused) as error:
            raise CounterUnavailable(str(error)) from error
        return Grant(granted, remaining, retry_us / 1e6, full_us / 1e6)
