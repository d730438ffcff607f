"""A call that is cancelled closes its upstream connection at once, whatever it waits for."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from proxy.adapters.http import HttpClient
from proxy.ports import Endpoint
from tests.proxy import misbehaving
from tests.proxy.integration.http_client_help import http_client, post, read_to_end
from tests.proxy.loops import on_both_loops
from tests.proxy.upstreams import Behaviour, Peer, dump_answer, serve, silent_port

AT_ONCE_S = 1.0
"""What the wire contract allows; the client itself needs well under a millisecond."""


async def cancel(task: asyncio.Task[object]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("behaviour", [misbehaving.hangs_before_head, misbehaving.hangs_in_head])
@on_both_loops
async def test_cancel_before_the_head_closes_the_connection(behaviour: Behaviour) -> None:
    async with serve(behaviour) as server, http_client() as client:
        task = asyncio.create_task(post(client, server.endpoint))
        await server.saw_request()
        await cancel(task)

        await server.saw_close(within_s=AT_ONCE_S)
        assert client._origins.popitem()[1].connections == set()


@on_both_loops
async def test_cancel_before_the_head_closes_a_reused_connection_too() -> None:
    async def answers_once(peer: Peer) -> None:
        await peer.read_request()
        await peer.write(dump_answer(b"ok"))
        await peer.read_request()

    async with serve(answers_once) as server, http_client() as client:
        await (await post(client, server.endpoint)).read_all(10)
        task = asyncio.create_task(post(client, server.endpoint))
        await server.saw_request(2)
        await cancel(task)

        await server.saw_close(within_s=AT_ONCE_S)
        assert len(server.peers) == 1


@on_both_loops
async def test_cancel_while_reading_closes_the_connection() -> None:
    async with serve(misbehaving.hangs_mid_body) as server, http_client() as client:
        response = await post(client, server.endpoint)
        assert await response.read() == b"one"
        task = asyncio.create_task(response.read())
        await asyncio.sleep(0.01)
        await cancel(task)

        await server.saw_close(within_s=AT_ONCE_S)


@on_both_loops
async def test_abort_in_mid_body_closes_the_connection() -> None:
    async with serve(misbehaving.hangs_mid_body) as server, http_client() as client:
        response = await post(client, server.endpoint)
        response.abort()
        response.abort()

        await server.saw_close(within_s=AT_ONCE_S)
        data, failure = await read_to_end(response)
        assert data == b"one"
        assert failure is not None


@on_both_loops
async def test_abort_behind_a_complete_body_leaves_the_connection_alone() -> None:
    async with serve(misbehaving.answers(dump_answer(b"ok"))) as server, http_client() as client:
        for _ in range(3):
            response = await post(client, server.endpoint)
            await response.read_all(10)
            response.abort()

    assert len(server.peers) == 1


@on_both_loops
async def test_cancel_while_a_large_body_is_sent_closes_the_connection() -> None:
    async with serve(misbehaving.never_reads) as server, http_client() as client:
        task = asyncio.create_task(post(client, server.endpoint, b"x" * 32_000_000))
        await server.saw_connection()
        await asyncio.sleep(0.05)
        await cancel(task)
        [origin] = client._origins.values()
        async with asyncio.timeout(AT_ONCE_S):
            while origin.connections:
                await asyncio.sleep(0.001)


@on_both_loops
async def test_cancel_while_connecting_gives_the_socket_back() -> None:
    with silent_port() as port:
        async with http_client() as client:
            others = count_connecting(port)  # those that fill the listener's queue
            task = asyncio.create_task(post(client, Endpoint("http", "127.0.0.1", port)))
            async with asyncio.timeout(5):
                while count_connecting(port) == others:
                    await asyncio.sleep(0.001)
            await cancel(task)

            async with asyncio.timeout(AT_ONCE_S):
                while count_connecting(port) != others:
                    await asyncio.sleep(0.001)


def count_connecting(port: int) -> int:
    """Count the sockets of this machine that try to connect to a port of 127.0.0.1 (state SYN_SENT)."""
    target = f"{int.from_bytes(socket.inet_aton('127.0.0.1'), 'little'):08X}:{port:04X}"
    rows = [line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()]
    return sum(row[2] == target and row[3] == "02" for row in rows[1:])


@on_both_loops
async def test_cancel_in_the_tls_handshake_closes_the_connection() -> None:
    async with serve(misbehaving.never_speaks) as server, http_client() as client:
        task = asyncio.create_task(post(client, Endpoint("https", "127.0.0.1", server.endpoint.port)))
        await server.saw_connection()
        await asyncio.sleep(0.05)
        await cancel(task)

        await server.saw_close(within_s=AT_ONCE_S)


@on_both_loops
async def test_cancel_in_the_resolver_sends_nothing() -> None:
    asked = asyncio.Event()

    async def hang(host: str, port: int) -> tuple[str, ...]:
        asked.set()
        await asyncio.Event().wait()
        return ()

    async with serve(misbehaving.hangs_before_head) as server, http_client(look_up=hang) as client:
        task = asyncio.create_task(post(client, Endpoint("http", "slow.example", server.endpoint.port)))
        await asked.wait()
        await cancel(task)

    assert server.peers == []


@on_both_loops
async def test_cancel_at_any_moment_leaves_no_connection_in_use() -> None:
    async with serve(misbehaving.streams(b"one", b"two", pause_s=0.002)) as server, http_client() as client:
        for step in range(40):
            task = asyncio.create_task(call(client, server.endpoint))
            await asyncio.sleep(step * 0.0002)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        [origin] = client._origins.values()
        await asyncio.sleep(0)

        async with asyncio.timeout(5):
            while origin.connections != set(origin.idle):
                await asyncio.sleep(0.001)


async def call(client: HttpClient, endpoint: Endpoint) -> None:
    await read_to_end(await post(client, endpoint))
