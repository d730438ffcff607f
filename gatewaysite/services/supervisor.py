"""
Start the processes of an installation, keep them running, and end them in order.

Rules: main thread only (see child.py). Children are ended in the reverse order of their start, so that the gateway drains
while what it depends on is still there. It knows nothing of what the children are.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from gatewaysite.services.child import guarded_command, kill_session
from gatewaysite.services.errors import ServiceError
from gatewaysite.services.interrupts import Interrupts
from gatewaysite.services.log_file import RotatingFile
from gatewaysite.services.log_pump import ErrorBoard, LogPump

_TICK_S = 0.25
_STOP_POLL_S = 0.02
_STRAY_GRACE_S = 5.0  # for what a child leaves running in its session
_BACKOFF_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_STABLE_AFTER_S = 60.0


class OnExit(Enum):
    """What the end of a child means."""

    RESTART = "restart"
    END_ALL = "end all"


class ChildEndedError(ServiceError):
    """A child without which the rest makes no sense has ended."""


@dataclass(frozen=True)
class ChildSpec:
    """
    One process to supervise.

    Units: `grace_s` is the time between `stop_signal` and SIGKILL.
    `death_signal` is what it gets when we are killed; None stands for `stop_signal`.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    on_exit: OnExit
    grace_s: float
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals | None = None


@dataclass
class _Running:
    spec: ChildSpec
    process: subprocess.Popen[bytes]
    started_at: float
    failure_count: int = 0
    restart_at: float | None = field(default=None)


class Supervisor:
    """
    The children of one `up`; what they write goes to `log`, errors also to `say`.

    Guarantee: when this process is killed, every child gets its death signal. `say` never raises into the loop.
    """

    def __init__(self, log: Path, cwd: Path, say: Callable[[str], None]) -> None:
        self._log = log
        self._cwd = cwd
        self._say = say
        self._board = ErrorBoard()
        self._pump = LogPump(RotatingFile(log), self._board.add)
        self._children: dict[str, _Running] = {}

    def start(self, spec: ChildSpec) -> None:
        """Start a child. Errors: ServiceError without `setpriv`."""
        self._children[spec.name] = _Running(spec, self._spawn(spec), time.monotonic())

    def pids(self) -> dict[str, int]:
        """Return the process ids of the children that run now, by name."""
        return {name: child.process.pid for name, child in self._children.items() if child.process.poll() is None}

    def check(self) -> None:
        """
        Show new error lines and start again what has ended and is due.

        Errors: ChildEndedError when a child ended whose end ends everything.
        """
        self.show_errors()
        for child in self._children.values():
            if child.process.poll() is not None:
                self._handle_end(child, time.monotonic())

    def run(self, interrupts: Interrupts, also_check: Callable[[], object] = lambda: None) -> None:
        """Check everything four times a second until a signal arrives. Errors: ChildEndedError, and what `also_check` raises."""
        while not interrupts.wait(_TICK_S):
            self.check()
            also_check()

    def stop(self, interrupts: Interrupts) -> None:
        """
        End the children, the last one started first, each within its grace; a second signal kills what is left.

        Guarantee: no child is left, and all they wrote is in the log.
        """
        for child in reversed(self._children.values()):
            self._end(child, interrupts)
        self._children.clear()
        self._pump.close()
        self.show_errors()

    def show_errors(self) -> None:
        """Hand the error lines that arrived since the last call to `say`."""
        for line in self._board.take():
            self._say(line)

    def _spawn(self, spec: ChildSpec) -> subprocess.Popen[bytes]:
        command = guarded_command(spec.argv, death_signal=spec.death_signal or spec.stop_signal)
        output = self._pump.open_pipe(spec.name)
        try:
            return subprocess.Popen(
                command,
                cwd=self._cwd,
                env={**spec.env, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                umask=0o077,
            )
        finally:
            os.close(output)

    def _handle_end(self, child: _Running, now: float) -> None:
        spec, status = child.spec, child.process.returncode
        if spec.on_exit is OnExit.END_ALL:
            raise ChildEndedError(f"{spec.name} ended by itself ({_describe(status)}), so everything else ends too.")
        if child.restart_at is None:
            if now - child.started_at > _STABLE_AFTER_S:
                child.failure_count = 0
            delay_s = _BACKOFF_S[min(child.failure_count, len(_BACKOFF_S) - 1)]
            child.restart_at = now + delay_s
            self._say(f"{spec.name} ended ({_describe(status)}); starting it again in {delay_s:g} s. Its log: {self._log}")
        elif now >= child.restart_at:
            failures = child.failure_count + 1
            self._children[spec.name] = _Running(spec, self._spawn(spec), now, failures)

    def _end(self, child: _Running, interrupts: Interrupts) -> None:
        pid, deadline = child.process.pid, time.monotonic() + child.spec.grace_s
        if child.process.poll() is None:
            child.process.send_signal(child.spec.stop_signal)
        while child.process.poll() is None and time.monotonic() < deadline and interrupts.count < 2:
            interrupts.wait(_STOP_POLL_S)
        if child.process.poll() is None and interrupts.count < 2:
            self._say(f"{child.spec.name} did not stop within {child.spec.grace_s:g} s and was killed")
        stray_deadline = min(deadline, time.monotonic() + _STRAY_GRACE_S)
        while child.process.poll() is not None and _has_session(pid) and time.monotonic() < stray_deadline and interrupts.count < 2:
            interrupts.wait(_STOP_POLL_S)
        kill_session(pid)
        child.process.wait()


def _has_session(leader_pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.killpg(leader_pid, 0)
        return True
    return False


def _describe(status: int) -> str:
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"status {status}"
