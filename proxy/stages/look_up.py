"""
Find an answer that is already known.

The seam that response caches attach to: the first `ReplyCache` that knows the answer gives it. An installation without one forwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from apikeys.hotpath import Principal
from proxy.snapshot import Snapshot
from proxy.wire.openai import ChatRequest


@dataclass(frozen=True, slots=True)
class CachedReply:
    """An answer from a cache and how old it is."""

    body: bytes
    age_s: float
    cache_type: str


class ReplyCache(Protocol):
    async def find(self, principal: Principal, request: ChatRequest, snapshot: Snapshot) -> CachedReply | None:
        """Return an answer that this principal may see, None when there is none. Never raises: a failing cache is a miss."""


async def look_up(principal: Principal, request: ChatRequest, snapshot: Snapshot, caches: tuple[ReplyCache, ...]) -> CachedReply | None:
    """Return the first cached answer, None when the request must be forwarded."""
    for cache in caches:
        reply = await cache.find(principal, request, snapshot)
        if reply is not None:
            return reply
    return None
