"""
Identical requests in flight share one upstream call.

The first request begins a `Flight`. A stream's upstream call runs in a task of its own, so that a client that leaves ends its own answer
and not the others'; every waiter, the first included, is played the answer from its beginning. A whole answer comes in one piece: its call
stays in the first request's task, which goes on for the others when that client leaves. Per worker.

Rules: the flight's record, cost and deadline are the first request's, also when its client has left; who joins pays nothing. When the
last waiter has left the call is cancelled, unless its backend reads answers to their end. The call reads on as fast as its quickest
waiter, so a slow one holds up nobody, and one that is alone is never far behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Final, NoReturn

from proxy.errors import ClientGone, InternalError, Overloaded
from proxy.exchange import Exchange, Headers, Sink

JOINABLE_MAX_BYTES: Final = 4 * 1024 * 1024
"""A stream that is longer is kept only as far as its slowest waiter still needs it, so nobody can join it any more."""
AHEAD_MAX_BYTES: Final = 256 * 1024
"""How far the call may be ahead of its quickest waiter."""


class _Seat:
    """How far one waiter is: pieces and bytes that it was given."""

    __slots__ = ("at", "sent_bytes")

    def __init__(self) -> None:
        self.at = 0
        self.sent_bytes = 0


class Flight:
    """
    One upstream call and its answer so far. It is the `Sink` of that call.

    `leader` is the sink of the request whose own task makes the call; None for a call in a task of its own.
    """

    def __init__(self, exchange: Exchange, leader: Sink | None = None) -> None:
        self.exchange = exchange
        self._leader = leader
        self.status = 0
        self.headers: Headers = []
        self.is_started = False
        self.is_stream = False
        self.is_done = False
        self.size_bytes = 0
        self.task: asyncio.Task[None] | None = None
        self._is_cancelling = True
        self._is_cancelled = False
        self._is_gone = False
        self._error: Exception | None = None
        self._traceback: TracebackType | None = None
        self._seats: set[_Seat] = set()
        self._pieces: list[bytes] = []
        self._trimmed_count = 0
        self._changed = asyncio.Event()
        self._taken = asyncio.Event()

    @property
    def is_joinable(self) -> bool:
        return not self.is_done and not self._is_cancelled and self.size_bytes <= JOINABLE_MAX_BYTES

    @property
    def waiters_count(self) -> int:
        return len(self._seats)

    # --- the call's side: a sink ----------------------------------------------------------------------------------------------

    @property
    def is_gone(self) -> bool:
        """Whether all who waited have left."""
        return self._is_gone

    def watch(self, *, is_cancelling: bool, is_late: bool, on_leave: Callable[[], None] | None = None) -> None:
        self._is_cancelling = is_cancelling
        if self._leader is not None:
            self.task = asyncio.current_task()
            self._leader.watch(is_cancelling=False, is_late=is_late, on_leave=self._on_leader_left)

    def _on_leader_left(self) -> None:
        if not self._seats and not self.is_done:
            self._is_gone = True
            if self._is_cancelling:
                self.cancel()

    async def send(self, status: int, headers: Headers, body: bytes) -> None:
        self._begin(status, headers)
        self._add(body)
        self.is_done = True
        if self._seats:
            self._tell()
        if self._leader is not None:
            await self._leader.send(status, list(headers), body)

    async def start(self, status: int, headers: Headers) -> None:
        self.is_stream = True
        self._begin(status, headers)
        self._tell()

    async def write(self, data: bytes) -> None:
        self._add(data)
        self._tell()
        while self._seats and self.size_bytes - max(seat.sent_bytes for seat in self._seats) > AHEAD_MAX_BYTES:
            self._taken.clear()
            await self._taken.wait()

    async def end(self, data: bytes = b"") -> None:
        self._add(data)
        self.is_done = True
        self._tell()

    def _begin(self, status: int, headers: Headers) -> None:
        self.status, self.headers, self.is_started = status, headers, True

    def _add(self, data: bytes) -> None:
        if data:
            self._pieces.append(data)
            self.size_bytes += len(data)
            if self.size_bytes > JOINABLE_MAX_BYTES:
                self._trim()

    def _trim(self) -> None:
        """Let go of what all waiters were given."""
        needed_from = min((seat.at for seat in self._seats), default=len(self._pieces))
        for at in range(self._trimmed_count, needed_from):
            self._pieces[at] = b""
        self._trimmed_count = max(self._trimmed_count, needed_from)

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def run(self, lead: Callable[[Sink], Awaitable[None]]) -> None:
        """Run the call. What it raises is raised to the waiters, whose requests report it."""
        try:
            await lead(self)
        except asyncio.CancelledError:
            self._error = Overloaded("The gateway is stopping. Try again.", retry_after_s=1)
        except Exception as error:  # a bug, too, is the waiters' to report: nobody awaits this task
            self._error, self._traceback = error, error.__traceback__
        finally:
            self.is_done = True
            self._tell()

    async def run_for_leader(self, lead: Callable[[Sink], Awaitable[None]]) -> None:
        """Run the call in the leader's task. What it raises is raised to the leader and to the waiters."""
        try:
            await lead(self)
        except asyncio.CancelledError:
            self._error = Overloaded("The gateway is stopping. Try again.", retry_after_s=1)
            raise
        except Exception as error:
            self._error, self._traceback = error, error.__traceback__
            raise
        finally:
            self.is_done = True
            if self._seats:
                self._tell()

    # --- the waiters' side ----------------------------------------------------------------------------------------------------

    def take_seat(self) -> _Seat:
        seat = _Seat()
        self._seats.add(seat)
        self._is_gone = False  # someone joined a call that is read to its end
        return seat

    def leave(self, seat: _Seat, *, is_stopping: bool = False) -> None:
        """
        One waiter less; the last one ends the call, unless its backend is read to the end.

        `is_stopping`: not the client left, the gateway stops.
        """
        self._seats.discard(seat)
        self._taken.set()
        if self._seats or self.is_done or (self._leader is not None and not self._leader.is_gone):
            return
        self._is_gone = not is_stopping
        if self._is_cancelling or is_stopping:
            self.cancel()

    def cancel(self) -> None:
        self._is_cancelled = True
        if self.task is not None:
            # Not at once: a task that is cancelled before its first step never runs, and what it was to give back would be lost.
            asyncio.get_running_loop().call_soon(self.task.cancel)

    async def play(self, seat: _Seat, sink: Sink, headers_of: Callable[[Headers], Headers]) -> None:
        """Write the answer to `sink` from its beginning. Errors: what the call failed with."""
        while not self.is_started and not self.is_done:
            await self._changed.wait()
        if not self.is_started:
            self._fail()
        headers = headers_of(list(self.headers))  # a copy: a sink may add to what it is given
        if not self.is_stream:
            await sink.send(self.status, headers, b"".join(self._pieces))
            return
        await sink.start(self.status, headers)
        await self._play_stream(seat, sink)

    async def _play_stream(self, seat: _Seat, sink: Sink) -> None:
        while True:
            changed, is_done = self._changed, self.is_done
            data = b"".join(self._pieces[seat.at :])
            seat.at = len(self._pieces)
            if is_done and self._error is None:
                await sink.end(data)
                return
            if data:
                await sink.write(data)
                seat.sent_bytes += len(data)
                self._taken.set()
            elif is_done:
                self._fail()
            else:
                await changed.wait()

    def _fail(self) -> NoReturn:
        """Errors: the call's. Each waiter raises the same one, with the traceback of the call and not those of all other waiters."""
        raise (self._error or InternalError()).with_traceback(self._traceback)


class Flights:
    """The calls of this worker that others may join, and the tasks of all that run."""

    def __init__(self) -> None:
        self._flights: dict[bytes, Flight] = {}
        self._running: set[Flight] = set()

    def find(self, key: bytes) -> Flight | None:
        flight = self._flights.get(key)
        return flight if flight is not None and flight.is_joinable else None

    def begin(self, key: bytes, exchange: Exchange, lead: Callable[[Sink], Awaitable[None]]) -> Flight:
        """Begin a call that others with the same key may join. Whoever began it rides it at once: what nobody waits for is not seen off."""
        flight = self._flights[key] = Flight(exchange)
        self._running.add(flight)
        flight.task = asyncio.get_running_loop().create_task(self._run(key, flight, lead))
        return flight

    async def lead(self, key: bytes, exchange: Exchange, lead: Callable[[Sink], Awaitable[None]], sink: Sink) -> None:
        """
        Make the call of a whole answer for `sink`, and for those who join meanwhile. Errors: what the call fails with.

        Cost: 3 us beside the call.
        """
        flight = self._flights[key] = Flight(exchange, sink)
        try:
            await flight.run_for_leader(lead)
        finally:
            if self._flights.get(key) is flight:
                del self._flights[key]

    async def close(self) -> None:
        """Cancel every call, also one that is read to its end for nobody, and wait until each was settled."""
        tasks = [flight.task for flight in self._running if flight.task is not None]
        for flight in list(self._running):
            flight.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, key: bytes, flight: Flight, lead: Callable[[Sink], Awaitable[None]]) -> None:
        try:
            await flight.run(lead)
        finally:
            self._running.discard(flight)
            if self._flights.get(key) is flight:
                del self._flights[key]


async def ride(flight: Flight, exchange: Exchange, sink: Sink, headers_of: Callable[[Headers], Headers]) -> None:
    """
    Play a flight to one of its waiters. `headers_of` makes the waiter's headers of those of the call.

    Errors: what the call failed with; with `sink.is_started` it belongs into the stream, and `exchange.dump_stream_error` writes it.
    ClientGone when this client left.
    """
    seat = flight.take_seat()
    is_stopping = False
    sink.watch(is_cancelling=True, is_late=True)
    try:
        await flight.play(seat, sink, headers_of)
    except asyncio.CancelledError:
        if not sink.is_gone:
            is_stopping = True
            raise
        raise ClientGone from None
    finally:
        exchange.dump_stream_error = flight.exchange.dump_stream_error
        flight.leave(seat, is_stopping=is_stopping)
