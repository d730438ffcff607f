"""Who may use a WebSocket, and how it is closed."""

from __future__ import annotations

import asyncio

import pytest

from apikeys.hotpath import create_key_text
from proxy.consumers import SocketBounds
from proxy.errors import StoreUnavailable
from proxy.telemetry import ACTIVE_WEBSOCKETS
from proxy.testing import KEY_ID, create_bench, create_principal
from tests.proxy.chat_help import DONE, HELLO, ROLE, STOP, answer, chat
from tests.proxy.socket_help import Client, SocketSite

SHORT = SocketBounds(auth_timeout_s=0.02, idle_timeout_s=0.02)


async def _is_served(site: SocketSite, client: Client) -> bool:
    site.bench.upstream.answer(answer())
    client.create()
    return (await client.ended())[-1]["type"] == "response.completed"


# --- keys -------------------------------------------------------------------------------------------------------------------------


async def test_a_key_comes_in_the_header():
    site = SocketSite()

    client = site.connect()

    assert await _is_served(site, client)
    assert client.subprotocol is None


async def test_a_key_comes_as_a_subprotocol_that_is_accepted():
    site = SocketSite()
    offered = f"bearer.{site.bench.key.decode()}"

    client = site.connect(headers=[], subprotocols=["chat", offered])

    assert await _is_served(site, client)
    assert client.subprotocol == offered


async def test_a_key_comes_in_the_first_message():
    site = SocketSite()
    client = site.connect(headers=[])

    client.say(type="auth", api_key=site.bench.key.decode())

    assert await client.next() == {"type": "authenticated"}
    assert await _is_served(site, client)


@pytest.mark.parametrize("key", [b"nonsense", create_key_text()[0].encode()], ids=["malformed", "unknown"])
@pytest.mark.parametrize("way", ["header", "subprotocol", "message"])
async def test_a_key_that_is_none_closes_the_socket(way, key):
    site = SocketSite()
    if way == "header":
        client = site.connect(key=key)
    elif way == "subprotocol":
        client = site.connect(headers=[], subprotocols=[f"bearer.{key.decode()}"])
    else:
        client = site.connect(headers=[])
        client.say(type="auth", api_key=key.decode())

    assert await client.close_code() == 4401
    assert client.closed == (4401, "invalid_api_key")
    await client.done()


async def test_a_key_from_the_wrong_address_closes_the_socket():
    site = SocketSite(create_bench(create_principal(allowed_networks=("192.0.2.0/24",))))

    client = site.connect()

    assert await client.close_code() == 4403
    assert client.closed == (4403, "ip_not_allowed")


async def test_a_request_before_the_key_closes_the_socket():
    client = SocketSite().connect(headers=[])

    client.create()

    assert await client.close_code() == 4401


async def test_a_key_that_does_not_come_in_time_closes_the_socket():
    client = SocketSite(bounds=SocketBounds(auth_timeout_s=0.02)).connect(headers=[])

    client.say(type="ping")

    assert await client.next() == {"type": "pong"}
    assert await client.close_code() == 4401
    await client.done()


async def test_a_store_that_is_away_is_not_the_keys_fault():
    site = SocketSite()
    site.bench.principals.error = StoreUnavailable()

    client = site.connect()

    assert await client.close_code() == 1013


async def test_a_key_that_is_revoked_is_refused_on_the_open_socket():
    site = SocketSite()
    client = site.connect()
    assert await _is_served(site, client)

    site.bench.principals.principals.clear()
    site.bench.gateway.keys.apply_change(f"key:{KEY_ID}", 1)
    client.create()
    [error] = await client.ended()

    assert (error["status"], error["error"]["code"]) == (401, "invalid_api_key")


# --- the end of a socket ----------------------------------------------------------------------------------------------------------


async def test_an_idle_socket_is_closed():
    client = SocketSite(bounds=SHORT).connect()

    assert await client.close_code() == 4408
    await client.done()


async def test_a_socket_on_which_something_runs_is_not_idle():
    site = SocketSite(bounds=SHORT)
    go_on = asyncio.Event()
    site.bench.upstream.answer([ROLE, HELLO, go_on, STOP, DONE])
    client = site.connect()
    client.create(body=chat(stream=True))

    await client.until("response.chunk")
    await asyncio.sleep(0.2)
    assert client.closed is None
    go_on.set()
    ended = await client.ended()

    assert ended[-1]["type"] == "response.completed"
    assert await client.close_code() == 4408


async def test_a_binary_message_closes_the_socket_and_ends_what_runs():
    site = SocketSite()
    response = site.bench.upstream.answer([ROLE, HELLO, asyncio.Event()])
    client = site.connect()
    client.create(body=chat(stream=True))
    await client.until("response.chunk")

    client.say_bytes(b"{}")
    await client.done()

    assert client.closed == (1003, "text messages only")
    assert response.is_aborted
    assert site.lifecycle.active_streams == 0


async def test_what_comes_after_the_close_is_ignored():
    site = SocketSite()
    client = site.connect()

    client.say_bytes(b"{}")
    client.create()
    client.say_bytes(b"{}")
    await client.done()

    assert site.bench.upstream.sent == []


async def test_a_client_that_left_before_the_handshake_was_accepted_is_no_error():
    site = SocketSite()
    client = site.connect()

    client.leave()
    with pytest.raises(OSError, match="left"):  # as the server expects it
        await client.done()


async def test_open_sockets_are_counted():
    before = ACTIVE_WEBSOCKETS._value.get()
    site = SocketSite()
    clients = [site.connect() for _ in range(3)]
    for client in clients:
        client.say(type="ping")
        await client.next()

    during = ACTIVE_WEBSOCKETS._value.get()
    for client in clients:
        client.leave()
        await client.done()

    assert during - before == 3
    assert ACTIVE_WEBSOCKETS._value.get() == before
