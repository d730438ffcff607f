"""
Signals by the hour, as they are asked for.

The view `signals_hourly` says the same to whoever writes SQL. Here it is first asked which hours are rolled up, so that PostgreSQL is told
which days it need not open: planning for all of them takes longer than the answer.
Source: docs/design/0015-signals.md
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from django.db import connections
from django.db.backends.utils import CursorWrapper

from common.databases import database_to_read
from items.signal_storage import ROLLUPS, SHARED_COLUMNS, VIEWS, hours_of_rows, storage_of

GROUPS: Final = ("symbol", "channel", "action")
_COLUMNS: Final = {"symbol": "symbol", "channel": "channel_id", "action": "action"}
_HOUR: Final = dt.timedelta(hours=1)
_SPANS: Final = (dt.timedelta(hours=6), dt.timedelta(hours=48))
"""What is read first of a question with as many rows as there are symbols, and what then: most of them are answered by the first."""


@dataclass(frozen=True, slots=True)
class HoursQuestion:
    """`since` and `until` are full hours, the last one not included; empty filters match everything."""

    workspace_id: uuid.UUID
    since: dt.datetime
    until: dt.datetime
    group_by: tuple[str, ...] = GROUPS
    symbols: tuple[str, ...] = ()
    channel_ids: tuple[uuid.UUID, ...] | None = None
    actions: tuple[str, ...] = ()
    limit: int = 1000


@dataclass(frozen=True, slots=True)
class _Known:
    """Before `watermark` the rollup is right, but for the hours in `late`."""

    watermark: dt.datetime
    late: tuple[dt.datetime, ...]


@dataclass(frozen=True, slots=True)
class HoursReport:
    """Shapes: rows have `bucket`, the columns grouped by (`channel_id` for channel), `signal_count`, `avg_confidence`."""

    rows: list[dict[str, Any]]
    has_more: bool


def sum_hours(question: HoursQuestion) -> HoursReport:
    """
    Return the signals of each hour, the newest hour first.

    Cost: three queries; up to five where there is a row for each symbol.
    Guarantee: each number is what the rows say at a moment since the call began.
    """
    rows: list[dict[str, Any]] = []
    with connections[database_to_read(question.workspace_id)].cursor() as cursor:
        is_timescale = storage_of(cursor) == "timescaledb"
        known = None if is_timescale else _look_up(cursor, question)
        for since, until in _spans(question):
            rows += _read(cursor, question, since, until, known, question.limit + 1 - len(rows))
            if len(rows) > question.limit:
                break
    return HoursReport(rows[: question.limit], len(rows) > question.limit)


def _is_by_symbol(question: HoursQuestion) -> bool:
    return "symbol" in question.group_by or bool(question.symbols)


def _spans(question: HoursQuestion) -> Iterator[tuple[dt.datetime, dt.datetime]]:
    until = question.until
    for length in _SPANS if "symbol" in question.group_by and not question.symbols else ():
        since = max(question.since, until - length)
        if since < until:
            yield since, until
        until = since
    if question.since < until:
        yield question.since, until


def _look_up(cursor: CursorWrapper, question: HoursQuestion) -> _Known:
    cursor.execute(
        "SELECT watermark, ARRAY(SELECT DISTINCT bucket FROM items_latesignalhour late "
        "WHERE workspace_id = %s AND bucket >= %s AND bucket < least(%s, watermark)) FROM items_signalhorizon",
        [question.workspace_id, question.since, question.until],
    )
    watermark, late = cursor.fetchone()
    return _Known(watermark, tuple(sorted(late)))


def _read(
    cursor: CursorWrapper, question: HoursQuestion, since: dt.datetime, until: dt.datetime, known: _Known | None, count: int
) -> list[dict[str, Any]]:
    table = "items_signalhour" if _is_by_symbol(question) else "items_signalchannelhour"
    parts = _of_view(question, table, since, until) if known is None else _of_rollup(question, table, since, until, known)
    columns = [_COLUMNS[name] for name in question.group_by]
    grouped = ", ".join(["bucket", *columns])
    shown = ", ".join(["extract(epoch FROM bucket)::bigint", *columns])
    hours = " UNION ALL ".join(sql for sql, _ in parts)
    order = ", ".join(["bucket DESC", *columns])
    if set(columns) == set(ROLLUPS[table].split(", ")):  # the parts share no hour, so each row is one group already
        sql = (
            f"SELECT {shown}, signal_count, {_average('confidence_sum', 'confidence_count')} FROM ({hours}) hours ORDER BY {order} LIMIT %s"
        )
    else:
        sums = f"sum(signal_count)::bigint, {_average('sum(confidence_sum)', 'sum(confidence_count)')}"
        sql = f"SELECT {shown}, {sums} FROM ({hours}) hours GROUP BY {grouped} ORDER BY {order} LIMIT %s"
    cursor.execute(sql, [*(value for _, values in parts for value in values), count])
    names = ["bucket", *columns, "signal_count", "avg_confidence"]
    return [dict(zip(names, (_moment(epoch_s), *others), strict=True)) for epoch_s, *others in cursor.fetchall()]


@lru_cache(maxsize=4096)
def _moment(epoch_s: int) -> dt.datetime:
    """Answers repeat the same hours, and to read a time takes five times as long as a number and a look here."""
    return dt.datetime.fromtimestamp(epoch_s, dt.UTC)


def _average(total: str, count: str) -> str:
    return f"({total} / NULLIF({count}, 0))::double precision"


_Part = tuple[str, list[Any]]


def _of_view(question: HoursQuestion, table: str, since: dt.datetime, until: dt.datetime) -> list[_Part]:
    view = next(name for name, source in VIEWS.items() if source == table)
    where, values = _filters(question)
    sql = f"SELECT bucket, {ROLLUPS[table]}, {SHARED_COLUMNS} FROM {view} WHERE {where} AND bucket >= %s AND bucket < %s"
    return [(sql, [*values, since, until])]


def _of_rollup(question: HoursQuestion, table: str, since: dt.datetime, until: dt.datetime, known: _Known) -> list[_Part]:
    """Return what is summed up, and the rows of the hours that are not or that late ones came for."""
    where, values = _filters(question)
    late = [hour for hour in known.late if since <= hour < until]
    summed = f"SELECT bucket, {ROLLUPS[table]}, {SHARED_COLUMNS} FROM {table} WHERE {where} AND bucket >= %s AND bucket < %s"
    parts: list[_Part] = [
        (f"{summed} AND bucket <> ALL(%s)", [*values, since, min(until, known.watermark), late])
        if late
        else (summed, [*values, since, min(until, known.watermark)])
    ]
    if until > known.watermark:
        parts.append(_of_rows(question, table, max(since, known.watermark), until, None))
    if late:
        parts.append(_of_rows(question, table, late[0], late[-1] + _HOUR, late))
    return parts


def _of_rows(question: HoursQuestion, table: str, since: dt.datetime, until: dt.datetime, hours: list[dt.datetime] | None) -> _Part:
    where, values = _filters(question)
    hour = "date_trunc('hour', ts, 'UTC')"
    chosen = "" if hours is None else f" AND {hour} = ANY(%s)"
    rows = hours_of_rows(ROLLUPS[table], hour, f"{where} AND ts >= %s AND ts < %s{chosen}")
    sql = f"SELECT bucket, {ROLLUPS[table]}, {SHARED_COLUMNS} FROM ({rows}) each"
    return sql, [*values, since, until, *([] if hours is None else [hours])]


def _filters(question: HoursQuestion) -> tuple[str, list[Any]]:
    where = ["workspace_id = %s"]
    values: list[Any] = [question.workspace_id]
    chosen: dict[str, Sequence[Any] | None] = {
        "symbol": question.symbols or None,
        "channel_id": question.channel_ids,
        "action": question.actions or None,
    }
    for column, wanted in chosen.items():
        if wanted is not None and len(wanted) == 1:
            where.append(f"{column} = %s")
            values.append(wanted[0])
        elif wanted is not None:
            where.append(f"{column} = ANY(%s)")
            values.append(list(wanted))
    return " AND ".join(where), values
