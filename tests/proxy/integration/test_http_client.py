"""What the client sends, what it makes of well-formed answers, and when it uses a connection again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from proxy.ports import Endpoint, Upstream
from tests.proxy import misbehaving
from tests.proxy.integration.http_client_help import PATIENT, http_client, post, read_to_end
from tests.proxy.loops import on_both_loops
from tests.proxy.upstreams import CHUNKED_END, CHUNKED_HEAD, Behaviour, Peer, dump_answer, dump_chunk, serve

OK = dump_answer(b"ok")


# The request


@on_both_loops
async def test_request_carries_host_length_and_the_headers_given() -> None:
    async with serve(misbehaving.answers(OK)) as server, http_client() as client:
        endpoint = Endpoint("http", "127.0.0.1", server.endpoint.port, "/base")
        upstream: Upstream = client
        response = await upstream.send(
            endpoint, "POST", "/v1/chat?beta=true", [(b"Authorization", b"Bearer k"), (b"x-two", b"")], b'{"a":1}', PATIENT
        )
        await response.read_all(10)

    request = server.requests[0]
    assert request.line == b"POST /base/v1/chat?beta=true HTTP/1.1"
    assert request.headers == (
        (b"host", b"127.0.0.1:%d" % server.endpoint.port),
        (b"authorization", b"Bearer k"),
        (b"x-two", b""),
        (b"accept-encoding", b"identity"),
        (b"content-length", b"7"),
    )
    assert request.body == b'{"a":1}'


@on_both_loops
async def test_accept_encoding_of_the_caller_is_kept() -> None:
    async with serve(misbehaving.answers(OK)) as server, http_client() as client:
        await (await post(client, server.endpoint, headers=[(b"Accept-Encoding", b"gzip")])).read_all(10)

    assert [value for name_, value in server.requests[0].headers if name_ == b"accept-encoding"] == [b"gzip"]


@on_both_loops
async def test_name_of_the_endpoint_is_the_host_that_is_sent() -> None:
    async def look_up(host: str, port: int) -> tuple[str, ...]:
        return ("127.0.0.1",)

    async with serve(misbehaving.answers(OK)) as server, http_client(look_up=look_up) as client:
        await (await post(client, Endpoint("http", "api.example.com", server.endpoint.port))).read_all(10)

    assert server.requests[0].header(b"host") == b"api.example.com:%d" % server.endpoint.port


@pytest.mark.parametrize(("method", "length"), [("GET", None), ("HEAD", None), ("DELETE", None), ("POST", b"0"), ("PUT", b"0")])
@on_both_loops
async def test_empty_body_has_a_length_only_where_a_body_is_expected(method: str, length: bytes | None) -> None:
    async with serve(misbehaving.answers(b"HTTP/1.1 204 No Content\r\n\r\n")) as server, http_client() as client:
        await (await post(client, server.endpoint, b"", method=method)).read_all(10)

    assert server.requests[0].header(b"content-length") == length


# The answer


@on_both_loops
async def test_answer_has_status_and_headers_in_lower_case_and_order() -> None:
    answer = dump_answer(b"no", b"X-B: 2", b"x-a: 1", b"X-B: 3", status=b"429 Too Many Requests")
    async with serve(misbehaving.answers(answer)) as server, http_client() as client:
        response = await post(client, server.endpoint)

        assert response.status == 429
        assert list(response.headers) == [(b"content-length", b"2"), (b"x-b", b"2"), (b"x-a", b"1"), (b"x-b", b"3")]
        assert await response.read_all(10) == b"no"


@on_both_loops
async def test_end_of_the_body_is_an_empty_read() -> None:
    async with serve(misbehaving.streams(b"one", b"two")) as server, http_client() as client:
        response = await post(client, server.endpoint)

        assert await read_to_end(response) == (b"onetwo", None)
        assert await response.read() == b""


@on_both_loops
async def test_buffered_pieces_come_in_one_read() -> None:
    async with serve(misbehaving.streams(b"one", b"two", b"three")) as server, http_client() as client:
        response = await post(client, server.endpoint)
        while server.peers and not client_is_idle(client):
            await asyncio.sleep(0.001)

        assert await response.read() == b"onetwothree"
        assert await response.read() == b""


def client_is_idle(client: Any) -> bool:
    return any(origin.idle for origin in client._origins.values())


@on_both_loops
async def test_slow_drip_arrives_whole() -> None:
    answer = CHUNKED_HEAD + dump_chunk(b"one") + dump_chunk(b"two") + CHUNKED_END

    async def drips(peer: Peer) -> None:
        await peer.read_request()
        for position in range(len(answer)):
            await peer.write(answer[position : position + 1])
            await asyncio.sleep(0)

    async with serve(drips) as server, http_client() as client:
        assert await read_to_end(await post(client, server.endpoint)) == (b"onetwo", None)


@on_both_loops
async def test_interim_answers_are_skipped() -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"

    async def continues(peer: Peer) -> None:
        while True:
            await peer.read_request()
            await peer.write(interim)
            await asyncio.sleep(0.01)
            await peer.write(OK)

    async with serve(continues) as server, http_client() as client:
        for _ in range(2):
            response = await post(client, server.endpoint)

            assert (response.status, list(response.headers)) == (200, [(b"content-length", b"2")])
            assert await response.read_all(10) == b"ok"
    assert len(server.peers) == 1


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n"),
        ("HEAD", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"),
        ("POST", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("POST", b"HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\ncontent-length: 1000\r\n\r\n"),
        ("POST", b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
    ],
)
@on_both_loops
async def test_answer_without_a_body_is_complete_and_leaves_the_connection_usable(method: str, answer: bytes) -> None:
    async with serve(misbehaving.answers(answer, OK)) as server, http_client() as client:
        response = await post(client, server.endpoint, b"", method=method)

        assert await response.read_all(0) == b""
        assert await (await post(client, server.endpoint)).read_all(10) == b"ok"
    assert len(server.peers) == 1


@on_both_loops
async def test_head_answered_with_a_body_loses_the_connection_and_not_the_answer() -> None:
    async with serve(misbehaving.answers(OK)) as server, http_client() as client:
        for _ in range(2):
            response = await post(client, server.endpoint, b"", method="HEAD")

            assert (response.status, await response.read_all(10)) == (200, b"")
    assert len(server.peers) == 2


@on_both_loops
async def test_body_without_framing_ends_with_the_stream() -> None:
    async with serve(misbehaving.ends_with_stream) as server, http_client() as client:
        assert await read_to_end(await post(client, server.endpoint)) == (b"one", None)
        assert await read_to_end(await post(client, server.endpoint)) == (b"one", None)
    assert len(server.peers) == 2


@pytest.mark.parametrize(
    ("answer", "is_reused"),
    [
        (b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok", False),
        (b"HTTP/1.1 200 OK\r\nConnection: Close\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok", False),
        (b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok", True),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-trailer: 1\r\n\r\n", True),
    ],
)
@on_both_loops
async def test_connection_is_used_again_only_if_the_upstream_keeps_it(answer: bytes, is_reused: bool) -> None:
    async with serve(misbehaving.answers(answer)) as server, http_client() as client:
        for _ in range(2):
            response = await post(client, server.endpoint)
            assert await response.read_all(10) == b"ok"
            assert b"x-trailer" not in dict(response.headers)
    assert len(server.peers) == (1 if is_reused else 2)


@pytest.mark.parametrize("behaviour", [misbehaving.answers_twice, misbehaving.speaks_unasked])
@on_both_loops
async def test_unasked_answer_is_never_given_to_the_next_request(behaviour: Behaviour) -> None:
    async with serve(behaviour) as server, http_client() as client:
        for count in range(1, 4):
            assert await (await post(client, server.endpoint)).read_all(10) == b"first"
            await server.saw_close(count - 1)

    assert len(server.peers) == 3
