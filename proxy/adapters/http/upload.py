"""
A request body that is sent piece by piece, as its iterator gives it.

Rules: one piece is asked for when the transport has taken the one before; never a byte more than the length that was announced; the
iterator is closed when the sending ends, however it ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.adapters.http.connection import Connection
    from proxy.adapters.http.response import Response

_SLICE_BYTES = 128 * 1024
_CLOSING_S = 1.0
_NEVER = float("inf")


class Upload:
    """
    The sending of one streamed body: a task that lives as long as the exchange needs it. `Connection` starts and stops it.

    `length_bytes` None sends chunks. What the iterator raises ends the exchange and reaches whoever waits for the answer, as it is.
    """

    __slots__ = ("_body", "_is_stopped", "_left_bytes", "_room", "_task", "is_sent", "is_starved")

    def __init__(self, body: AsyncIterator[bytes], length_bytes: int | None) -> None:
        self._body = body
        self._left_bytes = length_bytes
        self._task: asyncio.Task[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._is_stopped = False
        self.is_sent = False
        """Whether the transport has all of it; its iterator may still have to say that it ends."""
        self.is_starved = True
        """Whether the iterator is waited for: then the upstream is not to blame, and only the total timer runs."""

    def start(self, connection: Connection, response: Response) -> None:
        response.wait_until = response.first_token_at = _NEVER
        self._task = connection.loop.create_task(self._run(connection, response))

    def resume(self) -> None:
        """Go on: the transport takes more."""
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    def stop(self) -> None:
        """Send nothing more. May be called any number of times."""
        if not self._is_stopped:
            self._is_stopped = True
            if self._task is not None:
                self._task.cancel()

    async def settled(self) -> None:
        """Wait until a stopped upload has let go of its iterator; at most a second, for one that holds on."""
        if self._is_stopped and self._task is not None and not self._task.done():
            await asyncio.wait((self._task,), timeout=_CLOSING_S)

    async def _run(self, connection: Connection, response: Response) -> None:
        try:
            await self._send(connection, response)
        except asyncio.CancelledError:
            if not self._is_stopped:
                self._is_stopped = True
                connection.fail("reset", "the body of the request was cancelled")
            raise
        except Exception as error:
            if not self._is_stopped:  # the connection may serve another exchange by now
                self._is_stopped = True
                connection.end(error)
        finally:
            close = getattr(self._body, "aclose", None)
            if close is not None:
                await close()

    async def _send(self, connection: Connection, response: Response) -> None:
        if self._left_bytes == 0:
            self._finish(connection, response)
        async for piece in self._body:
            if self._is_stopped:
                return  # its iterator swallowed the cancellation
            self.is_starved = False
            for part in _slices(piece):
                connection.transport.write(self._framed(part))
                if connection.is_write_paused:
                    await self._wait_for_room(connection, response)
            if self._left_bytes == 0 and not self.is_sent:
                self._finish(connection, response)
            self.is_starved = not self.is_sent
        if self._left_bytes:
            raise ValueError(f"the body of the request ended {self._left_bytes} bytes before its length")
        if self._left_bytes is None and not self._is_stopped:
            connection.transport.write(b"0\r\n\r\n")
            self._finish(connection, response)

    def _finish(self, connection: Connection, response: Response) -> None:
        """All is sent: the wait for the answer begins."""
        self.is_sent = True
        self.is_starved = False
        now = connection.loop.time()
        response.first_token_at = now + response.first_token_s
        response.wait_until = now + response.idle_s if response.is_started else response.first_token_at
        connection.watch(response.due_at())

    def _framed(self, part: bytes) -> bytes:
        if self._left_bytes is None:
            return b"%x\r\n%b\r\n" % (len(part), part)
        self._left_bytes -= len(part)
        if self._left_bytes < 0:
            raise ValueError("the body of the request is longer than its length")
        return part

    async def _wait_for_room(self, connection: Connection, response: Response) -> None:
        self._room = connection.loop.create_future()
        response.wait_until = connection.loop.time() + response.idle_s
        connection.watch(response.due_at())
        try:
            await self._room
        finally:
            self._room = None


def _slices(piece: bytes) -> Iterator[bytes]:
    """Cut a large piece, so that the transport can say halt; an empty one would end a chunked body."""
    if len(piece) <= _SLICE_BYTES:
        if piece:
            yield piece
        return
    for start in range(0, len(piece), _SLICE_BYTES):
        yield piece[start : start + _SLICE_BYTES]
