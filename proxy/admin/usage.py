"""
Requests that reached a backend, in the console.

Rules: append-only; found by (time, id), the key of their partition; a list reads one page of one span of time and counts nothing.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any, cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from common.admin import AppendOnlyAdmin, BoundedListAdmin, display
from common.filters import ChoiceFilter, ExactFilter, FieldChoiceFilter, RelatedFilter
from proxy.admin.money import show_usd
from proxy.choices import Outcome
from proxy.configuration.money import NANO_PER_USD
from proxy.models import UsageRecord
from proxy.querysets import UsageRecordQuerySet

_OUTCOME_LABELS = {
    Outcome.OK.label: "success",
    Outcome.ERROR.label: "danger",
    Outcome.CANCELLED.label: "warning",
    Outcome.INTERRUPTED.label: "warning",
}
_SPANS = {
    "1h": ("Past hour", dt.timedelta(hours=1)),
    "24h": ("Past 24 hours", dt.timedelta(hours=24)),
    "7d": ("Past 7 days", dt.timedelta(days=7)),
    "30d": ("Past 30 days", dt.timedelta(days=30)),
}


class SpanFilter(ChoiceFilter):
    """Bounds every list in time, so that a rare value is not looked for in all partitions unless someone asks for it."""

    title = "time"
    parameter_name = "span"
    all_option = None

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [*((value, title) for value, (title, _) in _SPANS.items()), ("any", "Any time")]

    def value(self) -> str:
        return super().value() or "24h"

    def queryset(self, request: HttpRequest, queryset: QuerySet[UsageRecord]) -> QuerySet[UsageRecord]:
        if self.value() not in _SPANS:
            return queryset
        return queryset.filter(ts__gte=timezone.now() - _SPANS[self.value()][1])


class StatusFilter(ChoiceFilter):
    title = "status"
    parameter_name = "status_class"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("2", "2xx answered"), ("4", "4xx the caller"), ("5", "5xx the gateway or the upstream")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[UsageRecord]) -> QuerySet[UsageRecord]:
        if self.value() not in {"2", "4", "5"}:
            return queryset
        first = int(self.value() or 0) * 100
        return queryset.filter(status__gte=first, status__lt=first + 100)


class ModelFilter(ExactFilter):
    title = "model"
    parameter_name = "model"


@admin.register(UsageRecord)
class UsageRecordAdmin(AppendOnlyAdmin, BoundedListAdmin):
    list_display = (
        "at",
        "workspace",
        "key",
        "model_name",
        "outcome_label",
        "status",
        "tokens",
        "cost",
        "latency",
    )
    list_filter = (
        SpanFilter,
        ("workspace", RelatedFilter),
        ModelFilter,
        ("outcome", FieldChoiceFilter),
        StatusFilter,
        ("key", RelatedFilter),
    )
    list_select_related = ("workspace", "key")
    list_fullwidth = True
    ordering = ("-ts", "-request_id")
    fieldsets = (
        (None, {"fields": (("request_id", "at"), ("workspace", "key"))}),
        ("How it ended", {"fields": (("outcome_label", "status"), ("error_code", "is_stream"), ("latency", "first_token"))}),
        ("Where it went", {"fields": (("model", "upstream_model"), ("backend", "provider"), ("attempts_count", "revision"))}),
        ("What it used", {"fields": (("input_tokens", "cached_input_tokens"), ("output_tokens", "cost_usd"), "usage_source")}),
    )

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> UsageRecord | None:
        """Cost: one index scan on one partition; by the id alone it would be one on each."""
        records = cast(UsageRecordQuerySet, self.get_queryset(request).select_related("workspace", "key"))
        try:
            return records.get_by_id(uuid.UUID(object_id))
        except (ValueError, OverflowError, UsageRecord.DoesNotExist):
            return None

    @display(description="Time")
    def at(self, record: UsageRecord) -> SafeString:
        return _keep_together(f"{record.ts:%Y-%m-%d %H:%M:%S}")

    @display(description="Model")
    def model_name(self, record: UsageRecord) -> SafeString:
        return _keep_together(record.model)

    @display(description="Tokens in, out")
    def tokens(self, record: UsageRecord) -> SafeString:
        return _keep_together(f"{record.input_tokens:,}, {record.output_tokens:,}")

    @display(description="Outcome", label=_OUTCOME_LABELS)
    def outcome_label(self, record: UsageRecord) -> str:
        return record.get_outcome_display()

    @display(description="Cost, USD")
    def cost(self, record: UsageRecord) -> str:
        return f"${record.cost_nano_usd / NANO_PER_USD:,.6f}"

    @display(description="Cost, USD")
    def cost_usd(self, record: UsageRecord) -> str:
        return show_usd(record.cost_nano_usd)

    @display(description="Latency")
    def latency(self, record: UsageRecord) -> SafeString:
        return _keep_together(f"{record.latency_ms:,.0f} ms")

    @display(description="First token")
    def first_token(self, record: UsageRecord) -> str:
        return "–" if record.first_token_ms is None else f"{record.first_token_ms:,.0f} ms"


def _keep_together(text: str) -> SafeString:
    return format_html('<span class="whitespace-nowrap">{}</span>', text)
