"""
The days of the usage table: made ahead, dropped after their time.

Rules: a day that some rows already wait for in the default partition is made by moving them in, in one transaction.
"""

from __future__ import annotations

import datetime as dt
import re

from django.db import connection, transaction

TABLE = "proxy_usagerecord"
DEFAULT = f"{TABLE}_default"
_DAY = re.compile(rf"{TABLE}_(\d{{8}})")
_LOCK = 0x67777061  # any constant: one process at a time makes or drops days


def _days() -> set[dt.date]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", [TABLE])
        names = [row[0] for row in cursor.fetchall()]
    return {dt.datetime.strptime(match[1], "%Y%m%d").replace(tzinfo=dt.UTC).date() for name in names if (match := _DAY.fullmatch(name))}


def _create_day(day: dt.date) -> None:
    name = f"{TABLE}_{day:%Y%m%d}"
    bounds = [day, day + dt.timedelta(days=1)]
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {name} (LIKE {TABLE} INCLUDING ALL)")
        cursor.execute(
            f"WITH moved AS (DELETE FROM {DEFAULT} WHERE ts >= %s::timestamptz AND ts < %s::timestamptz RETURNING *) "  # noqa: S608  # our own names
            f"INSERT INTO {name} SELECT * FROM moved",
            bounds,
        )
        cursor.execute(f"ALTER TABLE {TABLE} ATTACH PARTITION {name} FOR VALUES FROM ('{bounds[0]} 00:00+00') TO ('{bounds[1]} 00:00+00')")


def ensure_partitions(today: dt.date | None = None, days_ahead: int = 7) -> int:
    """Make the days from yesterday to `days_ahead` that do not exist; return how many were made. Cost: one query when all are there."""
    today = today or dt.datetime.now(dt.UTC).date()
    wanted = {today + dt.timedelta(days=offset) for offset in range(-1, days_ahead + 1)}
    if not wanted - _days():
        return 0
    made = 0
    for day in sorted(wanted):
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL timezone = 'UTC'")
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            if day not in _days():
                _create_day(day)
                made += 1
    return made


def drop_partitions(retention_days: int, today: dt.date | None = None) -> list[dt.date]:
    """Drop the days that ended more than `retention_days` ago; return them."""
    today = today or dt.datetime.now(dt.UTC).date()
    expired = sorted(day for day in _days() if day < today - dt.timedelta(days=retention_days))
    for day in expired:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            cursor.execute(f"DROP TABLE IF EXISTS {TABLE}_{day:%Y%m%d}")
    return expired
