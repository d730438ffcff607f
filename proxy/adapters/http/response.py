"""
The answer of one exchange: its head, the bytes that wait to be read, and the deadline of whoever waits for more.

Rules: it outlives its connection, which may serve the next exchange as soon as the message is complete; bytes that arrived are
handed out before the failure that followed them.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

from proxy.ports import Headers, Timeouts, UpstreamFailure

if TYPE_CHECKING:
    from proxy.adapters.http.connection import Connection

TimerName = Literal["first_token", "idle", "total"]


class Response:
    """
    Implements `proxy.ports.UpstreamResponse`; made by `Connection.exchange` only.

    A cancelled `read` closes the upstream connection. The idle timer runs only while somebody waits in `read`: a slow reader
    is not the upstream's fault.
    """

    __slots__ = (
        "chunks",
        "connection",
        "failure",
        "first_token_at",
        "first_token_s",
        "headers",
        "idle_s",
        "is_started",
        "size_bytes",
        "status",
        "total_at",
        "wait_until",
        "waiter",
    )

    def __init__(self, connection: Connection, timeouts: Timeouts, now: float, total_at: float) -> None:
        self.status = 0
        self.headers: Headers = ()
        self.connection: Connection | None = connection
        """The connection while the message is incomplete, None once it is complete, failed or given up."""
        self.chunks: list[bytes] = connection.chunks
        self.size_bytes = 0
        self.failure: Exception | None = None
        """What ended it: an `UpstreamFailure`, or what the streamed body of the request raised."""
        self.waiter: asyncio.Future[None] | None = None
        self.is_started = False
        self.idle_s = timeouts.idle_s
        self.first_token_s = timeouts.first_token_s
        self.first_token_at = now + timeouts.first_token_s
        self.total_at = total_at
        self.wait_until = self.first_token_at

    def mark_started(self) -> None:
        self.is_started = True

    async def read(self) -> bytes:
        if not self.chunks and self.connection is not None:
            await self._wait(self.connection)
        # Looked up again: a connection that went back to the pool left the rest here in a list of our own.
        chunks = self.chunks
        if chunks:
            data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
            chunks.clear()
            self.size_bytes = 0
            if self.connection is not None and self.connection.is_read_paused:
                self.connection.resume()
            return data
        if self.failure is not None:
            raise self.failure
        return b""

    async def read_all(self, limit_bytes: int) -> bytes:
        parts: list[bytes] = []
        total_bytes = 0
        while part := await self.read():
            self.is_started = True  # without a stream the first byte of the body is the first content
            total_bytes += len(part)
            if total_bytes > limit_bytes:
                self.abort()
                raise UpstreamFailure("body", "too_large", is_sent=True, detail=f"more than {limit_bytes} bytes")
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def abort(self) -> None:
        if self.connection is not None:
            self.connection.fail("reset", "closed by the gateway")

    async def _wait(self, connection: Connection) -> None:
        if self.waiter is not None:
            raise RuntimeError("a response has one reader")
        self.waiter = connection.loop.create_future()
        self.wait_until = connection.loop.time() + self.idle_s if self.is_started else self.first_token_at
        connection.watch(self.due_at())
        try:
            await self.waiter
        except BaseException:
            self.abort()
            raise
        finally:
            self.waiter = None

    # What follows is for the connection.

    def due_at(self) -> float:
        """Return when the next timer ends: while nobody waits only the total one runs."""
        return min(self.wait_until, self.total_at) if self._is_waiting() else self.total_at

    def timer_name(self, *, is_sending: bool) -> TimerName:
        """Name the timer behind `due_at`."""
        if self.total_at <= self.wait_until or not self._is_waiting():
            return "total"
        return "idle" if self.is_started or is_sending else "first_token"

    def _is_waiting(self) -> bool:
        return self.waiter is not None and not self.waiter.done()

    def wake(self) -> None:
        waiter = self.waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def detach(self, failure: Exception | None) -> None:
        """Let go of the connection: the message is complete, or `failure` says why it never will be."""
        connection = self.connection
        if connection is not None:
            self.connection = None
            self.failure = failure
            self.chunks = connection.chunks.copy()
            connection.chunks.clear()
            self.wake()
