"""When the client uses a connection again, when it lets one go, and when it sends a request a second time."""

from __future__ import annotations

import asyncio

import pytest

from proxy.ports import Endpoint, Timeouts, UpstreamFailure
from tests.proxy import misbehaving
from tests.proxy.integration.http_client_help import http_client, name, post, read_to_end
from tests.proxy.loops import on_both_loops
from tests.proxy.upstreams import Behaviour, Peer, dump_answer, refusing_port, serve

OK = dump_answer(b"ok")


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
    with refusing_port() as port:
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
async def test_request_on_a_connection_that_just_ran_out_is_repeated_once_on_a_fresh_one(behaviour: Behaviour) -> None:
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
