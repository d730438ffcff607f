"""
Find an answer that is already known.

What may be cached and under which fingerprint is decided here, once for each request (`plan_cache`); where answers lie, the
`ReplyCache` knows. An answer is never shared between workspaces: the workspace is part of every fingerprint.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from apikeys.hotpath import Principal
from proxy.exchange import CacheControl, Headers
from proxy.fingerprint import fingerprint
from proxy.snapshot import Route
from proxy.tally import CounterTally
from proxy.telemetry import CACHE_HITS, CACHE_MISSES
from proxy.wire.model_request import ModelRequest

_hits = CounterTally(CACHE_HITS.labels("exact"))
_misses = CounterTally(CACHE_MISSES.labels("exact"))
_CACHEABLE = frozenset({"chat", "completions", "embeddings", "responses", "messages", "moderations"})


class CachePlan(msgspec.Struct, frozen=True, gc=False):
    """
    What the caches may do for one request. `fingerprint` is empty when they may do nothing; `reason` then says why.

    `is_coalesced`: identical requests in flight share one upstream call.
    """

    fingerprint: bytes = b""
    ttl_s: int = 0
    may_read: bool = False
    may_store: bool = False
    is_coalesced: bool = False
    reason: str = ""

    @property
    def is_cached(self) -> bool:
        return self.may_read or self.may_store


class CachedReply(msgspec.Struct, frozen=True, gc=False):
    """
    A whole answer as it was sent, SSE bytes for a stream. `stored_at_s` is unix time.

    Of a service also its `headers`, and `fresh_s`: how long the upstream lets it be given again, 0 for as long as we like.
    """

    body: bytes
    content_type: bytes
    is_stream: bool
    stored_at_s: float
    headers: tuple[tuple[bytes, bytes], ...] = ()
    fresh_s: int = 0


_ROUTE_DOES_NOT_CACHE = CachePlan(reason="the route does not cache")


class ReplyCache(Protocol):
    """Where answers lie. Never raises: a cache that fails is a miss."""

    async def find(self, plan: CachePlan, workspace_id: str) -> CachedReply | None: ...

    def put(self, plan: CachePlan, workspace_id: str, reply: CachedReply) -> None:
        """Keep an answer for `plan.ttl_s`. Cost: none that a request waits for."""


def plan_cache(
    principal: Principal, request: ModelRequest, route: Route, policy_version: str, control: CacheControl, passed_headers: Headers
) -> CachePlan:
    """
    Decide what the caches may do for this request.

    Cost: one hash over the body, and only on routes that cache or coalesce.
    """
    if not route.exact_cache_ttl_s and not route.is_coalesced:
        return _ROUTE_DOES_NOT_CACHE
    if request.operation not in _CACHEABLE:
        return CachePlan(reason="this endpoint is not cached")
    is_allowed = request.is_deterministic or route.is_sampled_cacheable
    is_cached = bool(route.exact_cache_ttl_s) and is_allowed
    if not is_cached and not route.is_coalesced:
        return CachePlan(reason="the request is sampled: its temperature is not 0")
    return CachePlan(
        fingerprint=fingerprint(principal.workspace_id, request, policy_version, passed_headers),
        ttl_s=route.exact_cache_ttl_s,
        may_read=is_cached and control in {"", "only-if-cached"},
        may_store=is_cached and control != "no-store",
        is_coalesced=control in {"", "only-if-cached"} and (route.is_coalesced or is_cached),
        reason="" if is_cached else "the request is sampled: its temperature is not 0",
    )


async def look_up(plan: CachePlan, workspace_id: str, cache: ReplyCache | None) -> CachedReply | None:
    """Return the cached answer, None when the request must be forwarded."""
    if cache is None or not plan.may_read:
        return None
    reply = await cache.find(plan, workspace_id)
    (_misses if reply is None else _hits).inc()
    return reply
