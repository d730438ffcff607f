"""
What Django is told of the databases: the primary one, its replicas, and the shards, each with a pool of connections in every process.

Rules: settings read this module, so it imports nothing that needs them. The aliases are `default`, `replica_1`..., `shard_1`...
Source: docs/design/0018-replicas-and-shards.md, docs/howto/databases.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict

from gatewaysite.server.limits import LimitError, ServerLimits

PRIMARY: Final = "default"

_SERVERS: Final = frozenset({"gunicorn", "uvicorn", "daphne", "runserver"})
_COMMAND_POOL_COUNTS: Final = (1, 8)
_CONNECT_TIMEOUT_S: Final = 5
_IDLE_IN_TRANSACTION_S: Final = 60.0
_MAINTENANCE_STATEMENT_S: Final = 60.0
# A dead peer is noticed after a minute (30 + 3 x 10 s) and not after the kernel's two hours; without meaning on a Unix socket.
_KEEPALIVES: Final[Mapping[str, int]] = {
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
_EMBEDDED_CONNECTIONS_COUNT: Final = 100  # PostgreSQL's own default for max_connections
_EMBEDDED_KEPT_FREE_COUNT: Final = 20  # for maintenance, commands and psql
_DJANGO_NAMES: Final[Mapping[str, str]] = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """
    What one process may hold of one database. `idle_s`: after so long a connection beyond `min_count` is closed.

    `statement_timeout_s` 0: none is sent, because none is wanted or a pooler stands in between, which would refuse it.
    """

    min_count: int
    max_count: int
    idle_s: float
    lifetime_s: float
    timeout_s: float
    statement_timeout_s: float
    idle_in_transaction_s: float

    def __post_init__(self) -> None:
        if not 0 <= self.min_count <= self.max_count or self.max_count < 1:
            raise ImproperlyConfigured("DATABASE_POOL_MIN_COUNT must be at most DATABASE_POOL_MAX_COUNT, and that at least 1.")
        if min(self.idle_s, self.lifetime_s, self.timeout_s) <= 0 or self.statement_timeout_s < 0:
            raise ImproperlyConfigured(
                "The times of the DATABASE_ settings are seconds above 0 (DATABASE_STATEMENT_TIMEOUT_S: 0 for none)."
            )


def process_kind(argv: Sequence[str]) -> str:
    """Return what this process is for the database's list of sessions: `gateway` for a server, else the name of the command."""
    program = Path(argv[0]) if argv and argv[0] else Path("python")
    name = program.parent.name if program.stem == "__main__" else program.stem
    if name in {"manage", "django-admin", "django"} and len(argv) > 1:
        name = argv[1]
    return "gateway" if name in _SERVERS or name.startswith("gunicorn") else name


def count_workers(environ: Mapping[str, str]) -> int:
    """Return how many workers share an embedded database. What cannot be read the server refuses itself, in better words."""
    try:
        return max(1, ServerLimits.from_environ(environ).worker_count)
    except LimitError:
        return 1


def pool_limits(read: Any, kind: str, *, is_embedded: bool, worker_count: int) -> PoolLimits:
    """
    Return the limits of a process. `read` reads a declared setting.

    Only servers keep many connections and stop statements early: an operator waits for a command, and migrations take their time. The
    workers of an embedded database share its 100 connections.
    Errors: ImproperlyConfigured.
    """
    least, most = read("DATABASE_POOL_MIN_COUNT"), read("DATABASE_POOL_MAX_COUNT")
    statement_s, in_transaction_s = {
        "gateway": (read("DATABASE_STATEMENT_TIMEOUT_S"), _IDLE_IN_TRANSACTION_S),
        "maintenance": (_MAINTENANCE_STATEMENT_S, _IDLE_IN_TRANSACTION_S),
    }.get(kind, (0.0, 0.0))
    if kind != "gateway":
        least, most = min(least, _COMMAND_POOL_COUNTS[0]), min(most, _COMMAND_POOL_COUNTS[1])
    elif is_embedded:
        most = max(1, min(most, (_EMBEDDED_CONNECTIONS_COUNT - _EMBEDDED_KEPT_FREE_COUNT) // max(1, worker_count)))
        least = min(least, most)
    return PoolLimits(
        min_count=least,
        max_count=most,
        idle_s=read("DATABASE_POOL_IDLE_S"),
        lifetime_s=read("DATABASE_POOL_LIFETIME_S"),
        timeout_s=read("DATABASE_POOL_TIMEOUT_S"),
        statement_timeout_s=statement_s,
        idle_in_transaction_s=in_transaction_s,
    )


def build_databases(
    primary: str | Mapping[str, str],
    *,
    replica_urls: Sequence[str],
    shard_urls: Sequence[str],
    limits: PoolLimits,
    kind: str,
    is_behind_pooler: bool,
) -> dict[str, dict[str, Any]]:
    """
    Return Django's `DATABASES`; `primary` is a URL, or where the embedded database is.

    Errors: ImproperlyConfigured for a URL that is none.
    """

    def build(place: Mapping[str, str], **more: Any) -> dict[str, Any]:
        return _database(place, limits, kind, is_behind_pooler=is_behind_pooler) | more

    databases = {PRIMARY: build(_parse("DATABASE_URL", primary) if isinstance(primary, str) else primary)}
    for number, url in enumerate(replica_urls, 1):
        databases[f"replica_{number}"] = build(_parse("DATABASE_REPLICA_URLS", url), TEST={"MIRROR": PRIMARY})
    for number, url in enumerate(shard_urls, 1):
        databases[f"shard_{number}"] = build(_parse("DATABASE_SHARD_URLS", url))
    return databases


def _parse(setting: str, url: str) -> dict[str, str]:
    try:
        return {name: str(value) for name, value in conninfo_to_dict(url).items()}
    except psycopg.ProgrammingError as error:
        raise ImproperlyConfigured(f"{setting} is no address of a database: {error}") from None


def _database(place: Mapping[str, str], limits: PoolLimits, kind: str, *, is_behind_pooler: bool) -> dict[str, Any]:
    pool = {
        "min_size": limits.min_count,
        "max_size": limits.max_count,
        "max_idle": limits.idle_s,
        "max_lifetime": limits.lifetime_s,
        "timeout": limits.timeout_s,
    }
    options: dict[str, Any] = {
        "pool": pool,
        "connect_timeout": _CONNECT_TIMEOUT_S,
        "application_name": f"gatewaysite-{kind}"[:63],
        **_KEEPALIVES,
    }
    if not is_behind_pooler:  # it refuses a connection that asks for settings, and would hand those of a SET on to other clients
        options["options"] = _session_settings(limits)
    return {
        "ENGINE": "gatewaysite.postgresql",
        "CONN_MAX_AGE": 0,  # a connection is held for one request and comes from the pool
        "DISABLE_SERVER_SIDE_CURSORS": True,  # a pooler in transaction mode would lose them
        **{_DJANGO_NAMES[name]: value for name, value in place.items() if name in _DJANGO_NAMES},
        "OPTIONS": options | {name: value for name, value in place.items() if name not in _DJANGO_NAMES},
    }


def _session_settings(limits: PoolLimits) -> str:
    """Return what holds for a session from its beginning, whatever the role's own settings are. Units: milliseconds, 0 for none."""
    times = {"statement_timeout": limits.statement_timeout_s, "idle_in_transaction_session_timeout": limits.idle_in_transaction_s}
    return " ".join(f"-c {name}={round(seconds * 1000)}" for name, seconds in times.items())
