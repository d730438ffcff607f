"""Request bodies that stream: what is sent, who waits for whom, and how the sending ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from proxy.adapters.http import HttpClient, pool
from proxy.ports import Endpoint, Timeouts, UpstreamFailure
from tests.proxy import misbehaving
from tests.proxy.integration.http_client_help import http_client, name, post, read_to_end
from tests.proxy.loops import on_both_loops
from tests.proxy.upstreams import CHUNKED_END, CHUNKED_HEAD, Behaviour, Peer, dump_answer, dump_chunk, refusing_port, serve

OK = dump_answer(b"ok")
LARGE = 8_000_000


class Body:
    """A request body that gives its pieces and remembers what was asked of it; an exception among them is raised, a number waited."""

    def __init__(self, *pieces: bytes | float | BaseException | asyncio.Event) -> None:
        self._pieces = pieces
        self.given_count = 0
        self.given_bytes = 0
        self.is_closed = False

    async def stream(self) -> AsyncIterator[bytes]:
        try:
            for piece in self._pieces:
                if isinstance(piece, bytes):
                    self.given_count += 1
                    self.given_bytes += len(piece)
                    yield piece
                elif isinstance(piece, BaseException):
                    raise piece
                elif isinstance(piece, asyncio.Event):
                    await piece.wait()
                else:
                    await asyncio.sleep(piece)
        finally:
            self.is_closed = True


def timeouts(**shorter: float) -> Timeouts:
    values: dict[str, Any] = {"connect_s": 20, "first_token_s": 20, "idle_s": 20, "total_s": 40, **shorter}
    return Timeouts(**values)


def connections(client: HttpClient) -> set[Any]:
    [origin] = client._origins.values()
    return set(origin.connections)


# What is sent


@on_both_loops
async def test_body_of_unknown_length_is_sent_in_chunks_on_one_connection() -> None:
    async with serve(misbehaving.answers(OK)) as server, http_client() as client:
        for _ in range(3):
            body = Body(b"one", b"", b"two", 0.01, b"three" * 10)
            assert await (await post(client, server.endpoint, body.stream())).read_all(10) == b"ok"
            assert body.is_closed

    for request in server.requests:
        assert request.body == b"onetwo" + b"three" * 10
        assert request.header(b"transfer-encoding") == b"chunked"
        assert request.header(b"content-length") is None
    assert (len(server.requests), len(server.peers)) == (3, 1)


@on_both_loops
async def test_body_of_known_length_is_sent_with_it_on_one_connection() -> None:
    async with serve(misbehaving.answers(OK)) as server, http_client() as client:
        for _ in range(3):
            body = Body(b"one", b"", 0.01, b"two")
            assert await (await post(client, server.endpoint, body.stream(), body_length=6)).read_all(10) == b"ok"

    for request in server.requests:
        assert request.body == b"onetwo"
        assert request.header(b"transfer-encoding") is None
        assert request.header(b"content-length") == b"6"
    assert (len(server.requests), len(server.peers)) == (3, 1)


@pytest.mark.parametrize(("method", "length"), [("POST", b"0"), ("DELETE", None)])
@on_both_loops
async def test_empty_stream_of_known_length_is_an_empty_body(method: str, length: bytes | None) -> None:
    async with serve(misbehaving.answers(OK)) as server, http_client() as client:
        for _ in range(2):
            response = await post(client, server.endpoint, Body(b"").stream(), method=method, body_length=0)
            assert await response.read_all(10) == b"ok"

    assert server.requests[0].header(b"content-length") == length
    assert len(server.peers) == 1


@on_both_loops
async def test_iterator_that_cannot_be_closed_is_sent_too() -> None:
    class Twice:
        def __init__(self) -> None:
            self.left = 2

        def __aiter__(self) -> Twice:
            return self

        async def __anext__(self) -> bytes:
            if not self.left:
                raise StopAsyncIteration
            self.left -= 1
            return b"x"

    async with serve(misbehaving.answers(OK)) as server, http_client() as client:
        assert await (await post(client, server.endpoint, Twice())).read_all(10) == b"ok"

    assert server.requests[0].body == b"xx"


@pytest.mark.parametrize("is_length_known", [True, False])
@on_both_loops
async def test_large_pieces_arrive_whole(is_length_known: bool) -> None:
    piece = bytes(range(251)) * (LARGE // 251)
    async with serve(misbehaving.answers(OK)) as server, http_client() as client:
        response = await post(client, server.endpoint, Body(piece, piece).stream(), body_length=2 * len(piece) if is_length_known else None)
        await response.read_all(10)

    assert server.requests[0].body == piece * 2


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
@on_both_loops
async def test_any_method_carries_a_body_and_a_query(method: str) -> None:
    async with serve(misbehaving.answers(OK)) as server, http_client() as client:
        await (await post(client, server.endpoint, b"whole", method=method, path="/a?b=c&d=%20")).read_all(10)
        await (await post(client, server.endpoint, Body(b"stre", b"amed").stream(), method=method, path="/a/?b=?")).read_all(10)

    assert [(request.line, request.body) for request in server.requests] == [
        (f"{method} /a?b=c&d=%20 HTTP/1.1".encode(), b"whole"),
        (f"{method} /a/?b=? HTTP/1.1".encode(), b"streamed"),
    ]
    assert len(server.peers) == 1


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n"),
        ("PUT", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("PUT", b"HTTP/1.1 304 Not Modified\r\ncontent-length: 1000\r\n\r\n"),
    ],
)
@on_both_loops
async def test_answer_without_a_body_to_a_stream_leaves_the_connection_usable(method: str, answer: bytes) -> None:
    async with serve(misbehaving.answers(answer, OK)) as server, http_client() as client:
        response = await post(client, server.endpoint, Body(b"x").stream(), method=method)

        assert await response.read_all(0) == b""
        assert await (await post(client, server.endpoint)).read_all(10) == b"ok"
    assert len(server.peers) == 1


# Who waits for whom


@pytest.mark.parametrize("piece_bytes", [16_000, 1_000_000])
@on_both_loops
async def test_slow_upstream_holds_the_iterator_back(piece_bytes: int) -> None:
    may_read = asyncio.Event()
    body = Body(*[b"x" * piece_bytes] * (64_000_000 // piece_bytes))
    async with serve(misbehaving.reads_slowly(may_read)) as server, http_client() as client:
        task = asyncio.create_task(post(client, server.endpoint, body.stream()))
        await server.saw_connection()
        await asyncio.sleep(0.2)
        [connection] = connections(client)
        held_bytes = connection.transport.get_write_buffer_size()
        given_bytes = body.given_bytes
        may_read.set()

        assert await (await task).read_all(10) == b"64000000"
    assert held_bytes <= 256 * 1024
    assert given_bytes <= 16_000_000  # what the kernel's two buffers hold, and a piece


@pytest.mark.parametrize("timer", ["idle", "total"])
@on_both_loops
async def test_upstream_that_stops_reading_ends_the_sending(timer: str) -> None:
    body = Body(*[b"x" * 1_000_000] * 100)
    async with serve(misbehaving.never_reads) as server, http_client() as client:
        with pytest.raises(UpstreamFailure) as caught:
            await post(client, server.endpoint, body.stream(), timeouts=timeouts(**{f"{timer}_s": 0.5}))

        assert name(caught.value) == ("send", "timeout", timer)
        assert caught.value.is_sent
        assert body.is_closed


@on_both_loops
async def test_slow_iterator_is_not_the_upstreams_fault() -> None:
    body = Body(0.4, b"one", 0.4, b"two", 0.4)
    async with serve(misbehaving.answers(OK)) as server, http_client() as client:
        response = await post(client, server.endpoint, body.stream(), timeouts=timeouts(first_token_s=0.2, idle_s=0.2))

        assert await response.read_all(10) == b"ok"
    assert server.requests[0].body == b"onetwo"


@on_both_loops
async def test_slow_iterator_ends_by_the_total_timer() -> None:
    body = Body(b"one", 30.0)
    async with serve(misbehaving.answers(OK)) as server, http_client() as client:
        with pytest.raises(UpstreamFailure) as caught:
            await post(client, server.endpoint, body.stream(), timeouts=timeouts(total_s=0.3, idle_s=0.1))
        await server.saw_close()

    assert name(caught.value) == ("send", "timeout", "total")
    assert body.is_closed


@pytest.mark.parametrize("body_length", [None, 6])
@on_both_loops
async def test_first_token_timer_starts_when_the_body_is_sent(body_length: int | None) -> None:
    body = Body(0.3, b"one", 0.3, b"two")
    async with serve(misbehaving.hangs_before_head) as server, http_client() as client:
        with pytest.raises(UpstreamFailure) as caught:
            await post(client, server.endpoint, body.stream(), timeouts=timeouts(first_token_s=0.2), body_length=body_length)

    assert name(caught.value) == ("head", "timeout", "first_token")
    assert server.requests[0].body == b"onetwo"


# An answer before the end


@on_both_loops
async def test_refusal_before_the_end_stops_the_sending_and_is_returned() -> None:
    body = Body(b"one", 30.0)
    async with serve(misbehaving.refuses_body) as server, http_client() as client:
        response = await post(client, server.endpoint, body.stream())

        assert body.is_closed
        assert (response.status, await response.read_all(100)) == (413, b"too large")
        await server.saw_close()


@on_both_loops
async def test_head_of_a_refusal_is_enough_to_stop_the_sending() -> None:
    may_end = asyncio.Event()

    async def refuses_at_length(peer: Peer) -> None:
        await peer.read_head()
        await peer.write(CHUNKED_HEAD.replace(b"200 OK", b"401 Unauthorized") + dump_chunk(b"who "))
        await may_end.wait()
        await peer.write(dump_chunk(b"are you?") + CHUNKED_END)

    body = Body(b"one", 30.0)
    async with serve(refuses_at_length) as server, http_client() as client:
        response = await post(client, server.endpoint, body.stream())

        assert body.is_closed
        may_end.set()
        assert (response.status, await response.read_all(100)) == (401, b"who are you?")
        await server.saw_close()


@on_both_loops
async def test_refusal_stops_a_sending_that_waits_for_the_upstream() -> None:
    body = Body(*[b"x" * 1_000_000] * 100)
    async with serve(misbehaving.refuses_body) as server, http_client() as client:
        response = await post(client, server.endpoint, body.stream())

        assert body.is_closed
        assert body.given_count < 100
        assert (response.status, await response.read_all(100)) == (413, b"too large")
        await server.saw_close()


@on_both_loops
async def test_whole_answer_before_the_end_stops_the_sending_and_ends_the_connection() -> None:
    async with serve(misbehaving.answers_before_the_body) as server, http_client() as client:
        for count in range(2):
            body = Body(b"one", 30.0)
            response = await post(client, server.endpoint, body.stream())

            assert await response.read_all(10) == b"enough"
            await server.saw_close(count)
            assert body.is_closed

    assert len(server.peers) == 2


@on_both_loops
async def test_upstream_may_stream_its_answer_while_it_still_reads() -> None:
    async with serve(misbehaving.echoes_chunks) as server, http_client() as client:
        for _ in range(2):
            may_go_on = asyncio.Event()
            body = Body(b"one", may_go_on, b"two")
            response = await post(client, server.endpoint, body.stream(), timeouts=timeouts(first_token_s=0.3, idle_s=0.3))
            first = await response.read()
            response.mark_started()
            reading = asyncio.create_task(read_to_end(response))
            await asyncio.sleep(0.6)  # neither timer runs while the body is waited for
            may_go_on.set()

            assert (first, await reading) == (b"one", (b"two", None))
    assert len(server.peers) == 1


@on_both_loops
async def test_upstream_that_began_its_answer_may_pause_in_the_body() -> None:
    async def pauses(peer: Peer) -> None:
        await peer.read_head()
        await peer.write(CHUNKED_HEAD)
        peer.writer.transport.pause_reading()
        await asyncio.sleep(0.6)
        peer.writer.transport.resume_reading()
        size = sum([len(piece) async for piece in peer.read_chunks()])
        await peer.write(dump_chunk(b"%d" % size) + CHUNKED_END)

    body = Body(*[b"x" * 1_000_000] * 32)
    async with serve(pauses) as server, http_client() as client:
        response = await post(client, server.endpoint, body.stream(), timeouts=timeouts(first_token_s=0.3))

        assert await read_to_end(response) == (b"32000000", None)


@on_both_loops
async def test_abort_of_the_answer_stops_the_sending() -> None:
    body = Body(b"one", 30.0)
    async with serve(misbehaving.echoes_chunks) as server, http_client() as client:
        response = await post(client, server.endpoint, body.stream())
        assert await response.read() == b"one"
        response.abort()

        await server.saw_close(within_s=1.0)
        assert body.is_closed


# An iterator that fails


class OwnError(Exception):
    pass


@pytest.mark.parametrize("pieces", [(), (b"one",), (b"one", 0.05), (b"x" * 1_000_000, 0.05, b"two")])
@on_both_loops
async def test_error_of_the_iterator_reaches_the_caller_and_aborts_the_connection(pieces: tuple[Any, ...]) -> None:
    error = OwnError()
    async with serve(misbehaving.answers(OK)) as server, http_client() as client:
        with pytest.raises(OwnError) as caught:
            await post(client, server.endpoint, Body(*pieces, error).stream())
        await server.saw_connection()
        await server.saw_close()

    assert caught.value is error
    assert (server.requests, len(server.peers)) == ([], 1)


@on_both_loops
async def test_error_of_the_iterator_behind_the_head_reaches_the_reader_behind_the_bytes() -> None:
    may_fail, error = asyncio.Event(), OwnError()
    async with serve(misbehaving.echoes_chunks) as server, http_client() as client:
        response = await post(client, server.endpoint, Body(b"one", may_fail, error).stream())
        assert await response.read() == b"one"
        may_fail.set()
        for _ in range(2):
            with pytest.raises(OwnError):
                await response.read()
        await server.saw_close()

    assert len(server.peers) == 1


@on_both_loops
async def test_cancelled_iterator_aborts_the_connection_and_not_its_caller() -> None:
    async with serve(misbehaving.hangs_before_head) as server, http_client() as client:
        with pytest.raises(UpstreamFailure) as caught:
            await post(client, server.endpoint, Body(b"one", 0.01, asyncio.CancelledError()).stream())
        await server.saw_close()

    assert name(caught.value) == ("send", "reset", None)
    assert caught.value.is_sent


@pytest.mark.parametrize("pieces", [(b"one", b"tw"), (b"one",), ()])
@on_both_loops
async def test_body_shorter_than_its_length_aborts_the_connection(pieces: tuple[bytes, ...]) -> None:
    async with serve(misbehaving.answers(OK)) as server, http_client() as client:
        with pytest.raises(ValueError, match="before its length"):
            await post(client, server.endpoint, Body(*pieces).stream(), body_length=6)
        await server.saw_connection()
        await server.saw_close()

    assert server.requests == []


@pytest.mark.parametrize(("pieces", "sent"), [((b"one", b"two!"), b"one"), ((b"seven b",), b""), ((b"onetwo", 0.05, b"!"), b"onetwo")])
@on_both_loops
async def test_no_byte_behind_the_length_is_ever_sent(pieces: tuple[Any, ...], sent: bytes) -> None:
    seen = bytearray()

    async def listens(peer: Peer) -> None:
        await peer.read_head()
        while data := await peer.reader.read(100):
            seen.extend(data)

    async with serve(listens) as server, http_client() as client:
        with pytest.raises(ValueError, match="longer than its length"):
            await post(client, server.endpoint, Body(*pieces).stream(), body_length=6)
        await server.saw_connection()
        await server.saw_close()

    assert sent.startswith(bytes(seen))


@on_both_loops
async def test_negative_length_is_refused_before_anything_is_sent() -> None:
    async with serve(misbehaving.answers(OK)) as server, http_client() as client:
        with pytest.raises(ValueError, match="negative"):
            await post(client, server.endpoint, Body(b"x").stream(), body_length=-1)

        assert server.peers == []


@on_both_loops
async def test_iterator_is_not_asked_before_there_is_a_connection() -> None:
    body = Body(b"one")
    with refusing_port() as port:
        async with http_client() as client:
            with pytest.raises(UpstreamFailure) as caught:
                await post(client, Endpoint("http", "127.0.0.1", port), body.stream())

    assert (name(caught.value), caught.value.is_sent, body.given_count) == (("connect", "refused", None), False, 0)


# A caller that cancels, an upstream that goes


@pytest.mark.parametrize("pieces", [(b"one", 30.0), (30.0,), (b"x" * 1_000_000,) * 100])
@on_both_loops
async def test_cancel_while_the_body_is_sent_closes_iterator_and_connection(pieces: tuple[Any, ...]) -> None:
    body = Body(*pieces)
    async with serve(misbehaving.never_reads) as server, http_client() as client:
        task = asyncio.create_task(post(client, server.endpoint, body.stream()))
        await server.saw_connection()
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert body.is_closed
        async with asyncio.timeout(1.0):
            while connections(client):
                await asyncio.sleep(0.001)


@on_both_loops
async def test_cancel_at_any_moment_leaves_no_connection_and_no_iterator_in_use() -> None:
    async with serve(misbehaving.echoes_chunks) as server, http_client() as client:
        for step in range(40):
            body = Body(b"one", 0.002, b"two", 0.002, b"three")
            task = asyncio.create_task(send_and_read(client, server.endpoint, body))
            await asyncio.sleep(step * 0.0003)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            async with asyncio.timeout(5):
                while body.given_count and not body.is_closed:
                    await asyncio.sleep(0.001)
        [origin] = client._origins.values()

        async with asyncio.timeout(5):
            while origin.connections != set(origin.idle):
                await asyncio.sleep(0.001)


async def send_and_read(client: HttpClient, endpoint: Endpoint, body: Body) -> None:
    await read_to_end(await post(client, endpoint, body.stream()))


@on_both_loops
async def test_cancel_is_not_held_up_for_ever_by_an_iterator_that_holds_on() -> None:
    may_end = asyncio.Event()

    async def stubborn() -> AsyncIterator[bytes]:
        yield b"one"
        while not may_end.is_set():
            try:
                await may_end.wait()
            except asyncio.CancelledError:
                continue
        yield b"two"

    async with serve(misbehaving.hangs_before_head) as server, http_client() as client:
        task = asyncio.create_task(post(client, server.endpoint, stubborn()))
        await server.saw_connection()
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            async with asyncio.timeout(10):
                await task

        await server.saw_close()
        may_end.set()
        await asyncio.sleep(0.05)
    assert server.requests == []


@on_both_loops
async def test_upstream_that_resets_in_the_body_is_named() -> None:
    body = Body(b"x" * 200, 30.0)
    async with serve(misbehaving.resets_in_the_body) as server, http_client() as client:
        with pytest.raises(UpstreamFailure) as caught:
            await post(client, server.endpoint, body.stream())

        assert (name(caught.value), caught.value.is_sent, body.is_closed) == (("send", "reset", None), True, True)


@on_both_loops
async def test_close_of_the_client_ends_the_sending() -> None:
    body = Body(b"one", 30.0)
    async with serve(misbehaving.hangs_before_head) as server, http_client() as client:
        task = asyncio.create_task(post(client, server.endpoint, body.stream()))
        await server.saw_connection()
        await asyncio.sleep(0.05)
        await client.close()
        with pytest.raises(UpstreamFailure) as caught:
            await task

    assert name(caught.value) == ("send", "reset", None)
    assert body.is_closed


# Connections that were used before


@pytest.mark.parametrize("behaviour", [misbehaving.closes_on_second_request, misbehaving.resets_on_second_request])
@pytest.mark.parametrize("body_length", [None, 3])
@on_both_loops
async def test_streamed_body_is_not_repeated_when_a_reused_connection_dies(behaviour: Behaviour, body_length: int | None) -> None:
    async with serve(behaviour) as server, http_client() as client:
        await (await post(client, server.endpoint)).read_all(10)
        with pytest.raises(UpstreamFailure) as caught:
            await post(client, server.endpoint, Body(b"one").stream(), body_length=body_length)

    assert caught.value.kind in ("eof", "reset")
    assert caught.value.is_sent
    assert (len(server.peers), len(server.requests)) == (1, 2)


@on_both_loops
async def test_connection_that_was_idle_for_a_while_is_left_to_requests_that_can_be_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "RECENT_S", 0.05)
    async with serve(misbehaving.closes_on_second_request) as server, http_client() as client:
        await (await post(client, server.endpoint)).read_all(10)
        await asyncio.sleep(0.15)

        assert await (await post(client, server.endpoint, Body(b"one").stream())).read_all(10) == b"ok"
    assert [request.body for request in server.requests] == [b"{}", b"one"]
    assert len(server.peers) == 2


@on_both_loops
async def test_late_error_of_an_iterator_does_not_touch_the_next_exchange() -> None:
    """The length was reached and answered while the iterator still had to end; it then answers its cancellation with an error."""
    has_failed = asyncio.Event()

    async def answers_the_second_late(peer: Peer) -> None:
        await peer.read_request()
        await peer.write(OK)
        await peer.read_request()
        await has_failed.wait()
        await asyncio.sleep(0.02)
        await peer.write(OK)

    async with serve(answers_the_second_late) as server, http_client() as client:

        async def sullen() -> AsyncIterator[bytes]:
            yield b"one"
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                await server.saw_request(2)
                has_failed.set()
                raise OwnError from None

        first = asyncio.create_task(post(client, server.endpoint, sullen(), body_length=3))
        await server.saw_connection()
        [origin] = client._origins.values()
        async with asyncio.timeout(5):
            while not origin.idle:
                await asyncio.sleep(0)
        second = await post(client, server.endpoint)

        assert await second.read_all(10) == b"ok"
        assert await (await first).read_all(10) == b"ok"
    assert has_failed.is_set()
    assert len(server.peers) == 1


@on_both_loops
async def test_chunk_is_sent_as_one_and_as_it_comes() -> None:
    chunks: list[bytes] = []

    async def collects(peer: Peer) -> None:
        await peer.read_head()
        chunks.extend([piece async for piece in peer.read_chunks()])
        await peer.write(OK)

    async with serve(collects) as server, http_client() as client:
        await (await post(client, server.endpoint, Body(b"one", b"", b"two", b"x" * 130_000).stream())).read_all(10)

    assert chunks == [b"one", b"two", b"x" * 130_000]
