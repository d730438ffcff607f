"""Level 2 of the key directory: principals in Redis, for all workers. An outage makes it empty, never wrong."""

from __future__ import annotations

import msgspec

from apikeys.hotpath import Principal
from proxy.adapters.redis_connection import RedisConnection, RedisRefused, RedisUnavailable

TTL_S = 600
_decoder = msgspec.msgpack.Decoder(Principal)
_encoder = msgspec.msgpack.Encoder()


def _key(digest: bytes) -> bytes:
    return b"gw:principal:" + digest.hex().encode()


class RedisPrincipals:
    """The `SharedPrincipals` of a real installation. What it holds is versioned by `Principal.as_of`, so a stale copy is seen as one."""

    def __init__(self, redis: RedisConnection) -> None:
        self._redis = redis

    async def find(self, digest: bytes) -> Principal | None:
        try:
            stored = await self._redis.call(b"GET", _key(digest))
            return None if stored is None else _decoder.decode(stored)
        except (RedisUnavailable, RedisRefused, msgspec.MsgspecError):
            return None

    async def put(self, digest: bytes, principal: Principal) -> None:
        try:
            await self._redis.call(b"SET", _key(digest), _encoder.encode(principal), b"EX", TTL_S)
        except (RedisUnavailable, RedisRefused):
            return
