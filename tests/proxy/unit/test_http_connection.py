"""The parser's side of a connection, without a network: the same answers whole, byte by byte, randomly split, with more behind, cut."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable
from ipaddress import ip_network

import pytest

from proxy.adapters.egress import EgressPolicy
from proxy.adapters.http import HttpClient
from proxy.adapters.http.connection import Connection
from proxy.adapters.http.pool import Origin
from proxy.ports import Endpoint, Timeouts, UpstreamFailure
from tests.proxy.upstreams import CHUNKED_END, CHUNKED_HEAD, dump_answer, dump_chunk


class Wire(asyncio.Transport):
    """A transport that goes nowhere and remembers."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.is_aborted = False
        self.is_paused = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent += bytes(data)

    def abort(self) -> None:
        self.is_aborted = True

    def is_closing(self) -> bool:
        return self.is_aborted

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False


class Outcome:
    """What became of one exchange."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""
        self.failure: UpstreamFailure | None = None
        self.is_kept = False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Outcome) and self.summary() == other.summary()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self.summary())

    def summary(self) -> tuple[object, ...]:
        failure = self.failure and (self.failure.phase, self.failure.kind)
        return self.status, self.headers, self.body, failure, self.is_kept


async def exchange(pieces: Iterable[bytes], *, method: str = "POST", is_ended: bool = False) -> Outcome:
    """Feed an answer piece by piece, read it to its end, and say what became of it."""
    origin = Origin("http", "a", 80, b"a", max_idle=10, idle_keep_s=60)
    connection = Connection(asyncio.get_running_loop(), origin)
    wire = Wire()
    connection.connection_made(wire)
    outcome = Outcome()
    task = asyncio.create_task(
        connection.exchange(b"head", b"", is_head_request=method == "HEAD", timeouts=Timeouts(), total_at=float("inf"))
    )
    await asyncio.sleep(0)
    for piece in pieces:
        if not wire.is_aborted:
            connection.data_received(piece)
    if is_ended and not wire.is_aborted:
        connection.eof_received()
    try:
        response = await task
        outcome.status, outcome.headers = response.status, list(response.headers)
        while part := await response.read():
            outcome.body += part
    except UpstreamFailure as failure:
        outcome.failure = failure
    outcome.is_kept = origin.idle == [connection] and not wire.is_aborted
    connection.connection_lost(None)
    return outcome


def splits(data: bytes) -> Iterable[list[bytes]]:
    """Cut a message: not at all, in two at each place, into single bytes, and twenty times at random."""
    yield [data]
    yield [data[i : i + 1] for i in range(len(data))]
    for cut in range(1, len(data)):
        yield [data[:cut], data[cut:]]
    chance = random.Random(7)
    for _ in range(20):
        cuts = sorted(chance.sample(range(1, len(data)), min(len(data) - 1, chance.randint(2, 12))))
        yield [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


GOOD = {
    "length": (dump_answer(b"hello", b"X-A: b"), b"hello"),
    "empty": (dump_answer(b""), b""),
    "chunked": (CHUNKED_HEAD + dump_chunk(b"he") + dump_chunk(b"llo") + CHUNKED_END, b"hello"),
    "chunk extension and trailer": (CHUNKED_HEAD + b"5;a=b\r\nhello\r\n0\r\nx-t: 1\r\n\r\n", b"hello"),
    "capital chunk size": (CHUNKED_HEAD + b"A\r\nhellohello\r\n0\r\n\r\n", b"hellohello"),
    "interim": (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 E\r\nlink: a\r\n\r\n" + dump_answer(b"hello"), b"hello"),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    "not modified": (b"HTTP/1.1 304 Not Modified\r\ncontent-length: 7\r\n\r\n", b""),
    "no reason": (b"HTTP/1.1 200\r\ncontent-length: 1\r\n\r\nx", b"x"),
}


@pytest.mark.parametrize("case", GOOD)
async def test_answer_reads_the_same_however_it_is_split(case: str) -> None:
    data, body = GOOD[case]
    expected = await exchange([data])
    assert (expected.body, expected.failure, expected.is_kept) == (body, None, True)

    for pieces in splits(data):
        assert await exchange(pieces) == expected, pieces


UNFRAMED = b"HTTP/1.1 200 OK\r\nx-a: b\r\n\r\nhello"


async def test_body_without_framing_reads_the_same_however_it_is_split() -> None:
    for pieces in splits(UNFRAMED):
        outcome = await exchange(pieces, is_ended=True)

        assert outcome.summary() == (200, [(b"x-a", b"b")], b"hello", None, False), pieces


@pytest.mark.parametrize("case", GOOD)
async def test_bytes_behind_the_answer_cost_the_connection_and_not_the_answer(case: str) -> None:
    data, body = GOOD[case]
    for extra in (b"H", b"HTTP/1.1 200 OK\r\n\r\n", b"garbage", dump_answer(b"other")):
        for pieces in ([data + extra], [data[:-1], data[-1:] + extra], [data, extra]):
            outcome = await exchange(pieces)

            assert (outcome.body, outcome.failure, outcome.is_kept) == (body, None, False), pieces


@pytest.mark.parametrize("case", GOOD)
async def test_answer_cut_anywhere_is_a_failure(case: str) -> None:
    data, body = GOOD[case]
    for cut in range(len(data)):
        outcome = await exchange([data[:cut]] if cut else [], is_ended=True)

        assert outcome.failure is not None, cut
        assert outcome.failure.kind == "eof"
        assert outcome.failure.phase == ("body" if outcome.status else "head")
        assert body.startswith(outcome.body)
        assert not outcome.is_kept


BROKEN = {
    "garbage": (b"SSH-2.0-x\r\n\r\n", "head"),
    "http/2 preface": (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", "head"),
    "status 99": (b"HTTP/1.1 099 X\r\ncontent-length: 0\r\n\r\n", "head"),
    "switching protocols": (b"HTTP/1.1 101 X\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n", "head"),
    "switching protocols unsaid": (b"HTTP/1.1 101 X\r\n\r\n", "head"),
    "two lengths": (b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\nx", "head"),
    "negative length": (b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", "head"),
    "length and chunks": (b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n", "head"),
    "unknown coding": (b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nxx", "head"),
    "two codings": (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n", "head"),
    "bare line feeds": (b"HTTP/1.1 200 OK\ncontent-length: 0\n\n", "head"),
    "folded header": (b"HTTP/1.1 200 OK\r\nx-a: b\r\n c\r\ncontent-length: 0\r\n\r\n", "head"),
    "nul in a header": (b"HTTP/1.1 200 OK\r\nx-a: \0\r\ncontent-length: 0\r\n\r\n", "head"),
    "space before the colon": (b"HTTP/1.1 200 OK\r\nx-a : b\r\ncontent-length: 0\r\n\r\n", "head"),
    "chunk size is no number": (CHUNKED_HEAD + b"zz\r\n", "body"),
    "chunk longer than said": (CHUNKED_HEAD + b"2\r\nhello\r\n", "body"),
    "chunk size overflows": (CHUNKED_HEAD + b"f" * 20 + b"\r\n", "body"),
    "chunk without carriage return": (CHUNKED_HEAD + b"2\nhe\n", "body"),
}


@pytest.mark.parametrize("case", BROKEN)
async def test_broken_answer_fails_the_same_however_it_is_split(case: str) -> None:
    data, phase = BROKEN[case]
    expected = await exchange([data], is_ended=True)
    assert expected.failure is not None
    assert (expected.failure.phase, expected.failure.kind, expected.is_kept) == (phase, "protocol", False)

    for pieces in splits(data):
        assert await exchange(pieces, is_ended=True) == expected, pieces


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", CHUNKED_HEAD])
async def test_answer_to_head_ends_with_its_head_however_it_is_split(head: bytes) -> None:
    for pieces in splits(head):
        outcome = await exchange(pieces, method="HEAD")

        assert (outcome.status, outcome.body, outcome.failure, outcome.is_kept) == (200, b"", None, True)


def head_of(size: int) -> bytes:
    """Return a head whose fields have about `size` bytes."""
    line = b"x-f: " + b"a" * 93 + b"\r\n"
    return b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n" + line * (size // len(line)) + b"\r\n"


async def test_head_up_to_its_limit_passes_whatever_body_comes_with_it() -> None:
    body = b"x" * 200_000
    head = head_of(32_000).replace(b"content-length: 2", b"content-length: 200000")
    for pieces in ([head + body], [head[:20_000], head[20_000:] + body], [head, body]):
        outcome = await exchange(pieces)

        assert (outcome.body, outcome.failure, outcome.is_kept) == (body, None, True)


async def test_head_over_its_limit_fails_however_it_is_split() -> None:
    data = head_of(40_000) + b"ok"
    for size in (len(data), 10_000, 1_000, 7):
        outcome = await exchange([data[i : i + size] for i in range(0, len(data), size)])

        assert outcome.failure is not None
        assert (outcome.failure.phase, outcome.failure.kind, outcome.status) == ("head", "too_large", 0)


async def test_interim_heads_count_for_the_limit() -> None:
    interim = b"HTTP/1.1 103 E\r\nlink: " + b"a" * 1000 + b"\r\n\r\n"
    outcome = await exchange([interim] * 40 + [dump_answer(b"ok")])

    assert outcome.failure is not None
    assert (outcome.failure.phase, outcome.failure.kind) == ("head", "too_large")


async def test_bytes_before_any_request_end_the_connection() -> None:
    origin = Origin("http", "a", 80, b"a", max_idle=10, idle_keep_s=60)
    connection = Connection(asyncio.get_running_loop(), origin)
    wire = Wire()
    connection.connection_made(wire)

    connection.data_received(dump_answer(b"early"))

    assert wire.is_aborted
    connection.connection_lost(None)


async def test_idle_connection_that_is_closing_is_not_taken() -> None:
    origin = Origin("http", "a", 80, b"a", max_idle=10, idle_keep_s=60)
    connections = [Connection(asyncio.get_running_loop(), origin) for _ in range(2)]
    wires = [Wire(), Wire()]
    for connection, wire in zip(connections, wires, strict=True):
        connection.connection_made(wire)
        assert origin.keep(connection)
    wires[1].is_aborted = True

    assert origin.find_idle() is connections[0]
    assert origin.find_idle() is None


async def test_large_body_stops_for_an_error_and_goes_on_behind_any_other_head() -> None:
    for status, is_finished in ((b"413 Content Too Large", False), (b"200 OK", True)):
        origin = Origin("http", "a", 80, b"a", max_idle=10, idle_keep_s=60)
        connection = Connection(asyncio.get_running_loop(), origin)
        wire = Wire()
        connection.connection_made(wire)
        connection.pause_writing()
        body = b"x" * 300_000
        task = asyncio.create_task(connection.exchange(b"head", body, is_head_request=False, timeouts=Timeouts(), total_at=1e9))
        await asyncio.sleep(0)
        assert wire.sent == b"head"

        connection.data_received(b"HTTP/1.1 " + status + b"\r\ncontent-length: 2\r\n\r\n")
        response = await task
        connection.resume_writing()
        connection.data_received(b"ok")

        assert wire.sent == b"head" + (body if is_finished else b"")
        assert await response.read_all(10) == b"ok"
        assert (origin.idle == [connection]) == is_finished
        connection.connection_lost(None)


async def test_reading_pauses_above_the_mark_and_goes_on_after_a_read() -> None:
    origin = Origin("http", "a", 80, b"a", max_idle=10, idle_keep_s=60)
    connection = Connection(asyncio.get_running_loop(), origin)
    wire = Wire()
    connection.connection_made(wire)
    task = asyncio.create_task(connection.exchange(b"head", b"", is_head_request=False, timeouts=Timeouts(), total_at=1e9))
    await asyncio.sleep(0)

    connection.data_received(CHUNKED_HEAD)
    response = await task
    states = []
    for _ in range(3):
        connection.data_received(dump_chunk(b"x" * 30_000))
        states.append(wire.is_paused)
    assert states == [False, False, True]
    assert len(await response.read()) == 90_000
    assert not wire.is_paused

    connection.data_received(dump_chunk(b"x" * 70_000))
    assert wire.is_paused
    connection.data_received(CHUNKED_END)  # was on its way already
    assert not wire.is_paused
    assert origin.idle == [connection]
    assert (len(await response.read()), await response.read()) == (70_000, b"")
    connection.connection_lost(None)


@pytest.mark.parametrize("piece_bytes", [1, 999, 1000, 60_000])
async def test_framing_without_content_fails_and_never_pauses(piece_bytes: int) -> None:
    origin = Origin("http", "a", 80, b"a", max_idle=10, idle_keep_s=60)
    connection = Connection(asyncio.get_running_loop(), origin)
    wire = Wire()
    connection.connection_made(wire)
    task = asyncio.create_task(connection.exchange(b"head", b"", is_head_request=False, timeouts=Timeouts(), total_at=1e9))
    await asyncio.sleep(0)

    connection.data_received(CHUNKED_HEAD + b"5;x=" + b"a" * 3000)
    response = await task
    for _ in range(66_000 // piece_bytes + 1):
        assert not wire.is_paused
        connection.data_received(b"a" * piece_bytes)

    with pytest.raises(UpstreamFailure) as caught:
        await response.read()
    assert (caught.value.phase, caught.value.kind) == ("body", "too_large")
    assert wire.is_aborted
    connection.connection_lost(None)


@pytest.mark.parametrize(("ending", "kind"), [("greeting", "protocol"), ("end", "eof"), ("reset", "reset")])
async def test_connection_that_ends_as_soon_as_it_is_made_is_a_failed_connect(
    monkeypatch: pytest.MonkeyPatch, ending: str, kind: str
) -> None:
    async def create_connection(factory: Callable[[], Connection], *_: object, **__: object) -> None:
        connection, wire = factory(), Wire()
        connection.connection_made(wire)
        if ending == "greeting":
            connection.data_received(b"220 mail.example\r\n")
        elif ending == "end":
            connection.eof_received()
            wire.is_aborted = True
        else:
            wire.is_aborted = True
            connection.connection_lost(ConnectionResetError())

    monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", create_connection)
    client = HttpClient(EgressPolicy([ip_network("127.0.0.0/8")]))

    with pytest.raises(UpstreamFailure) as caught:
        await client.send(Endpoint("http", "127.0.0.1", 1), "POST", "/", (), b"", Timeouts())

    assert (caught.value.phase, caught.value.kind, caught.value.is_sent) == ("connect", kind, False)
