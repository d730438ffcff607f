"""
The exact response cache: answers by fingerprint, in this worker (level 1) and in Redis for all workers (level 2).

Rules: an answer lives for the TTL its route has *now*, so lowering it takes effect at once. A cache that fails is a miss. The fingerprint
holds the workspace, so tenants cannot meet; level 2 puts it into the key as well.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any, Final, Protocol

from proxy.stages.look_up import CachedReply, CachePlan

LEVEL_1_BYTES: Final = 64 * 1024 * 1024
REPLY_LIMIT_BYTES: Final = 1024 * 1024
PUTS_MAX_COUNT: Final = 256
PUTS_MAX_BYTES: Final = 16 * 1024 * 1024
_HEADER_BYTES = 130
_OVERHEAD_BYTES: Final = 400
"""What an entry takes beside its body: the key, the value and their places in the dictionary."""


class SharedReplies(Protocol):
    """Level 2. What cannot be read or written is not there."""

    async def find(self, workspace_id: str, fingerprint: bytes) -> CachedReply | None: ...

    def put(self, workspace_id: str, fingerprint: bytes, reply: CachedReply, ttl_s: int) -> asyncio.Future[Any] | None:
        """Send an answer there. The future ends, with whatever error, when it has arrived; None: it was not sent."""


class TwoLevelCache:
    """
    The `ReplyCache` of a worker.

    Units: `limit_bytes` bounds level 1, bodies and our own bookkeeping together; what was used least recently goes first.
    `reply_limit_bytes` bounds one answer: a larger one is kept in neither level.
    Cost: a hit in level 1 takes 1 us and waits for nothing; a miss one round trip, at most the connection's time-out.
    """

    def __init__(
        self,
        shared: SharedReplies | None,
        limit_bytes: int = LEVEL_1_BYTES,
        now_s: Callable[[], float] = time.time,
        *,
        reply_limit_bytes: int = REPLY_LIMIT_BYTES,
    ) -> None:
        self._shared = shared
        self._limit_bytes = limit_bytes
        self._now_s = now_s
        self._reply_limit_bytes = reply_limit_bytes
        self._replies: OrderedDict[bytes, CachedReply] = OrderedDict()
        self._puts: set[asyncio.Future[Any]] = set()
        self._puts_bytes = 0
        self.size_bytes = 0

    async def find(self, plan: CachePlan, workspace_id: str) -> CachedReply | None:
        reply = self._replies.get(plan.fingerprint)
        if reply is not None:
            if self._is_fresh(reply, plan):
                self._replies.move_to_end(plan.fingerprint)
                return reply
            self._drop(plan.fingerprint)
        if self._shared is None:
            return None
        reply = await self._shared.find(workspace_id, plan.fingerprint)
        if reply is None or not self._is_fresh(reply, plan):
            return None
        self._keep(plan.fingerprint, reply)
        return reply

    def put(self, plan: CachePlan, workspace_id: str, reply: CachedReply) -> None:
        if len(reply.body) > self._reply_limit_bytes or plan.ttl_s <= 0:
            return
        self._keep(plan.fingerprint, reply)
        if self._shared is not None and len(self._puts) < PUTS_MAX_COUNT and self._puts_bytes + len(reply.body) <= PUTS_MAX_BYTES:
            sent = self._shared.put(workspace_id, plan.fingerprint, reply, plan.ttl_s)
            if sent is not None:
                self._puts_bytes += len(reply.body)
                self._puts.add(sent)
                sent.add_done_callback(partial(self._note_sent, len(reply.body)))

    def _note_sent(self, size_bytes: int, sent: asyncio.Future[Any]) -> None:
        self._puts.discard(sent)
        self._puts_bytes -= size_bytes
        if not sent.cancelled():
            sent.exception()  # looked at: an answer that did not arrive is a miss

    async def close(self) -> None:
        """Wait for what is on its way to level 2."""
        await asyncio.gather(*self._puts, return_exceptions=True)

    def _is_fresh(self, reply: CachedReply, plan: CachePlan) -> bool:
        return self._now_s() - reply.stored_at_s < plan.ttl_s

    def _keep(self, fingerprint: bytes, reply: CachedReply) -> None:
        self._drop(fingerprint)
        if _size_bytes(reply) > self._limit_bytes:
            return  # or it would drive out everything, itself included
        self._replies[fingerprint] = reply
        self.size_bytes += _size_bytes(reply)
        while self.size_bytes > self._limit_bytes:
            self._drop(next(iter(self._replies)))

    def _drop(self, fingerprint: bytes) -> None:
        reply = self._replies.pop(fingerprint, None)
        if reply is not None:
            self.size_bytes -= _size_bytes(reply)


def _size_bytes(reply: CachedReply) -> int:
    return len(reply.body) + _OVERHEAD_BYTES + sum(len(name) + len(value) + _HEADER_BYTES for name, value in reply.headers)
