"""
Who stands behind a key: remembered in the worker (level 1), shared in Redis (level 2), known to the database.

Rules: bounded, whatever is asked for; many requests with one unknown key cost one look-up; what the change feed says changed is
forgotten at once and cannot come back from an older copy (`as_of`).
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from apikeys.hotpath import Principal
from proxy.errors import StoreUnavailable

_CHANGES_MAX_COUNT = 10_000
_LOOK_UPS_MAX_COUNT = 16
_LOOK_UP_TIMEOUT_S = 5.0
_READS_MAX_COUNT = 2


class PrincipalStore(Protocol):
    """The database's view of keys."""

    async def find_principal(self, digest: bytes) -> Principal | None:
        """Cost: at most two queries. Errors: StoreUnavailable."""


class SharedPrincipals(Protocol):
    """What other workers already looked up. Never fails: away means unknown."""

    async def find(self, digest: bytes) -> Principal | None: ...

    async def put(self, digest: bytes, principal: Principal) -> None: ...


class KeyDirectory:
    """
    Find the principal of a key's digest.

    Cost: a warm key no await; a cold one one round trip to Redis, then at most two queries.
    Guarantee: memory is bounded by `max_count` known and `max_count` unknown keys.
    """

    def __init__(
        self,
        store: PrincipalStore,
        shared: SharedPrincipals,
        *,
        max_count: int = 10_000,
        ttl_s: float = 300.0,
        negative_ttl_s: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
        on_lookup: Callable[[bool], None] = lambda is_hit: None,
    ) -> None:
        self._store = store
        self._shared = shared
        self._max_count = max_count
        self._ttl_s = ttl_s
        self._negative_ttl_s = negative_ttl_s
        self._clock = clock
        self._on_lookup = on_lookup
        self._known: OrderedDict[bytes, tuple[Principal, float]] = OrderedDict()
        self._unknown: OrderedDict[bytes, float] = OrderedDict()
        self._digests: dict[str, set[bytes]] = {}
        self._in_flight: dict[bytes, asyncio.Task[Principal | None]] = {}
        self._changes: OrderedDict[str, int] = OrderedDict()
        self._changes_count = 0
        self._forgotten_before = 0
        self._look_ups = asyncio.Semaphore(_LOOK_UPS_MAX_COUNT)

    def remembered(self, digest: bytes) -> Principal | None:
        """Return the principal of a warm key, None for any other."""
        entry = self._known.get(digest)
        if entry is None:
            return None
        if entry[1] <= self._clock():
            self._forget(digest)
            return None
        self._known.move_to_end(digest)
        self._on_lookup(True)
        return entry[0]

    async def find(self, digest: bytes) -> Principal | None:
        """Return who a key is, None when nobody. Errors: StoreUnavailable."""
        principal = self.remembered(digest)
        if principal is not None:
            return principal
        if (until := self._unknown.get(digest)) is not None:
            if until > self._clock():
                self._on_lookup(True)
                return None
            del self._unknown[digest]
        self._on_lookup(False)
        task = self._in_flight.get(digest)
        if task is None:
            task = self._in_flight[digest] = asyncio.create_task(self._look_up(digest))
            task.add_done_callback(lambda _: self._in_flight.pop(digest, None))
        return await asyncio.shield(task)  # one caller that leaves does not take the answer from the others

    async def _look_up(self, digest: bytes) -> Principal | None:
        principal = await self._shared.find(digest)
        if principal is not None and not self._is_stale(principal):
            self._remember(digest, principal)
            return principal
        try:
            async with asyncio.timeout(_LOOK_UP_TIMEOUT_S), self._look_ups:
                principal = await self._read(digest)
        except TimeoutError as error:
            raise StoreUnavailable from error
        if principal is not None and not self._is_stale(principal):
            self._remember(digest, principal)
            await self._shared.put(digest, principal)
        return principal

    async def _read(self, digest: bytes) -> Principal | None:
        """Ask the database; once more when a change arrived meanwhile that the answer does not know."""
        principal: Principal | None = None
        for _ in range(_READS_MAX_COUNT):
            changes_count = self._changes_count
            principal = await self._store.find_principal(digest)
            if principal is None:
                if changes_count == self._changes_count:
                    self._remember_unknown(digest)
                return None
            if not self._is_stale(principal):
                break
        return principal

    def apply_change(self, subject: str, number: int) -> None:
        """
        Forget what the feed says changed; copies read before `number` are refused from now on.

        All unknown keys are asked for again: which of them the change brought to life cannot be told from a digest.
        """
        self._unknown.clear()
        self._changes_count += 1
        self._changes[subject] = max(number, self._changes.get(subject, 0))
        self._changes.move_to_end(subject)
        if len(self._changes) > _CHANGES_MAX_COUNT:
            _, dropped = self._changes.popitem(last=False)
            self._forgotten_before = max(self._forgotten_before, dropped)
        kind, _, identifier = subject.partition(":")
        if kind == "key":
            digests = list(self._digests.get(identifier, ()))
        else:
            digests = [digest for digest, (principal, _) in self._known.items() if principal.workspace_id == identifier]
        for digest in digests:
            self._forget(digest)

    def _is_stale(self, principal: Principal) -> bool:
        changed = max(
            self._changes.get(f"key:{principal.key_id}", 0),
            self._changes.get(f"workspace:{principal.workspace_id}", 0),
            self._forgotten_before,
        )
        return principal.as_of < changed

    def _remember(self, digest: bytes, principal: Principal) -> None:
        self._known[digest] = (principal, self._clock() + self._ttl_s)
        self._known.move_to_end(digest)
        self._digests.setdefault(principal.key_id, set()).add(digest)
        while len(self._known) > self._max_count:
            self._forget(next(iter(self._known)))

    def _remember_unknown(self, digest: bytes) -> None:
        self._unknown[digest] = self._clock() + self._negative_ttl_s
        if len(self._unknown) > self._max_count:
            self._unknown.popitem(last=False)

    def _forget(self, digest: bytes) -> None:
        entry = self._known.pop(digest, None)
        if entry is None:
            return
        digests = self._digests.get(entry[0].key_id)
        if digests is not None:
            digests.discard(digest)
            if not digests:
                del self._digests[entry[0].key_id]

    def __len__(self) -> int:
        return len(self._known)
