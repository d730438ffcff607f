"""What the client sends, what it makes of well-formed answers, and when it uses a connection again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from proxy.ports import Endpoint, Timeouts, Upstream, UpstreamFailure
from tests.proxy import misbehaving
from tests.proxy.integration.http_client_help import PATIENT, http_client, name, post, read_to_end
from tests.proxy.loops import on_both_loops
from tests.proxy.misbehaving import Peer, dump_answer, serve

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
        (b"content-length", b"7"),
        (b"accept-encoding", b"identity"),
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
    answer = misbehaving.CHUNKED_HEAD + misbehaving.dump_chunk(b"one") + misbehaving.dump_chunk(b"two") + misbehaving.CHUNKED_END

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
async def test_unasked_answer_is_never_given_to_the_next_request(behaviour: misbehaving.Behaviour) -> None:
    async with serve(behaviour) as server, http_client() as client:
        for count in range(1, 4):
            assert await (await post(client, server.endpoint)).read_all(10) == b"first"
            await server.saw_close(count - 1)

    assert len(server.peers) == 3


# The pool


@on_both_loops
async def test_connections_are_used_again_last_one_first() -> None:
    async with serve(misbehaving.answers(OK)) as server, http_client() as client:
        responses = await asyncio.gather(*(post(client, server.endpoint) for _ in range(3)))
        for response in responses:
            await response.read_all(10)
        assert len(server.peers) == 3
        [origin] = client._origins.values()
        newest = origin.idle[-1]

        await (await post(client, server.endpoint)).read_all(10)

        assert origin.idle[-1] is newest
    assert len(server.peers) == 3


@on_both_loops
async def test_no_more_idle_connections_than_allowed_are_kept() -> None:
    async with serve(misbehaving.answers(OK)) as server, http_client(max_idle_per_origin=2) as client:
        responses = await asyncio.gather(*(post(client, server.endpoint) for _ in range(5)))
        for response in responses:
            await response.read_all(10)

        [origin] = client._origins.values()
        assert len(origin.idle) == 2
        async with asyncio.timeout(5):
            while sum(peer.closed_by_client.is_set() for peer in server.peers) < 3:
                await asyncio.sleep(0.001)


@on_both_loops
async def test_idle_connection_is_closed_when_its_time_is_over() -> None:
    async with serve(misbehaving.answers(OK)) as server, http_client(idle_keep_s=0.1) as client:
        await (await post(client, server.endpoint)).read_all(10)
        await server.saw_close()

        [origin] = client._origins.values()
        assert (origin.idle, origin.connections) == ([], set())


@on_both_loops
async def test_close_ends_idle_and_running_connections() -> None:
    async with serve(misbehaving.hangs_mid_body) as busy, serve(misbehaving.answers(OK)) as idle, http_client() as client:
        await (await post(client, idle.endpoint)).read_all(10)
        response = await post(client, busy.endpoint)
        await client.close()
        await busy.saw_close()
        await idle.saw_close()
        data, failure = await read_to_end(response)

        assert data == b"one"
        assert name(failure) == ("body", "reset", None)
        with pytest.raises(RuntimeError):
            await post(client, idle.endpoint)


@on_both_loops
async def test_close_ends_a_call_that_waits_for_its_head_and_repeats_nothing() -> None:
    async def behave(peer: Peer) -> None:
        await peer.read_request()
        await peer.write(OK)
        await peer.read_request()

    async with serve(behave) as server, http_client() as client:
        await (await post(client, server.endpoint)).read_all(10)
        task = asyncio.create_task(post(client, server.endpoint))
        await server.saw_request(2)
        await client.close()
        with pytest.raises(UpstreamFailure) as caught:
            await task

    assert name(caught.value) == ("head", "reset", None)
    assert len(server.peers) == 1


@on_both_loops
async def test_connection_made_during_close_is_not_kept() -> None:
    may_resolve = asyncio.Event()

    async def look_up(host: str, port: int) -> tuple[str, ...]:
        await may_resolve.wait()
        return ("127.0.0.1",)

    async with serve(misbehaving.answers(OK)) as server, http_client(look_up=look_up) as client:
        task = asyncio.create_task(post(client, Endpoint("http", "late.example", server.endpoint.port)))
        await asyncio.sleep(0)
        await client.close()
        may_resolve.set()
        await (await task).read_all(10)

        await server.saw_close()


@on_both_loops
async def test_origins_without_connections_are_forgotten() -> None:
    with misbehaving.refusing_port() as port:
        async with http_client() as client:
            for number in range(300):
                with pytest.raises(UpstreamFailure):
                    await post(client, Endpoint("http", f"127.0.{number // 200}.{number % 200 + 1}", port))

            assert len(client._origins) <= 256


# Reused connections that turn out dead


@on_both_loops
async def test_connection_closed_between_requests_is_replaced_silently() -> None:
    async with serve(misbehaving.closes_after_each_answer) as server, http_client() as client:
        for _ in range(5):
            assert await (await post(client, server.endpoint)).read_all(10) == b"ok"

    assert len(server.requests) == 5


@pytest.mark.parametrize("behaviour", [misbehaving.closes_on_second_request, misbehaving.resets_on_second_request])
@on_both_loops
async def test_request_on_a_connection_that_just_ran_out_is_repeated_once_on_a_fresh_one(behaviour: misbehaving.Behaviour) -> None:
    async with serve(behaviour) as server, http_client() as client:
        for _ in range(4):
            assert await (await post(client, server.endpoint, b"body")).read_all(10) == b"ok"

    # Each connection answered one request; on each but the last a second one came and was repeated elsewhere.
    assert len(server.peers) == 4
    assert len(server.requests) == 7
    assert {request.body for request in server.requests} == {b"body"}


@on_both_loops
async def test_pool_full_of_dead_connections_costs_one_repetition() -> None:
    async with serve(misbehaving.closes_on_second_request) as server, http_client() as client:
        responses = await asyncio.gather(*(post(client, server.endpoint) for _ in range(3)))
        for response in responses:
            await response.read_all(10)

        assert await (await post(client, server.endpoint)).read_all(10) == b"ok"
    assert len(server.requests) == 5


@on_both_loops
async def test_fresh_connection_that_dies_is_not_repeated() -> None:
    async with serve(misbehaving.closes_before_head) as server, http_client() as client:
        with pytest.raises(UpstreamFailure):
            await post(client, server.endpoint)

    assert len(server.peers) == 1


@on_both_loops
async def test_repetition_that_dies_is_not_repeated_again() -> None:
    async def behave(peer: Peer) -> None:
        await peer.read_request()
        if peer.number == 0:
            await peer.write(OK)
            await peer.read_request()
        await peer.close()

    async with serve(behave) as server, http_client() as client:
        await (await post(client, server.endpoint)).read_all(10)
        with pytest.raises(UpstreamFailure) as caught:
            await post(client, server.endpoint)

    assert name(caught.value) == ("head", "eof", None)
    assert caught.value.is_sent
    assert len(server.peers) == 2


@on_both_loops
async def test_request_whose_answer_had_begun_is_not_repeated() -> None:
    async with serve(misbehaving.starts_second_answer_and_closes) as server, http_client() as client:
        await (await post(client, server.endpoint)).read_all(10)
        with pytest.raises(UpstreamFailure) as caught:
            await post(client, server.endpoint)

    assert name(caught.value) == ("head", "eof", None)
    assert len(server.peers) == 1


@on_both_loops
async def test_upstream_that_dies_at_work_is_not_asked_again() -> None:
    async with serve(misbehaving.dies_on_second_request(1.2)) as server, http_client() as client:
        await (await post(client, server.endpoint)).read_all(10)
        with pytest.raises(UpstreamFailure) as caught:
            await post(client, server.endpoint)

    assert name(caught.value) == ("head", "eof", None)
    assert len(server.peers) == 1


@on_both_loops
async def test_timeout_on_a_reused_connection_is_not_repeated() -> None:
    async def behave(peer: Peer) -> None:
        await peer.read_request()
        await peer.write(OK)
        await peer.read_request()

    async with serve(behave) as server, http_client() as client:
        await (await post(client, server.endpoint)).read_all(10)
        with pytest.raises(UpstreamFailure) as caught:
            await post(client, server.endpoint, timeouts=Timeouts(first_token_s=0.1))

    assert name(caught.value) == ("head", "timeout", "first_token")
    assert len(server.peers) == 1
