"""`/ws/v1/stream` from the outside: under gunicorn with our worker, and under daphne as `runserver` has it."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.console_talk import Console
from tests.http_talk import CHAT, PATIENCE_S, PROMPTLY_S, ask, bearer, chat, parse_events, wait_for
from tests.installation import ROOT, Installation, free_port, new_installation
from tests.metrics import read_metrics, sum_of
from tests.socket_talk import hear, open_socket, say

_REVOKE = "from apikeys.domain import revoke_key; from apikeys.models import ApiKey; revoke_key(ApiKey.objects.get(pk='%s'))"
_ids = (f"r{number}" for number in itertools.count())


def create(socket: ClientConnection, body: dict[str, Any], **fields: Any) -> str:
    request = next(_ids)
    say(socket, type="request.create", id=request, endpoint=CHAT, body=body, **fields)
    return request


def hear_to_the_end(socket: ClientConnection, request: str) -> list[dict[str, Any]]:
    """Return the messages of a request up to its last one; those of others are dropped."""
    heard: list[dict[str, Any]] = []
    while not heard or heard[-1]["type"] not in {"response.completed", "error"}:
        message = hear(socket)
        if message["id"] == request:
            heard.append(message)
    return heard


def text_of(events: list[Any]) -> str:
    deltas = [event["choices"][0]["delta"] for event in events if event != "[DONE]" and event["choices"]]
    return "".join(delta.get("content") or "" for delta in deltas)


def test_a_stream_has_the_events_of_one_over_http_and_leaves_the_same_record(installation: Installation) -> None:
    key = installation.create_key()
    body = chat("sim-fast", "Answer in 50 words.", stream=True, stream_options={"include_usage": True})

    over_http = installation.post(CHAT, body, key)
    with open_socket(installation.port, key) as socket:
        started, *chunks, completed = hear_to_the_end(socket, create(socket, body))

    record, other = installation.record_of(started["request_id"]), installation.record_of(over_http.request_id)
    assert [chunk["seq"] for chunk in chunks] == list(range(len(chunks)))
    assert text_of([chunk["data"] for chunk in chunks]) == text_of(over_http.events)
    assert completed["usage"]["output_tokens"] == record["output_tokens"] == other["output_tokens"]
    assert round(float(completed["cost_usd"]) * 1e9) == record["cost_nano_usd"] == other["cost_nano_usd"]
    assert (record["status"], record["outcome"], record["is_stream"]) == (200, "ok", True)


def test_many_requests_share_a_socket(installation: Installation) -> None:
    key = installation.create_key()
    texts = [f"one two three {number}" for number in range(20)]

    with open_socket(installation.port, key) as socket:
        wanted = {create(socket, chat("sim-fast", f"Repeat: {text}", stream=True)): text for text in texts}
        heard: dict[str, list[dict[str, Any]]] = {request: [] for request in wanted}
        while not all(messages and messages[-1]["type"] == "response.completed" for messages in heard.values()):
            message = hear(socket)
            assert message["type"] != "error", message
            heard[message["id"]].append(message)

    for request, messages in heard.items():
        chunks = [message for message in messages if message["type"] == "response.chunk"]
        assert [chunk["seq"] for chunk in chunks] == list(range(len(chunks)))
        assert text_of([chunk["data"] for chunk in chunks]) == wanted[request]
    assert len({messages[0]["request_id"] for messages in heard.values()}) == len(wanted)


@pytest.mark.parametrize("way", ["header", "subprotocol", "message"])
def test_a_key_comes_in_three_ways(installation: Installation, keys: dict[str, str], way: str) -> None:
    key = keys["everything"]
    options: dict[str, Any] = {"header": {"key": key}, "subprotocol": {"subprotocols": [f"bearer.{key}"]}, "message": {}}[way]

    with open_socket(installation.port, **options) as socket:
        if way == "message":
            say(socket, type="auth", api_key=key)
            assert hear(socket) == {"type": "authenticated"}
        ended = hear_to_the_end(socket, create(socket, chat()))[-1]

    assert ended["type"] == "response.completed"


def test_without_a_key_the_socket_is_closed(installation: Installation) -> None:
    with open_socket(installation.port) as socket:
        create(socket, chat())

        with pytest.raises(ConnectionClosed) as closed:
            hear(socket)

    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4401, "invalid_api_key")


def test_a_revoked_key_is_refused_on_the_open_socket(installation: Installation) -> None:
    key = installation.create_key()

    with open_socket(installation.port, key) as socket:
        before = hear_to_the_end(socket, create(socket, chat()))[-1]
        [row] = installation.sql("SELECT api_key_id AS id FROM apikeys_apikeysecret WHERE public_id = %s", [key.split("_")[2]])
        installation.manage("shell", "--no-imports", "-c", _REVOKE % row["id"])

        def is_refused() -> bool:
            return bool(hear_to_the_end(socket, create(socket, chat()))[-1].get("status") == 401)

        wait_for(is_refused, within_s=PROMPTLY_S, every_s=0.1)

    assert before["type"] == "response.completed"


def test_another_path_is_not_there(installation: Installation, keys: dict[str, str]) -> None:
    with pytest.raises(InvalidStatus) as refused:
        connect(f"ws://127.0.0.1:{installation.port}/ws/v1/other", additional_headers=bearer(keys["everything"]), proxy=None)

    assert refused.value.response.status_code == 404


def test_a_client_that_leaves_ends_its_requests_within_a_second(installation: Installation) -> None:
    key = installation.create_key()
    installation.clear_simulator_log()

    with open_socket(installation.port, key) as socket:
        request = create(socket, chat("sim-slow", "Answer in 400 words.", stream=True))
        started = hear(socket)
        hear(socket)
        assert started["id"] == request

    record = installation.record_of(started["request_id"], within_s=PROMPTLY_S)
    assert (record["outcome"], record["error_code"]) == ("cancelled", "client_gone")


def test_sockets_and_their_messages_and_requests_are_counted(installation: Installation, keys: dict[str, str]) -> None:
    def count(name: str, **labels: str) -> float:
        return sum_of(read_metrics(installation), name, **labels)

    answered = count("http_requests_total", route="/ws/v1/stream", status_code="200")
    sent = count("websocket_messages_total", direction="out")
    with open_socket(installation.port, keys["everything"]) as socket:
        messages = hear_to_the_end(socket, create(socket, chat(stream=True)))
        wait_for(lambda: count("active_websockets") >= 1)

    wait_for(lambda: count("http_requests_total", route="/ws/v1/stream", status_code="200") == answered + 1)
    wait_for(lambda: count("websocket_messages_total", direction="out") == sent + len(messages))
    wait_for(lambda: count("active_websockets") == 0)


def test_a_stopping_installation_finishes_what_runs_and_refuses_the_rest() -> None:
    with new_installation(workers=1) as own:
        own.start()
        with open_socket(own.port, own.api_key) as socket:
            running = create(socket, chat("sim-chat", "Answer in 150 words.", stream=True))
            before = [hear(socket) for _ in range(5)]
            assert own.process is not None
            own.process.send_signal(signal.SIGTERM)
            wait_for(lambda: _is_refused(own.port))
            late = create(socket, chat())
            heard = [hear(socket)]
            while heard[-1]["type"] != "response.completed":
                heard.append(hear(socket))
            with pytest.raises(ConnectionClosed) as closed:
                hear(socket)
        own.stop()

    [refused] = [message for message in heard if message["id"] == late]
    chunks = [message for message in [*before, *heard] if message["type"] == "response.chunk"]
    assert (refused["status"], refused["error"]["code"]) == (503, "overloaded")
    assert {chunk["id"] for chunk in chunks} == {running}
    assert [chunk["seq"] for chunk in chunks] == list(range(len(chunks)))
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012


def _is_refused(port: int) -> bool:
    try:
        ask(port, "GET", "/livez", timeout_s=1)
    except OSError:
        return True
    return False


# --- under daphne, which sends no lifespan ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def daphne_port(installation: Installation) -> Iterator[int]:
    """Another server on the stores of the installation; its data plane starts with the first request."""
    port = free_port()
    environ = _environ_of(installation)
    command = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "gatewaysite.asgi:application"]
    process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: not _is_refused(port) or process.poll() is not None)
        assert process.poll() is None
        ask(port, "GET", "/v1/models", headers=bearer("gw_live_none"))  # daphne gives a handshake five seconds, a busy start takes longer
        yield port
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def _environ_of(installation: Installation) -> dict[str, str]:
    own = {"GATEWAY_DATA_DIR": str(installation.data_dir.root), "GATEWAY_ALLOW_PRIVATE_UPSTREAMS": "127.0.0.0/8"}
    return installation._environ | own | {"PYTHONWARNINGS": "ignore"}


def test_a_stream_over_a_socket_under_daphne(daphne_port: int, keys: dict[str, str]) -> None:
    body = chat("sim-fast", "Repeat: one two three four", stream=True)

    with open_socket(daphne_port, keys["everything"]) as socket:
        _, *chunks, completed = hear_to_the_end(socket, create(socket, body))

    assert text_of([chunk["data"] for chunk in chunks]) == "one two three four"
    assert completed["usage"]["output_tokens"] == 4


def test_a_socket_without_a_key_under_daphne(daphne_port: int) -> None:
    with open_socket(daphne_port) as socket:
        create(socket, chat())

        with pytest.raises(ConnectionClosed) as closed:
            hear(socket)

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401


def test_a_stream_of_events_under_daphne(daphne_port: int, keys: dict[str, str]) -> None:
    reply = ask(daphne_port, "POST", CHAT, chat("sim-fast", "Repeat: one two three four", stream=True), bearer(keys["everything"]))

    events = list(parse_events(reply.body))
    assert reply.status == 200
    assert text_of(events) == "one two three four"
    assert events[-1] == "[DONE]"


# --- who is signed in to the console ------------------------------------------------------------------------------------------------


def _create_key_id(installation: Installation) -> str:
    key = installation.create_key()
    [row] = installation.sql("SELECT api_key_id AS id FROM apikeys_apikeysecret WHERE public_id = %s", [key.split("_")[2]])
    return str(row["id"])


def _signed_in(installation: Installation) -> dict[str, Any]:
    """Return the options of a handshake as a page of the console makes it."""
    console = Console(installation.base_url)
    console.sign_in(installation.bootstrap["admin_user"], installation.bootstrap["admin_password"])
    cookie = "; ".join(f"{each.name}={each.value}" for each in console.cookies)
    return {"additional_headers": {"Cookie": cookie}, "origin": installation.base_url}


def test_a_console_user_names_a_key_by_its_id(installation: Installation) -> None:
    key_id = _create_key_id(installation)
    with open_socket(installation.port, **_signed_in(installation)) as socket:
        say(socket, type="auth", key_id=key_id)
        assert hear(socket)["type"] == "authenticated"
        before = hear_to_the_end(socket, create(socket, chat()))[-1]

        installation.manage("shell", "--no-imports", "-c", _REVOKE % key_id)
        after = hear_to_the_end(socket, create(socket, chat()))[-1]

    assert before["type"] == "response.completed"
    assert after["error"]["code"] == "invalid_api_key"


@pytest.mark.parametrize("origin", [None, "https://elsewhere.example", "http://127.0.0.1:1"])
def test_a_page_of_another_origin_opens_nothing_with_the_console_s_cookie(installation: Installation, origin: str | None) -> None:
    key_id = _create_key_id(installation)
    with open_socket(installation.port, **(_signed_in(installation) | {"origin": origin})) as socket:
        say(socket, type="auth", key_id=key_id)
        with pytest.raises(ConnectionClosed) as closed:
            hear(socket)

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401


def test_a_key_s_id_opens_nothing_without_a_session(installation: Installation) -> None:
    with open_socket(installation.port, origin=installation.base_url) as socket:
        say(socket, type="auth", key_id=_create_key_id(installation))
        with pytest.raises(ConnectionClosed):
            hear(socket)
