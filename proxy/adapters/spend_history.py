"""
What the books say that someone used: the usage records with their rollups, and what is on its way there in this host's spool.

Rules: from the beginning of the window to the next minute, hour and day records are summed one by one, then rollups of minutes, hours
and days: a month costs few rows and is exact, because rollups are written with their records. What the spool has and the database
has not yet is added, each request once.
Source: docs/design/0011-ledger.md
"""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connections, transaction

from common.databases import data_databases, database_of
from common.ids import timestamp
from proxy.adapters.django_store import DjangoStore
from proxy.adapters.spool_tail import SpoolTail, SpoolTooFull, Use
from proxy.errors import StoreUnavailable
from proxy.limiter.ports import Subject
from proxy.snapshot import LimitRule

_EXPRESSIONS: Final = {
    "cost": "cost_nano_usd",
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "tokens": "input_tokens::bigint + output_tokens",
}
_STATEMENT_TIMEOUT_MS: Final = 1500
_MINUTES_KEPT: Final = dt.timedelta(days=6)  # rollups of minutes are pruned after seven days
_AT_ONCE_COUNT: Final = 2  # of the store's threads; the others are for looking keys up
_PRUNE_EVERY_S: Final = 1.0
_PRUNE_IDS_COUNT: Final = 10_000


class _Span(NamedTuple):
    """One part of the window and where its sums stand; `ends_at` None: open."""

    table: str
    period: str
    begins_at: dt.datetime
    ends_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Whose use of what is asked for, since when."""

    unit: str
    subject: Subject
    workspace_id: str
    since_at: dt.datetime

    def counts(self, use: Use) -> bool:
        subject = self.subject
        return (
            use.began_s >= self.since_at.timestamp()
            and (not self.workspace_id or use.workspace_id == self.workspace_id)
            and (not subject.key_id or use.key_id == subject.key_id)
            and (not subject.end_user or use.end_user == subject.end_user)
            and (not subject.tag or subject.tag in use.tags)
            and _names(subject.model, use.model)
        )

    def units_of(self, use: Use) -> int:
        match self.unit:
            case "cost":
                return use.cost_nano_usd
            case "input_tokens":
                return use.input_tokens
            case "output_tokens":
                return use.output_tokens
            case _:
                return use.input_tokens + use.output_tokens


class DjangoSpendHistory:
    """
    The `SpendHistory` of the limiter, for one worker.

    Guarantee: exact for what this host's workers did and for what all hosts shipped, which is all but their last second and their
    requests in flight. What a caller's address did is not in the books: 0.
    """

    def __init__(self, store: DjangoStore, spool_folder: Path) -> None:
        self._store = store
        self._tail = SpoolTail(spool_folder)
        self._lock = threading.Lock()
        self._pruned_at = 0.0
        self._turn = asyncio.Semaphore(_AT_ONCE_COUNT)

    async def spent(self, rule: LimitRule, subject: Subject, since_at: dt.datetime) -> int:
        """
        Return what requests that began at `since_at` or later used or hold back, in units of `rule` (tokens, nano-dollars).

        Errors: StoreUnavailable, also when the database takes longer than 1.5 s; ValueError for a rule that counts no such unit.
        Cost: one query in a thread of the store, two at most once a second; 10 ms for a month of a busy key. With shards a rule of no
        workspace asks each of them.
        """
        if rule.unit not in _EXPRESSIONS:
            raise ValueError(f"the books do not count {rule.unit}")
        if subject.client_ip:
            return 0
        wanted = _Wanted(rule.unit, subject, subject.workspace_id or rule.workspace_id, since_at)
        async with self._turn:
            return await self._store.run(lambda: self._sum(wanted))

    def _sum(self, wanted: _Wanted) -> int:
        waiting = self._find_waiting(wanted)
        stored_units, stored_ids = 0, set[str]()
        for alias in [database_of(wanted.workspace_id)] if wanted.workspace_id else data_databases():
            with _patient_cursor(alias) as cursor:
                units, ids = _read_books(cursor, wanted, list(waiting))
            stored_units, stored_ids = stored_units + units, stored_ids | ids
        return stored_units + sum(units for request_id, units in waiting.items() if request_id not in stored_ids)

    def _find_waiting(self, wanted: _Wanted) -> dict[str, int]:
        """Return the units of each request in the spool that counts, by its id."""
        with self._lock:
            try:
                self._tail.refresh()
                if time.monotonic() - self._pruned_at >= _PRUNE_EVERY_S:
                    self._prune()
            except SpoolTooFull as error:
                self._prune()
                raise StoreUnavailable from error
            return {request_id: wanted.units_of(use) for request_id, use in self._tail.uses() if wanted.counts(use)}

    def _prune(self) -> None:
        """Let go of what the database has."""
        for alias in data_databases():
            ids = self._tail.ended_ids()
            with _patient_cursor(alias) as cursor:
                for first in range(0, len(ids), _PRUNE_IDS_COUNT):
                    self._tail.drop(_find_stored(cursor, ids[first : first + _PRUNE_IDS_COUNT]))
        self._pruned_at = time.monotonic()


# --- reading the books ------------------------------------------------------------------------------------------------------------------

_FIND_STORED: Final = """
SELECT request_id FROM proxy_usagerecord JOIN unnest(%s::timestamptz[], %s::uuid[]) AS waiting (ts, request_id) USING (ts, request_id)
WHERE ts >= %s AND ts <= %s
"""


@contextmanager
def _patient_cursor(alias: str) -> Iterator[Any]:
    """Yield a cursor whose statements do not take long."""
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {_STATEMENT_TIMEOUT_MS}")
        yield cursor


def _read_books(cursor: Any, wanted: _Wanted, waiting_ids: list[str]) -> tuple[int, set[str]]:
    """Return the sum of what is stored, and which of the waiting requests are in it: of one moment, because it is one statement."""
    parts: list[str] = []
    values: list[Any] = []
    for span in _spans(wanted):
        sql, span_values = _sum_of(span, wanted)
        parts.append(f"coalesce(({sql}), 0)")
        values += span_values
    cursor.execute(f"SELECT {' + '.join(parts)}, ARRAY({_FIND_STORED})", [*values, *_keys(waiting_ids)])
    units, stored = cursor.fetchone()
    return int(units), {str(request_id) for request_id in stored}


def _find_stored(cursor: Any, ids: list[str]) -> set[str]:
    cursor.execute(_FIND_STORED, _keys(ids))
    return {str(row[0]) for row in cursor.fetchall()}


def _keys(ids: list[str]) -> list[Any]:
    """Return the values of `_FIND_STORED`: with their times each is one look-up in one partition."""
    identifiers = [UUID(request_id) for request_id in ids]
    times = [timestamp(identifier) for identifier in identifiers]
    return [times, identifiers, min(times, default=None), max(times, default=None)]


def _spans(wanted: _Wanted) -> list[_Span]:
    """Cut the window into parts that are summed one by one, and parts that are rolled up."""
    since_at, subject = wanted.since_at, wanted.subject
    day_at = _ceil(since_at, dt.timedelta(days=1))
    if subject.end_user:
        return [_Span("proxy_usagerecord", "", since_at, None)]
    if subject.tag:
        return [_Span("proxy_usagerecord", "", since_at, day_at), _Span("proxy_usagetagrollup", "", day_at, None)]
    hour_at = _ceil(since_at, dt.timedelta(hours=1))
    is_recent = dt.datetime.now(dt.UTC) - since_at < _MINUTES_KEPT
    minute_at = _ceil(since_at, dt.timedelta(minutes=1)) if is_recent else hour_at
    spans = [
        _Span("proxy_usagerecord", "", since_at, minute_at),
        _Span("proxy_usagerollup", "minute", minute_at, hour_at),
        _Span("proxy_usagerollup", "hour", hour_at, day_at),
        _Span("proxy_usagerollup", "day", day_at, None),
    ]
    return [span for span in spans if span.begins_at != span.ends_at]


def _ceil(at: dt.datetime, step: dt.timedelta) -> dt.datetime:
    """Return the next beginning of a minute, hour or day (UTC), `at` itself where it is one."""
    past = (at - dt.datetime.fromtimestamp(0, dt.UTC)) % step
    return at + (step - past) if past else at


def _sum_of(span: _Span, wanted: _Wanted) -> tuple[str, list[Any]]:
    """Return the query for the sum of one part, and its values."""
    time_column = "ts" if span.table == "proxy_usagerecord" else "starts_at"
    subject = wanted.subject
    conditions: list[tuple[str, Any]] = [(f"{time_column} >= %s", span.begins_at)]
    if span.ends_at is not None:
        conditions.append((f"{time_column} < %s", span.ends_at))
    if span.period:
        conditions.append(("period = %s", span.period))
    if wanted.workspace_id:
        conditions.append(("workspace_id = %s", UUID(wanted.workspace_id)))
    if subject.key_id:
        conditions.append(("key_id = %s", UUID(subject.key_id)))
    if subject.end_user:
        conditions.append(("end_user = %s", subject.end_user))
    if subject.tag:
        conditions.append(("tag = %s" if span.table == "proxy_usagetagrollup" else "tags @> ARRAY[%s]::varchar[]", subject.tag))
    if subject.model:
        is_beginning = subject.model.endswith("*")
        conditions.append(("starts_with(model, %s)", subject.model[:-1]) if is_beginning else ("model = %s", subject.model))
    where = " AND ".join(condition for condition, _ in conditions)
    sql = f"SELECT sum({_EXPRESSIONS[wanted.unit]}) FROM {span.table} WHERE {where}"  # noqa: S608  # our own names
    return sql, [value for _, value in conditions]


def _names(pattern: str, model: str) -> bool:
    """Tell whether a subject's model, which may end in `*` and may be empty, names `model`."""
    return not pattern or (model.startswith(pattern[:-1]) if pattern.endswith("*") else model == pattern)
