"""
PostgreSQL and Valkey for the tests: real ones from the wheels, in a folder of their own, for as long as the test run lives.

Loaded with `-p` so that they run before Django reads its settings. The processes of pytest-xdist share the servers; each has a test
database (pytest-django) and a Valkey database of its own. With DATABASE_URL and REDIS_URL set, those are used instead.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from gatewaysite.services.embedded import Services
from gatewaysite.services.paths import DataDir

_services: Services | None = None
_folder: Path | None = None


def _stop() -> None:
    if _services is not None:
        _services.stop()
    if _folder is not None:
        shutil.rmtree(_folder, ignore_errors=True)


def _start() -> None:
    global _services, _folder
    atexit.register(_stop)  # whatever ends the run, also a failure before pytest is configured
    _folder = Path(tempfile.mkdtemp(prefix="gw-test-"))
    _services = Services(DataDir(_folder), fsync=False)
    _services.start()
    os.environ["GATEWAY_DATA_DIR"] = str(_folder)
    os.environ["GATEWAY_ALLOW_PRIVATE_UPSTREAMS"] = "127.0.0.0/8,::1/128"


def _choose_valkey_database(worker: str) -> None:
    socket = DataDir(Path(os.environ["GATEWAY_DATA_DIR"])).valkey_socket
    number = 1 + int(worker.removeprefix("gw")) if worker else 0
    os.environ["REDIS_URL"] = f"unix://{socket}?db={number}"


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gatewaysite.settings")
_worker = os.environ.get("PYTEST_XDIST_WORKER", "")
if "DATABASE_URL" not in os.environ:
    if not _worker:
        _start()
    if _worker or "REDIS_URL" not in os.environ:
        _choose_valkey_database(_worker)


def pytest_unconfigure() -> None:
    _stop()
