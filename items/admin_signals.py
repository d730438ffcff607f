"""
Channels and signals in the console: to look at. They are written over REST.

Rules: a list of signals reads one page of one span of time and counts nothing; one signal is found by the time that its id carries.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from common.admin import AppendOnlyAdmin, BoundedListAdmin, display
from common.admin_shards import WorkspaceRowsAdmin
from common.filters import ExactFilter, FieldChoiceFilter, RelatedFilter, SpanFilter
from common.ids import find_timestamp
from items.choices import Action
from items.models import Channel, Signal

_ACTION_LABELS = {Action.BUY.label: "success", Action.SELL.label: "danger", Action.CLOSE.label: "warning"}
_MILLISECOND = dt.timedelta(milliseconds=1)


class SymbolFilter(ExactFilter):
    title = "symbol"
    parameter_name = "symbol"


@admin.register(Channel)
class ChannelAdmin(WorkspaceRowsAdmin, AppendOnlyAdmin, BoundedListAdmin):
    list_display = ("name", "workspace", "description", "is_active", "created_at")
    list_filter = (("workspace", RelatedFilter),)
    list_select_related = ("workspace",)
    search_fields = ("name",)
    ordering = ("name", "id")
    fieldsets = ((None, {"fields": ("id", "workspace", "name", "description", "is_active", "created_at")}),)


@admin.register(Signal)
class SignalAdmin(WorkspaceRowsAdmin, AppendOnlyAdmin, BoundedListAdmin):
    list_display = ("at", "workspace", "channel", "symbol", "action_label", "price", "confidence")
    list_filter = (SpanFilter, ("workspace", RelatedFilter), SymbolFilter, ("action", FieldChoiceFilter))
    list_select_related = ("workspace", "channel")
    ordering = ("-ts", "-id")
    fieldsets = (
        (None, {"fields": (("id", "at"), ("workspace", "channel"))}),
        ("What it says", {"fields": (("symbol", "action_label"), ("price", "confidence"))}),
        ("Where it comes from", {"fields": (("external_id", "created_at"), "payload_text")}),
    )

    class Media:
        css = {"all": ("gatewaysite/console.css",)}

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Signal | None:
        """Cost: one index scan on one partition; by the id alone it would be one on each."""
        try:
            moment = find_timestamp(wanted := uuid.UUID(object_id))
        except ValueError:
            return None
        if moment is None:
            return None
        found: Signal | None = self.find_everywhere(ts__gte=moment, ts__lt=moment + _MILLISECOND, id=wanted)
        return found

    @display(description="Time")
    def at(self, signal: Signal) -> SafeString:
        return format_html('<span class="whitespace-nowrap">{}</span>', f"{signal.ts:%Y-%m-%d %H:%M:%S}")

    @display(description="Action", label=_ACTION_LABELS)
    def action_label(self, signal: Signal) -> str:
        return signal.get_action_display()

    @display(description="Payload")
    def payload_text(self, signal: Signal) -> SafeString:
        text = json.dumps(signal.payload, indent=2, ensure_ascii=False)
        return format_html('<pre class="gw-code gw-wrap">{}</pre>', text)
