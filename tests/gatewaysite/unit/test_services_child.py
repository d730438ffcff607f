"""Children that cannot outlive their parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from gatewaysite.services import binaries, child
from gatewaysite.services.child import Account, LoggedChild, guarded_command, is_alive, wait_until_gone
from gatewaysite.services.errors import ServiceError

_SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]


def _start(tmp_path, argv, **options):
    return LoggedChild("Thing", argv, log=tmp_path / "thing.log", death_signal=signal.SIGKILL, **options)


def _wait_for_log(tmp_path, text):
    deadline = time.monotonic() + 30
    while text not in (tmp_path / "thing.log").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_guarded_command_does_not_run_when_the_parent_is_another_one(tmp_path):
    command = guarded_command(["touch", str(tmp_path / "ran")], death_signal=signal.SIGTERM)
    # The way it is after the parent was killed between fork and prctl: somebody else is the parent now.
    status = subprocess.call(["/bin/sh", "-c", '"$@"; exit $?', "sh", *command])

    assert status == 1
    assert not (tmp_path / "ran").exists()


def test_guarded_command_passes_every_argument_unchanged(tmp_path):
    odd = ["", "a b", "$HOME", "'\"", "-x", "größe"]
    command = guarded_command([sys.executable, "-c", "import sys; print(sys.argv[1:])", *odd], death_signal=signal.SIGTERM)

    assert subprocess.check_output(command, text=True) == f"{odd}\n"


def test_guarded_command_drops_root_for_an_account(monkeypatch):
    monkeypatch.setattr(child, "_effective_capabilities", lambda: -1)

    command = guarded_command(["x"], death_signal=signal.SIGINT, account=Account(65534, 65533))

    assert command[1 : command.index("--")] == [
        "--pdeathsig=INT",
        "--reuid=65534",
        "--regid=65533",
        "--clear-groups",
        "--inh-caps=+dac_override",
        "--ambient-caps=+dac_override",
        "--securebits=+no_setuid_fixup",
    ]


def test_guarded_command_asks_for_no_capability_that_a_container_took_away(monkeypatch):
    monkeypatch.setattr(child, "_effective_capabilities", lambda: 0)

    command = guarded_command(["x"], death_signal=signal.SIGINT, account=Account(65534, 65533))

    assert not [option for option in command if "caps" in option or "securebits" in option]


def test_missing_setpriv_is_named_with_its_package(monkeypatch):
    monkeypatch.setattr(binaries.shutil, "which", lambda *args, **kwargs: None)

    with pytest.raises(ServiceError, match="util-linux"):
        guarded_command(["x"], death_signal=signal.SIGTERM)


def test_end_sends_the_signals_in_turn_and_kills_at_last(tmp_path):
    stubborn = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('up', flush=True)\ntime.sleep(60)"
    running = _start(tmp_path, [sys.executable, "-c", stubborn])
    _wait_for_log(tmp_path, "up")

    running.end([(signal.SIGTERM, 0.05)])

    assert not running.is_running()
    assert not is_alive(running.pid)


def test_child_leads_a_session_of_its_own(tmp_path):
    running = _start(tmp_path, _SLEEP)
    try:
        assert os.getsid(running.pid) == running.pid
    finally:
        running.end([(signal.SIGKILL, 5.0)])


def test_failure_shows_only_what_this_run_wrote(tmp_path):
    (tmp_path / "thing.log").write_text("an older run\n")
    running = _start(tmp_path, ["/bin/sh", "-c", "echo it is broken >&2; exit 3"])
    assert running.wait(30)

    assert str(running.failure("ended while starting")) == (
        f"Thing ended while starting. The end of {tmp_path / 'thing.log'}:\nit is broken"
    )


def test_log_of_earlier_runs_moves_aside_when_it_is_big(tmp_path, monkeypatch):
    monkeypatch.setattr(child, "_LOG_KEPT_BYTES", 10)
    (tmp_path / "thing.log").write_text("more than ten bytes\n")

    running = _start(tmp_path, ["/bin/sh", "-c", "echo new"])
    assert running.wait(30)

    assert (tmp_path / "thing.log.1").read_text() == "more than ten bytes\n"
    assert (tmp_path / "thing.log").read_text() == "new\n"


def test_is_alive_counts_a_zombie_as_gone():
    process = subprocess.Popen([sys.executable, "-c", ""])
    try:
        assert wait_until_gone(process.pid, 30.0)
    finally:
        process.wait()


def test_wait_until_gone_gives_up_on_a_process_that_stays():
    assert not wait_until_gone(os.getpid(), 0.02)
