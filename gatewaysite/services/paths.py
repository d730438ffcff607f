"""
Where everything of one installation lies on disk.

Rules: every part of the product takes its paths from `DataDir`; nothing here starts or reads anything.
Settings import this module, so it imports no Django.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from gatewaysite.services.errors import ServiceError

POSTGRES_SOCKET_NAME = ".s.PGSQL.5432"
DATABASE_NAME = "gateway"
DATABASE_USER = "postgres"

_SOCKET_PATH_MAX_BYTES = 107  # sun_path without its closing NUL
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._+-]+")  # a comma splits PostgreSQL's `-k`; `%`, `?` and `#` change a redis URL
# Not tempfile.gettempdir(): a command in another shell with another TMPDIR must find the same sockets, and TMPDIR may be long itself.
_SHORT_FOLDER = Path("/tmp")  # noqa: S108 - the folder below it is 0700 and its owner is checked
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True)
class DataDir:
    """
    The data folder of one installation (`GATEWAY_DATA_DIR`); `root` becomes absolute, with links resolved.

    Guarantee: two spellings of one folder give equal values, so that they share one lock and one socket folder.
    """

    root: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", self.root.expanduser().resolve())

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def valkey(self) -> Path:
        return self.root / "valkey"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def spool(self) -> Path:
        return self.root / "spool"

    @property
    def metrics(self) -> Path:
        return self.root / "metrics"

    @property
    def automata(self) -> Path:
        """Compiled guardrail policies, which every process may make anew."""
        return self.root / "automata"

    @property
    def models(self) -> Path:
        """Local embedding models, which `manage.py build_models` makes."""
        return self.root / "models"

    @property
    def secrets_file(self) -> Path:
        return self.root / "secrets.json"

    @property
    def snapshot_file(self) -> Path:
        return self.root / "snapshot.bin"

    @property
    def bootstrap_file(self) -> Path:
        return self.root / "bootstrap.json"

    @property
    def simulator_port_file(self) -> Path:
        return self.root / "simulator.port"

    @property
    def run(self) -> Path:
        """
        Return the folder of the Unix sockets: `<data>/run` if short and plain, else one in `/tmp` named after the data folder.

        Errors: ServiceError when the folder in `/tmp` exists and belongs to somebody else, who could listen there in our place.
        """
        inside = self.root / "run"
        if _fits_a_socket(inside):
            return inside
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]
        outside = _SHORT_FOLDER / f"gw-{self._owner_uid()}-{digest}"
        _check_private(outside, {self._owner_uid(), os.geteuid(), 0})
        return outside

    @property
    def valkey_socket(self) -> Path:
        return self.run / "valkey.sock"

    @property
    def postgres_socket(self) -> Path:
        return self.run / POSTGRES_SOCKET_NAME

    def database_url_parts(self) -> dict[str, str]:
        """Return `host` (a socket folder), `user` and `name` of the embedded database; there is no password and no port."""
        return {"host": str(self.run), "user": DATABASE_USER, "name": DATABASE_NAME}

    def create(self) -> None:
        """
        Make the folders that do not exist yet, each with mode 0700; existing ones keep theirs. `postgres` is made by its first start.

        Errors: ServiceError when one cannot be made or is not a folder.
        """
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (self.valkey, self.run, self.logs, self.spool, self.metrics, self.automata):
                folder.mkdir(mode=0o700, exist_ok=True)
            _ = self.run  # once more, now that it exists: somebody else may have made it in between
        except OSError as error:
            raise ServiceError(
                f"The data folder {self.root} cannot be used: {error.strerror}: {error.filename}. "
                "Choose another one with --data-dir or GATEWAY_DATA_DIR, or make this one yours."
            ) from error

    def _owner_uid(self) -> int:
        # Named after the owner of the data and not after the caller: root's commands find the sockets of a user's installation.
        try:
            return self.root.stat().st_uid
        except OSError:
            return os.geteuid()


def _fits_a_socket(folder: Path) -> bool:
    text = str(folder)
    return _PLAIN_PATH.fullmatch(text) is not None and len(os.fsencode(text)) + 1 + len(POSTGRES_SOCKET_NAME) <= _SOCKET_PATH_MAX_BYTES


def _check_private(folder: Path, owners: set[int]) -> None:
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in owners or found.st_mode & _OTHERS:
        raise ServiceError(f"{folder} must be a folder of yours with mode 0700, because our sockets lie in it. Remove it and start again.")
