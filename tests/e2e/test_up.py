"""`manage.py up` from outside: started again, stopped and killed in every way, in a folder whose path is long."""

from __future__ import annotations

import http.client
import os
import pwd
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gatewaysite.services.embedded import Services
from tests.console_talk import Console
from tests.http_talk import CHAT, bearer, chat, open_socket, send, wait_for
from tests.installation import Installation, free_port, new_installation

_LONG = "a folder with a name that nobody would type by hand/and-one-below-it-" + "x" * 100
QUICK_S = 15.0  # promised are 5; the machine may be running several installations


@dataclass(frozen=True)
class _Earlier:
    """What the first run of an installation left: a key, and a request answered a moment before it was stopped."""

    key: str
    request_id: str


@pytest.fixture(scope="module")
def settled() -> Iterator[tuple[Installation, _Earlier]]:
    """An installation that ran once and was stopped, in a folder whose path is too long for sockets."""
    with new_installation(below=_LONG) as installation:
        installation.start()
        key = installation.apply("{api_keys: [{name: lasting, workspace: default}]}")["lasting"]
        earlier = _Earlier(key, installation.post(CHAT, chat(), key).request_id)
        assert installation.stop() == 0
        yield installation, earlier


@pytest.fixture
def stopped(settled: tuple[Installation, _Earlier]) -> Iterator[Installation]:
    installation, _ = settled
    yield installation
    if installation.is_running:
        installation.stop()


def _paste(command: str) -> str:
    """Run what a person would paste into a shell."""
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _printed_curl(installation: Installation) -> str:
    printed = re.search(r"^curl -N .*?\n(?=\n)", installation.output(), re.MULTILINE | re.DOTALL)
    assert printed, installation.output()
    return printed[0]


def test_the_printed_curl_works_as_pasted(installation: Installation) -> None:
    streamed = _paste(_printed_curl(installation))

    assert streamed.startswith('data: {"id":"chatcmpl-')
    assert streamed.endswith("data: [DONE]\n\n")


def test_what_is_printed_is_what_bootstrap_json_says(installation: Installation) -> None:
    printed = installation.output()

    assert installation.base_url == f"http://127.0.0.1:{installation.port}"
    assert all(value in printed for value in installation.bootstrap.values())


def test_a_second_start_is_quick_keeps_everything_and_makes_nothing_twice(
    stopped: Installation, settled: tuple[Installation, _Earlier]
) -> None:
    before, earlier = stopped.bootstrap, settled[1]

    seconds = stopped.start()

    print(f"second start: {seconds:.1f} s")
    assert seconds < QUICK_S
    assert stopped.bootstrap == before
    counts = "SELECT (SELECT count(*) FROM auth_user) AS users, (SELECT count(*) FROM apikeys_apikey) AS keys,"
    counts += " (SELECT count(*) FROM apikeys_workspace) AS workspaces, (SELECT count(*) FROM proxy_backend) AS backends,"
    counts += " (SELECT count(*) FROM proxy_configurationrevision) AS revisions"
    assert stopped.sql(counts) == [{"users": 1, "keys": 2, "workspaces": 1, "backends": 1, "revisions": 1}]
    assert stopped.post(CHAT, chat(), earlier.key).status == 200
    assert stopped.record_of(earlier.request_id)["outcome"] == "ok"
    assert Console(stopped.base_url).sign_in(before["admin_user"], before["admin_password"]).path == "/admin/"
    assert _paste(_printed_curl(stopped)).endswith("data: [DONE]\n\n")
    assert stopped.stop() == 0


def test_without_the_simulator_its_models_fail_cleanly_and_ctrl_c_stops_the_rest(stopped: Installation) -> None:
    stopped.start("--no-simulator")

    assert stopped.find_child("proxy.simulator") is None
    assert stopped.get("/readyz").status == 200
    assert stopped.post(CHAT, chat("sim-fast"), stopped.api_key).status == 502
    assert stopped.stop(signal.SIGINT) == 0
    assert stopped.output().rstrip().endswith("Stopped.")
    assert "Traceback" not in stopped.output()
    assert not stopped.data_dir.run.exists()  # it lies outside the data folder


def test_nothing_outlives_up_when_it_is_killed_and_the_next_start_recovers(stopped: Installation) -> None:
    stopped.start()
    key = stopped.api_key
    request_id = stopped.post(CHAT, chat(), key).request_id

    assert stopped.stop(signal.SIGKILL) == -signal.SIGKILL  # fails when a process is left
    stopped.start()

    assert stopped.record_of(request_id)["outcome"] == "ok"
    assert stopped.post(CHAT, chat(), key).status == 200


def test_a_signal_during_the_start_leaves_nothing_behind(stopped: Installation) -> None:
    stopped.launch()
    wait_for(lambda: stopped.data_dir.postgres_socket.exists() or not stopped.is_running)

    stopped.stop(signal.SIGTERM)

    assert "Traceback" not in stopped.output()


@pytest.fixture
def as_nobody() -> list[str]:
    """A command that makes `up` an ordinary user's; the tests' own files may lie where only root can read."""
    if os.geteuid() != 0:
        pytest.skip("everything else here runs as an ordinary user already")
    nobody = pwd.getpwnam("nobody")
    reading = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    prefix = ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups", *reading, "--"]
    if subprocess.run([*prefix, sys.executable, "-c", ""], capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let root become a user that can read the tests' files")
    return prefix


def test_an_ordinary_user_can_run_it(as_nobody: list[str]) -> None:
    with new_installation(workers=1) as installation:
        installation.prefix = as_nobody
        folder = installation.data_dir.root.parent
        os.chown(folder, pwd.getpwnam("nobody").pw_uid, -1)
        installation.start()

        assert installation.post(CHAT, chat(), installation.api_key).status == 200
        assert {path.stat().st_uid for path in installation.data_dir.root.iterdir()} == {pwd.getpwnam("nobody").pw_uid}
        assert installation.stop() == 0


def test_a_taken_port_is_said_at_once(installation: Installation, tmp_path: Path) -> None:
    other = Installation(tmp_path)
    other.port = installation.port
    started_at = time.monotonic()

    other.launch()
    status = other.process.wait(60) if other.process else None

    assert status == 1
    assert str(other.port) in other.output()
    assert "--port" in other.output()
    assert "Traceback" not in other.output()
    assert time.monotonic() - started_at < QUICK_S
    assert other.survivors() == []


def test_a_folder_in_use_is_said_at_once(installation: Installation, tmp_path: Path) -> None:
    second = Installation(tmp_path)
    second.data_dir = installation.data_dir
    second.port = free_port()

    second.launch()
    status = second.process.wait(60) if second.process else None

    assert status == 1
    assert str(installation.data_dir.root) in second.output()
    assert "Traceback" not in second.output()
    assert installation.post(CHAT, chat(), installation.api_key).status == 200


def test_a_stream_ends_well_while_the_gateway_stops(stopped: Installation) -> None:
    stopped.start()
    master = stopped.master_pid
    with stopped.connections() as connections:
        [first, second] = connections.values()
        answer = send(first, "POST", CHAT, chat("sim-chat", "Answer in 100 words.", stream=True), bearer(stopped.api_key))
        begun = answer.read1(10)

        os.kill(master, signal.SIGTERM)
        wait_for(lambda: _is_refused(stopped.port))
        refused_at = time.monotonic()
        rest = answer.read()

        assert (begun + rest).endswith(b"data: [DONE]\n\n")
        assert b'"error"' not in rest
        assert time.monotonic() - refused_at > 0.5, "the stream was over before the port was closed"
        assert _is_closed_or_busy(second)
    assert stopped.process is not None
    assert stopped.process.wait(60) == 1
    assert "gunicorn ended" in stopped.output()
    wait_for(lambda: not stopped.survivors())
    with Services(stopped.data_dir):
        record = stopped.record_of(answer.headers["x-request-id"])
    assert (record["outcome"], record["status"]) == ("ok", 200)


def _is_refused(port: int) -> bool:
    try:
        with open_socket(port):
            return False
    except ConnectionRefusedError:
        return True


def _is_closed_or_busy(connection: http.client.HTTPConnection) -> bool:
    """An old connection gets no new request through: it is closed, or told to go elsewhere."""
    try:
        return send(connection, "GET", "/v1/models").status == 503
    except (OSError, http.client.HTTPException):
        return True
