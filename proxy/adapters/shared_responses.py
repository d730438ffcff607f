"""
Responses in Redis or Valkey, for all workers: sealed, each for its workspace and its id, for as long as they are kept.

Guarantee: a value that was copied to another workspace's key does not open. What the store was too small or too far away for is logged
and never stands in the way of the answer.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import Any, Final

import msgspec
import structlog

from common.aead import DecryptionError, KeyRing
from proxy.adapters.redis_connection import RedisConnection, RedisRefused, RedisUnavailable
from proxy.errors import StoreUnavailable
from proxy.response_state import TTL_S, StoredResponse

log = structlog.get_logger(__name__)

VALUE_LIMIT_BYTES: Final = 4 * 1024 * 1024
_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,256}\Z")
_decoder: Final = msgspec.msgpack.Decoder(StoredResponse)
_encoder: Final = msgspec.msgpack.Encoder()


def _key(workspace_id: str, kind: str, name: str) -> bytes:
    """All of a workspace lies in one slot of a cluster, so that what belongs together is written together."""
    return f"gw:{{{workspace_id}}}:{kind}:{name}".encode()


def _place(workspace_id: str, response_id: str) -> str:
    return f"response:{workspace_id}:{response_id}"


class RedisResponses:
    """
    The `ResponseStore` of a real installation.

    Give it a connection of its own with a `timeout_s` that fits `value_limit_bytes`: large values must not stand before the limiter's
    calls. `ttl_max_s` bounds what a caller asks for.
    Cost: one write of a response and one of each of its items' ids, in one tick.
    """

    def __init__(
        self, redis: RedisConnection, key_ring: KeyRing, *, value_limit_bytes: int = VALUE_LIMIT_BYTES, ttl_max_s: int = TTL_S
    ) -> None:
        self._redis = redis
        self._key_ring = key_ring
        self._value_limit_bytes = value_limit_bytes
        self._ttl_max_s = ttl_max_s

    async def put(self, workspace_id: str, stored: StoredResponse, ttl_s: int) -> None:
        if not _ID.match(stored.id):
            log.warning("response_not_kept", reason="its id is not one we can look up")
            return
        packed = _encoder.encode(stored)
        if len(packed) > self._value_limit_bytes:
            packed = _encoder.encode(replace(stored, input=b"[]", body=b"", item_ids=(), is_too_large=True))
            stored = replace(stored, item_ids=())
        sealed = self._key_ring.seal(packed, _place(workspace_id, stored.id))
        ttl_s = max(1, min(ttl_s, self._ttl_max_s))
        values = {_key(workspace_id, "response", stored.id): sealed}
        values |= {_key(workspace_id, "item", item_id): stored.id.encode() for item_id in stored.item_ids if _ID.match(item_id)}
        try:
            await asyncio.gather(*(self._redis.call(b"SET", key, value, b"EX", ttl_s) for key, value in values.items()))
        except (RedisUnavailable, RedisRefused) as error:
            log.warning("response_not_kept", reason=str(error))

    async def get(self, workspace_id: str, response_id: str) -> StoredResponse | None:
        if not _ID.match(response_id):
            return None
        sealed = await self._call(b"GET", _key(workspace_id, "response", response_id))
        if sealed is None:
            return None
        try:
            return _decoder.decode(self._key_ring.open(sealed, _place(workspace_id, response_id)))
        except (DecryptionError, msgspec.MsgspecError) as error:
            log.error("response_unreadable", reason=str(error))
            return None

    async def find_owner(self, workspace_id: str, item_id: str) -> str | None:
        if not _ID.match(item_id):
            return None
        owner = await self._call(b"GET", _key(workspace_id, "item", item_id))
        return None if owner is None else owner.decode(errors="replace")

    async def delete(self, workspace_id: str, response_id: str) -> None:
        if _ID.match(response_id):
            await self._call(b"DEL", _key(workspace_id, "response", response_id))

    async def _call(self, *arguments: bytes) -> Any:
        try:
            return await self._redis.call(*arguments)
        except (RedisUnavailable, RedisRefused) as error:
            raise StoreUnavailable("The gateway cannot look up earlier responses now. Try again.") from error
