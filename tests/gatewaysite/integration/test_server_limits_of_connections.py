"""What one connection may take: size and time of a head, malformed requests, slow readers, handshakes. Under the real gunicorn."""

from __future__ import annotations

import base64
import json
import os
import re
import struct
import time

import pytest

from tests.gatewaysite.integration.server_harness import RunningServer, get, parse_answer, read_to_end, read_until, running_server, wait_for

HEAD_TIMEOUT_S = 1.0
POST = "POST /ok HTTP/1.1\r\nHost: test\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(
        tmp_path_factory.mktemp("server"),
        GATEWAY_HEAD_TIMEOUT_S=str(HEAD_TIMEOUT_S),
        GATEWAY_HEAD_LIMIT_BYTES="65536",
        GATEWAY_WRITE_TIMEOUT_S="1",
        GATEWAY_IDLE_CONNECTION_S="20",
        GATEWAY_WS_PING_INTERVAL_S="60",
    ) as running:
        yield running


def assert_refused(answer: bytes, status: int, code: str = "invalid_request") -> None:
    got_status, headers, body = parse_answer(answer)
    error = json.loads(body)["error"]
    assert (got_status, headers["connection"], headers["content-type"]) == (status, "close", "application/json")
    assert re.fullmatch(r"[0-9a-f-]{36}", headers["x-request-id"])
    assert headers["request-id"] == headers["x-request-id"]
    assert {**error, "message": ""} == {"message": "", "type": "invalid_request_error", "param": None, "code": code}
    assert error["message"]


def test_a_head_at_the_limit_is_served(server: RunningServer):
    answer = server.exchange(get("/ok", "X-Big: " + "a" * 65_000, "Connection: close"))

    assert parse_answer(answer)[0] == 200


@pytest.mark.parametrize(
    "request_head",
    [
        get("/ok", "Authorization: " + "a" * 66_000),
        get("/ok", *(f"X-{number}: {'b' * 20}" for number in range(20_000))),
        get("/" + "u" * 66_000),
        b"GET /ok HTTP/1.1\r\nHost: test\r\nAuthorization: " + b"a" * 2_000_000,
    ],
    ids=["one-header", "many-headers", "long-url", "never-ends"],
)
def test_a_head_above_the_limit_is_answered_431(server: RunningServer, request_head: bytes):
    assert_refused(server.exchange(request_head), 431, "request_too_large")


@pytest.mark.parametrize(
    "request_bytes",
    [
        f"{POST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        f"{POST}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        f"{POST}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        f"{POST}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        f"{POST}Content-Length: 5, 5\r\n\r\nhello",
        f"{POST}Content-Length: +5\r\n\r\nhello",
        f"{POST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        f"{POST}Transfer-Encoding: identity\r\n\r\nhello",
        f"{POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /ok HTTP/1.0\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        f"{POST}Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "GET /ok HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET /ok HTTP/1.1\r\n\r\n",
        "GET /ok HTTP/1.1\r\nHost: test\r\nX: a\0b\r\n\r\n",
        "GET /ok HTTP/1.1\r\nHost: test\r\nX: a\r\n folded\r\n\r\n",
        "GET /ok HTTP/1.1\r\nHost: test\r\nX : a\r\n\r\n",
        "GET /ok HTTP/1.1\nHost: test\n\n",
        "GET /ok\r\n\r\n",
        "GET /ok HTTP/2.0\r\nHost: test\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "CONNECT test:443 HTTP/1.1\r\nHost: test\r\n\r\n",
        "GET http://[/ HTTP/1.1\r\nHost: test\r\n\r\n",
        "\x16\x03\x01\x02\x00 hello\r\n\r\n",
    ],
)
def test_a_malformed_request_is_answered_400_in_the_contracts_shape(server: RunningServer, request_bytes: str):
    assert_refused(server.exchange(request_bytes.encode("latin-1")), 400)


def test_a_refusal_reaches_a_client_that_is_still_sending(server: RunningServer):
    with server.connect() as client:
        client.sendall(b"GET /ok HTTP/1.1\r\nHost: test\r\nX: " + b"a" * 200_000)
        time.sleep(0.2)
        client.sendall(b"a" * 200_000)

        assert_refused(read_to_end(client), 431, "request_too_large")


def test_a_slow_head_is_answered_408(server: RunningServer):
    with server.connect() as client:
        started = time.monotonic()
        client.sendall(b"GET /ok HTTP/1.1\r\nHost: te")

        assert_refused(read_to_end(client), 408)
        assert time.monotonic() - started >= HEAD_TIMEOUT_S * 0.9


def test_a_slow_second_head_on_a_kept_connection_is_answered_408(server: RunningServer):
    with server.connect() as client:
        client.sendall(get("/ok"))
        read_until(client, b"}")
        client.sendall(b"GET /ok HT")

        assert_refused(read_to_end(client), 408)


def test_a_kept_connection_may_be_idle_for_longer_than_a_head_may_take(server: RunningServer):
    with server.connect() as client:
        client.sendall(get("/ok"))
        read_until(client, b"}")
        client.sendall(b"\r\n")  # some clients end a body with an empty line too many
        time.sleep(HEAD_TIMEOUT_S * 1.5)
        client.sendall(get("/ok", "Connection: close"))

        assert parse_answer(read_to_end(client))[0] == 200


def test_a_connection_that_sends_nothing_is_closed_without_a_word(server: RunningServer):
    with server.connect() as client:
        assert read_to_end(client) == b""


def test_a_body_may_take_longer_than_a_head(server: RunningServer):
    with server.connect() as client:
        client.sendall(f"{POST}Connection: close\r\nContent-Length: 4\r\n\r\nab".encode())
        time.sleep(HEAD_TIMEOUT_S * 1.5)
        client.sendall(b"cd")

        assert json.loads(parse_answer(read_to_end(client))[2])["body"] == "abcd"


def test_a_malformed_second_request_does_not_disturb_the_answer_to_the_first(server: RunningServer):
    with server.connect() as client:
        client.sendall(get("/stream?s=0.5"))
        read_until(client, b"tick")
        client.sendall(b"\0\0\0 GARBAGE\r\n\r\n")

        rest = read_to_end(client)

    assert rest.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
    assert b"HTTP/1.1" not in rest


def test_a_body_that_breaks_off_in_bad_chunks_is_answered_400_and_ends_the_handler(server: RunningServer):
    before = len(server.pids("body-broken"))
    with server.connect() as client:
        client.sendall(f"{POST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n".encode())
        time.sleep(0.1)
        client.sendall(b"not a size\r\n")

        assert_refused(read_to_end(client), 400)

    wait_for(lambda: len(server.pids("body-broken")) > before)


def test_trailers_never_become_headers(server: RunningServer):
    request = f"{POST}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n"

    echoed = json.loads(parse_answer(server.exchange(request.encode()))[2])

    assert echoed["body"] == "hi"
    assert "x-forwarded-for" not in dict(echoed["headers"])


def test_endless_trailers_are_refused(server: RunningServer):
    request = f"{POST}Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX: ".encode() + b"a" * 200_000

    assert_refused(server.exchange(request), 400)


@pytest.mark.parametrize("is_split", [False, True])
def test_a_question_for_http2_is_ignored_and_the_body_is_read(server: RunningServer, is_split: bool):
    head = f"{POST}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nContent-Length: 24\r\n\r\n"
    body = b"GET /evil HTTP/1.1\r\n\r\nxy"
    with server.connect() as client:
        client.sendall(head.encode() + (b"" if is_split else body))
        if is_split:
            time.sleep(0.1)
            client.sendall(body)
        first = read_until(client, b"}")
        client.sendall(get("/ok", "Connection: close"))
        second = read_to_end(client)

    assert json.loads(parse_answer(first)[2])["body"] == body.decode()
    assert parse_answer(second)[0] == 200


def test_a_connection_goes_on_after_an_answer_that_came_before_the_body(server: RunningServer):
    with server.connect() as client:
        client.sendall(b"POST /early HTTP/1.1\r\nHost: test\r\nContent-Length: 100000\r\n\r\n")
        assert parse_answer(read_until(client, b"{}"))[0] == 413
        client.sendall(b"x" * 100_000 + get("/ok", "Connection: close"))

        assert parse_answer(read_to_end(client))[0] == 200


def test_pipelined_requests_are_answered_in_order(server: RunningServer):
    answers = server.exchange(get("/ok?s=0.2") + get("/ok", "X-Second: 1") + get("/ok", "X-Third: 1", "Connection: close"))

    assert re.findall(rb"x-second|x-third", answers) == [b"x-second", b"x-third"]
    assert answers.count(b"HTTP/1.1 200 OK") == 3


def test_a_client_that_does_not_read_is_dropped(server: RunningServer):
    before = len(server.pids("flood-ended"))
    with server.connect(receive_buffer_bytes=4096) as client:
        client.sendall(get("/flood"))

        wait_for(lambda: len(server.pids("flood-ended")) > before)


def upgrade(path: str, *headers: str) -> bytes:
    key = base64.b64encode(os.urandom(16)).decode()
    return get(path, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}", *headers)


def test_a_websocket_client_that_does_not_read_is_dropped(server: RunningServer):
    before = len(server.pids("flood-ended"))
    with server.connect(receive_buffer_bytes=4096) as client:
        client.sendall(upgrade("/ws/flood"))

        wait_for(lambda: len(server.pids("flood-ended")) > before)


def test_a_websocket_is_not_compressed_unless_the_operator_wants_it(server: RunningServer):
    with server.connect() as client:
        client.sendall(upgrade("/ws/idle", "Sec-WebSocket-Extensions: permessage-deflate"))

        status, headers, _ = parse_answer(read_until(client, b"\r\n\r\n"))

    assert status == 101
    assert "Sec-WebSocket-Extensions" not in headers


def test_a_websocket_is_compressed_if_the_operator_wants_it(tmp_path):
    with running_server(tmp_path, GATEWAY_WS_DEFLATE="true") as compressing, compressing.connect() as client:
        client.sendall(upgrade("/ws/idle", "Sec-WebSocket-Extensions: permessage-deflate"))

        head = read_until(client, b"\r\n\r\n")

    assert parse_answer(head)[1]["Sec-WebSocket-Extensions"].startswith("permessage-deflate")


def test_a_websocket_whose_handler_fails_is_closed_with_1011(server: RunningServer):
    with server.connect() as client:
        client.sendall(upgrade("/ws/bug"))

        frames = read_to_end(client).partition(b"\r\n\r\n")[2]

    assert frames == b"\x88\x02" + struct.pack("!H", 1011)


@pytest.mark.parametrize(
    ("field", "status", "code"),
    [("Cookie: " + "c" * 20_000, 431, "request_too_large"), ("Content-Length: 5", 400, "invalid_request")],
)
def test_a_handshake_that_the_websocket_parser_refuses_is_answered(server: RunningServer, field: str, status: int, code: str):
    with server.connect() as client:
        client.sendall(upgrade("/ws/idle", field))

        assert_refused(read_to_end(client), status, code)


def test_a_handshake_behind_a_running_request_is_not_taken(server: RunningServer):
    answer = server.exchange(get("/stream?s=0.3") + upgrade("/ws/idle"))

    assert answer.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
    assert answer.count(b"HTTP/1.1") == 1


def test_the_server_names_neither_itself_nor_its_version(server: RunningServer):
    _, headers, _ = parse_answer(server.exchange(get("/ok", "Connection: close")))

    assert "server" not in {name.lower() for name in headers}
