"""
The days of the tables that grow with every request: made ahead, dropped after their time.

Rules: a day that some rows already wait for in the default partition is made by moving them in, in one transaction. Usage and ledger
have the same days, so that one can be checked against the other for as long as either is kept.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from django.db import connection, transaction

TABLES: Final = ("proxy_usagerecord", "proxy_ledgerentry")
_LOCK: Final = 0x67777061  # any constant: one process at a time makes or drops days


def _days(table: str) -> set[dt.date]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", [table])
        endings = [row[0].removeprefix(f"{table}_") for row in cursor.fetchall()]
    return {dt.datetime.strptime(day, "%Y%m%d").replace(tzinfo=dt.UTC).date() for day in endings if len(day) == 8 and day.isdigit()}


def _create_day(table: str, day: dt.date) -> None:
    name = f"{table}_{day:%Y%m%d}"
    bounds = [day, day + dt.timedelta(days=1)]
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)")
        cursor.execute(
            f"WITH moved AS (DELETE FROM {table}_default WHERE ts >= %s::timestamptz AND ts < %s::timestamptz RETURNING *) "  # noqa: S608  # our own names
            f"INSERT INTO {name} SELECT * FROM moved",
            bounds,
        )
        cursor.execute(f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ('{bounds[0]} 00:00+00') TO ('{bounds[1]} 00:00+00')")


def ensure_partitions(today: dt.date | None = None, days_ahead: int = 7) -> int:
    """
    Make the days from yesterday to `days_ahead` that do not exist; return how many partitions were made.

    Cost: one query a table when all are there.
    """
    today = today or dt.datetime.now(dt.UTC).date()
    wanted = {today + dt.timedelta(days=offset) for offset in range(-1, days_ahead + 1)}
    return sum(_ensure_day(table, day) for table in TABLES for day in sorted(wanted - _days(table)))


def _ensure_day(table: str, day: dt.date) -> bool:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL timezone = 'UTC'")
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        if day in _days(table):
            return False
        _create_day(table, day)
    return True


def drop_partitions(retention_days: int, today: dt.date | None = None) -> list[dt.date]:
    """Drop the days that ended more than `retention_days` ago; return them."""
    today = today or dt.datetime.now(dt.UTC).date()
    there = {day for table in TABLES for day in _days(table)}
    expired = sorted(day for day in there if day < today - dt.timedelta(days=retention_days))
    for day in expired:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            for table in TABLES:
                cursor.execute(f"DROP TABLE IF EXISTS {table}_{day:%Y%m%d}")
    return expired
