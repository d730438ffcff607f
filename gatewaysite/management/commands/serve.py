"""The server alone, for production: becomes gunicorn, so that signals of a service manager go straight to it."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from gatewaysite.services.paths import DataDir


class Command(BaseCommand):
    help = "Serve the product with gunicorn, against the stores that DATABASE_URL and REDIS_URL name."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--bind", help="host:port or unix:path, several with commas (default: GATEWAY_BIND)")
        parser.add_argument("--workers", type=int, help="worker processes; 0: one per core, at most 4 (default: GATEWAY_WORKERS)")
        parser.add_argument(
            "--embedded", action="store_true", help="for development: use the stores of an installation that `manage.py up` runs"
        )

    def handle(self, *args: Any, bind: str | None, workers: int | None, embedded: bool, **options: Any) -> None:
        _check_stores(embedded=embedded)
        if workers is not None and workers < 0:
            raise CommandError("--workers is a number of processes, or 0 for one per core.")
        environ = os.environ | {"PYTHONPATH": _python_path()}
        if bind is not None:
            environ["GATEWAY_BIND"] = bind
        if workers is not None:
            environ["GATEWAY_WORKERS"] = str(workers)
        self.stdout.flush()
        os.execve(sys.executable, _command(), environ)  # noqa: S606 - no shell, and nothing of it comes from a request


def _command() -> list[str]:
    """Return gunicorn's command line. It repeats it to start its successor (SIGUSR2), which fails for `python -m gunicorn`."""
    script = Path(sys.executable).with_name("gunicorn")
    program = [str(script)] if script.exists() else ["-m", "gunicorn"]
    return [sys.executable, *program, "--config", "python:gatewaysite.gunicorn"]


def _check_stores(*, embedded: bool) -> None:
    """Errors: CommandError when a store is not named, or its embedded form is not running although it was asked for."""
    stores = {
        "DATABASE_URL": (settings.GATEWAY_EMBEDDED_POSTGRES, "PostgreSQL", "postgres_socket"),
        "REDIS_URL": (settings.GATEWAY_EMBEDDED_VALKEY, "Valkey", "valkey_socket"),
    }
    missing = {name: store for name, store in stores.items() if store[0]}
    if missing and not embedded:
        raise CommandError(
            f"{' and '.join(missing)} must be set. `manage.py up` runs its own stores; "
            "`manage.py serve --embedded` uses those of an `up` that is running."
        )
    data = DataDir(settings.GATEWAY_DATA_DIR)
    for name, (_, product, attribute) in missing.items():
        if not _is_listening(getattr(data, attribute)):
            raise CommandError(f"No embedded {product} runs in {data.root}. Start `manage.py up` there, or set {name}.")


def _is_listening(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def _python_path() -> str:
    """Return PYTHONPATH with our root in front: gunicorn's own is the working directory, which may be another one."""
    inherited = os.environ.get("PYTHONPATH")
    return os.pathsep.join([str(settings.BASE_DIR), *([inherited] if inherited else [])])
