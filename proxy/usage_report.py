"""
Sums of usage for whoever asks: from rollups, which are few, and from records only where no rollup can tell.

Rules: reads only. Rollups by the day, hour and minute are put together so that a span is exact to the minute, to the hour where those
by the minute are gone. Rollups of tags are by the day and have no backend, outcome or token classes; a short question about tags is
answered from the records.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import connections, transaction
from django.db.models import Count, F, Func, Q, QuerySet, Sum, TextField, Value
from django.db.models.functions import TruncDay, TruncHour
from django.utils import timezone

from common.databases import PRIMARY, database_to_read
from proxy.choices import Outcome, RollupPeriod
from proxy.models import UsageRecord, UsageRollup, UsageTagRollup

GROUPS: Final = ("key", "model", "day", "hour", "tag", "backend", "outcome")
TOKENS: Final = (
    "input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "audio_input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "audio_output_tokens",
)
_TAG_TOKENS: Final = ("input_tokens", "output_tokens")
_MINUTE, _HOUR, _DAY = dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)
_MINUTES_KEPT: Final = dt.timedelta(days=6)
"""Rollups by the minute are kept for seven days; the day between is for a leader that is late."""
RECORDS_SPAN_MAX: Final = dt.timedelta(days=7)
_TIMEOUT_MS: Final = 10_000
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class SpanTooLong(Exception):
    """Only records could answer this, and there would be too many of them."""


@dataclass(frozen=True, slots=True)
class Question:
    """`filters` are of workspace_id, which shards need, key_id__in and model; `group_by` is of GROUPS; `tag` is empty for all."""

    since: dt.datetime
    until: dt.datetime
    group_by: tuple[str, ...] = ()
    filters: Mapping[str, Any] = field(default_factory=dict)
    tag: str = ""

    @property
    def is_of_tags(self) -> bool:
        return bool(self.tag) or "tag" in self.group_by

    @property
    def database(self) -> str:
        workspace_id = self.filters.get("workspace_id")
        return PRIMARY if workspace_id is None else database_to_read(workspace_id)


@dataclass(frozen=True, slots=True)
class Report:
    """
    `since` and `until` are what was added up, a little more than was asked for. `rows` have the groups' columns and the sums.

    Units: LLM tokens, nano-dollars. `has_more`: there are more groups than were asked for.
    """

    since: dt.datetime
    until: dt.datetime
    columns: tuple[str, ...]
    rows: list[dict[str, Any]]
    has_more: bool


def sum_usage(question: Question, limit_count: int) -> Report:
    """
    Add up what was used, in groups: the earliest first where they have times, else the dearest.

    Errors: SpanTooLong; OperationalError when it takes more than ten seconds.
    Cost: one query over rollups, or over at most seven days of one workspace's records.
    """
    source: QuerySet[Any]
    sums: tuple[str, ...] = TOKENS
    if not question.is_of_tags:
        source, since, until = _of_rollups(question)
    elif question.until - question.since <= RECORDS_SPAN_MAX + _MINUTE:  # "7d" until now is a moment longer
        source, since, until = _of_records(question), question.since, question.until
    elif set(question.group_by) & {"hour", "backend", "outcome"}:
        raise SpanTooLong
    else:
        source, since, until = _of_tag_rollups(question)
        sums = _TAG_TOKENS
    columns = tuple("key_id" if name == "key" else name for name in question.group_by)
    rows = _add_up(source, columns, sums, limit_count + 1)
    return Report(since, until, (*columns, "requests_count", *sums, "cost_nano_usd"), rows[:limit_count], len(rows) > limit_count)


def _add_up(source: QuerySet[Any], columns: Sequence[str], tokens: Sequence[str], count: int) -> list[dict[str, Any]]:
    counted = Count("*") if source.model is UsageRecord else Sum("requests_count")
    sums: dict[str, Any] = {f"sum_{name}": Sum(name) for name in (*tokens, "cost_nano_usd")}
    times = [name for name in ("day", "hour") if name in columns]
    order = [*times, "-sum_cost_nano_usd", "-sum_requests", *columns] if columns else []
    with transaction.atomic(using=source.db):
        with connections[source.db].cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = %s", [_TIMEOUT_MS])
        if columns:
            found = list(source.values(*columns).annotate(sum_requests=counted, **sums).order_by(*order)[:count])
        else:
            found = [source.aggregate(sum_requests=counted, **sums)]
    return [_row(row, columns, tokens) for row in found]


def _row(row: Mapping[str, Any], columns: Sequence[str], tokens: Sequence[str]) -> dict[str, Any]:
    sums = {name: int(row[f"sum_{name}"] or 0) for name in (*tokens, "cost_nano_usd")}
    return {**{name: row[name] for name in columns}, "requests_count": int(row["sum_requests"] or 0), **sums}


# --- from rollups ---------------------------------------------------------------------------------------------------------------


def _of_rollups(question: Question) -> tuple[QuerySet[UsageRollup], dt.datetime, dt.datetime]:
    edge = _MINUTE if question.since >= timezone.now() - _MINUTES_KEPT else _HOUR
    since, until = _floor(question.since, edge), _ceil(question.until, edge)
    spans = list(_split(since, until, has_days="hour" not in question.group_by))
    wanted = Q()
    for period, first, past in spans:
        wanted |= Q(period=period, starts_at__gte=first, starts_at__lt=past)
    rollups = UsageRollup.objects.using(question.database).filter(wanted, **question.filters)
    times: dict[str, Any] = {"day": TruncDay("starts_at", tzinfo=dt.UTC), "hour": TruncHour("starts_at", tzinfo=dt.UTC)}
    return rollups.annotate(**{name: times[name] for name in times if name in question.group_by}), since, until


def _split(since: dt.datetime, until: dt.datetime, *, has_days: bool) -> Iterator[tuple[str, dt.datetime, dt.datetime]]:
    """Yield what covers a span exactly and without overlap, with the longest periods that fit."""
    steps = [(RollupPeriod.DAY, _DAY)] if has_days else []
    yield from _cover(since, until, [*steps, (RollupPeriod.HOUR, _HOUR), (RollupPeriod.MINUTE, _MINUTE)])


def _cover(
    since: dt.datetime, until: dt.datetime, steps: Sequence[tuple[RollupPeriod, dt.timedelta]]
) -> Iterator[tuple[str, dt.datetime, dt.datetime]]:
    if since >= until or not steps:
        return
    (period, step), finer = steps[0], steps[1:]
    first, past = _ceil(since, step), _floor(until, step)
    if first >= past:
        yield from _cover(since, until, finer)
        return
    yield from _cover(since, first, finer)
    yield period.value, first, past
    yield from _cover(past, until, finer)


def _floor(moment: dt.datetime, step: dt.timedelta) -> dt.datetime:
    return moment - (moment - _EPOCH) % step


def _ceil(moment: dt.datetime, step: dt.timedelta) -> dt.datetime:
    return moment + (_EPOCH - moment) % step


# --- about tags -----------------------------------------------------------------------------------------------------------------


def _of_tag_rollups(question: Question) -> tuple[QuerySet[UsageTagRollup], dt.datetime, dt.datetime]:
    since, until = _floor(question.since, _DAY), _ceil(question.until, _DAY)
    rollups = UsageTagRollup.objects.using(question.database).filter(starts_at__gte=since, starts_at__lt=until, **question.filters)
    if question.tag:
        rollups = rollups.filter(tag=question.tag)
    if "day" in question.group_by:
        rollups = rollups.annotate(day=F("starts_at"))
    return rollups, since, until


def _of_records(question: Question) -> QuerySet[UsageRecord]:
    """As in the rollups of tags, what was refused before it used anything counts for none."""
    records = UsageRecord.objects.using(question.database).filter(ts__gte=question.since, ts__lt=question.until, **question.filters)
    records = records.exclude(outcome=Outcome.REFUSED, input_tokens=0, output_tokens=0, cost_nano_usd=0).order_by()
    if question.tag:
        records = records.filter(tags__contains=[question.tag])
    times: dict[str, Any] = {"day": TruncDay("ts", tzinfo=dt.UTC), "hour": TruncHour("ts", tzinfo=dt.UTC)}
    one: Any = Value(question.tag, output_field=TextField()) if question.tag else Func("tags", function="unnest", output_field=TextField())
    return records.annotate(**{name: value for name, value in {**times, "tag": one}.items() if name in question.group_by})


def key_ids_of(rows: Sequence[Mapping[str, Any]]) -> set[uuid.UUID]:
    return {row["key_id"] for row in rows if "key_id" in row}
