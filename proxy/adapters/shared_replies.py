"""Level 2 of the response cache: answers in Redis, for all workers. An outage makes it empty, never wrong."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from proxy.adapters.redis_connection import RedisConnection, RedisRefused, RedisUnavailable
from proxy.stages.look_up import CachedReply

_decoder = msgspec.msgpack.Decoder(CachedReply)
_encoder = msgspec.msgpack.Encoder()


def _key(workspace_id: str, fingerprint: bytes) -> bytes:
    return f"gw:{{{workspace_id}}}:reply:{fingerprint.hex()}".encode()


class RedisReplies:
    """
    The `SharedReplies` of a real installation.

    What it holds may be lost, so `allkeys-lru` is right for it. Give it a connection of its own: large values must not stand before the
    limiter's calls. A server that hangs costs the connection's time-out, and nothing once its breaker has opened.
    """

    def __init__(self, redis: RedisConnection) -> None:
        self._redis = redis

    async def find(self, workspace_id: str, fingerprint: bytes) -> CachedReply | None:
        try:
            stored = await self._redis.call(b"GET", _key(workspace_id, fingerprint))
            return None if stored is None else _decoder.decode(stored)
        except (RedisUnavailable, RedisRefused, msgspec.MsgspecError):
            return None

    def put(self, workspace_id: str, fingerprint: bytes, reply: CachedReply, ttl_s: int) -> asyncio.Future[Any] | None:
        """Cost: no task; the command leaves with the others of this tick."""
        try:
            return self._redis.submit(b"SET", _key(workspace_id, fingerprint), _encoder.encode(reply), b"PX", ttl_s * 1000)
        except RedisUnavailable:
            return None
