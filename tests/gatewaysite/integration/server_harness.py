"""Runs the real gunicorn with our configuration on a free port, and talks to it through plain sockets."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).resolve().parent
PATIENCE_S = 30.0  # a busy machine; nothing here is expected to take long


def wait_for(is_true: Callable[[], Any], *, within_s: float = PATIENCE_S) -> Any:
    """Return the first true value of `is_true()`. Errors: AssertionError."""
    deadline = time.monotonic() + within_s
    while not (value := is_true()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
    return value


class RunningServer:
    """One gunicorn master with its workers."""

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.log_file = folder / "log"
        self.marks_file = folder / "marks"
        self.marks_file.touch()
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "PROMETHEUS_"))}
        settings = {"GATEWAY_BIND": "127.0.0.1:0", "GATEWAY_WORKERS": "1", "SERVER_TEST_MARKS": str(self.marks_file)}
        script = str(Path(sys.executable).with_name("gunicorn"))
        command = [sys.executable, script, "--config", "python:gatewaysite.gunicorn", "server_app:application"]
        with self.log_file.open("w") as log:
            self.process = subprocess.Popen(
                command,
                env=clean | settings | {"PYTHONPATH": f"{ROOT}{os.pathsep}{HERE}", "PYTHONWARNINGS": "error"} | environ,
                cwd=folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.worker_count = int(environ.get("GATEWAY_WORKERS", "1"))

    def wait_until_serving(self) -> None:
        wait_for(lambda: len(self.pids("startup")) >= self.worker_count or self.process.poll() is not None)
        assert self.process.poll() is None, self.log_file.read_text()

    @property
    def port(self) -> int:
        return int(re.search(r"http://127\.0\.0\.1:(\d+)", self.log_file.read_text())[1])

    def log_lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log_file.read_text().splitlines()]

    def pids(self, word: str) -> list[int]:
        """The processes that left a mark, in the order of their marks."""
        lines = (line.split() for line in self.marks_file.read_text().splitlines())
        return [int(pid) for mark, pid in lines if mark == word]

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def send_signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def connect(self, *, receive_buffer_bytes: int | None = None) -> socket.socket:
        client = socket.socket()
        if receive_buffer_bytes is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        client.settimeout(PATIENCE_S)
        try:
            client.connect(("127.0.0.1", self.port))
        except OSError:
            client.close()
            raise
        return client

    def exchange(self, request: bytes) -> bytes:
        """Send `request` and return all that comes until the server closes."""
        with self.connect() as client:
            client.sendall(request)
            return read_to_end(client)

    def get_json(self, path: str) -> Any:
        return json.loads(self.exchange(get(path, "Connection: close")).partition(b"\r\n\r\n")[2])

    def stop(self) -> None:
        leftovers = self.workers() if self.process.poll() is None else []
        self.process.kill()
        self.process.wait()
        for pid in {*leftovers, *self.pids("startup")}:
            if is_running(pid):
                os.kill(pid, signal.SIGKILL)


@contextmanager
def running_server(folder: Path, **environ: str) -> Iterator[RunningServer]:
    server = RunningServer(folder, environ)
    try:
        server.wait_until_serving()
        yield server
    finally:
        server.stop()


def is_running(pid: int) -> bool:
    """Whether a process of ours still runs: neither gone, nor a zombie, nor somebody else's."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state not in "ZX" and b"server_app" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def get(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: test", *headers, "", ""]).encode()


def read_to_end(client: socket.socket) -> bytes:
    data = b""
    try:
        while piece := client.recv(65536):
            data += piece
    except ConnectionResetError:
        pass
    return data


def read_until(client: socket.socket, mark: bytes) -> bytes:
    data = b""
    while mark not in data:
        piece = client.recv(65536)
        assert piece, f"closed before {mark!r} came: {data!r}"
        data += piece
    return data


def parse_answer(answer: bytes) -> tuple[int, dict[str, str], bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return int(status.split()[1]), headers, body
