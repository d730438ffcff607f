"""Limits in the console: costs in dollars, everything else in whole units."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminTextInputWidget

from apikeys import domain
from apikeys.choices import LimitUnit
from apikeys.models import Limit
from common.admin import ConfigurationAdmin, display
from common.forms import ConsoleForm
from common.money import format_usd, parse_usd, show_budget

_WINDOWS: Final = {1: "second", 60: "minute", 3600: "hour", 86_400: "day", 604_800: "week"}


def describe_allowance(limit: Limit) -> str:
    """Return how much may pass: `150 requests per second, 300 at once`, `$5.00 per day (calendar)`, `10 requests in flight`."""
    amount = _describe_amount(limit, limit.amount)
    if limit.unit == LimitUnit.CONCURRENCY:
        return f"{amount} requests in flight"
    unit = "" if limit.unit == LimitUnit.COST else f" {limit.get_unit_display().lower()}"
    if limit.calendar:
        return f"{amount}{unit} per {limit.calendar} (calendar)"
    burst = f", {_describe_amount(limit, limit.burst)} at once" if limit.burst else ""
    return f"{amount}{unit} per {_WINDOWS.get(limit.window_s, f'{limit.window_s:,} s')}{burst}"


def describe_subject(limit: Limit) -> str:
    """Return what has a counter of its own: `Tag team`, `API key and model`."""
    scope = f"{limit.get_scope_display()} {limit.tag}".strip()
    return f"{scope} and model" if limit.is_per_model else scope


def _describe_amount(limit: Limit, amount: int) -> str:
    return show_budget(amount) if limit.unit == LimitUnit.COST else f"{amount:,}"


class LimitForm(ConsoleForm):
    """Shows at the field what the domain would refuse. What `amount` and `burst` are written in depends on `unit`, which comes before."""

    amount = forms.CharField(
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"}),
        help_text="A cost in US dollars, such as 0.25; else whole units.",
    )
    burst = forms.CharField(
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"}),
        help_text="For a rolling window: what may come at once, written like the amount. Empty: as much as the amount.",
    )

    class Meta:
        model = Limit
        fields = ("name", "mode", "scope", "tag", "workspace", "model", "is_per_model", "unit", "amount", "window_s", "calendar", "burst")
        labels = {"window_s": "Rolling window, seconds", "calendar": "Calendar window", "is_per_model": "Each model apart"}
        help_texts = {"window_s": "Stays 1 for a calendar window, and for requests in flight."}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        is_cost = self.instance.unit == LimitUnit.COST
        for name in ("amount", "burst"):
            count = self.initial.get(name)
            if isinstance(count, int):
                self.initial[name] = format_usd(count) if is_cost else str(count)

    def clean_amount(self) -> int | None:
        return self._read_amount("amount")

    def clean_burst(self) -> int | None:
        return self._read_amount("burst")

    def _read_amount(self, name: str) -> int | None:
        text = self.cleaned_data[name]
        if not text:
            return None
        if self.cleaned_data.get("unit") == LimitUnit.COST:
            try:
                return parse_usd(text.removeprefix("$"))
            except ValueError as error:
                raise forms.ValidationError(str(error)) from error
        digits = text.replace(",", "")
        if not (digits.isascii() and digits.isdigit()):
            raise forms.ValidationError("Write a whole number; only a cost is written in dollars.")
        return int(digits)

    def full_clean(self) -> None:
        super().full_clean()
        if self.errors or not self.is_bound:
            return
        try:
            domain.check_limit(self.instance)
        except ValidationError as error:
            self.add_error(None, error)


@admin.register(Limit)
class LimitAdmin(ConfigurationAdmin):
    form = LimitForm
    list_display = ("name", "allowance", "counted_by", "mode", "workspace", "model")
    list_filter = ("scope", "unit", "mode")
    list_select_related = ("workspace",)
    search_fields = ("name",)
    autocomplete_fields = ("workspace",)
    fieldsets = (
        (None, {"fields": ("name", "mode")}),
        ("What it counts", {"fields": (("scope", "tag"), "workspace", ("model", "is_per_model"))}),
        ("How much may pass", {"fields": (("unit", "amount"), ("window_s", "calendar"), "burst")}),
    )

    @display(description="Allowance")
    def allowance(self, limit: Limit) -> str:
        return describe_allowance(limit)

    @display(description="Counted by", ordering="scope")
    def counted_by(self, limit: Limit) -> str:
        return describe_subject(limit)

    def save_model(self, request: HttpRequest, obj: Limit, form: Any, change: bool) -> None:
        domain.save_limit(obj)

    def delete_model(self, request: HttpRequest, obj: Limit) -> None:
        domain.delete_limit(obj)
