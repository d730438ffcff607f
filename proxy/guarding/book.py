"""
The published policies of the configuration, compiled, and which of them hold for a request.

Rules: compiled off the event loop and once for each version; a request never waits for it but the first that needs a new combination.
A policy that cannot be compiled stops the requests it holds for: what could not be looked at has not passed.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import structlog

from apikeys.hotpath import Principal
from proxy.errors import Overloaded
from proxy.exchange import Exchange
from proxy.guarding.active import ActivePolicy, Ports
from proxy.guarding.call import PolicyCall
from proxy.snapshot import PublishedPolicy, Snapshot
from proxy.stages.guard import GuardedCall

log = structlog.get_logger(__name__)

_SETS_MAX_COUNT = 20_000
_ROUTES: Final = {
    "chat": "/v1/chat/completions",
    "completions": "/v1/completions",
    "embeddings": "/v1/embeddings",
    "responses": "/v1/responses",
    "messages": "/v1/messages",
    "count_tokens": "/v1/messages/count_tokens",
    "moderations": "/v1/moderations",
}
"""Where each endpoint is asked for by itself: a WebSocket is no way around a policy of the path."""

_Key = tuple[str, frozenset[str]]
_Routes = tuple[str, str]


class ActiveSet:
    """The policies of some requests, the most specific first. `version` stands for all of them."""

    __slots__ = ("policies", "version")

    def __init__(self, policies: tuple[ActivePolicy, ...]) -> None:
        self.policies = policies
        self.version = ",".join(f"{policy.digest}" for policy in policies)


class PolicyBook:
    """
    The `Guardrails` of a worker.

    Cost: without a policy 0.1 us a request, else one look-up.
    Guarantee: a request sees the versions of its own snapshot.
    """

    def __init__(self, cache_folder: Path | None, ports: Ports | None = None) -> None:
        self._cache_folder = cache_folder
        self._ports = ports or Ports()
        self._compiled: dict[_Key, asyncio.Future[ActivePolicy]] = {}
        self._sets: OrderedDict[tuple[str, _Routes, str], ActiveSet] = OrderedDict()
        self._snapshot: Snapshot | None = None
        self._executor = ThreadPoolExecutor(1, "guardrails-compile")

    async def prepare(self, snapshot: Snapshot) -> None:
        """Compile what the snapshot has and this worker has not. Errors: none; a failure is logged and told to the requests it concerns."""
        for published in snapshot.policies:
            try:
                await self._compile(published, frozenset())
            except Exception as error:
                log.error("policy_not_compiled", policy=published.name, version=published.version, reason=str(error))
        wanted = {published.digest for published in snapshot.policies}
        for key in [key for key in self._compiled if key[0] not in wanted]:
            del self._compiled[key]

    async def open(self, snapshot: Snapshot, principal: Principal, exchange: Exchange, model: str) -> GuardedCall | None:
        if not snapshot.policies:
            return None
        if snapshot is not self._snapshot:
            self._sets.clear()
            self._snapshot = snapshot
        routes = (exchange.route, _ROUTES.get(exchange.endpoint, exchange.route))
        found = await self._set_of(snapshot, principal, routes, model)

        async def policies_of(other: str) -> tuple[ActivePolicy, ...]:
            return (await self._set_of(snapshot, principal, routes, other)).policies

        return PolicyCall(found.policies, found.version, principal, exchange, policies_of) if found.policies else None

    def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def _set_of(self, snapshot: Snapshot, principal: Principal, routes: _Routes, model: str) -> ActiveSet:
        key = (principal.key_id, routes, model)
        found = self._sets.get(key) if snapshot is self._snapshot else None
        if found is None:
            found = await self._find(snapshot, principal, routes, model)
            if snapshot is not self._snapshot:
                return found  # another one came while the policies were compiled: what it made of them is not for its requests
            self._sets[key] = found
            if len(self._sets) > _SETS_MAX_COUNT:
                self._sets.popitem(last=False)
        return found

    async def _find(self, snapshot: Snapshot, principal: Principal, routes: _Routes, model: str) -> ActiveSet:
        names = _names_of(model, snapshot)
        holding = [
            each
            for each in snapshot.policies
            if any(each.holds_for(principal.workspace_id, principal.key_id, name, route) for name in names for route in routes)
        ]
        holding.sort(key=lambda each: each.specificity_for(principal.key_id), reverse=True)
        active: list[ActivePolicy] = []
        seen: set[str] = set()  # by policies that are more specific, and not as much so
        beside: set[str] = set()
        specificity = -1
        for published in holding:
            if published.specificity_for(principal.key_id) != specificity:
                specificity = published.specificity_for(principal.key_id)
                seen |= beside
            try:
                whole = await self._compile(published, frozenset())
                left_out = frozenset(seen & set(whole.rules_by_name))
                active.append(await self._compile(published, left_out) if left_out else whole)
            except Exception as error:
                log.error("policy_not_compiled", policy=published.name, version=published.version, reason=str(error))
                raise Overloaded(
                    f"The guardrail policy {published.name!r} is not ready. Tell the gateway's admin.", retry_after_s=5
                ) from error
            beside |= whole.winning_names
        return ActiveSet(tuple(active))

    async def _compile(self, published: PublishedPolicy, left_out: frozenset[str]) -> ActivePolicy:
        """Return the policy, compiled by whoever asked first."""
        key = (published.digest, left_out)
        future = self._compiled.get(key)
        if future is None or (future.done() and (future.cancelled() or future.exception() is not None)):
            loop = asyncio.get_running_loop()
            future = loop.run_in_executor(self._executor, ActivePolicy, published, self._cache_folder, self._ports, left_out)
            self._compiled[key] = future
        return await asyncio.shield(future)


def _names_of(model: str, snapshot: Snapshot) -> set[str]:
    """Return what a model goes by: an alias is no way around a policy of the model."""
    found = snapshot.find_route(model)
    return {model} if found is None or found.model.endswith("*") else {model, found.model}
