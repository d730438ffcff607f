"""
Signals over REST. A key works in its workspace; a person names one.

Rules: what another workspace owns does not exist; writes go through `signal_store.py` alone; lists go from `values()` straight to JSON.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any, ClassVar, Final

import msgspec
from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound, UnsupportedMediaType, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from common.databases import database_to_read
from common.ids import find_timestamp
from common.rest.caches import cached_query
from common.rest.callers import admit
from common.rest.orders import read_page
from common.rest.queries import StrictSerializer, read_query
from common.rest.rows import RowError, RowsRefused
from common.rest.views import ApiView, list_of
from common.rest.workspaces import workspace_of
from items.errors import ChannelsRefused
from items.models import LatestSignal, Signal
from items.rest import signals_examples as examples
from items.rest.items_queries import WorkspaceQuery
from items.rest.signals_bodies import (
    BULK_LIMIT_BYTES,
    NDJSON,
    Batch,
    NdjsonParser,
    Progress,
    RawJsonParser,
    read_batches,
    read_many,
    read_one,
    refusal_of,
    span_of_now,
)
from items.rest.signals_pages import reader_between
from items.rest.signals_serializers import (
    COLUMNS,
    NEWEST_FIRST,
    HourlyQuery,
    HoursOut,
    LatestQuery,
    NewSignal,
    NewSignals,
    SignalOut,
    SignalPageOut,
    SignalQuery,
    StoredSignalOut,
    StoredSignalsOut,
    StreamOut,
    describe_signals,
    find_channels,
    name_channels,
)
from items.signal_hourly import HoursQuestion, sum_hours
from items.signal_rows import SignalRow
from items.signal_store import RESOURCE, find_stored, store_signals

READ, WRITE = "signals_read", "signals_write"
_VIEW, _ADD = "items.view_signal", "items.add_signal"
_HOUR: Final = dt.timedelta(hours=1)
_MILLISECOND: Final = dt.timedelta(milliseconds=1)
_ROWS: Final = "signals"

Row = dict[str, Any]


class SignalList(ApiView):
    cached_as: ClassVar[str] = RESOURCE
    parser_classes = (RawJsonParser,)  # type: ignore[assignment]  # of another kind than the base's

    @extend_schema(operation_id="list_signals", parameters=[SignalQuery], responses=SignalPageOut, examples=examples.PAGE)
    def get(self, request: Request) -> Response:
        """List signals that fit all filters, the newest first. Permission: `signals_read`."""
        workspace_id, query = _ask(request, SignalQuery)
        filters: Row = {}
        if (channel_ids := find_channels(workspace_id, query)) is not None:
            filters["channel_id__in"] = channel_ids
        if query.get("symbol"):
            filters["symbol__in"] = query["symbol"]
        if query.get("action"):
            filters["action__in"] = query["action"]
        if "external_id" in query:
            filters |= _of_external_id(workspace_id, query["channel"][0], query["external_id"])
        rows = _signals(workspace_id).filter(**filters).values(*COLUMNS)
        read = reader_between(query.get("from"), query.get("to"))
        page = read_page(request, rows, NEWEST_FIRST, query, read=read)
        return list_of(describe_signals(workspace_id, page.rows), next=page.next, previous=page.previous)

    @extend_schema(
        operation_id="create_signal",
        request=NewSignal,
        parameters=[WorkspaceQuery],
        responses={201: StoredSignalOut, 200: StoredSignalOut},
        examples=examples.CREATE,
    )
    def post(self, request: Request) -> Response:
        """Store a signal; 200 and the earlier one where the channel sent its `external_id` before. Permission: `signals_write`."""
        workspace_id, _ = _ask(request, WorkspaceQuery, permission=WRITE, console=_ADD)
        row = read_one(request.data)
        try:
            stored = store_signals(workspace_id, {0: row})
        except ChannelsRefused as refused:
            wrong = refusal_of(row, refused.refused[0])
            raise ValidationError({str(wrong.param): [wrong.message]}) from None
        is_duplicate = bool(stored.duplicates)
        return Response(_describe_stored(workspace_id, row, is_duplicate=is_duplicate), status=200 if is_duplicate else 201)


class SignalDetail(ApiView):
    cached_as: ClassVar[str] = RESOURCE

    @extend_schema(operation_id="get_signal", parameters=[WorkspaceQuery], responses=SignalOut, examples=examples.ONE)
    def get(self, request: Request, signal_id: uuid.UUID) -> Response:
        """Return one signal. Permission: `signals_read`."""
        workspace_id, _ = _ask(request, WorkspaceQuery)
        row = _find(workspace_id, signal_id)
        if row is None:
            raise NotFound(f"There is no signal with the id {str(signal_id)!r}.")
        return Response(describe_signals(workspace_id, [row])[0])


class SignalBulk(ApiView):
    body_limit_bytes: ClassVar[int] = BULK_LIMIT_BYTES
    parser_classes = (RawJsonParser,)  # type: ignore[assignment]  # of another kind than the base's

    @extend_schema(
        operation_id="create_signals",
        request=NewSignals,
        parameters=[WorkspaceQuery],
        responses={201: StoredSignalsOut},
        examples=examples.CREATE_MANY,
    )
    def post(self, request: Request) -> Response:
        """Store up to 10,000 signals, all or none; `errors` says which rows are wrong. Permission: `signals_write`."""
        workspace_id, _ = _ask(request, WorkspaceQuery, permission=WRITE, console=_ADD)
        checked = read_many(request.data)
        wrong = dict(checked.wrong)
        if not wrong:
            try:
                stored = store_signals(workspace_id, checked.rows)
            except ChannelsRefused as refused:
                wrong = {place: refusal_of(checked.rows[place], why) for place, why in refused.refused.items()}
        if wrong:
            raise RowsRefused([RowError(place, each.param, each.message) for place, each in wrong.items()], field=_ROWS)
        return Response(
            {
                "object": "signal_batch",
                "accepted_count": stored.accepted_count,
                "duplicates_count": len(stored.duplicates),
                "duplicates": stored.duplicates,
            },
            status=201,
        )


class SignalStream(ApiView):
    parser_classes = (NdjsonParser,)  # type: ignore[assignment]  # as above

    @extend_schema(
        operation_id="stream_signals",
        request={NDJSON: NewSignal},
        parameters=[WorkspaceQuery],
        responses=StreamOut,
        examples=examples.STREAM,
    )
    def post(self, request: Request) -> HttpResponse:
        """
        Store signals that come as JSON by the line, however many.

        They are stored 5,000 at a time; a line that is wrong is told and left out. When something ends it in between, the error has
        `progress` beside it: send again what comes after its `lines_count`, or all of it, if each has an `external_id`.
        Permission: `signals_write`.
        """
        workspace_id, _ = _ask(request, WorkspaceQuery, permission=WRITE, console=_ADD)
        if request.content_type.partition(";")[0].strip().lower() != NDJSON:
            raise UnsupportedMediaType(request.content_type)
        progress = Progress()
        try:
            for batch in read_batches(request.read):
                _store_batch(workspace_id, batch, progress)
        except Exception as error:
            if not progress.lines_count:
                raise
            return self._break_off(error, progress)
        return Response(progress.describe(is_complete=True))

    def _break_off(self, error: Exception, progress: Progress) -> HttpResponse:
        """Return the error as it would be without anything stored, with what was."""
        answer: HttpResponse = self.handle_exception(error)
        answer.content = msgspec.json.encode(msgspec.json.decode(answer.content) | {"progress": progress.describe(is_complete=False)})
        return answer


def _store_batch(workspace_id: uuid.UUID, batch: Batch, progress: Progress) -> None:
    checked = batch.check(span_of_now())
    stored = store_signals(workspace_id, checked.rows, is_partial=True)
    refused = {line: refusal_of(checked.rows[line], why) for line, why in stored.refused.items()}
    progress.note(batch.last_line, stored, checked.wrong | refused)


class LatestSignals(ApiView):
    cached_as: ClassVar[str] = RESOURCE

    @extend_schema(operation_id="list_latest_signals", parameters=[LatestQuery], responses=SignalPageOut, examples=examples.PAGE)
    def get(self, request: Request) -> Response:
        """List the latest signal of each symbol, the newest first. Permission: `signals_read`."""
        workspace_id, query = _ask(request, LatestQuery)
        latest = LatestSignal.objects.using(database_to_read(workspace_id)).filter(workspace_id=workspace_id)
        if "symbols" in query:
            latest = latest.filter(symbol__in=query["symbols"])
        rows: QuerySet[Any, Row] = latest.values("id", "ts", "signal_id")  # type: ignore[assignment]  # rows of any shape
        page = read_page(request, rows, NEWEST_FIRST, query)
        found = _signals(workspace_id).filter(ts__in={row["ts"] for row in page.rows}, id__in=[row["signal_id"] for row in page.rows])
        by_id = {row["id"]: row for row in found.values(*COLUMNS)}
        shown = [by_id[row["signal_id"]] for row in page.rows if row["signal_id"] in by_id]
        return list_of(describe_signals(workspace_id, shown), next=page.next, previous=page.previous)


class HourlySignals(ApiView):
    cached_as: ClassVar[str] = RESOURCE

    @extend_schema(operation_id="sum_signals_hourly", parameters=[HourlyQuery], responses=HoursOut, examples=examples.HOURS)
    def get(self, request: Request) -> Response:
        """Count signals by the hour, the newest hour first. Permission: `signals_read`."""
        workspace_id, query = _ask(request, HourlyQuery)
        question = HoursQuestion(
            workspace_id,
            since=_hour_of(query["from"]),
            until=_hour_of(query["to"] - _MILLISECOND) + _HOUR,
            group_by=query["group_by"],
            symbols=tuple(query.get("symbol", ())),
            channel_ids=find_channels(workspace_id, query),
            actions=query.get("action", ()),
            limit=query["limit"],
        )
        asked = {name: getattr(question, name) for name in question.__slots__}
        report = cached_query(workspace_id, RESOURCE, "hourly", asked, lambda: _sum_hours(question))
        return list_of(report["rows"], since=question.since, until=question.until, has_more=report["has_more"])


def _sum_hours(question: HoursQuestion) -> Row:
    report = sum_hours(question)
    if "channel" not in question.group_by:
        return {"rows": report.rows, "has_more": report.has_more}
    names = name_channels(question.workspace_id, {row["channel_id"] for row in report.rows})
    for row in report.rows:
        row["channel"] = names.get(row.pop("channel_id"))
    return {"rows": report.rows, "has_more": report.has_more}


def _hour_of(moment: dt.datetime) -> dt.datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _ask(request: Request, kind: type[StrictSerializer], *, permission: str = READ, console: str = _VIEW) -> tuple[uuid.UUID, Row]:
    """Return the workspace that the caller works in, and the checked query. Errors: those of `admit`; ValidationError."""
    caller = admit(request, permission=permission, console=console)
    query = read_query(kind, request)
    return workspace_of(caller, query.get("workspace")), query


def _signals(workspace_id: uuid.UUID) -> Any:
    return Signal.objects.using(database_to_read(workspace_id)).filter(workspace_id=workspace_id)


def _find(workspace_id: uuid.UUID, signal_id: uuid.UUID) -> Row | None:
    """Cost: one query on one partition: the id says when the signal was given, to the millisecond."""
    moment = find_timestamp(signal_id)
    if moment is None:
        return None
    found: Row | None = _signals(workspace_id).filter(ts__gte=moment, ts__lt=moment + _MILLISECOND, id=signal_id).values(*COLUMNS).first()
    return found


def _of_external_id(workspace_id: uuid.UUID, channel: str, external_id: str) -> Row:
    stored = find_stored(workspace_id, channel, external_id)
    return {"id__in": ()} if stored is None else {"id": stored[0], "ts": stored[1]}


def _describe_stored(workspace_id: uuid.UUID, row: SignalRow, *, is_duplicate: bool) -> Row:
    """Return the stored signal, or what is known of one whose time is over while its key stays a little longer."""
    signal_id, ts = uuid.UUID(row.id), row.ts
    if is_duplicate:
        signal_id, ts = find_stored(workspace_id, row.channel, row.external_id) or (signal_id, ts)
    found = _find(workspace_id, signal_id)
    if found is not None:
        return describe_signals(workspace_id, [found])[0] | {"is_duplicate": is_duplicate}
    known = dict.fromkeys(SignalOut().fields) | {"id": signal_id, "object": "signal", "channel": row.channel, "timestamp": ts}
    return known | {"external_id": row.external_id or None, "is_duplicate": is_duplicate}
