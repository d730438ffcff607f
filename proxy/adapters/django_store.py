"""
Where the async data plane meets the ORM: the only place.

Rules: every read runs in a small thread pool of its own and gives its connection back; what the database's drivers raise leaves here
as `StoreUnavailable`, so that an outage is never mistaken for "no such key".
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from django.contrib.postgres.aggregates import ArrayAgg
from django.db import DatabaseError, InterfaceError, connections
from django.db.models import Max, Q, Value
from django.utils import timezone
from psycopg_pool import PoolTimeout

from apikeys.hotpath import Principal
from apikeys.public import ApiKeySecret, KeyChange, KeyChangeCounter
from proxy.adapters.shared_principals import TTL_S
from proxy.adapters.snapshot_builder import build_snapshot
from proxy.errors import StoreUnavailable
from proxy.models import ConfigurationRevision
from proxy.snapshot import Snapshot

_Result = TypeVar("_Result")
_THREADS_COUNT = 4
_COPIES_LIVE = dt.timedelta(seconds=2 * TTL_S)


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened since a worker last asked: the newest revision, the newest number of the key feed, and its changes, oldest first."""

    revision: int
    key_change_number: int
    key_changes: tuple[tuple[int, str], ...]


class DjangoStore:
    """The database behind the ports of the data plane. Errors of all methods: StoreUnavailable."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS_COUNT, thread_name_prefix="store")

    async def find_principal(self, digest: bytes) -> Principal | None:
        """Cost: one query."""
        return await self._run(lambda: _find_principal(digest))

    async def load_snapshot(self) -> Snapshot:
        """Cost: a constant number of queries."""
        return await self._run(build_snapshot)

    async def find_changes(self, after_number: int) -> Changes:
        """Cost: two queries."""
        return await self._run(lambda: _find_changes(after_number))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, read: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, _guarded, read)


def _guarded(read: Callable[[], _Result]) -> _Result:
    try:
        return read()
    except (DatabaseError, InterfaceError, PoolTimeout) as error:
        raise StoreUnavailable from error
    finally:
        connections.close_all()  # gives them back to the pool


def _find_principal(digest: bytes) -> Principal | None:
    now = timezone.now()
    secret = (
        ApiKeySecret.objects.usable()
        .filter(Q(api_key__expires_at=None) | Q(api_key__expires_at__gt=now), digest=digest, api_key__revoked_at=None)
        .filter(api_key__workspace__is_active=True)
        .select_related("api_key__workspace")
        .annotate(
            limit_ids=ArrayAgg("api_key__limits", filter=Q(api_key__limits__isnull=False), default=Value([])),
            as_of=KeyChangeCounter.objects.values("value")[:1],
        )
        .first()
    )
    if secret is None:
        return None
    key = secret.api_key
    ends = [at.timestamp() for at in (secret.expires_at, key.expires_at) if at is not None]
    return Principal(
        key_id=str(key.pk),
        workspace_id=str(key.workspace_id),
        allowed_models=tuple(key.allowed_models),
        allowed_networks=tuple(key.allowed_networks),
        limit_ids=tuple(str(limit_id) for limit_id in secret.limit_ids),  # type: ignore[attr-defined]  # annotated above
        is_keepalive_enabled=key.is_keepalive_enabled,
        expires_at=min(ends) if ends else None,
        as_of=secret.as_of or 0,  # type: ignore[attr-defined]  # annotated above
    )


def _find_changes(after_number: int) -> Changes:
    revision = ConfigurationRevision.objects.aggregate(newest=Max("number"))["newest"] or 0
    changes = KeyChange.objects.filter(number__gt=after_number)
    if not after_number:  # a new worker remembers nothing: only what a shared copy may still be older than matters
        changes = changes.filter(changed_at__gt=timezone.now() - _COPIES_LIVE)
    found = tuple(changes.order_by("number").values_list("number", "subject"))
    return Changes(revision, found[-1][0] if found else after_number, found)
