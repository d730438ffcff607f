"""Databases of a test's own, and connections to them as the product makes them."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.db import connections

from gatewaysite.databases import PoolLimits, build_databases
from gatewaysite.postgresql.base import DatabaseWrapper
from gatewaysite.services.binaries import find_postgres
from gatewaysite.services.child import find_account, guarded_command
from gatewaysite.services.embedded import Services
from gatewaysite.services.paths import DATABASE_NAME, DATABASE_USER, DataDir

LIMITS = PoolLimits(min_count=1, max_count=4, idle_s=60, lifetime_s=600, timeout_s=3, statement_timeout_s=10, idle_in_transaction_s=60)


@contextmanager
def own_postgres() -> Iterator[DataDir]:
    """Yield the folder of a running PostgreSQL that nobody else uses."""
    with tempfile.TemporaryDirectory(prefix="gw-db-") as folder:
        data_dir = DataDir(Path(folder) / "d")
        with Services(data_dir, valkey=False, fsync=False):
            yield data_dir


def place_of(data_dir: DataDir, name: str = DATABASE_NAME) -> dict[str, str]:
    return {"dbname": name, "user": DATABASE_USER, "host": str(data_dir.run)}


def url_of(data_dir: DataDir, name: str = DATABASE_NAME) -> str:
    return f"postgresql:///{name}?host={data_dir.run}&user={DATABASE_USER}"


def execute(data_dir: DataDir, query: str, name: str = DATABASE_NAME) -> list[Any]:
    """Run one statement as psql would."""
    with psycopg.connect(**place_of(data_dir, name), autocommit=True) as connection:
        cursor = connection.execute(query)
        return cursor.fetchall() if cursor.description else []


@contextmanager
def connected(
    place: str | dict[str, str], limits: PoolLimits = LIMITS, *, kind: str = "gateway", is_behind_pooler: bool = False
) -> Iterator[DatabaseWrapper]:
    """Yield a connection of Django's with the pool and the options of the product, outside of `connections`."""
    built = build_databases(place, replica_urls=[], shard_urls=[], limits=limits, kind=kind, is_behind_pooler=is_behind_pooler)
    with known(**{f"own_{os.urandom(4).hex()}": built["default"]}) as (alias,):
        yield connections[alias]  # type: ignore[misc]


@contextmanager
def known(**databases: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """Let Django know databases for the block, by their aliases, as if the settings had named them; yield the aliases."""
    connections.settings.update({alias: connections["default"].settings_dict | database for alias, database in databases.items()})
    try:
        yield tuple(databases)
    finally:
        for alias in databases:
            connections[alias].close()
            connections[alias].close_pool()  # type: ignore[attr-defined]
            del connections[alias], connections.settings[alias]


@contextmanager
def own_replica(primary: DataDir) -> Iterator[DataDir]:
    """Yield the folder of a streaming replica that has caught up with its primary when it begins."""
    with tempfile.TemporaryDirectory(prefix="gw-db-") as folder:
        data_dir = DataDir(Path(folder) / "d")
        data_dir.create()
        copy_primary(primary, data_dir)
        with Services(data_dir, valkey=False, fsync=False):
            yield data_dir


def copy_primary(primary: DataDir, replica: DataDir) -> None:
    account = find_account(primary.postgres)
    replica.postgres.mkdir(mode=0o700)
    if account is not None:
        os.chown(replica.postgres, account.uid, account.gid)
    backup = str(find_postgres().folder / "pg_basebackup")
    argv = [
        backup,
        "-D",
        str(replica.postgres),
        "-h",
        str(primary.run),
        "-U",
        DATABASE_USER,
        "-R",
        "-X",
        "stream",
        "-c",
        "fast",
        "--no-sync",
    ]
    subprocess.run(
        guarded_command(argv, death_signal=signal.SIGKILL, account=account), check=True, capture_output=True, timeout=60, cwd="/"
    )
