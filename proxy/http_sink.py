"""One HTTP request's way in and out, over ASGI."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, MutableMapping
from functools import partial
from typing import Any, Final, cast

from proxy.asgi_types import Receive, Send
from proxy.errors import BodyTimeout, ClientGone, RequestTooLarge
from proxy.exchange import Headers
from proxy.telemetry import ACTIVE_STREAMS

_LATE_S = 0.05
TAKE_BODY: Final = "gateway.take_body"
"""The key of an ASGI scope under which our server offers a function that returns the whole body, None while it is not there."""


class HttpSink:
    """
    The `Sink` of an HTTP response, and the reader of its request's body.

    Guarantee: one response, ended once; after the client has left nothing is written and nothing raises.
    """

    __slots__ = (
        "_is_body_late",
        "_is_closing",
        "_is_ended",
        "_is_reading",
        "_is_stream",
        "_late_timer",
        "_receive",
        "_send",
        "_take_body",
        "_watch_later",
        "_watcher",
        "is_gone",
        "is_started",
        "status",
    )

    def __init__(self, receive: Receive, send: Send, take_body: Callable[[], bytes | None] | None = None) -> None:
        """`take_body`: our own server's, see `gatewaysite/server/cycle.py`; any other's body is received in messages."""
        self._take_body = take_body
        self._receive = receive
        self._send = send
        self._watcher: asyncio.Task[None] | None = None
        self._late_timer: asyncio.TimerHandle | None = None
        self._watch_later: Callable[[], None] | None = None
        self._is_reading = False
        self._is_body_late = False
        self._is_closing = False
        self._is_ended = False
        self._is_stream = False
        self.is_started = False
        self.is_gone = False
        self.status = 0

    async def read_body(self, limit_bytes: int, timeout_s: float) -> bytes:
        """Errors: RequestTooLarge, BodyTimeout, ClientGone. Cost: no timer for a body that came with its head."""
        if self._take_body is not None and (body := self._take_body()) is not None:
            self._check_size(len(body), limit_bytes)
            return body
        reader = asyncio.current_task()
        timer = asyncio.get_running_loop().call_later(timeout_s, self._give_up_body, reader)
        try:
            return await self._read_body(limit_bytes)
        except asyncio.CancelledError:
            if not self._is_body_late:
                raise
            self.close_after()
            raise BodyTimeout from None
        finally:
            timer.cancel()

    def _give_up_body(self, reader: asyncio.Task[Any] | None) -> None:
        self._is_body_late = True
        if reader is not None:
            reader.cancel()

    async def _read_body(self, limit_bytes: int) -> bytes:
        pieces: list[bytes] = []
        size = 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self.is_gone = True
                raise ClientGone
            pieces.append(message.get("body", b""))
            size += len(pieces[-1])
            self._check_size(size, limit_bytes)
            if not message.get("more_body"):
                return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _check_size(self, size_bytes: int, limit_bytes: int) -> None:
        if size_bytes > limit_bytes:
            self.close_after()
            raise RequestTooLarge(f"The request body is larger than {limit_bytes} bytes.")

    def iter_body(self, limit_bytes: int, idle_timeout_s: float = 30.0) -> AsyncIterator[bytes]:
        """
        Yield the body piece by piece as it arrives, for whoever passes it on.

        Until it ends nobody else watches the client, because a watcher would take the pieces: call this before `watch`, which then
        begins at the end of the body.
        Units: `idle_timeout_s` bounds each wait for a piece.
        Errors: RequestTooLarge instead of the piece that exceeds the limit; BodyTimeout; ClientGone.
        Guarantee: a body that was not read to its end closes the connection after the answer.
        """
        self._is_reading = True
        return self._iter_body(limit_bytes, idle_timeout_s)

    async def _iter_body(self, limit_bytes: int, idle_timeout_s: float) -> AsyncIterator[bytes]:
        size = 0
        try:
            while self._is_reading:
                message = await self._receive_within(idle_timeout_s)
                if message["type"] == "http.disconnect":
                    self.is_gone = True
                    raise ClientGone
                piece = message.get("body", b"")
                size += len(piece)
                if size > limit_bytes:
                    raise RequestTooLarge(f"The request body is larger than {limit_bytes} bytes.")
                if not message.get("more_body"):
                    self._end_reading()
                if piece:
                    yield piece
        finally:
            if self._is_reading:
                self.close_after()
                self._end_reading()

    async def _receive_within(self, timeout_s: float) -> MutableMapping[str, Any]:
        try:
            async with asyncio.timeout(timeout_s):
                return await self._receive()
        except TimeoutError:
            raise BodyTimeout from None

    def _end_reading(self) -> None:
        self._is_reading = False
        begin, self._watch_later = self._watch_later, None
        if begin is not None and not self.is_gone:
            begin()

    def close_after(self) -> None:
        """Close the connection after this answer."""
        self._is_closing = True

    def watch(self, *, is_cancelling: bool, is_late: bool, on_leave: Callable[[], None] | None = None) -> None:
        if on_leave is None and is_cancelling and (owner := asyncio.current_task()) is not None:
            on_leave = cast("Callable[[], None]", owner.cancel)
        loop = asyncio.get_running_loop()
        if is_late:
            self._late_timer = loop.call_later(_LATE_S, self._start_watcher, on_leave)
        else:
            self._start_watcher(on_leave)

    def _start_watcher(self, on_leave: Callable[[], None] | None) -> None:
        if self._is_reading:
            self._watch_later = partial(self._start_watcher, on_leave)
            return
        self._watcher = asyncio.get_running_loop().create_task(self._watch(on_leave))

    async def _watch(self, on_leave: Callable[[], None] | None) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.is_gone = True
        if on_leave is not None:
            on_leave()

    def stop_watching(self) -> None:
        self._watch_later = None
        if self._late_timer is not None:
            self._late_timer.cancel()
            self._late_timer = None
        if self._watcher is not None:
            self._watcher.cancel()
            self._watcher = None

    def close(self) -> None:
        """Let go of everything. A stream that was not ended, because its client left, counts no longer."""
        self.stop_watching()
        if self._is_stream and not self._is_ended:
            self._is_ended = True
            ACTIVE_STREAMS.dec()

    async def send(self, status: int, headers: Headers, body: bytes) -> None:
        self.stop_watching()  # or the end of our own answer looks like the client's leaving
        if self.is_gone or self.is_started:
            return
        self.is_started = self._is_ended = True
        self.status = status
        headers.append((b"content-length", b"%d" % len(body)))
        await self._send({"type": "http.response.start", "status": status, "headers": self._closing(headers)})
        await self._send({"type": "http.response.body", "body": body})

    async def start(self, status: int, headers: Headers) -> None:
        if self.is_gone or self.is_started:
            return
        self.is_started = self._is_stream = True
        self.status = status
        ACTIVE_STREAMS.inc()
        await self._send({"type": "http.response.start", "status": status, "headers": self._closing(headers)})

    async def write(self, data: bytes) -> None:
        if not self.is_gone and not self._is_ended:
            await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self, data: bytes = b"") -> None:
        self.stop_watching()
        if self._is_ended:
            return
        self._is_ended = True
        if self._is_stream:
            ACTIVE_STREAMS.dec()
        if not self.is_gone:
            await self._send({"type": "http.response.body", "body": data})

    def _closing(self, headers: Headers) -> Headers:
        if self._is_closing:
            headers.append((b"connection", b"close"))
        return headers
