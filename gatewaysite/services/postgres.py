"""
The embedded PostgreSQL: made once, started under us, stopped before us.

Rules: the caller holds the lock of the data folder and calls from the main thread. The server listens on a Unix socket only;
the mode of its folder stands in for a password. SIGINT is the only stop signal: on SIGTERM PostgreSQL waits for every client.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import psycopg

from gatewaysite.services.binaries import find_postgres
from gatewaysite.services.child import Account, LoggedChild, find_account, guarded_command, is_alive, wait_until_gone
from gatewaysite.services.errors import ServiceError
from gatewaysite.services.paths import DATABASE_NAME, DATABASE_USER, DataDir

_READY_POLL_S = 0.005
_READY_TIMEOUT_S = 300.0  # crash recovery replays up to max_wal_size
_SHARED_MEMORY_RETRY_S = 5.0  # backends of a killed server need a moment to notice, and hold its memory until then
_ORPHAN_GRACE_S = 1.0
_ORPHAN_TIMEOUT_S = 15.0
_INITDB_TIMEOUT_S = 120.0
_STOP_STEPS = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 5.0))

_STATE_LINE = 7  # of postmaster.pid, counted from 0
_UNFINISHED_PREFIX = "postgres.new."

# Written into postgresql.conf once, where the owner of the installation may change them.
_INITIAL_SETTINGS: Mapping[str, str] = {
    "shared_buffers": "64MB",
    "io_workers": "1",
    "max_wal_size": "512MB",
    "jit": "off",
    "random_page_cost": "1.1",
    "log_checkpoints": "off",
    "log_timezone": "UTC",
    "timezone": "UTC",
}
# For tests: a crash of the machine may destroy the data, a crash of PostgreSQL does not.
_NO_FSYNC_SETTINGS: Mapping[str, str] = {"fsync": "off", "full_page_writes": "off"}
# A forgotten query or transaction must not hold a connection of the console's small pool for ever. Migrations set their own.
_ROLE_SETTINGS: Mapping[str, str] = {"statement_timeout": "60s", "idle_in_transaction_session_timeout": "60s"}


class Postgres:
    """PostgreSQL on the folder of one installation."""

    def __init__(self, data_dir: DataDir) -> None:
        self._data_dir = data_dir
        self._log = data_dir.logs / "postgres.log"
        self._fsync = True
        self._child: LoggedChild | None = None

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    def is_running(self) -> bool:
        return self._child is not None and self._child.is_running()

    def launch(self, *, fsync: bool = True) -> None:
        """
        Start the server; the first time make its folder before (about 0.5 s).

        Errors: ServiceError when the folder is not a complete one of ours or another server works on it.
        Guarantee: a first start that was cut off leaves nothing that a later one takes for a database.
        """
        self._fsync = fsync
        try:
            if not _is_initialised(self._data_dir.postgres):
                self._initialise()
            self._remove_unfinished()
            _clear_stale_pid_file(self._data_dir.postgres)
        except PermissionError as error:
            raise ServiceError(
                f"PostgreSQL's folder cannot be used: {error.strerror}: {error.filename}. "
                "Start as the user who started this installation before."
            ) from error
        self._spawn()

    def wait_ready(self) -> None:
        """
        Return when the database `gateway` exists and takes connections.

        Errors: ServiceError with the end of the log when the server ended or took more than 300 s.
        Cost: about 20 ms after a clean stop.
        """
        started_at = time.monotonic()
        while not self._is_ready():
            waited_s = time.monotonic() - started_at
            if not self.is_running():
                self._respawn_or_fail(waited_s)
            elif waited_s > _READY_TIMEOUT_S:
                raise self._failure(f"was not ready after {_READY_TIMEOUT_S:.0f} s")
            time.sleep(_READY_POLL_S)
        self._create_database_if_missing()

    def stop(self) -> None:
        """Stop by a fast shutdown: clients are cut off, nothing committed is lost. Without a running server does nothing."""
        if self._child is not None:
            self._child.end(_STOP_STEPS)
            self._child = None

    def _initialise(self) -> None:
        """Let initdb work beside the final folder and move the result there, so that the final folder is whole or absent."""
        folder = Path(tempfile.mkdtemp(prefix=_UNFINISHED_PREFIX, dir=self._data_dir.root))
        account = find_account(folder)
        if account is not None:
            os.chown(folder, account.uid, account.gid)
        self._run_initdb(folder, account)
        folder.rename(self._data_dir.postgres)
        _sync_folder(self._data_dir.root)

    def _remove_unfinished(self) -> None:
        # Errors wait for the next start: a child of an initdb that was just killed may still write there for a moment.
        for leftover in self._data_dir.root.glob(f"{_UNFINISHED_PREFIX}*"):
            shutil.rmtree(leftover, ignore_errors=True)

    def _run_initdb(self, folder: Path, account: Account | None) -> None:
        settings = [option for name, value in _INITIAL_SETTINGS.items() for option in ("--set", f"{name}={value}")]
        # The builtin locale sorts the same on every machine; a C library's order changes with its version and breaks indexes.
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        sync = [] if self._fsync else ["--no-sync"]
        argv = [str(find_postgres().initdb), f"--pgdata={folder}", f"--username={DATABASE_USER}", "--auth=trust", "--no-instructions"]
        with self._log.open("ab") as log:
            done = subprocess.run(
                guarded_command([*argv, *locale, *sync, *settings], death_signal=signal.SIGKILL, account=account),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                timeout=_INITDB_TIMEOUT_S,
                check=False,
            )
            log.write(done.stdout)
        if done.returncode != 0:
            shutil.rmtree(folder, ignore_errors=True)
            output = done.stdout.decode(errors="replace").strip()[-4096:]
            raise ServiceError(f"PostgreSQL's initdb ended with status {done.returncode}. Its output (also in {self._log}):\n{output}")

    def _spawn(self) -> None:
        fixed = {"unix_socket_permissions": "0700", **({} if self._fsync else _NO_FSYNC_SETTINGS)}
        options = [option for name, value in fixed.items() for option in ("-c", f"{name}={value}")]
        argv = [str(find_postgres().postgres), "-D", str(self._data_dir.postgres), "-h", "", "-k", str(self._data_dir.run), *options]
        account = find_account(self._data_dir.postgres)
        self._child = LoggedChild("PostgreSQL", argv, log=self._log, death_signal=signal.SIGINT, account=account)

    def _respawn_or_fail(self, waited_s: float) -> None:
        assert self._child is not None  # noqa: S101 - only called for a child that ended
        if "shared memory block" not in self._child.log_tail() or waited_s > _SHARED_MEMORY_RETRY_S:
            raise self._failure("ended while starting")
        time.sleep(0.05)
        self._spawn()

    def _failure(self, what: str) -> ServiceError:
        if self._child is None:
            return ServiceError(f"PostgreSQL {what}.")
        failure = self._child.failure(what)
        self.stop()
        return failure

    def _is_ready(self) -> bool:
        lines = _read_pid_file(self._data_dir.postgres)
        return len(lines) > _STATE_LINE and lines[0] == str(self.pid) and lines[_STATE_LINE] == "ready"

    def _create_database_if_missing(self) -> None:
        with psycopg.connect(
            host=str(self._data_dir.run), user=DATABASE_USER, dbname="postgres", autocommit=True, connect_timeout=10
        ) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE_NAME]).fetchone():
                return
            # The database comes last: where it exists, the settings were made too, and stay as an admin may have changed them.
            for name, value in _ROLE_SETTINGS.items():
                connection.execute(f"ALTER ROLE {DATABASE_USER} SET {name} = '{value}'")
            connection.execute(f"CREATE DATABASE {DATABASE_NAME}")


def _is_initialised(folder: Path) -> bool:
    if not folder.exists() or not any(folder.iterdir()):
        return False
    if (folder / "PG_VERSION").is_file() and (folder / "global" / "pg_control").is_file():
        return True
    raise ServiceError(
        f"{folder} is neither empty nor a PostgreSQL folder. Move it away to start with an empty database, or put a backup in its place."
    )


def _read_pid_file(folder: Path) -> list[str]:
    try:
        return [line.strip() for line in (folder / "postmaster.pid").read_text(errors="replace").splitlines()]
    except FileNotFoundError:
        return []


def _clear_stale_pid_file(folder: Path) -> None:
    """
    Delete a `postmaster.pid` that no server of this folder stands behind.

    PostgreSQL itself refuses to start on an empty one, and on a pid that another process of the same user has by now.
    """
    lines = _read_pid_file(folder)
    # A single-user server writes its pid negated.
    pid = int(lines[0].lstrip("-")) if lines and lines[0].lstrip("-").isdigit() else 0
    if pid and _is_server_of(pid, folder):
        _end_orphan(pid, folder)
    (folder / "postmaster.pid").unlink(missing_ok=True)


def _is_server_of(pid: int, folder: Path) -> bool:
    try:
        argv = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    is_postgres = Path(os.fsdecode(argv[0])).name == "postgres"
    return is_postgres and os.fsencode(folder) in argv and is_alive(pid)


def _end_orphan(pid: int, folder: Path) -> None:
    """Wait for a server whose parent was killed, which is on its way out; ask it to stop when it is not."""
    if wait_until_gone(pid, _ORPHAN_GRACE_S):
        return
    os.kill(pid, signal.SIGINT)
    if not wait_until_gone(pid, _ORPHAN_TIMEOUT_S):
        raise ServiceError(f"Another PostgreSQL (pid {pid}) works on {folder} and does not stop. End it and start again.")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
