"""A listener to signals, without stores."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from typing import Any

import pytest

from gatewaysite.signal_socket import SignalSocket, Wanted
from items.signal_feed import Listener
from proxy.errors import GatewayError
from proxy.testing import create_bench, create_principal
from tests.proxy.socket_help import SocketSite


class Feed:
    """A feed whose listeners hear at once what is put into them."""

    def __init__(self) -> None:
        self.listeners: list[Listener] = []
        self.left: list[Listener] = []

    async def listen(self, workspace_id: str) -> Listener:
        listener = Listener(workspace_id)
        listener.go_live()
        self.listeners.append(listener)
        return listener

    async def leave(self, listener: Listener) -> None:
        self.left.append(listener)


class Talk:
    def __init__(self, query: bytes = b"", *, error: Exception | None = None) -> None:
        bench = create_bench(create_principal(permissions=("signals_read",)))
        self.key, self.feed, self.error = bench.key, Feed(), error
        self.said: list[dict[str, Any]] = []
        self.failures: list[GatewayError] = []
        scope = {"headers": [], "client": ("127.0.0.1", 1), "query_string": query}
        self.socket = SignalSocket(SocketSite(bench).door, self._say, self._fail, scope, self.feed, self._read_since)  # type: ignore[arg-type]

    async def _say(self, text: str) -> None:
        self.said.append(json.loads(text))

    async def _fail(self, error: GatewayError) -> None:
        self.failures.append(error)

    async def _read_since(self, workspace_id: str, wanted: Wanted) -> tuple[list[dict[str, Any]], bool]:
        if self.error is not None:
            raise self.error
        return [{"id": "1", "symbol": "OLD", "channel": "c", "action": "buy", "timestamp": wanted.since}], True

    async def begin(self) -> None:
        await self.socket.authenticate(self.key)
        await asyncio.sleep(0.01)

    async def hear(self, *messages: bytes) -> None:
        for message in messages:
            self.feed.listeners[-1].put(message)
        await asyncio.sleep(0.01)


def _signal(number: int, symbol: str = "A") -> bytes:
    return json.dumps([{"id": str(number), "symbol": symbol, "channel": "c", "action": "buy"}]).encode()


async def test_what_was_stored_before_and_is_heard_again_is_told_once():
    talk = Talk(b"since=2026-03-01T12:00:00Z")

    await talk.begin()
    await talk.hear(_signal(1), _signal(2))

    assert [message["type"] for message in talk.said] == ["subscribed", "signals", "missed", "signals"]
    assert talk.said[1]["data"][0]["timestamp"] == dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC).isoformat().replace("+00:00", "Z")
    assert [signal["id"] for signal in talk.said[3]["data"]] == ["2"]
    await talk.socket.wait_closed()
    assert talk.feed.left == talk.feed.listeners


async def test_a_listener_that_is_too_slow_is_told_that_it_missed_some_and_hears_the_next():
    talk = Talk()
    await talk.begin()

    for number in range(300):
        talk.feed.listeners[-1].put(_signal(number))
    await asyncio.sleep(0.01)
    await talk.hear(_signal(1000))

    assert {"type": "missed"} in talk.said
    assert talk.said[-1]["data"][0]["id"] == "1000"
    await talk.socket.wait_closed()


@pytest.mark.parametrize("error", [RuntimeError("the database broke"), GatewayError("told")])
async def test_a_socket_that_cannot_go_on_is_closed_and_never_stays_silent(error):
    talk = Talk(b"since=2026-03-01T12:00:00Z", error=error)

    await talk.begin()

    assert len(talk.failures) == 1
    assert talk.feed.left == talk.feed.listeners
    await talk.socket.wait_closed()
