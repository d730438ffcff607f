"""
The limiter's shared counter: Lua in Redis, in the server's own time, one key a call so that any slot of a cluster will do.

What is stored of a window is `generation level mark`: a random word for each time the counter was made, what was used (of a rolling
window: what is not refilled yet), and when that was right (of a calendar's window: when it began), in microseconds. Numbers are doubles:
exact up to 9e15 units, which is nine million dollars.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from proxy.adapters.redis_connection import RedisConnection, RedisRefused, RedisUnavailable
from proxy.limiter import SLOTS_EXPIRE_S, Ask, CounterUnavailable, Grant, SlotGrant, Unknown, WindowShape

_KEPT_LONGER_MS: Final = 3_600_000  # a budget that was forgotten must be read from the books again

# A month is found by the days of a calendar whose year begins in March, so that the leap day is its last.
BOUNDS: Final = b"""
local DAY = 86400000000
local LENGTHS = {minute = 60000000, hour = 3600000000, day = DAY, week = 7 * DAY}
local function bounds(calendar, now)
  local length = LENGTHS[calendar]
  if length then
    local first = now - (now + (calendar == 'week' and 3 * DAY or 0)) % length
    return first, first + length
  end
  local days = math.floor(now / DAY) + 719468
  local in_era = days % 146097
  local year = math.floor((in_era - math.floor(in_era / 1460) + math.floor(in_era / 36524) - math.floor(in_era / 146096)) / 365)
  local in_year = in_era - (365 * year + math.floor(year / 4) - math.floor(year / 100))
  local month = math.floor((5 * in_year + 2) / 153)
  local begins = math.floor((153 * month + 2) / 5)
  local ends = math.floor((153 * month + 155) / 5)
  if month == 11 then
    local next_year = year + 1
    local is_leap = next_year % 4 == 0 and (next_year % 100 ~= 0 or next_year % 400 == 0)
    ends = is_leap and 366 or 365
  end
  local first = (days - 719468 - in_year + begins) * DAY
  return first, first + (ends - begins) * DAY
end
"""

# KEYS: the counter. ARGV: calendar, units a microsecond, size, is budget, longer life in ms, ahead, charge, generation, window, wants...
TAKE: Final = (
    BOUNDS
    + b"""
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local calendar, rate, size = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local generation, level, mark, past = '-', 0, now, 0
if calendar ~= '' then mark, past = bounds(calendar, now) end
local state = redis.call('GET', KEYS[1])
if state then
  local stored, used, since = string.match(state, '^(%S+) (%S+) (%S+)$')
  generation, used, since = stored, tonumber(used), tonumber(since)
  if calendar == '' then
    level = math.max(0, used - math.max(0, now - since) * rate)
  elseif mark <= since then
    level, mark = used, since
  end
elseif ARGV[4] == '1' then
  if calendar == '' then mark = now - math.ceil(size / rate) end
  return {-1, string.format('%.0f', mark)}
end
local charge = tonumber(ARGV[7])
local is_changed = false
if charge ~= 0 and (ARGV[8] == '' or ARGV[8] == generation) and (calendar == '' or ARGV[9] == '0' or tonumber(ARGV[9]) == mark) then
  level = math.max(0, level + charge)
  is_changed = true
end
local room = math.floor(size - level + 0.000001)
local admitted, wanted = 0, #ARGV - 9
while admitted < wanted and room >= 1 do
  local want = tonumber(ARGV[10 + admitted])
  room, level, admitted, is_changed = room - want, level + want, admitted + 1, true
end
local ahead = 0
if admitted == wanted then
  ahead = math.max(0, math.min(tonumber(ARGV[6]), room))
  if ahead > 0 then room, level, is_changed = room - ahead, level + ahead, true end
end
local reset = calendar == '' and math.ceil(level / rate) or past - now
if is_changed then
  local life = math.min(math.ceil(math.max(reset, 0) / 1000) + tonumber(ARGV[5]), 100000000000000)
  redis.call('SET', KEYS[1], generation .. string.format(' %.17g %.0f', level, mark), 'PX', string.format('%.0f', life))
end
local retry = 0
if admitted < wanted then
  retry = calendar == '' and math.ceil((level + 1 - size) / rate) or reset
end
room = math.max(-9e15, math.min(9e15, room))
local window = string.format('%.0f', calendar == '' and 0 or mark)
return {admitted, ahead, room, math.min(retry, 1e15), math.min(reset, 1e15), generation, window}
"""
)

# KEYS: the counter. ARGV: calendar, units a microsecond, size, longer life in ms, since when was read, spent, generation.
RESTORE: Final = (
    BOUNDS
    + b"""
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local calendar, level, mark, reset = ARGV[1], tonumber(ARGV[6]), now, 0
if calendar == '' then
  level = math.min(level, tonumber(ARGV[3]))
  reset = level / tonumber(ARGV[2])
else
  local past
  mark, past = bounds(calendar, now)
  if mark ~= tonumber(ARGV[5]) then return 0 end
  reset = past - now
end
local life = math.min(math.ceil(reset / 1000) + tonumber(ARGV[4]), 100000000000000)
local state = ARGV[7] .. string.format(' %.17g %.0f', level, mark)
return redis.call('SET', KEYS[1], state, 'NX', 'PX', string.format('%.0f', life)) and 1 or 0
"""
)

# KEYS: the counter. ARGV: limit, member, held, wanted, ahead, life in ms. A member's field is what it holds and until when.
HOLD: Final = b"""
local time = redis.call('TIME')
local now = math.floor(time[1] * 1000 + time[2] / 1000)
local limit, member, held = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local members = redis.call('HGETALL', KEYS[1])
local room = limit - held
for at = 1, #members, 2 do
  if members[at] ~= member then
    local count, expires_at = string.match(members[at + 1], '^(%d+) (%d+)$')
    if tonumber(expires_at) <= now then
      redis.call('HDEL', KEYS[1], members[at])
    else
      room = room - tonumber(count)
    end
  end
end
local admitted = math.max(0, math.min(tonumber(ARGV[4]), room))
local ahead = math.max(0, math.min(tonumber(ARGV[5]), room - admitted))
held = held + admitted + ahead
if held > 0 then
  redis.call('HSET', KEYS[1], member, string.format('%.0f %.0f', held, now + tonumber(ARGV[6])))
  redis.call('PEXPIRE', KEYS[1], ARGV[6])
else
  redis.call('HDEL', KEYS[1], member)
end
return {admitted, ahead, room - admitted - ahead}
"""


class RedisCounter:
    """The `SharedCounter` of a real installation. `slots_expire_s`: for how long a silent worker's slots stay its own."""

    def __init__(self, redis: RedisConnection, slots_expire_s: float = SLOTS_EXPIRE_S) -> None:
        self._redis = redis
        self._slots_life_ms = round(slots_expire_s * 1000)

    @property
    def is_available(self) -> bool:
        return self._redis.is_available

    async def take(self, shape: WindowShape, ask: Ask, on_late: Callable[[Grant], None] | None = None) -> Grant | Unknown:
        arguments: list[bytes | str | int | float] = [
            shape.calendar,
            _rate(shape),
            shape.size_count,
            b"1" if shape.is_budget else b"0",
            _longer_ms(shape),
            ask.ahead_count,
            ask.charge_count,
            ask.generation,
            ask.window_at_us,
            *ask.wants,
        ]

        def tell(reply: list[Any]) -> None:
            if on_late is not None and reply[0] >= 0:
                on_late(_grant(reply))

        try:
            answer = await self._redis.run_script(TAKE, [shape.key], arguments, tell)
        except (RedisUnavailable, RedisRefused) as error:
            raise CounterUnavailable(str(error)) from error
        if answer[0] < 0:
            return Unknown(int(answer[1]) / 1e6)
        return _grant(answer)

    async def restore(self, shape: WindowShape, spent_count: int, since_s: float, generation: str) -> None:
        since_us = round(since_s * 1e6)
        arguments: list[bytes | str | int | float] = [
            shape.calendar,
            _rate(shape),
            shape.size_count,
            _longer_ms(shape),
            since_us,
            spent_count,
            generation,
        ]
        try:
            await self._redis.run_script(RESTORE, [shape.key], arguments)
        except (RedisUnavailable, RedisRefused) as error:
            raise CounterUnavailable(str(error)) from error

    async def hold(self, key: bytes, limit_count: int, member: str, held_count: int, want_count: int, ahead_count: int) -> SlotGrant:
        arguments: list[bytes | str | int | float] = [limit_count, member, held_count, want_count, ahead_count, self._slots_life_ms]
        try:
            admitted, ahead, remaining = await self._redis.run_script(HOLD, [key], arguments)
        except (RedisUnavailable, RedisRefused) as error:
            raise CounterUnavailable(str(error)) from error
        return SlotGrant(admitted, ahead, remaining)


def _grant(answer: list[Any]) -> Grant:
    admitted, ahead, remaining, retry_us, reset_us, generation, window = answer
    return Grant(admitted, ahead, remaining, retry_us / 1e6, reset_us / 1e6, generation.decode(), int(window))


def _rate(shape: WindowShape) -> str:
    return repr(shape.amount / (shape.window_s * 1e6))


def _longer_ms(shape: WindowShape) -> int:
    return _KEPT_LONGER_MS if shape.is_budget else 1000
