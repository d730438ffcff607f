"""`/ws/signals` from the outside: what is stored over REST is heard, by those who may hear it."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from tests.http_talk import PATIENCE_S
from tests.installation import Installation
from tests.socket_talk import hear, open_socket, say

PATH = "/ws/signals"
_REVOKE = "from apikeys.domain import revoke_key; from apikeys.models import ApiKey; revoke_key(ApiKey.objects.get(pk='%s'))"
_names = (f"channel-{number}" for number in itertools.count())


@pytest.fixture
def key(installation: Installation) -> str:
    return installation.create_key()


@pytest.fixture
def channel(installation: Installation, key: str) -> str:
    return make_channel(installation, key)


def make_channel(installation: Installation, key: str) -> str:
    name = next(_names)
    assert installation.post("/api/signals/channels", {"name": name}, key).status == 201
    return name


def send(installation: Installation, key: str, channel: str, *symbols: str, **fields: Any) -> list[str]:
    """Store signals, several at once; return their symbols."""
    signals = [{"channel": channel, "symbol": symbol, "action": "buy", "price": "1.50"} | fields for symbol in symbols]
    answer = installation.post("/api/signals/bulk", {"signals": signals}, key)
    assert answer.json["accepted_count"] == len(symbols), answer.json
    return list(symbols)


def signals_of(socket: ClientConnection, count: int) -> Iterator[dict[str, Any]]:
    """Yield the next signals that are heard."""
    heard = 0
    while heard < count:
        message = hear(socket)
        assert message["type"] == "signals", message
        for signal in message["data"]:
            heard += 1
            yield signal


def listen(socket: ClientConnection) -> None:
    assert hear(socket)["type"] == "subscribed"


def test_signals_are_heard_as_lists_show_them_in_the_order_they_were_stored(installation: Installation, key: str, channel: str) -> None:
    with open_socket(installation.port, key, PATH) as socket:
        listen(socket)
        sent = send(installation, key, channel, "A", "B", payload={"why": ["x", 1]}) + send(installation, key, channel, "C")
        heard = list(signals_of(socket, 3))

    assert [signal["symbol"] for signal in heard] == sent
    shown = installation.get(f"/api/signals/{heard[0]['id']}", key).json
    assert heard[0] | {"created_at": shown["created_at"]} == shown
    assert heard[0]["payload"] == {"why": ["x", 1]}


def test_a_repeat_of_a_signal_is_not_heard_again(installation: Installation, key: str, channel: str) -> None:
    with open_socket(installation.port, key, PATH) as socket:
        listen(socket)
        one = {"channel": channel, "symbol": "A", "action": "buy", "external_id": "1"}
        assert [installation.post("/api/signals", one, key).status for _ in range(2)] == [201, 200]
        send(installation, key, channel, "B")

        assert [signal["symbol"] for signal in signals_of(socket, 2)] == ["A", "B"]


@pytest.mark.parametrize("way", ["query", "message"])
def test_a_listener_hears_only_what_it_asks_for(installation: Installation, key: str, channel: str, way: str) -> None:
    other = make_channel(installation, key)
    path = f"{PATH}?symbol=a,b&channel={channel}&action=sell" if way == "query" else PATH

    with open_socket(installation.port, key, path) as socket:
        if way == "message":
            listen(socket)
            say(socket, type="subscribe", symbols=["a", "b"], channels=[channel], actions=["sell"])
        assert hear(socket) == {"type": "subscribed", "symbols": ["A", "B"], "channels": [channel], "actions": ["sell"]}
        send(installation, key, channel, "A", action="buy")
        send(installation, key, channel, "C", action="sell")
        send(installation, key, other, "A", action="sell")
        send(installation, key, channel, "B", action="sell")

        assert [signal["symbol"] for signal in signals_of(socket, 1)] == ["B"]


def test_earlier_signals_come_first_for_who_asks_since_when(installation: Installation, key: str, channel: str) -> None:
    since = dt.datetime.now(dt.UTC)
    send(installation, key, channel, "OLD", timestamp=(since - dt.timedelta(minutes=1)).isoformat())
    send(installation, key, channel, "A")
    send(installation, key, channel, "B")

    with open_socket(installation.port, key, f"{PATH}?channel={channel}&since={since:%Y-%m-%dT%H:%M:%S.%fZ}") as socket:
        listen(socket)
        assert [signal["symbol"] for signal in signals_of(socket, 2)] == ["A", "B"]
        send(installation, key, channel, "C")
        assert [signal["symbol"] for signal in signals_of(socket, 1)] == ["C"]


def test_another_workspace_hears_nothing(installation: Installation, key: str, channel: str) -> None:
    other = installation.create_key(workspace="acme")
    others = make_channel(installation, other)

    with open_socket(installation.port, other, PATH) as socket:
        listen(socket)
        send(installation, key, channel, "SECRET")
        send(installation, other, others, "MINE")

        assert [signal["symbol"] for signal in signals_of(socket, 1)] == ["MINE"]


def closed_with(socket: ClientConnection) -> tuple[int, str]:
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            socket.recv(PATIENCE_S)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


def test_a_key_without_the_permission_is_told_so(installation: Installation) -> None:
    with open_socket(installation.port, installation.create_key("--permissions", "inference"), PATH) as socket:
        assert closed_with(socket) == (4403, "permission_missing")


def test_a_key_that_is_revoked_soon_hears_nothing_more(installation: Installation, key: str) -> None:
    [row] = installation.sql("SELECT api_key_id AS id FROM apikeys_apikeysecret WHERE public_id = %s", [key.split("_")[2]])
    with open_socket(installation.port, key, PATH) as socket:
        listen(socket)
        installation.manage("shell", "--no-imports", "-c", _REVOKE % row["id"])

        assert closed_with(socket) == (4401, "invalid_api_key")


@pytest.mark.parametrize("query", ["colour=red", "since=yesterday", f"symbol={','.join('A' * 101)}"])
def test_a_query_that_cannot_be_understood_closes_the_socket(installation: Installation, key: str, query: str) -> None:
    with open_socket(installation.port, key, f"{PATH}?{query}") as socket:
        assert closed_with(socket)[0] == 1008


@pytest.mark.parametrize("text", ["no json", '{"type":"subscribe","symbol":"A"}', '{"type":"subscribe","symbols":5}', '{"type":"x"}', "[]"])
def test_a_message_that_cannot_be_understood_changes_nothing(installation: Installation, key: str, channel: str, text: str) -> None:
    with open_socket(installation.port, key, PATH) as socket:
        listen(socket)
        socket.send(text)
        refusal = hear(socket)
        say(socket, type="ping")
        assert hear(socket) == {"type": "pong"}
        send(installation, key, channel, "A")

        assert [signal["symbol"] for signal in signals_of(socket, 1)] == ["A"]
    assert (refusal["type"], refusal["status"]) == ("error", 400)


def test_who_could_not_be_told_for_a_time_is_told_that_something_is_missing(installation: Installation, key: str, channel: str) -> None:
    with open_socket(installation.port, key, PATH) as socket:
        listen(socket)
        with redis.Redis(unix_socket_path=str(installation.data_dir.valkey_socket)) as client:
            client.client_kill_filter(_type="pubsub")
        assert hear(socket) == {"type": "missed"}
        send(installation, key, channel, "AFTER")

        assert [signal["symbol"] for signal in signals_of(socket, 1)] == ["AFTER"]
