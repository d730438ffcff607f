"""A Valkey of a test's own, which may be stopped, continued, killed and started again."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gatewaysite.services.paths import DataDir
from gatewaysite.services.valkey import Valkey
from proxy.adapters.redis_connection import RedisAddress

PATIENCE_S = 30.0  # a busy machine; nothing here is expected to take long


class OwnValkey:
    """One server on a Unix socket."""

    def __init__(self, folder: Path) -> None:
        self._data_dir = DataDir(folder / "data")
        self._data_dir.create()
        self._server = Valkey(self._data_dir)

    @property
    def url(self) -> str:
        return f"unix://{self._data_dir.valkey_socket}"

    @property
    def address(self) -> RedisAddress:
        return RedisAddress.parse(self.url)

    def start(self) -> None:
        self._server.launch(fsync=False)
        self._server.wait_ready()

    def pause(self) -> None:
        """Hold it: it neither answers nor closes anything."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)
        self._server.stop()

    def stop(self) -> None:
        if self._server.pid is not None:
            self.resume()
        self._server.stop()

    def _signal(self, number: signal.Signals) -> None:
        assert self._server.pid is not None
        os.kill(self._server.pid, number)


@contextmanager
def own_valkey(folder: Path) -> Iterator[OwnValkey]:
    server = OwnValkey(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


async def eventually(is_true: Callable[[], object], within_s: float = PATIENCE_S) -> float:
    """Wait until `is_true()`; return how many seconds that took. Errors: AssertionError."""
    started_at = time.monotonic()
    while not is_true():
        assert time.monotonic() - started_at < within_s, "waited in vain"
        await asyncio.sleep(0.005)
    return time.monotonic() - started_at
