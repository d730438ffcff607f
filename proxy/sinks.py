"""Sinks that keep what passes: for caches, for idempotency, and for answers that become a part of another one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from proxy.exchange import Headers, Sink

CAPTURED_MAX_BYTES = 4 * 1024 * 1024


def content_type_of(headers: Headers) -> bytes:
    return next((value for name, value in headers if name == b"content-type"), b"application/json")


class CapturingSink:
    """
    Passes everything on to another sink and keeps a copy of it, up to `limit_bytes`.

    `whole_body` is the answer once it was ended, None while it was not, when it was no success, or when it is too large to keep.
    """

    def __init__(self, inner: Sink, limit_bytes: int = CAPTURED_MAX_BYTES) -> None:
        self._inner = inner
        self._limit_bytes = limit_bytes
        self._pieces: list[bytes] = []
        self._size_bytes = 0
        self._is_ended = False
        self.status = 0
        self.headers: Headers = []

    @property
    def is_started(self) -> bool:
        return self._inner.is_started

    @property
    def is_gone(self) -> bool:
        return self._inner.is_gone

    @property
    def content_type(self) -> bytes:
        return content_type_of(self.headers)

    @property
    def whole_body(self) -> bytes | None:
        if not self._is_ended or self.status != 200 or self._size_bytes > self._limit_bytes:
            return None
        return b"".join(self._pieces)

    def watch(self, *, is_cancelling: bool, is_late: bool, on_leave: Callable[[], None] | None = None) -> None:
        self._inner.watch(is_cancelling=is_cancelling, is_late=is_late, on_leave=on_leave)

    def _keep(self, data: bytes) -> None:
        self._size_bytes += len(data)
        if self._size_bytes <= self._limit_bytes:
            self._pieces.append(data)
        else:
            self._pieces.clear()

    async def on_ended(self) -> None:
        """Called when all is known and before the last piece is passed on: what must be done before the client sees it."""

    async def send(self, status: int, headers: Headers, body: bytes) -> None:
        self.status, self.headers = status, list(headers)  # a copy: whoever sends them may add some
        self._keep(body)
        self._is_ended = True
        await self.on_ended()
        await self._inner.send(status, headers, body)

    async def start(self, status: int, headers: Headers) -> None:
        self.status, self.headers = status, list(headers)
        await self._inner.start(status, headers)

    async def write(self, data: bytes) -> None:
        self._keep(data)
        await self._inner.write(data)

    async def end(self, data: bytes = b"") -> None:
        self._keep(data)
        self._is_ended = True
        await self.on_ended()
        await self._inner.end(data)


class CollectingSink:
    """Keeps an answer that goes nowhere by itself. `leave()` is for whoever collects it: nobody wants it any more."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: Headers = []
        self.is_started = False
        self.is_gone = False
        self._pieces: list[bytes] = []
        self._owner: asyncio.Task[Any] | None = None
        self._is_left_running = False

    @property
    def body(self) -> bytes:
        return b"".join(self._pieces)

    def watch(self, *, is_cancelling: bool, is_late: bool, on_leave: Callable[[], None] | None = None) -> None:
        self._owner, self._is_left_running = asyncio.current_task(), not is_cancelling
        if self.is_gone:
            self._cancel()

    def leave(self) -> None:
        """
        Cancel the task that answers, unless its backend reads answers to their end.

        One that does not watch yet has cost nothing and is cancelled when it begins to.
        """
        self.is_gone = True
        self._cancel()

    def _cancel(self) -> None:
        if self._owner is not None and not self._is_left_running:
            self._owner.cancel()

    async def send(self, status: int, headers: Headers, body: bytes) -> None:
        await self.start(status, headers)
        await self.end(body)

    async def start(self, status: int, headers: Headers) -> None:
        self.status, self.headers, self.is_started = status, headers, True

    async def write(self, data: bytes) -> None:
        self._pieces.append(data)

    async def end(self, data: bytes = b"") -> None:
        self._pieces.append(data)
