"""Usage, ledger and single requests over REST: reads, bounded, of one's own workspace."""

from __future__ import annotations

import uuid
from typing import Any, cast

from django.conf import settings
from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from apikeys.hotpath import Principal
from common.ids import find_timestamp
from common.money import dump_usd
from common.rest.callers import KeyCaller, admit
from common.rest.formats import CsvRenderer, JsonRenderer
from common.rest.orders import read_page
from common.rest.queries import read_query
from common.rest.views import ApiView, list_of
from proxy.adapters.request_records import as_line, find_record
from proxy.decisions import describe_record, may_see
from proxy.errors import NotFound
from proxy.models import LedgerEntry, UsageRecord
from proxy.rest.scope import database_of_scope, name_keys, read_scope
from proxy.rest.serializers import LEDGER_NEWEST_FIRST, RECORDS_NEWEST_FIRST, LedgerQuery, PageOut, RecordsQuery, UsageOut, UsageQuery
from proxy.usage_report import RECORDS_SPAN_MAX, Question, SpanTooLong, key_ids_of, sum_usage

_RECORDS = "proxy.view_usagerecord"
_LEDGER = "proxy.view_ledgerentry"


class Usage(ApiView):
    renderer_classes = (JsonRenderer, CsvRenderer)

    @extend_schema(
        operation_id="sum_usage",
        parameters=[UsageQuery],
        responses={(200, "application/json"): UsageOut, (200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> Response:
        """Add up usage in groups. As CSV with `Accept: text/csv`. Permission: `usage`."""
        query = read_query(UsageQuery, request)
        filters = read_scope(request, query, console=_RECORDS)
        if "model" in query:
            filters["model"] = query["model"]
        question = Question(query["from"], query["to"], query.get("group_by", ()), filters, query.get("tag", ""))
        try:
            report = sum_usage(question, query["limit"])
        except SpanTooLong:
            reason = f"Tags by hour, backend or outcome are known for {RECORDS_SPAN_MAX.days} days at once. Ask for a shorter time."
            raise ValidationError({"from": [reason]}) from None
        rows, columns = _name(report.rows, report.columns)
        if isinstance(request.accepted_renderer, CsvRenderer):
            return Response({"data": rows, "columns": columns})
        return list_of(rows, since=report.since, until=report.until, has_more=report.has_more)


def _name(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> tuple[list[dict[str, Any]], list[str]]:
    """Add what people read: the names of keys, and dollars."""
    shown = list(columns)
    if "key_id" in columns:
        names = name_keys(key_ids_of(rows))
        shown.insert(shown.index("key_id") + 1, "key_name")
        rows = [row | {"key_name": names.get(row["key_id"])} for row in rows]
    return [row | {"cost_usd": dump_usd(row["cost_nano_usd"])} for row in rows], [*shown, "cost_usd"]


class UsageRecords(ApiView):
    @extend_schema(operation_id="list_usage_records", parameters=[RecordsQuery], responses=PageOut)
    def get(self, request: Request) -> Response:
        """List requests, the newest first. Permission: `usage`."""
        query = read_query(RecordsQuery, request)
        filters = read_scope(request, query, console=_RECORDS)
        columns = {"model": "model", "outcome": "outcome", "status": "status", "error": "error_code"}
        filters |= {column: query[name] for name, column in columns.items() if name in query}
        records = UsageRecord.objects.using(database_of_scope(filters)).defer("decision")
        records = records.filter(ts__gte=query["from"], ts__lt=query["to"], **filters)
        page = read_page(request, records, RECORDS_NEWEST_FIRST, query)
        return list_of(_describe_records(page.rows), next=page.next, previous=page.previous)


def _describe_records(records: list[UsageRecord]) -> list[dict[str, Any]]:
    names = name_keys({record.key_id for record in records})
    return [
        {**describe_record(as_line(record, has_decision=False)), "key_name": names.get(record.key_id), "decision": None}
        for record in records
    ]


class Ledger(ApiView):
    @extend_schema(operation_id="list_ledger_entries", parameters=[LedgerQuery], responses=PageOut)
    def get(self, request: Request) -> Response:
        """List movements of money, the newest first. Permission: `usage`."""
        query = read_query(LedgerQuery, request)
        filters = read_scope(request, query, console=_LEDGER)
        filters |= {name: query[name] for name in ("model", "kind") if name in query}
        entries = LedgerEntry.objects.using(database_of_scope(filters)).filter(**filters)
        page = read_page(request, _of_request(entries, query), LEDGER_NEWEST_FIRST, query)
        return list_of(_describe_entries(page.rows), next=page.next, previous=page.previous)


def _of_request(entries: QuerySet[LedgerEntry], query: dict[str, Any]) -> QuerySet[LedgerEntry]:
    """Keep to a span of time, or to one request, whose id says when it was."""
    if "request" not in query:
        return entries.filter(ts__gte=query["from"], ts__lt=query["to"])
    moment = find_timestamp(query["request"])
    return entries.none() if moment is None else entries.filter(ts=moment, request_id=query["request"])


def _describe_entries(entries: list[LedgerEntry]) -> list[dict[str, Any]]:
    names = name_keys({entry.key_id for entry in entries})
    return [
        {
            "id": entry.pk,
            "object": "ledger_entry",
            "request_id": entry.request_id,
            "request_began_at": entry.ts,
            "kind": entry.kind,
            "workspace_id": entry.workspace_id,
            "key_id": entry.key_id,
            "key_name": names.get(entry.key_id),
            "model": entry.model,
            "reserved_nano_usd": entry.reserved_nano_usd,
            "spent_nano_usd": entry.spent_nano_usd,
            "tokens": entry.tokens,
            "price_effective_at": entry.price_effective_at,
            "reason": entry.reason,
        }
        for entry in entries
    ]


class RequestDetail(ApiView):
    @extend_schema(operation_id="get_request", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, request_id: uuid.UUID) -> Response:
        """Return what was decided for one request: of the caller's own key, or with the permission `usage` of its workspace."""
        caller: object = request.user
        if not isinstance(caller, KeyCaller):
            admit(request, permission="usage", console=_RECORDS)
        record = find_record(settings.GATEWAY_SPOOL_FOLDER, request_id)
        if record is None or (isinstance(caller, KeyCaller) and not may_see(cast(Principal, request.auth), record)):
            raise NotFound(f"There is no request with the id {str(request_id)!r}.")
        return Response(describe_record(record))
