"""One upstream call for all who ask the same at the same time."""

from __future__ import annotations

import asyncio
import time

import pytest

from proxy.coalescing import AHEAD_MAX_BYTES, JOINABLE_MAX_BYTES, Flight, Flights, ride
from proxy.errors import ClientGone, Overloaded, UpstreamBroken
from proxy.exchange import Exchange, Headers, Sink
from proxy.testing import MemorySink

KEY = b"k" * 32


class Call:
    """An upstream call that does what it is told."""

    def __init__(self, *, is_cancelling: bool = True) -> None:
        self.told: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()
        self.calls_count = 0
        self.written_bytes = 0
        self.ended_by = ""
        self.is_cancelling = is_cancelling

    def say(self, *pieces: bytes | Exception | None) -> None:
        """Send pieces; None ends the stream, an error ends the call."""
        for piece in pieces:
            self.told.put_nowait(piece)

    async def stream(self, sink: Sink) -> None:
        self.calls_count += 1
        try:
            await self._stream(sink)
        except asyncio.CancelledError:
            self.ended_by = "the client" if sink.is_gone else "a stop"
            raise
        self.ended_by = "itself, alone" if sink.is_gone else "itself"

    async def _stream(self, sink: Sink) -> None:
        sink.watch(is_cancelling=self.is_cancelling, is_late=False)
        is_started = False
        while (piece := await self.told.get()) is not None:
            if isinstance(piece, Exception):
                raise piece
            if not is_started:
                await sink.start(200, [(b"content-type", b"text/event-stream")])
                is_started = True
            await sink.write(piece)
            self.written_bytes += len(piece)
        await sink.end(b"[end]")

    async def answer(self, sink: Sink) -> None:
        self.calls_count += 1
        piece = await self.told.get()
        if isinstance(piece, Exception):
            raise piece
        assert piece is not None
        await sink.send(200, [(b"content-type", b"application/json")], piece)


class Waiter:
    """One client on a flight."""

    def __init__(self, flight: Flight, exchange: Exchange | None = None, sink: MemorySink | None = None) -> None:
        self.sink = sink or MemorySink()
        self.exchange = exchange or _exchange()
        self.task = asyncio.create_task(ride(flight, self.exchange, self.sink, lambda headers: [*headers, (b"x-mine", b"1")]))

    async def done(self) -> MemorySink:
        async with asyncio.timeout(10):
            await self.task
        return self.sink

    async def until(self, text: bytes) -> None:
        async with asyncio.timeout(10):
            while text not in self.sink.body:
                await asyncio.sleep(0)


def _exchange() -> Exchange:
    return Exchange("/v1/chat/completions", "POST", "", b"", b"", time.perf_counter())


def _begin(flights: Flights, call: Call) -> tuple[Flight, Waiter]:
    exchange = _exchange()
    flight = flights.begin(KEY, exchange, call.stream)
    return flight, Waiter(flight, exchange)


async def _spin() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_hundred_waiters_are_one_call():
    flights, call = Flights(), Call()
    flight, leader = _begin(flights, call)
    waiters = [leader, *(Waiter(flight) for _ in range(99))]
    call.say(b"a", b"b", None)

    bodies = [(await waiter.done()).body for waiter in waiters]

    assert (bodies, call.calls_count) == ([b"ab[end]"] * 100, 1)
    assert all(waiter.sink.status == 200 and waiter.sink.is_ended and waiter.sink.header("x-mine") == "1" for waiter in waiters)
    assert flights.find(KEY) is None


async def test_a_whole_answer_is_given_to_all():
    flights, call = Flights(), Call()
    flight = flights.begin(KEY, _exchange(), call.answer)
    waiters = [Waiter(flight) for _ in range(3)]
    call.say(b"{}")

    sinks = [await waiter.done() for waiter in waiters]

    assert [(sink.body, sink.header("content-type"), len(sink.headers)) for sink in sinks] == [(b"{}", "application/json", 2)] * 3


async def test_who_joins_late_is_played_the_answer_from_its_beginning():
    flights, call = Flights(), Call()
    _, leader = _begin(flights, call)
    call.say(b"a", b"b")
    await leader.until(b"ab")

    joined = flights.find(KEY)
    assert joined is not None
    late = Waiter(joined)
    await late.until(b"ab")
    call.say(b"c", None)

    assert (await late.done()).body == (await leader.done()).body == b"abc[end]"


async def test_each_piece_is_played_when_it_comes():
    flights, call = Flights(), Call()
    flight, leader = _begin(flights, call)
    follower = Waiter(flight)
    for at, piece in enumerate([b"a", b"b", b"c"], 1):
        call.say(piece)
        await leader.until(piece)
        await follower.until(piece)
        assert len(follower.sink.pieces) == at

    call.say(None)
    await follower.done()


async def test_the_first_client_leaves_and_the_others_get_their_answer():
    flights, call = Flights(), Call()
    flight, leader = _begin(flights, call)
    follower = Waiter(flight)
    call.say(b"a")
    await follower.until(b"a")

    leader.sink.leave()
    with pytest.raises(ClientGone):
        await leader.done()
    call.say(b"b", None)

    assert (await follower.done()).body == b"ab[end]"
    assert call.ended_by == "itself"


async def test_a_follower_leaves_and_nobody_notices():
    flights, call = Flights(), Call()
    flight, leader = _begin(flights, call)
    follower = Waiter(flight)
    await _spin()

    follower.sink.leave()
    with pytest.raises(ClientGone):
        await follower.done()
    call.say(b"a", None)

    assert (await leader.done()).body == b"a[end]"


@pytest.mark.parametrize("said", [(), (b"a",)])
async def test_all_leave_and_the_call_is_cancelled(said):
    flights, call = Flights(), Call()
    flight, leader = _begin(flights, call)
    waiters = [leader, Waiter(flight)]
    call.say(*said)
    await _spin()

    for waiter in waiters:
        waiter.sink.leave()
        with pytest.raises(ClientGone):
            await waiter.done()
    assert flights.find(KEY) is None
    await _spin()

    assert call.ended_by == "the client"
    assert flight.is_done


async def test_a_call_that_is_ended_before_it_began_still_gives_back_what_it_holds():
    """A task that is cancelled before its first step never runs: its reservation would stay."""
    flights, call = Flights(), Call()
    flights.begin(KEY, _exchange(), call.stream)

    await flights.close()

    assert (call.calls_count, call.ended_by) == (1, "a stop")


async def test_the_end_of_one_call_does_not_take_away_the_next_with_its_key():
    flights, first, second = Flights(), Call(), Call()
    flights.begin(KEY, _exchange(), first.stream)
    later = flights.begin(KEY, _exchange(), second.stream)
    first.say(None)
    await _spin()

    assert first.ended_by == "itself"
    assert flights.find(KEY) is later
    await flights.close()


async def test_a_call_that_is_read_to_its_end_goes_on_alone_and_can_be_joined():
    flights, call = Flights(), Call(is_cancelling=False)
    flight, leader = _begin(flights, call)
    call.say(b"a")
    await leader.until(b"a")
    leader.sink.leave()
    with pytest.raises(ClientGone):
        await leader.done()
    assert flight.is_gone

    joined = flights.find(KEY)
    assert joined is flight
    late = Waiter(joined)
    await _spin()
    assert not flight.is_gone
    call.say(b"b", None)

    assert (await late.done()).body == b"ab[end]"
    assert call.ended_by == "itself"


async def test_a_call_that_is_read_to_its_end_knows_that_nobody_waits():
    flights, call = Flights(), Call(is_cancelling=False)
    _, leader = _begin(flights, call)
    await _spin()
    leader.sink.leave()
    call.say(b"a", b"x" * (2 * AHEAD_MAX_BYTES), b"b", None)
    await asyncio.wait([leader.task])
    await _spin()

    assert call.ended_by == "itself, alone"


async def test_after_the_last_has_left_the_next_begins_anew():
    flights, call = Flights(), Call()
    _, leader = _begin(flights, call)
    await _spin()
    leader.sink.leave()
    await asyncio.wait([leader.task])

    assert flights.find(KEY) is None
    again = Call()
    flight, second = _begin(flights, again)
    await _spin()
    assert flights.find(KEY) is flight, "the end of the first must not take the second away"
    again.say(b"z", None)

    assert (await second.done()).body == b"z[end]"


async def test_an_error_before_the_answer_is_everybodys():
    flights, call = Flights(), Call()
    flight, leader = _begin(flights, call)
    waiters = [leader, Waiter(flight), Waiter(flight)]
    error = UpstreamBroken()
    call.say(error)

    for waiter in waiters:
        with pytest.raises(UpstreamBroken) as caught:
            await waiter.done()
        assert caught.value is error
        assert not waiter.sink.is_started


async def test_an_error_in_the_answer_comes_after_what_was_said_and_each_can_write_it():
    flights, call = Flights(), Call()
    flight, leader = _begin(flights, call)
    follower = Waiter(flight)
    leader.exchange.dump_stream_error = lambda error: error.code.encode()
    call.say(b"a", UpstreamBroken())

    for waiter in (leader, follower):
        with pytest.raises(UpstreamBroken) as caught:
            await waiter.done()
        assert (waiter.sink.body, waiter.sink.is_started, waiter.sink.is_ended) == (b"a", True, False)
        assert waiter.exchange.dump_stream_error is not None
        assert waiter.exchange.dump_stream_error(caught.value) == b"upstream_error"


async def test_a_bug_is_raised_with_the_place_it_happened_at_however_many_wait():
    flights, call = Flights(), Call()
    flight, leader = _begin(flights, call)
    waiters = [leader, *(Waiter(flight) for _ in range(20))]
    call.say(ZeroDivisionError("a bug"))

    depths = set()
    for waiter in waiters:
        with pytest.raises(ZeroDivisionError) as caught:
            await waiter.done()
        names = [entry.name for entry in caught.traceback]
        assert "_stream" in names
        depths.add(len(names))
    assert max(depths) < 15


async def test_a_stop_of_one_waiter_alone_is_a_stop_and_not_a_client_that_left():
    flights, call = Flights(), Call()
    _, leader = _begin(flights, call)
    await _spin()

    leader.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leader.done()
    await _spin()

    assert call.ended_by == "a stop"


async def test_closing_ends_every_call_and_tells_who_waits():
    flights, call = Flights(), Call(is_cancelling=False)
    _, leader = _begin(flights, call)
    await _spin()

    await flights.close()

    with pytest.raises(Overloaded):
        await leader.done()
    assert call.ended_by == "a stop"


class SlowSink(MemorySink):
    """A client that reads when it is allowed to."""

    def __init__(self) -> None:
        super().__init__()
        self.may_read = asyncio.Event()

    async def write(self, data: bytes) -> None:
        await self.may_read.wait()
        await super().write(data)


async def test_a_slow_waiter_holds_up_nobody_and_loses_nothing():
    flights, call = Flights(), Call()
    slow = SlowSink()
    flight, leader = _begin(flights, call)
    waiter = Waiter(flight, sink=slow)
    pieces = [b"%07d " % number * 10_000 for number in range(60)]  # 4.8 MB: more than is kept for who joins
    for piece in pieces:
        call.say(piece)
        await leader.until(piece[:8])
    call.say(None)
    assert (await leader.done()).body == b"".join(pieces) + b"[end]"
    assert not slow.body

    slow.may_read.set()
    assert (await waiter.done()).body == b"".join(pieces) + b"[end]"


async def test_a_slow_client_that_is_alone_slows_the_call_down():
    flights, call = Flights(), Call()
    slow, exchange = SlowSink(), _exchange()
    waiter = Waiter(flights.begin(KEY, exchange, call.stream), exchange, slow)
    await _spin()
    for _ in range(40):
        call.say(b"x" * 50_000)
    call.say(None)
    for _ in range(100):
        await asyncio.sleep(0)

    assert call.written_bytes <= AHEAD_MAX_BYTES + 50_000
    slow.may_read.set()
    assert len((await waiter.done()).body) == 40 * 50_000 + len(b"[end]")


async def test_a_slow_client_that_leaves_lets_the_call_end():
    flights, call = Flights(), Call(is_cancelling=False)
    slow, exchange = SlowSink(), _exchange()
    waiter = Waiter(flights.begin(KEY, exchange, call.stream), exchange, slow)
    await _spin()
    for _ in range(40):
        call.say(b"x" * 50_000)
    call.say(None)
    await _spin()

    slow.leave()
    await asyncio.wait([waiter.task])
    async with asyncio.timeout(10):
        while not call.ended_by:
            await asyncio.sleep(0)

    assert call.ended_by == "itself, alone"


async def test_a_very_long_answer_cannot_be_joined_and_is_let_go_of_as_it_is_sent():
    flights, call = Flights(), Call()
    flight, leader = _begin(flights, call)
    pieces = [b"%04d" % number + b"x" * 99_996 for number in range(80)]
    for piece in pieces:
        call.say(piece)
        await leader.until(piece[:4])

    assert flights.find(KEY) is None
    assert sum(len(piece) for piece in flight._pieces) < JOINABLE_MAX_BYTES
    call.say(None)
    assert (await leader.done()).body == b"".join(pieces) + b"[end]"


async def test_the_headers_of_the_call_stay_as_they_are():
    flights, call = Flights(), Call()
    exchange = _exchange()
    flight = flights.begin(KEY, exchange, call.answer)
    call.say(b"{}")
    seen: list[Headers] = []

    def take(headers: Headers) -> Headers:
        seen.append(headers)
        headers.append((b"content-length", b"2"))
        return headers

    await ride(flight, exchange, MemorySink(), take)

    assert flight.headers == [(b"content-type", b"application/json")]
    assert len(seen) == 1
