"""
The days of tables that are partitioned by them: made ahead and when rows wait for them, dropped after their time.

A table `t` has partitions `t_YYYYMMDD` of its column `ts`, in UTC, and `t_default` for what comes for a day that does not exist.

Rules: a day that some rows already wait for is made by moving them in, in one transaction; readers go on meanwhile, writers wait. No lock
is waited for longer than `_LOCK_TIMEOUT`, because whoever comes after would wait, too: who makes or drops days tries again later.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper

from common.databases import PRIMARY

DAYS_AHEAD: Final = 7
_LOCK: Final = 0x67777061  # any constant: one process at a time makes or drops days
_LOCK_TIMEOUT: Final = "5s"
_WAITING_MAX_COUNT: Final = 400
_SETUP: Final = f"""
SET LOCAL timezone = 'UTC';
SET LOCAL statement_timeout = 0;
SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}';
"""


@dataclass(frozen=True, slots=True)
class Partition:
    """One day of a table, `day` None for the rows that wait for theirs. `rows_count` is PostgreSQL's estimate."""

    table: str
    day: dt.date | None
    rows_count: int
    size_bytes: int


def list_partitions(tables: Sequence[str], using: str = PRIMARY) -> list[Partition]:
    """Return the partitions of the tables, the oldest first. Cost: one query a table."""
    found: list[Partition] = []
    with connections[using].cursor() as cursor:
        for table in tables:
            cursor.execute(
                "SELECT relname, greatest(reltuples, 0)::bigint, pg_total_relation_size(pg_class.oid) FROM pg_inherits "
                "JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = %s::regclass ORDER BY relname",
                [table],
            )
            found += [Partition(table, _day_of(table, name), rows, size) for name, rows, size in cursor.fetchall()]
    return found


def _day_of(table: str, name: str) -> dt.date | None:
    day = name.removeprefix(f"{table}_")
    return dt.datetime.strptime(day, "%Y%m%d").replace(tzinfo=dt.UTC).date() if len(day) == 8 and day.isdigit() else None


def _days(table: str, using: str) -> set[dt.date]:
    return {partition.day for partition in list_partitions([table], using) if partition.day is not None}


def ensure_partitions(tables: Sequence[str], today: dt.date | None = None, days_ahead: int = DAYS_AHEAD, *, using: str = PRIMARY) -> int:
    """
    Make the days from yesterday to `days_ahead` that do not exist, and those that rows wait for; return how many partitions were made.

    All tables get the same days. Errors: OperationalError when a lock is not to be had.
    Cost: two queries a table when all are there.
    """
    today = today or dt.datetime.now(dt.UTC).date()
    wanted = {today + dt.timedelta(days=offset) for offset in range(-1, days_ahead + 1)}
    wanted = wanted.union(*(_waiting_days(table, using) for table in tables))
    missing = [(table, day) for table in tables for day in sorted(wanted - _days(table, using))]
    return sum(_ensure_day(table, day, using) for table, day in missing)


def _waiting_days(table: str, using: str) -> set[dt.date]:
    with connections[using].cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT date_trunc('day', ts, 'UTC') FROM {table}_default LIMIT {_WAITING_MAX_COUNT}")
        return {moment.astimezone(dt.UTC).date() for (moment,) in cursor.fetchall()}


def _ensure_day(table: str, day: dt.date, using: str) -> bool:
    with transaction.atomic(using=using):
        with connections[using].cursor() as cursor:
            _begin(cursor)
        if day in _days(table, using):
            return False
        with connections[using].cursor() as cursor:
            _create_day(cursor, table, day)
    return True


def _begin(cursor: CursorWrapper) -> None:
    cursor.execute(_SETUP)
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def _create_day(cursor: CursorWrapper, table: str, day: dt.date) -> None:
    name = f"{table}_{day:%Y%m%d}"
    bounds = [day, day + dt.timedelta(days=1)]
    # Writers wait here, before they choose a partition: one that chose the default one would find it closed to the day, and fail.
    cursor.execute(f"LOCK TABLE ONLY {table} IN SHARE ROW EXCLUSIVE MODE")
    cursor.execute(f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)")
    cursor.execute(
        f"WITH moved AS (DELETE FROM {table}_default WHERE ts >= %s::timestamptz AND ts < %s::timestamptz RETURNING *) "
        f"INSERT INTO {name} SELECT * FROM moved",
        bounds,
    )
    cursor.execute(f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ('{bounds[0]} 00:00+00') TO ('{bounds[1]} 00:00+00')")


def drop_partitions(tables: Sequence[str], retention_days: int, today: dt.date | None = None, *, using: str = PRIMARY) -> list[dt.date]:
    """
    Drop the days that ended more than `retention_days` ago; return them.

    Guarantee: a day goes from all tables or from none. Errors: OperationalError when a lock is not to be had.
    """
    today = today or dt.datetime.now(dt.UTC).date()
    there = {day for table in tables for day in _days(table, using)}
    expired = sorted(day for day in there if day < today - dt.timedelta(days=retention_days))
    for day in expired:
        with transaction.atomic(using=using), connections[using].cursor() as cursor:
            _begin(cursor)
            for table in tables:
                cursor.execute(f"DROP TABLE IF EXISTS {table}_{day:%Y%m%d}")
    return expired
