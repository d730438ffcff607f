"""What all connections of one worker share, and the guard that both kinds of connection need."""

from __future__ import annotations

import asyncio
from typing import Protocol

from uvicorn.server import ServerState

from gatewaysite.server.limits import ServerLimits


class GuardedState(ServerState):
    """uvicorn's state of a server, with our limits; `is_leaving` makes every answer the last one of its connection."""

    def __init__(self, limits: ServerLimits) -> None:
        super().__init__()
        self.limits = limits
        self.is_leaving = False


class GuardedConnection(Protocol):
    """What the server asks of a connection, whichever protocol it speaks."""

    transport: asyncio.Transport

    @property
    def is_busy(self) -> bool:
        """Whether an answer is owed or not yet handed to the kernel."""

    def leave(self) -> None:
        """Make the next answer the last one of this connection, without hurting a request on its way."""

    def shutdown(self) -> None:
        """Close now if idle, otherwise after the answer that is running."""

    def abort_if_stuck(self, now_s: float) -> None:
        """Drop the connection if it has been closing for longer than the write timeout."""


class SlowReaderGuard(asyncio.Protocol):
    """
    Drops a connection whose peer takes nothing for `write_timeout_s`.

    asyncio bounds the memory of such a connection (`send()` waits above 64 KB) but not its time: a close, too, waits for ever
    for a peer that is there and does not read. A peer that lets the buffer fall to its low mark starts the time anew.
    """

    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    limits: ServerLimits
    _write_timer: asyncio.TimerHandle | None = None
    _closing_since_s: float | None = None

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stop_write_timer()
        self._write_timer = self.loop.call_later(self.limits.write_timeout_s, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_write_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_write_timer()
        super().connection_lost(exc)

    def abort_if_stuck(self, now_s: float) -> None:
        # A close below the high mark pauses nothing, so no timer runs; the server calls this once a second instead.
        if not self.transport.is_closing():
            return
        if self._closing_since_s is None:
            self._closing_since_s = now_s
        elif now_s - self._closing_since_s > self.limits.write_timeout_s:
            self.transport.abort()

    def _stop_write_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None
