"""A client that leaves: the provider is told at once, and the request is settled once, as cancelled."""

from __future__ import annotations

import http.client
import socket

import openai
import pytest

from tests.http_talk import CHAT, PROMPTLY_S, bearer, chat, open_socket, render_request, send, wait_for
from tests.installation import Installation


def _entries(installation: Installation, model: str) -> list[dict[str, object]]:
    return [entry for entry in installation.simulator_log() if entry["model"] == model]


def _is_disconnected(installation: Installation, model: str) -> bool:
    return any(entry["disconnected"] for entry in _entries(installation, model))


def _records(installation: Installation, key: str) -> list[tuple[str, int, str]]:
    return [(record["outcome"], record["status"], record["error_code"]) for record in installation.records_of(key)]


@pytest.fixture
def own_key(installation: Installation) -> str:
    """A key that nothing else uses, so that all its records are the test's."""
    installation.clear_simulator_log()
    return installation.create_key()


def test_leaving_a_stream_closes_the_upstream_and_settles_once(installation: Installation, own_key: str) -> None:
    with openai.OpenAI(base_url=f"{installation.base_url}/v1", api_key=own_key) as client:
        stream = client.chat.completions.create(
            model="sim-chat", messages=[{"role": "user", "content": "Answer in 900 words."}], stream=True
        )
        request_id = stream.response.headers["x-request-id"]
        for _ in range(3):
            next(stream)
        stream.close()

        wait_for(lambda: _is_disconnected(installation, "sim-chat"), within_s=PROMPTLY_S)

    record = installation.record_of(request_id)
    assert (record["outcome"], record["status"], record["error_code"]) == ("cancelled", 499, "client_gone")
    assert record["first_token_ms"] > 0
    assert _records(installation, own_key) == [("cancelled", 499, "client_gone")]


@pytest.mark.parametrize("is_stream", [False, True])
def test_leaving_before_the_first_token_closes_the_upstream(installation: Installation, own_key: str, is_stream: bool) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", installation.port, timeout=0.3)
    with pytest.raises(TimeoutError):
        send(connection, "POST", CHAT, chat("sim-hang", stream=is_stream), bearer(own_key))
    wait_for(lambda: _entries(installation, "sim-hang"))
    connection.close()

    wait_for(lambda: _is_disconnected(installation, "sim-hang"), within_s=PROMPTLY_S)

    wait_for(lambda: _records(installation, own_key))
    assert _records(installation, own_key) == [("cancelled", 499, "client_gone")]


def test_leaving_in_the_middle_of_the_body_reaches_no_provider(installation: Installation, own_key: str) -> None:
    fields = [("host", "gateway"), ("authorization", f"Bearer {own_key}"), ("content-type", "application/json"), ("content-length", "500")]
    with open_socket(installation.port) as client:
        client.sendall(render_request("POST", CHAT, fields, b'{"model": "sim-fast", '))
        client.shutdown(socket.SHUT_WR)
        assert client.recv(100) == b""

    assert installation.simulator_log() == []
    assert installation.get("/readyz").status == 200


def test_a_killed_clients_stream_is_closed_too(installation: Installation, own_key: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", installation.port, timeout=30)
    answer = send(connection, "POST", CHAT, chat("sim-chat", "Answer in 900 words.", stream=True), bearer(own_key))
    assert answer.read1(10)
    request_id = answer.headers["x-request-id"]
    # A process that dies sends a reset when it leaves bytes unread.
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    answer.close()
    connection.close()

    wait_for(lambda: _is_disconnected(installation, "sim-chat"), within_s=PROMPTLY_S)

    assert installation.record_of(request_id)["outcome"] == "cancelled"
