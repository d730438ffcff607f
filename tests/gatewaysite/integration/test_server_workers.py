"""Masters and workers that die, and workers that are replaced while they serve. Under the real gunicorn."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import threading
import time
from pathlib import Path

from tests.gatewaysite.integration.server_harness import (
    RunningServer,
    get,
    is_running,
    read_to_end,
    read_until,
    running_server,
    wait_for,
)


def test_workers_end_and_free_the_port_when_their_master_is_killed(tmp_path):
    with running_server(tmp_path, GATEWAY_WORKERS="2") as server:
        workers, port = server.workers(), server.port

        server.send_signal(signal.SIGKILL)

        wait_for(lambda: not any(is_running(pid) for pid in workers), within_s=10)
        with socket.create_server(("127.0.0.1", port)):
            pass
        assert sorted(server.pids("shutdown")) == sorted(workers)


def test_a_killed_worker_is_replaced_while_the_port_stays_open(tmp_path):
    with running_server(tmp_path, GATEWAY_WORKERS="2") as server:
        victim = server.workers()[0]

        os.kill(victim, signal.SIGKILL)
        answers = {server.get_json("/ok")["pid"] for _ in range(10)}
        wait_for(lambda: len(server.pids("startup")) == 3)

        assert victim not in answers
        assert len(server.workers()) == 2


def test_a_worker_that_is_stopped_by_its_pid_is_replaced_before_its_streams_end(tmp_path):
    with running_server(tmp_path) as server, server.connect() as stream:
        (old,) = server.workers()
        stream.sendall(get("/stream?s=4"))
        read_until(stream, b"tick")

        os.kill(old, signal.SIGTERM)
        new = wait_for(lambda: [pid for pid in server.pids("startup") if pid != old])

        assert server.get_json("/ok")["pid"] == new[0]
        assert server.pids("shutdown") == []
        assert read_to_end(stream).endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")


def test_a_replacement_that_cannot_start_is_tried_again_and_the_others_go_on(tmp_path):
    with running_server(tmp_path, GATEWAY_WORKERS="2") as server:
        refuse = Path(f"{server.marks_file}.refuse-startup")
        refuse.touch()

        os.kill(server.workers()[0], signal.SIGKILL)
        wait_for(lambda: len(server.pids("refused")) >= 2)
        assert server.get_json("/ok")["pid"] == server.workers()[0]
        refuse.unlink()

        wait_for(lambda: len(server.pids("startup")) == 3)


def test_a_first_worker_that_cannot_start_stops_the_master(tmp_path):
    Path(tmp_path / "marks.refuse-startup").touch()

    server = RunningServer(tmp_path, {})

    try:
        assert server.process.wait(30) != 0
    finally:
        server.stop()


def test_sighup_replaces_every_worker_without_closing_a_connection_unasked(tmp_path):
    with running_server(tmp_path, GATEWAY_WORKERS="2") as server, server.connect() as idle, server.connect() as stream:
        first = set(server.workers())
        idle.sendall(get("/ok"))
        read_until(idle, b"}")
        stream.sendall(get("/stream?s=2"))
        read_until(stream, b"tick")

        server.send_signal(signal.SIGHUP)
        wait_for(lambda: len(server.pids("startup")) == 4)
        wait_for(lambda: first.isdisjoint(server.get_json("/ok")["pid"] for _ in range(12)))
        idle.sendall(get("/ok"))
        last = read_to_end(idle)

        assert last.startswith(b"HTTP/1.1 200 OK")
        assert b"connection: close" in last
        read_until(stream, b"data: [DONE]\n\n")
        stream.sendall(get("/ok"))
        assert b"HTTP/1.1 200 OK" in read_to_end(stream)
        wait_for(lambda: set(server.pids("shutdown")) == first and len(server.workers()) == 2)


def test_sigusr2_starts_a_successor_on_the_same_port_before_the_old_master_goes(tmp_path):
    with running_server(tmp_path) as server:
        (old,) = server.workers()

        server.send_signal(signal.SIGUSR2)
        new = wait_for(lambda: [pid for pid in server.pids("startup") if pid != old])[0]
        successor = int(Path(f"/proc/{new}/stat").read_text().rpartition(")")[2].split()[1])
        try:
            server.send_signal(signal.SIGTERM)
            assert server.process.wait(30) == 0

            assert server.get_json("/ok")["pid"] == new
        finally:
            os.kill(successor, signal.SIGTERM)
        wait_for(lambda: not is_running(successor))


class Load:
    """Clients that keep their connections, clients that do not, and streams; every failure is written down."""

    def __init__(self, server: RunningServer) -> None:
        self.server = server
        self.failures: list[str] = []
        self.pids: set[int] = set()
        self.is_over = threading.Event()
        self.answered_count = 0
        self._lock = threading.Lock()

    def run(self, duration_s: float) -> None:
        clients = [self.keep_connection] * 4 + [self.use_new_connections] * 2 + [self.stream] * 4
        threads = [threading.Thread(target=self.note_failures, args=(client,)) for client in clients]
        for thread in threads:
            thread.start()
        self.is_over.wait(duration_s)
        self.is_over.set()
        for thread in threads:
            thread.join()

    def note_failures(self, client) -> None:
        try:
            while not self.is_over.is_set():
                client()
        except Exception as error:
            self.failures.append(f"{client.__name__}: {error!r}")

    def keep_connection(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)
        while not self.is_over.is_set():
            connection.request("GET", "/ok?s=0.01")
            self.check(connection.getresponse())
        connection.close()

    def use_new_connections(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)
        connection.request("GET", "/ok?s=0.01", headers={"connection": "close"})
        self.check(connection.getresponse())

    def stream(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)
        connection.request("GET", "/stream?s=6")
        body = connection.getresponse().read()
        assert body.endswith(b"[DONE]\n\n"), body[-100:]
        connection.close()

    def check(self, response: http.client.HTTPResponse) -> None:
        body = response.read()
        assert response.status == 200, body
        with self._lock:
            self.pids.add(json.loads(body)["pid"])
            self.answered_count += 1


def test_replacing_all_workers_under_load_loses_no_request_and_no_stream(tmp_path):
    settings = {"GATEWAY_WORKERS": "2", "GATEWAY_MAX_REQUESTS": "150", "GATEWAY_MAX_REQUESTS_JITTER": "0", "GATEWAY_DRAIN_S": "20"}
    with running_server(tmp_path, **settings) as server:
        load = Load(server)

        load.run(8)

        assert load.failures == []
        assert load.answered_count > 600
        assert len(load.pids) >= 4
        started = server.pids("startup")
        wait_for(lambda: len(server.workers()) == 2 and set(server.pids("shutdown")) == set(started) - set(server.workers()))
        assert server.pids("cancelled") == []


def test_a_worker_whose_replacement_does_not_start_goes_on_serving(tmp_path):
    with running_server(tmp_path, GATEWAY_MAX_REQUESTS="3", GATEWAY_MAX_REQUESTS_JITTER="0") as server:
        (first,) = server.workers()
        Path(f"{server.marks_file}.refuse-startup").touch()

        for _ in range(3):
            server.get_json("/ok")
        wait_for(lambda: server.pids("refused"))
        time.sleep(0.3)

        assert server.get_json("/ok")["pid"] == first
