"""Children under supervision: restarted, ended in order, logged whole, and never left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from gatewaysite.services import supervisor as supervisor_module
from gatewaysite.services.child import is_alive, wait_until_gone
from gatewaysite.services.interrupts import Interrupts
from gatewaysite.services.supervisor import ChildEndedError, ChildSpec, OnExit, Supervisor

# Says that it runs, writes its name into a file when it is told to end, and takes as long as it is asked to.
_CHILD = """
import signal, sys, time
name, notes, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
def end(*_):
    time.sleep(seconds)
    with open(notes, "a") as file:
        file.write(name + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print(f"{name} runs", flush=True)
time.sleep(60)
"""


@pytest.fixture
def place(tmp_path):
    place = _Place(tmp_path)
    yield place
    place.stop()


class _Place:
    """A supervisor whose words are kept, stopped after the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "gateway.log"
        self.notes = folder / "notes"
        self.said: list[str] = []
        self.interrupts = Interrupts()
        self.supervisor = Supervisor(self.log, folder, self.said.append)
        self.is_stopped = False

    def spec(self, name, *, program=_CHILD, arguments=None, on_exit=OnExit.RESTART, grace_s=30.0, **options):
        argv = (sys.executable, "-c", program, *(arguments if arguments is not None else (name, str(self.notes), "0")))
        return ChildSpec(name, argv, dict(os.environ), on_exit, grace_s, **options)

    def wait_for_log(self, text):
        self.wait(lambda: text in self.log.read_text())

    def wait(self, is_true):
        deadline = time.monotonic() + 30
        while not is_true():
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.01)

    def stop(self):
        if not self.is_stopped:
            self.is_stopped = True
            self.supervisor.stop(self.interrupts)


@pytest.fixture(autouse=True)
def _short_backoff(monkeypatch):
    monkeypatch.setattr(supervisor_module, "_BACKOFF_S", (0.02, 0.04))


def test_stop_ends_children_in_the_reverse_order_of_their_start(place):
    for name, delay_s in (("first", "0"), ("second", "0"), ("third", "0.3")):
        place.supervisor.start(place.spec(name, arguments=(name, str(place.notes), delay_s)))
    for name in ("first", "second", "third"):
        place.wait_for_log(f"{name} runs")

    place.stop()

    assert place.notes.read_text().split() == ["third", "second", "first"]
    assert place.said == []


def test_stop_kills_a_child_that_ignores_it_and_says_so(place):
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    place.supervisor.start(place.spec("deaf", program=stubborn, grace_s=0.1))
    place.wait_for_log("deaf")
    pid = place.supervisor.pids()["deaf"]

    place.stop()

    assert not is_alive(pid)
    assert place.said == ["deaf did not stop within 0.1 s and was killed"]


def test_second_signal_ends_the_waiting(place):
    place.supervisor.start(place.spec("slow", arguments=("slow", str(place.notes), "60")))
    place.wait_for_log("slow runs")
    place.interrupts.count = 2
    started_at = time.monotonic()

    place.stop()

    assert time.monotonic() - started_at < 25
    assert not place.notes.exists()


def test_stop_kills_what_a_child_left_in_its_session(place, monkeypatch):
    monkeypatch.setattr(supervisor_module, "_STRAY_GRACE_S", 0.1)
    leaver = "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid, flush=True)"
    place.supervisor.start(place.spec("leaver", program=leaver))
    place.wait(lambda: place.log.read_text().endswith("\n"))
    stray = int(place.log.read_text())
    assert is_alive(stray)

    place.stop()

    assert wait_until_gone(stray, 30.0)


def test_child_that_ends_is_started_again_and_the_console_hears_of_it(place):
    place.supervisor.start(place.spec("simulator"))
    place.wait_for_log("simulator runs")
    first = place.supervisor.pids()["simulator"]
    os.kill(first, signal.SIGKILL)

    def is_back():
        place.supervisor.check()
        return place.supervisor.pids().get("simulator", first) != first

    place.wait(is_back)
    place.stop()

    assert place.said == [f"simulator ended (killed by SIGKILL); starting it again in 0.02 s. Its log: {place.log}"]


def test_child_that_fails_again_and_again_is_started_less_and_less_often(place):
    place.supervisor.start(place.spec("broken", program="import sys; sys.exit(3)", arguments=()))

    def has_failed_three_times():
        place.supervisor.check()
        return len(place.said) == 3

    place.wait(has_failed_three_times)
    place.stop()

    assert [line.partition(" s.")[0] for line in place.said] == [
        "broken ended (status 3); starting it again in 0.02",
        "broken ended (status 3); starting it again in 0.04",
        "broken ended (status 3); starting it again in 0.04",
    ]


def test_end_of_the_gateway_ends_the_run(place):
    place.supervisor.start(place.spec("other"))
    place.supervisor.start(place.spec("gunicorn", program="import sys; sys.exit(4)", arguments=(), on_exit=OnExit.END_ALL))

    with pytest.raises(ChildEndedError, match=r"gunicorn ended by itself \(status 4\)"):
        place.supervisor.run(place.interrupts)
    place.stop()

    assert place.supervisor.pids() == {}


def test_run_returns_on_a_signal_and_asks_the_other_check_meanwhile(place):
    checks = []
    with place.interrupts:
        place.interrupts.raises = False
        timer = threading.Timer(0.6, os.kill, [os.getpid(), signal.SIGTERM])
        timer.start()
        place.supervisor.run(place.interrupts, also_check=lambda: checks.append(1))
        timer.join()
    place.stop()

    assert checks


def test_console_shows_errors_only(place):
    program = (
        "import sys\n"
        'print(\'{"level": "info", "event": "fine"}\')\n'
        'print(\'{"level": "error", "event": "bad"}\')\n'
        "raise ValueError('worse')\n"
    )
    place.supervisor.start(place.spec("maintenance", program=program, arguments=()))
    place.wait_for_log("worse")
    place.stop()

    assert place.said[0] == 'maintenance: {"level": "error", "event": "bad"}'
    assert place.said[-1] == "maintenance: ValueError: worse"
    assert '{"level": "info", "event": "fine"}' in place.log.read_text()


def test_children_get_their_environment_folder_and_no_input(place):
    program = "import json, os, sys; print(json.dumps([os.environ['MINE'], os.getcwd(), sys.stdin.read()]), flush=True)"
    spec = place.spec("child", program=program, arguments=())
    place.supervisor.start(ChildSpec(spec.name, spec.argv, {**spec.env, "MINE": "yes"}, spec.on_exit, spec.grace_s))
    place.wait(lambda: place.log.read_text().endswith("\n"))
    place.stop()

    assert json.loads(place.log.read_text()) == ["yes", str(place.folder), ""]


_PARENT = """
import os, sys, time
from pathlib import Path
from gatewaysite.services.supervisor import ChildSpec, OnExit, Supervisor

folder = Path(sys.argv[1])
supervisor = Supervisor(folder / "gateway.log", folder, print)
for name in ("simulator", "gunicorn"):
    argv = (sys.executable, "-c", sys.argv[2], name, str(folder / "notes"), "0")
    supervisor.start(ChildSpec(name, argv, dict(os.environ), OnExit.END_ALL, 5.0))
print(*supervisor.pids().values(), flush=True)
time.sleep(60)
"""


def test_children_are_gone_when_the_supervisor_is_killed(tmp_path):
    parent = subprocess.Popen([sys.executable, "-c", _PARENT, str(tmp_path), _CHILD], stdout=subprocess.PIPE, text=True)
    try:
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        deadline = time.monotonic() + 30
        while (tmp_path / "gateway.log").read_text().count("runs") < 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        parent.kill()
        parent.communicate()

    assert [wait_until_gone(pid, 30.0) for pid in pids] == [True, True]
    assert sorted((tmp_path / "notes").read_text().split()) == ["gunicorn", "simulator"]  # asked to end, not shot


def test_log_of_many_lines_is_whole_and_in_order(place):
    program = 'import sys\nfor n in range(20000): print(\'{"level": "info", "n": %d, "pad": "%s"}\' % (n, \'x\' * 100))'
    place.supervisor.start(place.spec("gunicorn", program=program, arguments=(), on_exit=OnExit.RESTART))
    place.wait_for_log('"n": 19999')
    place.stop()

    assert [json.loads(line)["n"] for line in place.log.read_text().splitlines()] == list(range(20_000))
