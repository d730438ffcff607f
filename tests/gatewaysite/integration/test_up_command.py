"""`manage.py up` as its owner meets it: one command, a banner that tells the truth, and nothing left behind."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from gatewaysite.services.child import is_alive, wait_until_gone
from gatewaysite.services.lock import DataLock
from gatewaysite.services.paths import DataDir

_ROOT = Path(__file__).resolve().parents[3]
_LAST_LINE = "Ctrl-C stops everything."
_KEPT_VARIABLES = ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH")


class _Up:
    """One running `manage.py up` and what it prints."""

    def __init__(self, data_dir: Path, *options: str) -> None:
        # Nothing of the test run's own installation: `up` is to start everything itself.
        environment = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        command = [sys.executable, "manage.py", "up", "--port", "0", "--workers", "1", "--data-dir", str(data_dir), *options]
        self.process = subprocess.Popen(
            command,
            cwd=_ROOT,
            env={**environment, "GATEWAY_DRAIN_S": "3"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.data_dir = DataDir(data_dir)
        self.output = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.output += line

    def wait_for(self, is_true, timeout_s=90.0):
        deadline = time.monotonic() + timeout_s
        while not (found := is_true()):
            assert time.monotonic() < deadline, self.output
            time.sleep(0.02)
        return found

    def wait_until_ready(self):
        self.wait_for(lambda: _LAST_LINE in self.output or self.process.poll() is not None)
        assert _LAST_LINE in self.output, self.output
        return self

    def end(self, number: signal.Signals) -> int:
        """Send a signal and return the exit status; what the process printed is complete then."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.wait_for_end()

    def wait_for_end(self) -> int:
        status = self.process.wait(60)
        self._reader.join(60)
        self.process.stdout.close()
        return status

    @property
    def welcome(self) -> dict[str, str]:
        return json.loads(self.data_dir.bootstrap_file.read_text())

    @property
    def port(self) -> int:
        return int(self.welcome["base_url"].rpartition(":")[2])

    def descendants(self) -> dict[int, str]:
        """Return the command line of every process below this one, by pid."""
        found = {self.process.pid: ""}
        for pid, parent, command in sorted(_processes()):
            if parent in found:
                found[pid] = command
        del found[self.process.pid]
        return found

    def pid_of(self, words: str) -> int:
        return next(pid for pid, command in sorted(self.descendants().items()) if words in command)

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            headers = {"Authorization": f"Bearer {self.welcome['api_key']}", "Content-Type": "application/json"}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def stream_a_chat(self) -> tuple[int, str]:
        messages = [{"role": "user", "content": "Hello!"}]
        return self.ask("POST", "/v1/chat/completions", {"model": "sim-fast", "stream": True, "messages": messages})


def _processes():
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            yield int(folder.name), parent, (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # ended meanwhile


@pytest.fixture
def up(tmp_path):
    """Start `up` on this test's data folder; whatever the test leaves running is killed."""
    started: list[_Up] = []

    def start(*options: str) -> _Up:
        started.append(_Up(tmp_path / "data", *options))
        return started[-1]

    yield start
    for one in started:
        left = one.descendants()
        one.end(signal.SIGKILL)
        assert all(wait_until_gone(pid, 30.0) for pid in left), left


def _assert_gone(processes: dict[int, str]) -> None:
    assert processes
    assert {pid: command for pid, command in processes.items() if not wait_until_gone(pid, 30.0)} == {}


def test_up_serves_a_first_call_stops_on_ctrl_c_and_makes_nothing_twice(up):
    first = up().wait_until_ready()
    welcome = first.welcome
    status, text = first.stream_a_chat()
    processes = first.descendants()

    assert sorted(welcome) == ["admin_password", "admin_user", "api_key", "base_url"]
    assert None not in welcome.values()
    assert stat.S_IMODE(first.data_dir.bootstrap_file.stat().st_mode) == 0o600
    for part in (welcome["base_url"] + "/admin/", welcome["admin_user"], welcome["admin_password"], welcome["api_key"]):
        assert part in first.output
    assert (status, text.rstrip().endswith("data: [DONE]")) == (200, True)
    assert first.end(signal.SIGINT) == 0
    assert first.output.endswith("Stopped.\n")
    assert "Traceback" not in first.output
    _assert_gone(processes)

    second = up().wait_until_ready()

    assert {**second.welcome, "base_url": ""} == {**welcome, "base_url": ""}
    assert second.stream_a_chat()[0] == 200
    assert second.end(signal.SIGTERM) == 0


@pytest.mark.skipif(shutil.which("curl") is None, reason="the banner's command needs curl")
def test_up_prints_a_curl_command_that_streams_when_pasted(up):
    running = up().wait_until_ready()
    command = running.output.partition("Try it:\n\n")[2].partition(f"\n\n{_LAST_LINE}")[0]

    pasted = subprocess.run(["/bin/sh"], input=command + "\n", capture_output=True, text=True, timeout=60, check=True)

    chunks = [line.removeprefix("data: ") for line in pasted.stdout.splitlines() if line.startswith("data: ")]
    assert len(chunks) > 2
    assert chunks[-1] == "[DONE]"
    assert json.loads(chunks[0])["object"] == "chat.completion.chunk"


def test_up_killed_leaves_no_process(up):
    running = up().wait_until_ready()
    processes = running.descendants()

    running.end(signal.SIGKILL)

    _assert_gone(processes)


def test_up_brings_back_what_dies_and_ends_with_the_gateway(up):
    running = up().wait_until_ready()
    before = {words: running.pid_of(words) for words in ("valkey-server", "bin/postgres", "proxy.simulator", "manage.py maintenance")}
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)

    for words, pid in before.items():
        running.wait_for(lambda words=words, pid=pid: any(words in c and p > 0 and p != pid for p, c in running.descendants().items()))
    running.wait_for(lambda: running.stream_a_chat()[0] == 200)
    processes = running.descendants()
    os.kill(running.pid_of("-m gunicorn"), signal.SIGKILL)

    assert running.wait_for_end() == 1
    assert "gunicorn ended by itself (killed by SIGKILL), so everything else ends too." in running.output
    for line in (
        "PostgreSQL had ended and was started again",
        "Valkey had ended and was started again",
        "simulator ended (killed by SIGKILL)",
    ):
        assert line in running.output
    _assert_gone(processes)


def test_up_broken_off_while_it_starts_leaves_no_process_and_a_folder_that_works(up):
    running = up("--no-simulator")
    running.wait_for(lambda: list(running.data_dir.root.glob("postgres.new.*")))
    processes = running.descendants()

    assert running.end(signal.SIGINT) == 130
    assert running.output.endswith("Stopped before everything ran.\n")
    _assert_gone(processes)

    second = up("--no-simulator").wait_until_ready()
    assert second.welcome["api_key"]
    assert not [command for command in second.descendants().values() if "proxy.simulator" in command]
    assert second.end(signal.SIGINT) == 0


def test_up_says_who_holds_the_data_folder(up, tmp_path):
    data_dir = DataDir(tmp_path / "data")
    data_dir.create()
    with DataLock(data_dir):
        refused = up()

        assert refused.wait_for_end() == 1

    assert f"{data_dir.root} is in use by process {os.getpid()}." in refused.output
    assert is_alive(os.getpid())


def test_up_says_that_the_port_is_taken(up):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        refused = up("--port", str(port))

        assert refused.wait_for_end() == 1

    assert f"Port {port} on 127.0.0.1 is taken by another program." in refused.output
    assert "Traceback" not in refused.output
    assert not refused.data_dir.postgres.exists()
