"""
Start a program so that it cannot outlive us, and end it.

Rules: start from the main thread, because the kernel sends the death signal when the *thread* that started the child ends.
Every child leads a session of its own: a Ctrl-C at the terminal reaches only us, and we end the children in the right order.
"""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gatewaysite.services.binaries import find_setpriv
from gatewaysite.services.errors import ServiceError

_CAP_DAC_OVERRIDE = 1 << 1
_CAP_SETPCAP = 1 << 8
_LOG_TAIL_BYTES = 4096
_LOG_KEPT_BYTES = 8 * 1024 * 1024
_POLL_S = 0.005

# `setpriv` asks for the death signal only after the fork: a parent killed in between would leave the child behind for ever.
# So the child looks once more whether its parent is still the one that started it, and only then becomes the program.
_ONLY_WITH_PARENT = '[ "$PPID" = "$0" ] && exec "$@"'


@dataclass(frozen=True)
class Account:
    """Who a child runs as, when that is not us."""

    uid: int
    gid: int


def find_account(folder: Path) -> Account | None:
    """
    Return the account PostgreSQL runs as: us (None), or for root the owner of `folder` or `nobody`, because it refuses uid 0.

    Errors: ServiceError when this machine has no user `nobody`.
    """
    if os.geteuid() != 0:
        return None
    if folder.exists() and (found := folder.stat()).st_uid != 0:
        return Account(found.st_uid, found.st_gid)
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise ServiceError(
            "PostgreSQL does not run as root, and this machine has no user `nobody`. Start as another user or set DATABASE_URL."
        ) from None
    return Account(nobody.pw_uid, nobody.pw_gid)


def guarded_command(argv: Sequence[str], *, death_signal: signal.Signals, account: Account | None = None) -> list[str]:
    """
    Return `argv` wrapped so that it gets `death_signal` when we die, running as `account`.

    Errors: ServiceError without `setpriv`.
    Guarantee: the program never starts when we are already gone.
    """
    drop = [] if account is None else [f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups", *_keep_reading_our_folders()]
    guard = [find_setpriv(), f"--pdeathsig={death_signal.name.removeprefix('SIG')}", *drop, "--"]
    return [*guard, "/bin/sh", "-c", _ONLY_WITH_PARENT, str(os.getpid()), *argv]


def _keep_reading_our_folders() -> list[str]:
    """
    Let a child that is no longer root reach a data folder or virtual environment below a folder of mode 0700, such as `/root`.

    Without the securebit `access(2)` ignores the capability. A container may lack both; then the folders have to be readable.
    """
    if _effective_capabilities() & (wanted := _CAP_DAC_OVERRIDE | _CAP_SETPCAP) != wanted:
        return []
    return ["--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--securebits=+no_setuid_fixup"]


def _effective_capabilities() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    return 0


class LoggedChild:
    """
    One running service, its output appended to `log`.

    The log of earlier runs is kept up to 8 MiB, then moved to `<log>.1` at the next start.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        log: Path,
        death_signal: signal.Signals,
        account: Account | None = None,
        cwd: str | Path = "/",
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self._log = log
        if log.exists() and log.stat().st_size > _LOG_KEPT_BYTES:
            log.replace(log.with_name(f"{log.name}.1"))
        command = guarded_command(argv, death_signal=death_signal, account=account)
        with log.open("ab") as output:
            self._log_start = output.tell()
            self._process = subprocess.Popen(
                command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, umask=0o077
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_running(self) -> bool:
        return self._process.poll() is None

    def log_tail(self) -> str:
        """Return the end of what this run wrote, at most 4 KiB."""
        with self._log.open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(self._log_start, end - _LOG_TAIL_BYTES))
            return log.read().decode(errors="replace").strip()

    def failure(self, what: str) -> ServiceError:
        """Return the error that names what happened, where the log lies and how it ends."""
        return ServiceError(f"{self.name} {what}. The end of {self._log}:\n{self.log_tail() or '(empty)'}")

    def wait(self, timeout_s: float) -> bool:
        """Return whether the child ended within `timeout_s`."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def end(self, steps: Sequence[tuple[signal.Signals, float]]) -> None:
        """
        Send each signal in turn until the child has ended within the seconds beside it; then kill its whole session.

        Guarantee: the child is gone and reaped on return.
        """
        for step, timeout_s in steps:
            if not self.is_running():
                break
            self._process.send_signal(step)
            if self.wait(timeout_s):
                break
        else:
            kill_session(self.pid)
        self._process.wait()


def kill_session(leader_pid: int) -> None:
    """Kill the process group of a child that leads its own session; one that is gone already is fine."""
    try:
        os.killpg(leader_pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def wait_until_gone(pid: int, timeout_s: float) -> bool:
    """Return whether a process that is not our child ended within `timeout_s` (a zombie has ended)."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if not is_alive(pid):
            return True
        time.sleep(_POLL_S)
    return not is_alive(pid)


def is_alive(pid: int) -> bool:
    """Return whether a process with this pid exists and is no zombie."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] not in ("Z", "X")
