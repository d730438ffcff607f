"""
Requests and what came of them, in the console.

Rules: append-only; found by (time, id), the key of their partition; a list reads one page of one span of time and counts nothing.
"""

from __future__ import annotations

import json
import uuid
from typing import Any, cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from common.admin import AppendOnlyAdmin, BoundedListAdmin, display
from common.admin_shards import WorkspaceRowsAdmin
from common.filters import ChoiceFilter, ExactFilter, FieldChoiceFilter, RelatedFilter, SpanFilter
from common.ids import timestamp
from common.money import NANO_PER_USD, show_usd
from proxy.admin.guardrail_report import render_guardrail_report
from proxy.choices import Outcome
from proxy.configuration.times import ALWAYS
from proxy.models import UsageRecord

_OUTCOME_LABELS = {
    Outcome.OK.label: "success",
    Outcome.ERROR.label: "danger",
    Outcome.CANCELLED.label: "warning",
    Outcome.INTERRUPTED.label: "warning",
    Outcome.REFUSED.label: "warning",
}


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
class UsageRecordAdmin(WorkspaceRowsAdmin, AppendOnlyAdmin, BoundedListAdmin):
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
        ("Who it was for", {"fields": (("end_user", "tags_text"),)}),
        ("How it ended", {"fields": (("outcome_label", "status"), ("error_code", "is_stream"), ("latency", "first_token"))}),
        (
            "Where it went",
            {"fields": (("model", "upstream_model"), ("backend", "provider"), ("attempts_count", "revision"), ("endpoint", "cache"))},
        ),
        (
            "What it used, in tokens",
            {
                "fields": (
                    ("input_tokens", "output_tokens"),
                    ("cache_read_tokens", "reasoning_tokens"),
                    ("cache_write_5m_tokens", "cache_write_1h_tokens"),
                    ("audio_input_tokens", "audio_output_tokens"),
                    "usage_source",
                )
            },
        ),
        ("What it cost", {"fields": (("cost_usd", "reserved_usd"), ("price_version", "movements"))}),
        ("What was decided", {"classes": ("collapse",), "fields": ("decision_text",)}),
    )

    class Media:
        css = {"all": ("gatewaysite/console.css",)}

    def get_urls(self) -> list[URLPattern]:
        report = path("guardrails/<slug:name>/", self.admin_site.admin_view(self.report_guardrails), name="proxy_usagerecord_guardrails")
        return [report, *super().get_urls()]

    def report_guardrails(self, request: HttpRequest, name: str) -> HttpResponse:
        return render_guardrail_report(self, request, name)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> UsageRecord | None:
        """Cost: one index scan on one partition, with shards in each of them; by the id alone it would be one on each partition."""
        try:
            wanted = uuid.UUID(object_id)
            return cast(UsageRecord | None, self.find_everywhere(ts=timestamp(wanted), request_id=wanted))
        except (ValueError, OverflowError):
            return None

    @display(description="Time")
    def at(self, record: UsageRecord) -> SafeString:
        return keep_together(f"{record.ts:%Y-%m-%d %H:%M:%S}")

    @display(description="Model")
    def model_name(self, record: UsageRecord) -> SafeString:
        return keep_together(record.model)

    @display(description="Tokens in, out")
    def tokens(self, record: UsageRecord) -> SafeString:
        return keep_together(f"{record.input_tokens:,}, {record.output_tokens:,}")

    @display(description="Outcome", label=_OUTCOME_LABELS)
    def outcome_label(self, record: UsageRecord) -> str:
        return record.get_outcome_display()

    @display(description="Cost, USD")
    def cost(self, record: UsageRecord) -> str:
        return f"${record.cost_nano_usd / NANO_PER_USD:,.6f}"

    @display(description="Cost, USD")
    def cost_usd(self, record: UsageRecord) -> str:
        return show_usd(record.cost_nano_usd)

    @display(description="Reserved, USD")
    def reserved_usd(self, record: UsageRecord) -> str:
        return show_usd(record.reserved_nano_usd)

    @display(description="Price of")
    def price_version(self, record: UsageRecord) -> str:
        """A list price without a first day holds from the beginning of Unix time."""
        at = record.price_effective_at
        return "unpriced" if at is None else "always" if at <= ALWAYS else f"{at:%Y-%m-%d %H:%M}"

    @display(description="Ledger")
    def movements(self, record: UsageRecord) -> SafeString:
        url = reverse(f"{self.admin_site.name}:proxy_ledgerentry_changelist")
        return format_html('<a class="text-link" href="{}?request_id={}&span=any">Movements of this request</a>', url, record.request_id)

    @display(description="Tags")
    def tags_text(self, record: UsageRecord) -> str:
        return ", ".join(record.tags) or "–"

    @display(description="Decision")
    def decision_text(self, record: UsageRecord) -> SafeString:
        text = json.dumps(record.decision, indent=2, ensure_ascii=False)
        return format_html('<pre class="gw-code gw-wrap">{}</pre>', text)

    @display(description="Latency")
    def latency(self, record: UsageRecord) -> SafeString:
        return keep_together(f"{record.latency_ms:,.0f} ms")

    @display(description="First token")
    def first_token(self, record: UsageRecord) -> str:
        return "–" if record.first_token_ms is None else f"{record.first_token_ms:,.0f} ms"


def keep_together(text: str) -> SafeString:
    return format_html('<span class="whitespace-nowrap">{}</span>', text)
