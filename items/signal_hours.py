"""
Signals by the hour: summed up behind the newest ones, and read exactly.

    ... rolled up hours ... | watermark  hours being rolled up  | horizon  the rows themselves ... now

Before the *horizon* a new row is late: whoever stores it notes its hour (`items_latesignalhour`). Before the *watermark* the rollup is
read, except for the hours that are noted. The rollup moves the horizon alone, under `signal_store.LOCK`: every writer who did not know
of it has ended then and is counted; who comes later notes. So what is read is always what the rows say, whatever runs meanwhile.

TimescaleDB does the rolling up itself; then only the hours of late rows are refreshed here.
Source: docs/design/0015-signals.md
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Final

from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper

from common.databases import PRIMARY
from items.signal_storage import ROLLUPS, SHARED_COLUMNS, hours_of_rows, storage_of
from items.signal_store import LOCK

BEHIND: Final = dt.timedelta(hours=1)
"""How long an hour is over before it is rolled up: rows of it that still arrive then are late."""
_HOUR: Final = dt.timedelta(hours=1)
_STEP: Final = dt.timedelta(hours=24)
_LATE_AT_ONCE_COUNT: Final = 500
_ROLLUP_LOCK: Final = 0x67777372  # of transactions: one at a time sums up

Hour = tuple[uuid.UUID, dt.datetime]


def roll_up(now: dt.datetime | None = None, *, using: str = PRIMARY) -> int:
    """
    Roll up the hours that ended an hour ago, and those that late rows touched; return how many hours were summed up.

    Cost: a few seconds for each million rows, a transaction for each day of them. May be cut off anywhere and repeated.
    """
    end = _floor((now or dt.datetime.now(dt.UTC)) - BEHIND)
    if _is_timescale(using):
        _refresh(using, None, end)  # what its own policy missed while it could not run; else there is nothing to do
        return roll_up_late(using=using)
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        _begin(cursor)
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        cursor.execute("UPDATE items_signalhorizon SET horizon = greatest(horizon, %s)", [end])
    count = 0
    while _advance(using):
        count += 1
    return count + roll_up_late(using=using)


def roll_up_late(*, using: str = PRIMARY) -> int:
    """Sum up again the hours of rolled up days that rows came for since; return how many. Cost: one query where there are none."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM items_latesignalhour)")
        if not cursor.fetchone()[0]:
            return 0
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        _begin(cursor)
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])  # whoever relied on a note that is taken now has ended
        cursor.execute("UPDATE items_latesignalhour SET is_taken = true WHERE NOT is_taken")
    redo = _refresh_late if _is_timescale(using) else _redo_late
    count = 0
    while done := redo(using):
        count += done
    return count


def roll_up_anew(*, using: str = PRIMARY) -> int:
    """
    Forget the rollup and make it again from all rows, for one whose rows were changed by hand. Return how many hours were summed up.

    Guarantee: what is read meanwhile is right, and slower.
    """
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        _begin(cursor)
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        if not _is_timescale(using):
            cursor.execute(
                "UPDATE items_signalhorizon SET horizon = since, watermark = since "
                "FROM (SELECT date_trunc('hour', coalesce(min(ts), now()), 'UTC') AS since FROM items_signal) oldest"
            )
            for table in ROLLUPS:
                cursor.execute(f"DELETE FROM {table}")
    if _is_timescale(using):
        _refresh(using, None, None)
    return roll_up(using=using)


def drop_hours(before: dt.datetime, *, using: str = PRIMARY) -> None:
    """Delete what was rolled up of days that are gone. TimescaleDB has a policy for it."""
    if not _is_timescale(using):
        with connections[using].cursor() as cursor:
            for table in ROLLUPS:
                cursor.execute(f"DELETE FROM {table} WHERE bucket < %s", [before])


def _is_timescale(using: str) -> bool:
    with connections[using].cursor() as cursor:
        return storage_of(cursor) == "timescaledb"


def _begin(cursor: CursorWrapper) -> None:
    cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL timezone = 'UTC'")
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ROLLUP_LOCK])


def _floor(moment: dt.datetime) -> dt.datetime:
    return moment.astimezone(dt.UTC).replace(minute=0, second=0, microsecond=0)


def _advance(using: str) -> bool:
    """Roll up the next day or what there is of it; return whether there was any."""
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        _begin(cursor)
        cursor.execute("SELECT watermark, horizon FROM items_signalhorizon")
        since, horizon = cursor.fetchone()
        if since >= horizon:
            return False
        until = min(since + _STEP, horizon)
        for table, columns in ROLLUPS.items():
            cursor.execute(f"DELETE FROM {table} WHERE bucket >= %s AND bucket < %s", [since, until])
            rows = hours_of_rows(columns, "date_trunc('hour', ts, 'UTC')", "ts >= %s AND ts < %s")
            cursor.execute(f"{_into(table, columns)} {rows}", [since, until])
        cursor.execute("UPDATE items_signalhorizon SET watermark = %s", [until])
    return True


def _into(table: str, columns: str) -> str:
    return f"INSERT INTO {table} (workspace_id, bucket, {columns}, {SHARED_COLUMNS})"


def _redo_late(using: str) -> int:
    """Sum up some of the hours that were taken, and forget their notes; return how many."""
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        _begin(cursor)
        hours = _taken_hours(cursor)
        pairs: tuple[list[uuid.UUID], list[dt.datetime]] = ([workspace for workspace, _ in hours], [bucket for _, bucket in hours])
        late = "(SELECT unnest(%s::uuid[]) AS workspace_id, unnest(%s::timestamptz[]) AS bucket) late"
        for table, columns in ROLLUPS.items() if hours else ():
            same = f"{table}.workspace_id = late.workspace_id AND {table}.bucket = late.bucket"
            cursor.execute(f"DELETE FROM {table} USING {late} WHERE {same}", pairs)
            within = "workspace_id = late.workspace_id AND ts >= late.bucket AND ts < late.bucket + interval '1 hour'"
            rows = hours_of_rows(columns, "late.bucket", within)
            cursor.execute(
                f"{_into(table, columns)} SELECT each.* FROM {late} CROSS JOIN LATERAL ({rows}) each "
                "WHERE late.bucket < (SELECT watermark FROM items_signalhorizon)",
                pairs,
            )
        _forget(cursor, hours)
    return len(hours)


def _taken_hours(cursor: CursorWrapper) -> list[Hour]:
    cursor.execute(
        "SELECT DISTINCT workspace_id, bucket FROM items_latesignalhour WHERE is_taken ORDER BY bucket, workspace_id LIMIT %s",
        [_LATE_AT_ONCE_COUNT],
    )
    return list(cursor.fetchall())


def _forget(cursor: CursorWrapper, hours: list[Hour]) -> None:
    if hours:
        cursor.execute(
            "DELETE FROM items_latesignalhour WHERE is_taken "
            "AND (workspace_id, bucket) IN (SELECT unnest(%s::uuid[]), unnest(%s::timestamptz[]))",
            ([workspace for workspace, _ in hours], [bucket for _, bucket in hours]),
        )


def _refresh_late(using: str) -> int:
    with connections[using].cursor() as cursor:
        hours = _taken_hours(cursor)
    for bucket in sorted({bucket for _, bucket in hours}):
        _refresh(using, bucket, bucket + _HOUR)
    with connections[using].cursor() as cursor:
        _forget(cursor, hours)
    return len(hours)


def _refresh(using: str, since: dt.datetime | None, until: dt.datetime | None) -> None:
    """Outside of a transaction, as TimescaleDB asks for."""
    with connections[using].cursor() as cursor:
        for name in ROLLUPS:
            cursor.execute("CALL refresh_continuous_aggregate(%s, %s::timestamptz, %s::timestamptz)", [name, since, until])
