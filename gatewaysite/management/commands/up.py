"""
`manage.py up`: everything an installation needs, started in order, watched, and stopped in the reverse order.

Rules: this file says what runs and when; how processes, services and files behave is in `gatewaysite/services`, which knows no Django.
"""

from __future__ import annotations

import http.client
import os
import resource
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, connections

import gatewaysite
from gatewaysite import bootstrap, installation_secrets
from gatewaysite.env import read
from gatewaysite.server.limits import LimitError, ServerLimits
from gatewaysite.services.embedded import Services
from gatewaysite.services.errors import ServiceError
from gatewaysite.services.interrupts import Interrupts
from gatewaysite.services.lock import DataLock
from gatewaysite.services.log_file import read_tail
from gatewaysite.services.paths import DataDir
from gatewaysite.services.ports import check_port_free, is_listening, keep_stable_port, url_host
from gatewaysite.services.supervisor import ChildEndedError, ChildSpec, OnExit, Supervisor
from gatewaysite.services.welcome import Welcome, refresh_welcome, render_banner

_SOURCES = Path(gatewaysite.__file__).resolve().parent.parent
_SIMULATOR_HOST = "127.0.0.1"
_LOOPBACK = "127.0.0.0/8,::1/128"
_RESTARTED = "GATEWAYSITE_UP_RESTARTED"  # set in the one process that replaces itself, so that it cannot do so for ever
_OPEN_FILES_COUNT = 65_536
_PORT_WAIT_S = 1.5
_READY_TIMEOUT_S = 60.0
_READY_POLL_S = 0.05
# gunicorn kills workers that hang; it is only killed itself when it hangs, too.
_GUNICORN_OWN_GRACE_S = 10.0


class Command(BaseCommand):
    help = "Start everything: PostgreSQL, Valkey, migrations, the simulator, background work and the gateway. Ctrl-C stops all of it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="port of the gateway; 0 picks a free one")
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on; 0.0.0.0 for everybody")
        parser.add_argument("--data-dir", type=Path, help="folder for everything that is kept (default: GATEWAY_DATA_DIR or var)")
        parser.add_argument("--workers", type=int, help="worker processes (default: GATEWAY_WORKERS, or one per core up to 4)")
        parser.add_argument("--no-simulator", action="store_true", help="do not start the built-in simulated provider")
        parser.add_argument("--simulator-port", type=int, default=0, help="port of the simulator (default: a free one that is kept)")

    def handle(self, *args: Any, **options: Any) -> None:
        data_dir = DataDir(options["data_dir"] or settings.GATEWAY_DATA_DIR)
        os.environ.setdefault("GATEWAY_ALLOW_PRIVATE_UPSTREAMS", _LOOPBACK)
        try:
            data_dir.create()
            self._settle_on(data_dir)
            self._run(data_dir, options)
        except (ServiceError, LimitError) as error:
            raise CommandError(str(error)) from error
        except OperationalError as error:
            raise CommandError(f"The database cannot be used: {error}") from error

    def _settle_on(self, data_dir: DataDir) -> None:
        """Replace this process by one whose settings come from this data folder and its secrets, unless they already do."""
        if not all(read(name) for name in ("SECRET_KEY", "GATEWAY_KEY_PEPPER", "GATEWAY_ENCRYPTION_KEYS")):
            installation_secrets.ensure(data_dir.secrets_file)
        is_settled = data_dir.root == Path(settings.GATEWAY_DATA_DIR) and not settings.GATEWAY_SECRETS_ARE_EPHEMERAL
        if os.environ.pop(_RESTARTED, None) and not is_settled:
            raise CommandError(f"The settings do not follow GATEWAY_DATA_DIR={data_dir.root}; unset --settings or --data-dir.")
        if is_settled:
            return
        self.stdout.flush()
        self.stderr.flush()
        environment = {**os.environ, "GATEWAY_DATA_DIR": str(data_dir.root), _RESTARTED: "1"}
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)  # noqa: S606 - our own command line

    def _run(self, data_dir: DataDir, options: dict[str, Any]) -> None:
        interrupts = Interrupts()
        with ExitStack() as stack:
            stack.enter_context(interrupts)
            stack.enter_context(DataLock(data_dir))
            try:
                _Installation(data_dir, options, interrupts, self._say).run()
            except KeyboardInterrupt:
                self._say("Stopped before everything ran.")
                sys.exit(130)
            self._say("Stopped.")

    def _say(self, text: str) -> None:
        # A console that went away (`up | head`, a closed terminal) is no reason to stop serving.
        with suppress(OSError, ValueError):
            self.stdout.write(text)
            self.stdout.flush()


class _Installation:
    """One run of everything, from the free port to the last stopped service."""

    def __init__(self, data_dir: DataDir, options: dict[str, Any], interrupts: Interrupts, say: Callable[[str], None]) -> None:
        self._data_dir = data_dir
        self._options = options
        self._interrupts = interrupts
        self._say = say
        self._host: str = options["host"]
        self._port = check_port_free(self._host, options["port"], wait_s=_PORT_WAIT_S)
        self._base_url = f"http://{url_host(self._host)}:{self._port}"
        self._environment = {**os.environ, "GATEWAY_DATA_DIR": str(data_dir.root)}
        self._log = data_dir.logs / "gateway.log"
        self._services = Services(data_dir, postgres=settings.GATEWAY_EMBEDDED_POSTGRES, valkey=settings.GATEWAY_EMBEDDED_VALKEY)

    def run(self) -> None:
        """
        Start everything, say how to use it, and stop it all after a signal.

        Errors: ServiceError when something does not start or the gateway ends; KeyboardInterrupt when a signal ends the start.
        """
        _raise_open_files_limit()
        log_start = self._log.stat().st_size if self._log.exists() else 0
        supervisor = Supervisor(self._log, _SOURCES, self._say)
        try:
            self._run_until_told(supervisor)
        except ChildEndedError as error:
            tail = read_tail(self._log, since_byte=log_start)
            raise ServiceError(f"{error} The end of {self._log}:\n{tail or '(empty)'}") from error

    def _run_until_told(self, supervisor: Supervisor) -> None:
        try:
            self._start(supervisor)
            self._interrupts.raises = False
            supervisor.run(self._interrupts, also_check=self._revive_services)
            self._say("Stopping: running requests are finished first. Ctrl-C again ends them.")
        finally:
            self._interrupts.raises = False
            supervisor.stop(self._interrupts)
            self._services.stop()

    def _start(self, supervisor: Supervisor) -> None:
        simulator_url = self._start_simulator(supervisor)
        self._services.start()
        first = self._bootstrap(simulator_url)
        current = Welcome(self._base_url, first.admin_user, first.admin_password, first.api_key)
        welcome = refresh_welcome(self._data_dir.bootstrap_file, current)
        supervisor.start(self._maintenance())
        supervisor.start(self._gunicorn())
        self._wait_until_ready(supervisor, simulator_url)
        banner = render_banner(welcome, demo_model=first.demo_model, logs=self._data_dir.logs, bootstrap_file=self._data_dir.bootstrap_file)
        self._say(banner)
        for note in first.notes:
            self._say(f"Note: {note}")

    def _start_simulator(self, supervisor: Supervisor) -> str | None:
        if self._options["no_simulator"]:
            return None
        port = self._options["simulator_port"]
        if port:
            check_port_free(_SIMULATOR_HOST, port, option="--simulator-port", wait_s=_PORT_WAIT_S)
        else:
            port = keep_stable_port(self._data_dir.simulator_port_file, _SIMULATOR_HOST)
        argv = (sys.executable, "-m", "proxy.simulator", "--port", str(port))
        supervisor.start(ChildSpec("simulator", argv, self._environment, OnExit.RESTART, grace_s=5.0))
        return f"http://{_SIMULATOR_HOST}:{port}"

    def _bootstrap(self, simulator_url: str | None) -> bootstrap.Bootstrapped:
        try:
            return bootstrap.run(self._data_dir, base_url=self._base_url, simulator_url=simulator_url, environ=self._environment)
        finally:
            _close_database_connections()

    def _maintenance(self) -> ChildSpec:
        argv = (sys.executable, "manage.py", "maintenance")
        return ChildSpec("maintenance", argv, self._environment, OnExit.RESTART, grace_s=10.0)

    def _gunicorn(self) -> ChildSpec:
        # Counters of the last run would be added to those of this one.
        for old in self._data_dir.metrics.glob("*.db"):
            old.unlink()
        own = {"GATEWAY_BIND": _bind_address(self._host, self._port), "PROMETHEUS_MULTIPROC_DIR": str(self._data_dir.metrics)}
        if self._options["workers"] is not None:
            own["GATEWAY_WORKERS"] = str(self._options["workers"])
        argv = (sys.executable, "-m", "gunicorn", "-c", "python:gatewaysite.gunicorn", "gatewaysite.asgi:application")
        grace_s = ServerLimits.from_environ(self._environment).stop_s + _GUNICORN_OWN_GRACE_S
        return ChildSpec("gunicorn", argv, self._environment | own, OnExit.END_ALL, grace_s=grace_s)

    def _wait_until_ready(self, supervisor: Supervisor, simulator_url: str | None) -> None:
        deadline = time.monotonic() + _READY_TIMEOUT_S
        while (answer := _ask_ready(url_host(self._host), self._port)) != "200" or not _simulator_answers(simulator_url):
            supervisor.check()
            if time.monotonic() > deadline:
                raise ServiceError(
                    f"{self._base_url}/readyz did not become ready within {_READY_TIMEOUT_S:.0f} s; it says: {answer}. Logs: {self._log}"
                )
            time.sleep(_READY_POLL_S)

    def _revive_services(self) -> None:
        for name in self._services.restart_dead():
            self._say(f"{name} had ended and was started again. Its log is in {self._data_dir.logs}")


def _bind_address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _ask_ready(host: str, port: int) -> str:
    """Return "200" when the gateway is ready, otherwise what it said or why it could not be asked."""
    connection = http.client.HTTPConnection(host.strip("[]"), port, timeout=2.0)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        text = answer.read(500).decode(errors="replace")
        return "200" if answer.status == 200 else f"{answer.status} {text}"
    except (OSError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
    finally:
        connection.close()


def _simulator_answers(url: str | None) -> bool:
    return url is None or is_listening(_SIMULATOR_HOST, int(url.rpartition(":")[2]))


def _close_database_connections() -> None:
    """Close what the bootstrap opened, the pool and its threads too: PostgreSQL is stopped without clients and workers fork without any."""
    for connection in connections.all(initialized_only=True):
        connection.close()
        close_pool = getattr(connection, "close_pool", None)  # only the PostgreSQL backend has pools
        if close_pool is not None:
            close_pool()


def _raise_open_files_limit() -> None:
    """Let the children open as many sockets as the machine allows; the usual soft limit of 1,024 is fewer than their streams."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES_COUNT if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES_COUNT)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
