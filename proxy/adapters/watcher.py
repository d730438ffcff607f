"""
What makes a worker current: it listens to announcements in Redis and asks PostgreSQL every few seconds besides.

Rules: an announcement is a hint to ask now; only the database's answer changes anything, so a lost or forged one does no harm beyond
a query. A failed load keeps the last good snapshot.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

import redis.asyncio as redis_asyncio
import structlog
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from proxy.adapters.announcements import CHANNEL
from proxy.adapters.django_store import DjangoStore
from proxy.adapters.snapshot_vault import SnapshotVault
from proxy.errors import StoreUnavailable
from proxy.key_directory import KeyDirectory
from proxy.snapshot import Snapshot, SnapshotHolder
from proxy.telemetry import SNAPSHOT_REVISION, STORE_UP

log = structlog.get_logger(__name__)

_FIRST_LOAD_S = 1.5  # how long a new worker waits for the database before it serves from the vault
_LISTEN_RETRY_S = 0.5
_LISTEN_TIMEOUT_S = 1.0
_STOP_RETRY_S = 0.05


class Watcher:
    """
    Keep the snapshot and the key directory current.

    Guarantee: a committed change is in use here within the announcement's round trip, and within `poll_s` without announcements, as
    long as the database answers.
    """

    def __init__(
        self,
        store: DjangoStore,
        vault: SnapshotVault,
        holder: SnapshotHolder,
        keys: KeyDirectory,
        *,
        redis_url: str,
        poll_s: float,
        on_snapshot: Callable[[], None] = lambda: None,
        prepare: Callable[[Snapshot], Awaitable[None]] | None = None,
    ) -> None:
        """`prepare` is awaited with a snapshot before it is used."""
        self._store = store
        self._vault = vault
        self._holder = holder
        self._keys = keys
        self._redis_url = redis_url
        self._poll_s = poll_s
        self._on_snapshot = on_snapshot
        self._prepare = prepare
        self._is_preparing = False
        self._seen_number = 0
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.is_database_up = False
        self.checked_at = 0.0

    async def start(self) -> None:
        """Load the configuration from the database, or from the vault while that is away; then keep it current."""
        await self._check_first()
        if self._holder.current is None and (kept := await self._vault.find()) is not None:
            log.warning("snapshot_from_vault", revision=kept.revision)
            await self._use(kept)
            self._seen_number = kept.key_change_number
        self._tasks = [
            asyncio.create_task(self._forever(self._listen), name="watcher-listen"),
            asyncio.create_task(self._forever(self._poll), name="watcher-poll"),
        ]

    async def _check_first(self) -> None:
        """Ask the database, for as long as a new worker waits for it; what it answered is made ready however long that takes."""
        check = asyncio.ensure_future(self._check())
        await asyncio.wait({check}, timeout=_FIRST_LOAD_S)
        if not check.done() and not self._is_preparing:
            check.cancel()
        (outcome,) = await asyncio.gather(check, return_exceptions=True)
        if isinstance(outcome, Exception):
            raise outcome

    async def stop(self) -> None:
        # Once is not enough: redis.asyncio swallows a cancellation that comes while it connects, and listens on for ever.
        while running := [task for task in self._tasks if not task.done()]:
            for task in running:
                task.cancel()
            await asyncio.wait(running, timeout=_STOP_RETRY_S)

    async def _forever(self, step: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await step()
            except (RedisError, OSError) as error:
                log.debug("announcements_lost", reason=type(error).__name__)
                self._wake.set()
                await asyncio.sleep(_LISTEN_RETRY_S)
            except Exception:
                log.exception("watcher_failed")
                await asyncio.sleep(_LISTEN_RETRY_S)

    async def _poll(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), timeout=self._poll_s)
        self._wake.clear()
        await self._check()

    async def _listen(self) -> None:
        client = redis_asyncio.Redis.from_url(
            self._redis_url, socket_connect_timeout=_LISTEN_TIMEOUT_S, retry=Retry(NoBackoff(), 0), health_check_interval=5
        )
        try:
            async with client.pubsub(ignore_subscribe_messages=True) as pubsub:
                await pubsub.subscribe(CHANNEL)
                self._wake.set()  # whatever was announced while nobody listened
                async for _ in pubsub.listen():
                    self._wake.set()
        finally:
            await client.aclose()

    async def _check(self) -> None:
        """Ask the database what changed, and take it over."""
        try:
            changes = await self._store.find_changes(self._seen_number)
            for number, subject in changes.key_changes:
                self._keys.apply_change(subject, number)
            self._seen_number = changes.key_change_number
            if self._holder.current is None or changes.revision != self._holder.current.revision:
                await self._load()
        except StoreUnavailable as error:
            self._note_database(False, error.__cause__)
        else:
            self._note_database(True, None)
            self.checked_at = time.time()

    async def _load(self) -> None:
        snapshot = await self._store.load_snapshot()
        await self._use(snapshot)
        await self._vault.keep(snapshot)

    async def _use(self, snapshot: Snapshot) -> None:
        if self._prepare is not None:
            self._is_preparing = True
            try:
                await self._prepare(snapshot)
            finally:
                self._is_preparing = False
        self._holder.current = snapshot
        SNAPSHOT_REVISION.set(snapshot.revision)
        self._on_snapshot()
        log.info("snapshot_loaded", revision=snapshot.revision, routes_count=len(snapshot.routes))

    def _note_database(self, is_up: bool, reason: BaseException | None) -> None:
        if is_up != self.is_database_up:
            self.is_database_up = is_up
            if is_up:
                log.info("database_available")
            else:
                log.error("database_unavailable", reason=type(reason).__name__)
        STORE_UP.labels("postgresql").set(is_up)
