"""How a stopping server keeps its word to the streams that run. Under the real gunicorn."""

from __future__ import annotations

import base64
import os
import signal
import struct
import time

import pytest

from tests.gatewaysite.integration.server_harness import RunningServer, get, parse_answer, read_to_end, read_until, running_server, wait_for

CLOSE_1012 = b"\x88\x02" + struct.pack("!H", 1012)
END_OF_STREAM = b"data: [DONE]\n\n\r\n0\r\n\r\n"


def open_websocket(server: RunningServer, path: str):
    key = base64.b64encode(os.urandom(16)).decode()
    client = server.connect()
    client.sendall(get(path, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}"))
    assert parse_answer(read_until(client, b"\r\n\r\n"))[0] == 101
    return client


def text_frame(text: str) -> bytes:
    return bytes([0x81, len(text)]) + text.encode()


def is_refused(server: RunningServer) -> bool:
    try:
        server.connect().close()
    except ConnectionRefusedError:
        return True
    return False


def test_sigterm_lets_streams_finish_closes_idle_connections_and_refuses_new_ones(tmp_path):
    with running_server(tmp_path) as server, server.connect() as stream, server.connect() as json, server.connect() as idle:
        stream.sendall(get("/stream?s=2"))
        read_until(stream, b"tick")
        json.sendall(get("/ok?s=1"))
        idle.sendall(get("/ok"))
        read_until(idle, b"}")

        server.send_signal(signal.SIGTERM)

        assert read_to_end(idle) == b""
        wait_for(lambda: is_refused(server))
        assert server.pids("shutdown") == []
        status, headers, _ = parse_answer(read_to_end(json))
        assert (status, headers["connection"]) == (200, "close")
        assert read_to_end(stream).endswith(END_OF_STREAM)
        assert server.process.wait(30) == 0
        assert server.pids("shutdown") == server.pids("startup")
        assert server.pids("cancelled") == []


def test_sigterm_lets_a_websocket_stream_finish_and_then_closes_with_1012(tmp_path):
    with running_server(tmp_path) as server, open_websocket(server, "/ws/stream?1.5") as stream, open_websocket(server, "/ws/idle") as idle:
        read_until(stream, text_frame("tick"))

        server.send_signal(signal.SIGTERM)

        assert read_to_end(stream).endswith(text_frame("done") + CLOSE_1012)
        assert read_to_end(idle) == CLOSE_1012
        assert server.process.wait(30) == 0
        assert server.pids("shutdown") == server.pids("startup")
        assert server.pids("cancelled") == []


def test_handlers_that_run_at_the_drain_limit_are_cancelled_and_the_application_is_shut_down_after_them(tmp_path):
    with (
        running_server(tmp_path, GATEWAY_DRAIN_S="0.5") as server,
        server.connect() as stream,
        open_websocket(server, "/ws/stream?60") as socket,
    ):
        stream.sendall(get("/stream?s=60"))
        read_until(stream, b"tick")
        read_until(socket, text_frame("tick"))

        server.send_signal(signal.SIGTERM)

        assert read_to_end(stream).endswith(b"data: stopped\n\n\r\n0\r\n\r\n")
        assert read_to_end(socket).endswith(text_frame("stopped") + CLOSE_1012)
        assert server.process.wait(30) == 0
        words = [line.split()[0] for line in server.marks_file.read_text().splitlines()]
        assert words == ["startup", "cancelled", "cancelled", "shutdown"]
        assert not [line for line in server.log_lines() if "exception" in line]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
def test_a_quick_stop_waits_for_no_stream_but_shuts_the_application_down(tmp_path, number: signal.Signals):
    with running_server(tmp_path, GATEWAY_DRAIN_S="60") as server, server.connect() as stream:
        stream.sendall(get("/stream?s=60"))
        read_until(stream, b"tick")

        server.send_signal(number)

        assert read_to_end(stream).endswith(b"data: stopped\n\n\r\n0\r\n\r\n")
        assert server.process.wait(20) == 0
        assert server.pids("shutdown") == server.pids("startup")


def test_a_stop_with_a_delay_is_not_ready_but_serves_until_the_port_closes(tmp_path):
    with running_server(tmp_path, GATEWAY_DRAIN_DELAY_S="2") as server:
        assert parse_answer(server.exchange(get("/readyz", "Connection: close")))[0] == 200
        started = time.monotonic()
        server.send_signal(signal.SIGTERM)

        wait_for(lambda: parse_answer(server.exchange(get("/readyz", "Connection: close")))[0] == 503)
        status, headers, _ = parse_answer(server.exchange(get("/ok")))

        assert (status, headers["connection"]) == (200, "close")
        assert server.process.wait(30) == 0
        assert time.monotonic() - started >= 2
        assert is_refused(server)
