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

from django.db import DatabaseError, InterfaceError, connections
from django.db.models import Max
from django.utils import timezone
from psycopg_pool import PoolTimeout

from apikeys.hotpath import Principal
from apikeys.public import KeyChange
from apikeys.public import find_principal as _find_principal
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

    async def run(self, read: Callable[[], _Result]) -> _Result:
        """Run a read of another adapter in one of this store's threads."""
        return await self._run(read)

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


def _find_changes(after_number: int) -> Changes:
    revision = ConfigurationRevision.objects.aggregate(newest=Max("number"))["newest"] or 0
    changes = KeyChange.objects.filter(number__gt=after_number)
    if not after_number:  # a new worker remembers nothing: only what a shared copy may still be older than matters
        changes = changes.filter(changed_at__gt=timezone.now() - _COPIES_LIVE)
    found = tuple(changes.order_by("number").values_list("number", "subject"))
    return Changes(revision, found[-1][0] if found else after_number, found)
