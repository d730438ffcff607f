"""Back-pressure both ways: neither a fast upstream nor a slow one makes the gateway hold more than its buffers."""

from __future__ import annotations

import asyncio

import pytest

from proxy.ports import Timeouts, UpstreamFailure
from tests.proxy import misbehaving
from tests.proxy.integration.http_client_help import http_client, name, post, read_to_end
from tests.proxy.loops import on_both_loops
from tests.proxy.upstreams import CHUNKED_END, CHUNKED_HEAD, Peer, dump_answer, dump_chunk, serve

LARGE = 8_000_000
ONE_RECEIVE_BYTES = 256 * 1024
"""The most that a loop hands over in one call; the buffer may be over its mark by one of these."""


@on_both_loops
async def test_fast_upstream_is_held_back_by_a_slow_reader() -> None:
    async with serve(misbehaving.floods(160)) as server, http_client() as client:
        response = await post(client, server.endpoint)
        await asyncio.sleep(0.2)
        total, largest = 0, 0
        while piece := await response.read():
            total += len(piece)
            largest = max(largest, len(piece))
            await asyncio.sleep(0)

    assert total == 160 * 65536  # 10 MB without a line break
    assert largest <= 64 * 1024 + ONE_RECEIVE_BYTES


@on_both_loops
async def test_connection_is_usable_after_it_was_held_back() -> None:
    async def floods_again(peer: Peer) -> None:
        while True:
            await misbehaving.floods(20)(peer)

    async with serve(floods_again) as server, http_client() as client:
        for _ in range(3):
            response = await post(client, server.endpoint)
            await asyncio.sleep(0.05)
            assert len(await response.read_all(2_000_000)) == 20 * 65536
    assert len(server.peers) == 1


@pytest.mark.parametrize("size_bytes", [65_535, 65_536, 65_537, 128 * 1024, 128 * 1024 + 1, LARGE])
@on_both_loops
async def test_body_of_any_size_arrives_whole(size_bytes: int) -> None:
    body = bytes(range(251)) * (size_bytes // 251 + 1)
    body = body[:size_bytes]
    async with serve(misbehaving.answers(dump_answer(b"ok"))) as server, http_client() as client:
        for _ in range(2):
            await (await post(client, server.endpoint, body)).read_all(10)

    assert [request.body == body for request in server.requests] == [True, True]
    assert len(server.peers) == 1


@on_both_loops
async def test_large_body_waits_for_a_slow_upstream() -> None:
    may_read = asyncio.Event()
    async with serve(misbehaving.reads_slowly(may_read)) as server, http_client() as client:
        task = asyncio.create_task(post(client, server.endpoint, b"x" * LARGE))
        await server.saw_connection()
        await asyncio.sleep(0.1)
        [connection] = client._origins.popitem()[1].connections
        held = connection.transport.get_write_buffer_size()
        may_read.set()

        assert await (await task).read_all(10) == b"%d" % LARGE
    assert held <= 256 * 1024


@pytest.mark.parametrize("timer", ["idle", "total"])
@on_both_loops
async def test_upstream_that_stops_reading_ends_the_sending(timer: str) -> None:
    limits = {"connect_s": 20.0, "first_token_s": 20.0, "idle_s": 20.0, "total_s": 40.0, f"{timer}_s": 0.5}
    async with serve(misbehaving.never_reads) as server, http_client() as client:
        with pytest.raises(UpstreamFailure) as caught:
            await post(client, server.endpoint, b"x" * 32_000_000, timeouts=Timeouts(**limits))

    assert name(caught.value) == ("send", "timeout", timer)
    assert caught.value.is_sent


@on_both_loops
async def test_first_token_timer_starts_when_a_large_body_is_sent() -> None:
    may_read = asyncio.Event()

    async def reads_then_hangs(peer: Peer) -> None:
        peer.writer.transport.pause_reading()
        await may_read.wait()
        peer.writer.transport.resume_reading()
        await peer.read_request()

    async with serve(reads_then_hangs) as server, http_client() as client:
        task = asyncio.create_task(post(client, server.endpoint, b"x" * LARGE, timeouts=Timeouts(first_token_s=0.3, idle_s=50)))
        await server.saw_connection()
        await asyncio.sleep(0.6)
        may_read.set()
        with pytest.raises(UpstreamFailure) as caught:
            async with asyncio.timeout(20):
                await task

    assert name(caught.value) == ("head", "timeout", "first_token")
    assert len(server.requests) == 1


@on_both_loops
async def test_upstream_that_resets_in_the_request_is_named() -> None:
    async def resets(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        peer.reset()

    async with serve(resets) as server, http_client() as client:
        with pytest.raises(UpstreamFailure) as caught:
            await post(client, server.endpoint, b"x" * 32_000_000)

    assert name(caught.value) == ("send", "reset", None)
    assert caught.value.is_sent


@on_both_loops
async def test_answer_before_the_end_of_the_request_is_taken_and_ends_the_connection() -> None:
    async with serve(misbehaving.refuses_body) as server, http_client() as client:
        response = await post(client, server.endpoint, b"x" * 32_000_000)

        assert response.status == 413
        assert await response.read_all(100) == b"too large"
        await server.saw_close()


@on_both_loops
async def test_upstream_may_answer_while_it_still_reads() -> None:
    async def echoes_size(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.write(CHUNKED_HEAD)
        await peer.reader.readexactly(LARGE)
        await peer.write(dump_chunk(b"all read") + CHUNKED_END)

    async with serve(echoes_size) as server, http_client() as client:
        response = await post(client, server.endpoint, b"x" * LARGE)

        assert await read_to_end(response) == (b"all read", None)
    assert len(server.peers) == 1


@on_both_loops
async def test_large_body_is_repeated_whole_on_a_fresh_connection() -> None:
    async def behave(peer: Peer) -> None:
        await peer.read_request()
        await peer.write(dump_answer(b"ok"))
        if peer.number == 0:
            await peer.reader.readuntil(b"\r\n\r\n")
            peer.reset()

    body = b"x" * LARGE
    async with serve(behave) as server, http_client() as client:
        await (await post(client, server.endpoint)).read_all(10)

        assert await (await post(client, server.endpoint, body)).read_all(10) == b"ok"
    assert server.requests[-1].body == body
    assert len(server.peers) == 2


@on_both_loops
async def test_two_readers_of_one_response_are_a_mistake() -> None:
    async with serve(misbehaving.hangs_mid_body) as server, http_client() as client:
        response = await post(client, server.endpoint)
        await response.read()
        first = asyncio.create_task(response.read())
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError):
            await response.read()

        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
