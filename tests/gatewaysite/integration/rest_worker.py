"""A worker's REST side with everything real but its keys: door, Redis, Django in threads, PostgreSQL, on an event loop of its own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings

from apikeys.public import Workspace
from gatewaysite.django_threads import DjangoThreads
from proxy.adapters.redis_connection import RedisAddress, RedisConnection
from proxy.adapters.rest_answers import RedisAnswers
from proxy.adapters.rest_versions import Versions
from proxy.edge import Edge, FrontDoor
from proxy.lifecycle import Lifecycle
from proxy.request_log import RequestLog
from proxy.rest_door.answers import AnswerCache
from proxy.rest_door.door import RestDoor
from proxy.testing import create_bench, create_principal
from tests.proxy.asgi_help import Talk, open_talk
from tests.proxy.integration.worker_help import PATIENCE_S, LoopThread, loop_thread

ALL = ("usage", "keys", "items_read", "items_write", "signals_read", "signals_write")


class RestWorker:
    """Talk to it from its own loop (`get`) or from the test's thread (`fetch`)."""

    def __init__(self, thread: LoopThread, workspace: Workspace, permissions: tuple[str, ...] = ALL, slow_total_ms: float = 1e9) -> None:
        self.thread = thread
        self._workspace = workspace
        self._permissions = permissions
        self._slow_total_ms = slow_total_ms
        self._log = os.memfd_create("request-log")

    async def start(self) -> None:
        self.bench = create_bench(create_principal(workspace_id=str(self._workspace.pk), permissions=self._permissions))
        self.redis = RedisConnection(RedisAddress.parse(settings.REDIS_URL), timeout_s=PATIENCE_S)
        await self.redis.start()
        self.slots = asyncio.Semaphore(2)
        self.django = DjangoThreads(self.slots, threads_count=2)
        request_log = RequestLog(slow_overhead_ms=1e9, slow_total_ms=self._slow_total_ms, descriptor=self._log)
        self.request_log = request_log
        front = FrontDoor(self.bench.gateway, Edge(1_000_000, PATIENCE_S, 1000), Lifecycle(), request_log)
        self.door = RestDoor(front, self.django, Versions(self.redis), AnswerCache(RedisAnswers(self.redis)))

    async def stop(self) -> None:
        await self.door.close()
        await self.django.close()
        await self.redis.stop()
        self.request_log.flush()

    def begin(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Talk:
        where, _, query = path.partition("?")
        pairs = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
        pairs.append((b"authorization", b"Bearer " + self.bench.key))
        if body is not None:
            pairs += [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        return open_talk(self.door, method, where, body, pairs, query=query.encode())

    async def get(self, path: str, **headers: str) -> Talk:
        return await self.begin("GET", path, headers=headers).done(PATIENCE_S)

    def fetch(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Talk:
        async def talk() -> Talk:
            return await self.begin(method, path, body, headers).done(PATIENCE_S)

        return self.thread.run(talk())

    def logged(self) -> bytes:
        async def flush() -> None:
            self.request_log.flush()

        self.thread.run(flush())
        return os.pread(self._log, 1 << 20, 0)

    def close_log(self) -> None:
        os.close(self._log)


@contextmanager
def rest_worker(workspace: Workspace, **options: Any) -> Iterator[RestWorker]:
    with loop_thread() as thread:
        worker = RestWorker(thread, workspace, **options)
        thread.run(worker.start())
        try:
            yield worker
        finally:
            thread.run(worker.stop())
            thread.run(asyncio.sleep(0.15))  # the log's last timer
            worker.close_log()
