"""
A real installation: `manage.py up` as a process of its own, in a folder of its own, and what a test may do to it.

Rules: it is talked to as its owner and its callers do: over HTTP, through commands, through the database's socket, with signals.
Nothing is left behind: every process that belonged to it is looked for after its end.
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from gatewaysite.services.paths import DataDir
from tests.http_talk import PATIENCE_S, Reply, ask, bearer, send, wait_for
from tests.processes import Process, all_processes, descendants, find_process, owner_of_connection

ROOT = Path(__file__).resolve().parents[1]
START_S = 60.0
_MARK = "GATEWAYSITE_TEST_INSTALLATION"
_OURS = ("GATEWAY_", "PROMETHEUS_", "DATABASE_URL", "REDIS_URL", "SECRET_KEY", "DJANGO_", "SQL_ECHO", "LOG_LEVEL")
_PROVIDERS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "OLLAMA_HOST")
_numbers = itertools.count(1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Installation:
    """
    One data folder with the processes that `up` runs on it.

    `below` is the data folder's path in `folder`; `workers` is `--workers`, `arguments` are further ones of `up`; `environ` is added to a
    clean environment.
    """

    def __init__(
        self, folder: Path, *arguments: str, below: str = "data", workers: int = 2, environ: Mapping[str, str] | None = None
    ) -> None:
        self.data_dir = DataDir(folder / below)
        self.port = free_port()
        self.arguments = arguments
        self.workers_count = workers
        self.prefix: list[str] = []  # a command that starts `up` in its place, as another user perhaps
        self.process: subprocess.Popen[bytes] | None = None
        self._folder = folder
        self._mark = uuid.uuid4().hex
        clean = {name: value for name, value in os.environ.items() if not name.startswith(_OURS) and name not in _PROVIDERS}
        self._environ = clean | {_MARK: self._mark} | dict(environ or {})
        self._seen: dict[int, Process] = {}

    # --- starting and stopping ----------------------------------------------------------------------------------------------------

    def start(self, *arguments: str) -> float:
        """Run `up` until it says that everything runs; return how many seconds that took."""
        started_at = time.monotonic()
        self.launch(*arguments)
        wait_for(lambda: "Ctrl-C stops everything." in self.output() or not self.is_running, within_s=START_S)
        assert self.is_running, self.output()
        assert self.get("/readyz").status == 200
        seconds = time.monotonic() - started_at
        self.note_processes()
        return seconds

    def launch(self, *arguments: str) -> None:
        own = ["--port", str(self.port), "--workers", str(self.workers_count), "--data-dir", str(self.data_dir.root)]
        command = [*self.prefix, sys.executable, str(ROOT / "manage.py"), "up", *own, *self.arguments, *arguments]
        with self._output_file.open("wb") as output:
            self.process = subprocess.Popen(command, env=self._environ, stdout=output, stderr=output, start_new_session=True)

    def output(self) -> str:
        """Return what the last `up` wrote to its console."""
        return self._output_file.read_text(errors="replace") if self._output_file.exists() else ""

    @property
    def _output_file(self) -> Path:
        return self._folder / "console"

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self, number: signal.Signals = signal.SIGTERM, *, within_s: float = 60.0) -> int:
        """Send `up` a signal, wait for its end and return its status. Errors: AssertionError when a process is left."""
        assert self.process is not None
        self.note_processes()
        if self.is_running:
            self.process.send_signal(number)
        try:
            status = self.process.wait(within_s)
        finally:
            self.process.kill()
            self.process.wait()
        try:
            wait_for(lambda: not self.survivors(), within_s=PATIENCE_S)
        except AssertionError:
            raise AssertionError(f"left behind: {[process.command for process in self._end_survivors()]}") from None
        return status

    def note_processes(self) -> None:
        """Remember who belongs to it now: after the end of `up` nobody could tell whose child a process was."""
        if self.process is not None:
            self._seen |= {process.pid: process for process in descendants(self.process.pid)}

    def survivors(self) -> list[Process]:
        """Return the processes that still belong to it: seen as its descendants, or marked so by environment or command line."""
        mark, folder = f"{_MARK}={self._mark}".encode(), str(self.data_dir.root)
        marked = [process for process in all_processes() if process.state not in "ZX" and process.pid != os.getpid()]
        found = {process.pid: process for process in marked if mark in process.environment or folder in process.command}
        return list((found | {pid: process for pid, process in self._seen.items() if process.is_alive()}).values())

    def _end_survivors(self) -> list[Process]:
        left = self.survivors()
        for process in left:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        return left

    def remove(self) -> None:
        """End what still runs, whatever state a test left it in, and remove the folder."""
        if self.process is not None:
            self.note_processes()
            for process in self.survivors():
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGCONT)
            try:
                if self.is_running:
                    self.stop()
            finally:
                self._end_survivors()
                self.process.kill()
                self.process.wait()
        if self.data_dir.run.parent != self.data_dir.root:
            shutil.rmtree(self.data_dir.run, ignore_errors=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    # --- what it tells its owner ----------------------------------------------------------------------------------------------------

    @property
    def bootstrap(self) -> dict[str, str]:
        values: dict[str, str] = json.loads(self.data_dir.bootstrap_file.read_text())
        return values

    @property
    def base_url(self) -> str:
        return self.bootstrap["base_url"]

    @property
    def api_key(self) -> str:
        return self.bootstrap["api_key"]

    @property
    def simulator_port(self) -> int:
        return int(self.data_dir.simulator_port_file.read_text())

    @property
    def log_file(self) -> Path:
        return self.data_dir.logs / "gateway.log"

    def log_events(self) -> list[dict[str, Any]]:
        """Return the log, which is one JSON object a line. Errors: ValueError for a line that is none."""
        return [json.loads(line) for line in self.log_file.read_text().splitlines()]

    # --- commands and stores --------------------------------------------------------------------------------------------------------

    def manage(self, *arguments: str, text: str | None = None, environ: Mapping[str, str] | None = None) -> str:
        """Run a command on this installation and return what it printed. Errors: AssertionError with its complaint."""
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env=self._environ | {"GATEWAY_DATA_DIR": str(self.data_dir.root)} | dict(environ or {}),
            input=text,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def apply(self, yaml: str, environ: Mapping[str, str] | None = None) -> dict[str, str]:
        """Apply a file and return the secrets of the API keys that it made, by name."""
        applied = json.loads(self.manage("apply", "-", "--json", text=yaml, environ=environ))
        return {key["name"]: key["api_key"] for key in applied["api_keys"]}

    def create_key(self, *arguments: str, workspace: str = "default") -> str:
        """Make an API key of a name that none has yet, with further arguments of `create_key`, and return its secret."""
        name = f"made-{next(_numbers)}-{uuid.uuid4().hex[:8]}"
        made = json.loads(self.manage("create_key", "--workspace", workspace, "--name", name, "--json", *arguments))
        return str(made["api_key"])

    def sql(self, query: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Ask the installation's own PostgreSQL, over its socket."""
        parts = self.data_dir.database_url_parts()
        with psycopg.connect(
            host=parts["host"], user=parts["user"], dbname=parts["name"], autocommit=True, connect_timeout=10
        ) as connection:
            cursor = connection.cursor(row_factory=dict_row).execute(query, list(parameters))
            return cursor.fetchall() if cursor.description else []

    def record_of(self, request_id: str, within_s: float = PATIENCE_S) -> dict[str, Any]:
        """Return the usage record of a request, which is there a moment after its answer. Errors: AssertionError for none or two."""
        rows = wait_for(lambda: self.sql("SELECT * FROM proxy_usagerecord WHERE request_id = %s", [request_id]), within_s=within_s)
        assert len(rows) == 1, rows
        return dict(rows[0])

    def records_of(self, key: str) -> list[dict[str, Any]]:
        """Return the usage records of one API key, given by its secret, the oldest first."""
        return self.sql(
            "SELECT r.* FROM proxy_usagerecord r JOIN apikeys_apikeysecret s ON s.api_key_id = r.key_id WHERE s.public_id = %s"
            " ORDER BY r.ts, r.request_id",
            [key.split("_")[2]],
        )

    # --- its processes --------------------------------------------------------------------------------------------------------------

    def child(self, word: str) -> int:
        """Return the pid of the child of `up` whose command holds `word`."""
        return int(wait_for(lambda: self.find_child(word)))

    def find_child(self, word: str) -> int | None:
        assert self.process is not None
        own = [process for process in descendants(self.process.pid) if process.parent_pid == self.process.pid]
        return next((process.pid for process in own if word in process.command), None)

    @property
    def master_pid(self) -> int:
        return self.child(" gatewaysite.asgi:application")

    @property
    def postgres_pid(self) -> int:
        return self.child("/postgres -D")

    @property
    def valkey_pid(self) -> int:
        return self.child("valkey-server")

    def workers(self) -> list[int]:
        """Return the worker processes that run now."""
        return [process.pid for process in descendants(self.master_pid) if process.parent_pid == self.master_pid]

    def wait_for_workers(self, *, without: Sequence[int] = ()) -> list[int]:
        """Return the workers once there are as many as there should be, none of them in `without`, and each serves."""
        wait_for(lambda: len(self.workers()) == self.workers_count and not set(self.workers()) & set(without))
        self.note_processes()
        with self.connections() as connections:
            assert all(send(connection, "GET", "/readyz").read() for connection in connections.values())
            return list(connections)

    @contextmanager
    def connections(self) -> Iterator[dict[int, http.client.HTTPConnection]]:
        """Yield a kept connection to each worker, by its pid."""
        workers = self.workers()
        found: dict[int, http.client.HTTPConnection] = {}
        try:
            for pid in workers:
                found[pid] = self._connect_to(pid, [other for other in workers if other != pid])
            yield found
        finally:
            for connection in found.values():
                connection.close()

    def _connect_to(self, pid: int, others: Sequence[int]) -> http.client.HTTPConnection:
        # The workers share the listening socket and whoever is quickest accepts, so the others are held for a moment.
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        with frozen(*others):
            connection.connect()
            client_port = connection.sock.getsockname()[1]
            owner = wait_for(lambda: owner_of_connection(self.port, client_port, [pid, *others]))
        assert owner == pid
        return connection

    # --- requests -------------------------------------------------------------------------------------------------------------------

    def get(self, path: str, key: str | None = None, headers: Mapping[str, str] | None = None) -> Reply:
        return ask(self.port, "GET", path, None, (bearer(key) if key else {}) | dict(headers or {}))

    def post(self, path: str, body: Any, key: str | None = None, headers: Mapping[str, str] | None = None) -> Reply:
        return ask(self.port, "POST", path, body, (bearer(key) if key else {}) | dict(headers or {}))

    def simulator_log(self) -> list[dict[str, Any]]:
        """Return the last requests that the simulator saw, the oldest first."""
        entries: list[dict[str, Any]] = ask(self.simulator_port, "GET", "/logs").json["requests"]
        return entries

    def clear_simulator_log(self) -> None:
        ask(self.simulator_port, "DELETE", "/logs")


@contextmanager
def frozen(*pids: int) -> Iterator[None]:
    """Hold processes still (SIGSTOP) for the block."""
    held: list[int] = []
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
            held.append(pid)
        wait_for(lambda: all((process := find_process(pid)) is None or process.state in "TZX" for pid in pids))
        yield
    finally:
        for pid in held:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


@contextmanager
def new_installation(
    *arguments: str, below: str = "data", workers: int = 2, environ: Mapping[str, str] | None = None
) -> Iterator[Installation]:
    """Yield an installation that was not started yet, in a folder of its own; nothing of it is left afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="gw-up-"))
    installation = Installation(folder, *arguments, below=below, workers=workers, environ=environ)
    try:
        yield installation
    finally:
        installation.remove()
