"""Level 2 of the REST API's kept answers: in Redis, for all workers. An outage makes it empty, never wrong."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import msgspec

from proxy.adapters.redis_connection import RedisConnection, RedisRefused, RedisUnavailable
from proxy.rest_door.answers import TTL_S, Answer

_PUTS_MAX_COUNT: Final = 256
_decoder = msgspec.msgpack.Decoder(Answer)
_encoder = msgspec.msgpack.Encoder()


def _key(workspace_id: str, question: bytes, version: bytes) -> bytes:
    return b"gw:{%b}:rest:%b:%b" % (workspace_id.encode(), question.hex().encode(), version)


class RedisAnswers:
    """
    The `SharedAnswers` of a real installation. What it holds may be lost, so `allkeys-lru` is right for it.

    Guarantee: nobody's request waits for a put; beyond so many on their way an answer is kept in its worker only.
    """

    def __init__(self, redis: RedisConnection) -> None:
        self._redis = redis
        self._puts: set[asyncio.Future[Any]] = set()

    async def find(self, workspace_id: str, question: bytes, version: bytes) -> Answer | None:
        try:
            stored = await self._redis.call(b"GET", _key(workspace_id, question, version))
            return None if stored is None else _decoder.decode(stored)
        except (RedisUnavailable, RedisRefused, msgspec.MsgspecError):
            return None

    def put(self, workspace_id: str, question: bytes, version: bytes, answer: Answer) -> None:
        if len(self._puts) >= _PUTS_MAX_COUNT:
            return
        try:
            sent = self._redis.submit(b"SET", _key(workspace_id, question, version), _encoder.encode(answer), b"PX", TTL_S * 1000)
        except RedisUnavailable:
            return
        self._puts.add(sent)
        sent.add_done_callback(self._note_sent)

    def _note_sent(self, sent: asyncio.Future[Any]) -> None:
        self._puts.discard(sent)
        if not sent.cancelled():
            sent.exception()  # looked at: an answer that did not arrive is a miss
