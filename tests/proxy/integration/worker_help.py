"""What a worker runs beside its requests, on an event loop in a thread of its own, so that a test can change rows meanwhile."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from django.conf import settings

from apikeys.hotpath import Principal, digest_key
from common.aead import KeyRing
from common.secret import Secret
from proxy.adapters import announcements
from proxy.adapters.django_store import DjangoStore
from proxy.adapters.redis_connection import RedisAddress, RedisConnection
from proxy.adapters.shared_principals import RedisPrincipals
from proxy.adapters.snapshot_vault import SnapshotVault
from proxy.adapters.watcher import Watcher
from proxy.key_directory import KeyDirectory
from proxy.snapshot import Snapshot, SnapshotHolder

PATIENCE_S = 30.0  # a busy machine; nothing that waits this long is expected to take long
PROMPTLY_S = 3.0  # where a second is promised: several suites may share the machine's two cores
_Result = TypeVar("_Result")


def wait_for(is_true: Callable[[], Any], within_s: float = PATIENCE_S) -> Any:
    """Return the first true value of `is_true()`. Errors: AssertionError."""
    deadline = time.monotonic() + within_s
    while not (value := is_true()):
        assert time.monotonic() < deadline, f"waited {within_s} s in vain"
        time.sleep(0.01)
    return value


@contextmanager
def patient_announcements() -> Iterator[None]:
    """Announce with more patience than the real thing: on a slow machine it would give up, and a worker hear of the change by its poll."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(announcements, "_TIMEOUT_S", PATIENCE_S)
        announcements._client.cache_clear()
        yield
        announcements._client(settings.REDIS_URL).close()
        announcements._client.cache_clear()


class LoopThread:
    """An event loop that runs beside the test."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)

    def stop(self) -> None:
        self.run(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@contextmanager
def loop_thread() -> Iterator[LoopThread]:
    thread = LoopThread()
    try:
        yield thread
    finally:
        thread.stop()


class Worker:
    """A watcher with all it keeps current. `redis_url` is where it listens and keeps copies."""

    def __init__(self, thread: LoopThread, folder: Path, *, redis_url: str = "", poll_s: float = 60.0) -> None:
        self._thread = thread
        self.snapshot_file = folder / "snapshot.bin"
        self.holder = SnapshotHolder()
        self.is_ready = False
        url = redis_url or os.environ["REDIS_URL"]
        thread.run(self._make(url, poll_s))

    async def _make(self, url: str, poll_s: float) -> None:
        self.redis = RedisConnection(RedisAddress.parse(url), timeout_s=5.0)
        self.store = DjangoStore()
        self.keys = KeyDirectory(self.store, RedisPrincipals(self.redis))
        vault = SnapshotVault(self.snapshot_file, self.redis, KeyRing({"k1": bytes(32)}))
        self.watcher = Watcher(self.store, vault, self.holder, self.keys, redis_url=url, poll_s=poll_s, on_snapshot=self._note_ready)

    def _note_ready(self) -> None:
        self.is_ready = True

    def start(self) -> None:
        self._thread.run(self._start())

    async def _start(self) -> None:
        await self.redis.start()
        await self.watcher.start()

    def stop(self) -> None:
        self._thread.run(self._stop())

    async def _stop(self) -> None:
        await self.watcher.stop()
        await self.redis.stop()
        self.store.close()

    @property
    def snapshot(self) -> Snapshot:
        assert self.holder.current is not None
        return self.holder.current

    def find(self, secret: Secret) -> Principal | None:
        """Look a key up as a request does."""
        return self._thread.run(self.keys.find(digest_key(settings.GATEWAY_KEY_PEPPER.encode(), secret.reveal().encode())))

    def call(self, work: Callable[[], Awaitable[_Result]]) -> _Result:
        async def run() -> _Result:
            return await work()

        return self._thread.run(run())


@contextmanager
def running_worker(thread: LoopThread, folder: Path, **options: Any) -> Iterator[Worker]:
    worker = Worker(thread, folder, **options)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()
