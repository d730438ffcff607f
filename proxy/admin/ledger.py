"""
Movements of money in the console: append-only, and corrected by one more row.

Rules: a list reads one page of one span of time and counts nothing; a correction needs its permission (`proxy.add_ledgerentry`) and a
reason, and stands in the log of changes with who made it.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AutocompleteSelect
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextInputWidget

from apikeys.public import ApiKey
from common.admin import AppendOnlyAdmin, BoundedListAdmin, action, display, run_guarded
from common.admin_shards import WorkspaceRowsAdmin
from common.filters import ExactFilter, FieldChoiceFilter, RelatedFilter, SpanFilter
from common.forms import UsdField
from common.ids import timestamp
from common.money import show_usd
from proxy.adapters.request_records import find_row
from proxy.admin.usage import ModelFilter, keep_together
from proxy.choices import LedgerKind
from proxy.ledger import adjust
from proxy.models import LedgerEntry, UsageRecord

_KIND_LABELS = {
    LedgerKind.RESERVE.label: "info",
    LedgerKind.SETTLE.label: "success",
    LedgerKind.REFUND.label: "warning",
    LedgerKind.ADJUST.label: "danger",
}
_KEY_FIELD = LedgerEntry._meta.get_field("key")  # noqa: SLF001  # Django's own way to it
_ALONE_FOR = dt.timedelta(days=1)


class RequestFilter(ExactFilter):
    title = "request"
    parameter_name = "request_id"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Cost: one index scan on one partition, because the id names its day."""
        value = (self.value() or "").strip()
        if not value:
            return queryset
        try:
            request_id = uuid.UUID(value)
            return queryset.filter(ts=timestamp(request_id), request_id=request_id)
        except (ValueError, OverflowError):
            return queryset.none()


class SignedUsdField(UsdField):
    """Dollars that may be below nothing: money that goes back."""

    def to_python(self, value: Any) -> Any:
        text = str(value or "").strip()
        amount = super().to_python(text.removeprefix("-"))
        return -amount if amount and text.startswith("-") else amount


class AdjustForm(forms.Form):
    """What to correct: a request, or a key and a model."""

    request_id = forms.UUIDField(
        label="Request", required=False, widget=UnfoldAdminTextInputWidget(), help_text="Its key and model are taken from its record."
    )
    key = forms.ModelChoiceField(
        ApiKey.objects.select_related("workspace"),
        label="API key",
        required=False,
        widget=AutocompleteSelect(_KEY_FIELD, admin.site),
        help_text="For a correction that is of no single request.",
    )
    model = forms.CharField(max_length=200, required=False, widget=UnfoldAdminTextInputWidget(), help_text="Empty: all models.")
    amount = SignedUsdField(label="Amount, USD", help_text="What was spent more than recorded; with - in front: what goes back.")
    reason = forms.CharField(max_length=200, widget=UnfoldAdminTextInputWidget(), help_text="Such as: the provider's invoice of October.")

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        request_id, key = given.get("request_id"), given.get("key")
        if request_id is None and key is None and not self.errors:
            raise forms.ValidationError("Name a request or an API key.")
        if request_id is not None:
            given["record"] = self._find_record(request_id)
        return given

    def _find_record(self, request_id: uuid.UUID) -> UsageRecord | None:
        try:
            record = find_row(request_id)
        except (ValueError, OverflowError):
            record = None
        if record is None:
            self.add_error("request_id", "There is no record of this request.")
        return record

    def store(self) -> LedgerEntry:
        """Errors: LedgerError."""
        given, record = self.cleaned_data, self.cleaned_data.get("record")
        amount, reason = given["amount"], given["reason"]
        if record is not None:
            return adjust(record.workspace, record.key, record.model, amount, reason, record.request_id)
        return adjust(given["key"].workspace, given["key"], given["model"], amount, reason)


@admin.register(LedgerEntry)
class LedgerEntryAdmin(WorkspaceRowsAdmin, AppendOnlyAdmin, BoundedListAdmin):
    list_display = ("at", "workspace", "key", "model_name", "kind_label", "reserved", "spent", "tokens", "request_link", "reason")
    list_display_links = None
    list_filter = (
        SpanFilter,
        ("workspace", RelatedFilter),
        ModelFilter,
        ("kind", FieldChoiceFilter),
        ("key", RelatedFilter),
        RequestFilter,
    )
    list_select_related = ("workspace", "key")
    list_fullwidth = True
    ordering = ("-ts", "-id")
    actions_list = ("adjust",)
    fieldsets = (
        (None, {"fields": (("at", "kind_label"), ("workspace", "key"), ("model", "request_link"))}),
        ("What moved", {"fields": (("reserved", "spent"), ("tokens", "price_effective_at"), "reason")}),
    )

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> LedgerEntry | None:
        """An id alone names no partition: only those of the past day are looked at. No list links to a single row."""
        try:
            return cast(LedgerEntry | None, self.find_everywhere(ts__gte=timezone.now() - _ALONE_FOR, id=uuid.UUID(object_id)))
        except ValueError:
            return None

    @action(description="Add a correction", url_path="adjust", icon="edit_note", permissions=["adjust"])
    def adjust(self, request: HttpRequest) -> HttpResponse:
        form = AdjustForm(request.POST or None, initial={"request_id": request.GET.get("request_id", "")})
        if not form.is_valid():
            return self._render_form(request, form)

        def store() -> HttpResponse:
            entry = form.store()
            self.log_addition(request, entry, f"Corrected by {show_signed_usd(entry.spent_nano_usd)}: {entry.reason}")
            messages.success(request, f"Corrected by {show_signed_usd(entry.spent_nano_usd)}.")
            list_url = reverse(f"{self.admin_site.name}:proxy_ledgerentry_changelist")
            return HttpResponseRedirect(f"{list_url}?request_id={entry.request_id}&span=any")

        return run_guarded(request, transaction.atomic(), store)

    def has_adjust_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """A word of our own: unfold asks the database for permissions with a dot whenever a command starts, also before there is one."""
        return request.user.has_perm("proxy.add_ledgerentry")

    def _render_form(self, request: HttpRequest, form: AdjustForm) -> HttpResponse:
        request.current_app = self.admin_site.name  # where Django looks for the site's URLs
        everywhere = self.admin_site.each_context(request)
        about = {"title": "Add a correction", "opts": self.opts, "form": form, "media": self.media + form.media}
        return TemplateResponse(request, "admin/proxy/ledgerentry/adjust.html", everywhere | about)

    @display(description="Time")
    def at(self, entry: LedgerEntry) -> SafeString:
        return keep_together(f"{entry.ts:%Y-%m-%d %H:%M:%S}")

    @display(description="Model")
    def model_name(self, entry: LedgerEntry) -> SafeString:
        return keep_together(entry.model or "–")

    @display(description="Kind", label=_KIND_LABELS)
    def kind_label(self, entry: LedgerEntry) -> str:
        return entry.get_kind_display()

    @display(description="Reserved, USD")
    def reserved(self, entry: LedgerEntry) -> str:
        return show_signed_usd(entry.reserved_nano_usd)

    @display(description="Spent, USD")
    def spent(self, entry: LedgerEntry) -> str:
        return show_signed_usd(entry.spent_nano_usd)

    @display(description="Request")
    def request_link(self, entry: LedgerEntry) -> SafeString:
        url = reverse(f"{self.admin_site.name}:proxy_usagerecord_change", args=[entry.request_id])
        return format_html('<a class="text-link" href="{}">{}</a>', url, keep_together(str(entry.request_id)[-12:]))


def show_signed_usd(nano_usd: int) -> str:
    """Return an amount of dollars, "–" for none: most rows move only one of the two."""
    if not nano_usd:
        return "–"
    return f"{'-' if nano_usd < 0 else ''}{show_usd(abs(nano_usd))}"
