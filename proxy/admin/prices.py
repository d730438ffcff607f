"""Prices in the console, in dollars per million tokens. The published list is to look at; an operator's price wins over it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from common.admin import ConfigurationAdmin, display
from common.filters import FieldChoiceFilter, RelatedFilter
from common.forms import ConsoleForm, UsdField
from common.money import show_usd
from proxy import domain
from proxy.choices import PriceSource
from proxy.models import Price
from proxy.prices.digest import RATES, rate_column

_PER_MTOK = "Dollars per million tokens."
_RATE_FIELDS = tuple(map(rate_column, RATES))
_TEXT_FIELDS = _RATE_FIELDS[:3]
_OTHER_FIELDS = _RATE_FIELDS[3:]


def _optional(label: str, otherwise: str) -> UsdField:
    return UsdField(label=label, required=False, help_text=f"{_PER_MTOK} Empty: {otherwise}.")


class PriceForm(ConsoleForm):
    input_nano_usd_per_mtok = UsdField(label="Input", help_text=_PER_MTOK)
    cached_input_nano_usd_per_mtok = _optional("Cached input", "the price of other input")
    output_nano_usd_per_mtok = UsdField(label="Output", help_text=_PER_MTOK)
    cache_write_5m_nano_usd_per_mtok = _optional("Cache write, 5 minutes", "the price of other input")
    cache_write_1h_nano_usd_per_mtok = _optional("Cache write, 1 hour", "that of 5 minutes")
    reasoning_nano_usd_per_mtok = _optional("Reasoning", "the price of other output")
    audio_input_nano_usd_per_mtok = _optional("Audio input", "the price of other input")
    audio_output_nano_usd_per_mtok = _optional("Audio output", "the price of other output")

    class Meta:
        model = Price
        fields = ("provider", "upstream_model", "backend", "effective_at", *_RATE_FIELDS)

    def clean_effective_at(self) -> dt.datetime:
        """The page shows whole seconds; a moment that was not touched keeps its fraction and is no change."""
        written: dt.datetime = self.cleaned_data["effective_at"]
        return written if "effective_at" in self.changed_data else self.instance.effective_at

    def full_clean(self) -> None:
        super().full_clean()
        if self.errors:
            return
        try:
            self.instance.validate_constraints()  # Django skips the one about `source`, which is not in the form
        except ValidationError:
            self.add_error("effective_at", "There is already a price for this model from this moment on.")


@admin.register(Price)
class PriceAdmin(ConfigurationAdmin):
    form = PriceForm
    list_display = ("upstream_model", "provider", "backend", "source_label", "input_usd", "cached_input_usd", "output_usd", "effective_at")
    list_filter = (("source", FieldChoiceFilter), ("backend", RelatedFilter))
    list_select_related = ("backend",)
    search_fields = ("provider", "upstream_model")
    autocomplete_fields = ("backend",)
    fieldsets = (
        (None, {"fields": ("provider", "upstream_model", "backend", "effective_at")}),
        ("Price", {"fields": _TEXT_FIELDS}),
        ("Cache writes, reasoning and audio", {"fields": _OTHER_FIELDS}),
    )

    def has_change_permission(self, request: HttpRequest, obj: Price | None = None) -> bool:
        return super().has_change_permission(request, obj) and not _is_listed(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Price | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not _is_listed(obj)

    def get_fieldsets(self, request: HttpRequest, obj: Price | None = None) -> Any:
        if obj is None or self.has_change_permission(request, obj):
            return super().get_fieldsets(request, obj)
        return (
            (None, {"fields": ("provider", "upstream_model", "backend", "effective_at", "source_label")}),
            ("Price, per million tokens", {"fields": ("input_usd", "cached_input_usd", "output_usd")}),
            ("Cache writes, reasoning and audio", {"fields": ("cache_writes_usd", "reasoning_usd", "audio_usd")}),
        )

    @display(description="Source", label={PriceSource.OPERATOR.label: "info"}, ordering="source")
    def source_label(self, price: Price) -> str:
        return price.get_source_display()

    @display(description="Input, USD", ordering="input_nano_usd_per_mtok")
    def input_usd(self, price: Price) -> str:
        return show_usd(price.input_nano_usd_per_mtok)

    @display(description="Cached input, USD")
    def cached_input_usd(self, price: Price) -> str:
        return _show(price.cached_input_nano_usd_per_mtok, "as input")

    @display(description="Output, USD", ordering="output_nano_usd_per_mtok")
    def output_usd(self, price: Price) -> str:
        return show_usd(price.output_nano_usd_per_mtok)

    @display(description="Cache writes (5 minutes, 1 hour), USD")
    def cache_writes_usd(self, price: Price) -> str:
        short = price.cache_write_5m_nano_usd_per_mtok
        return f"{_show(short, 'as input')}, {_show(price.cache_write_1h_nano_usd_per_mtok, 'the same')}"

    @display(description="Reasoning, USD")
    def reasoning_usd(self, price: Price) -> str:
        return _show(price.reasoning_nano_usd_per_mtok, "as output")

    @display(description="Audio (input, output), USD")
    def audio_usd(self, price: Price) -> str:
        return f"{_show(price.audio_input_nano_usd_per_mtok, 'as input')}, {_show(price.audio_output_nano_usd_per_mtok, 'as output')}"

    def save_model(self, request: HttpRequest, obj: Price, form: Any, change: bool) -> None:
        domain.save_price(obj)

    def delete_model(self, request: HttpRequest, obj: Price) -> None:
        domain.delete_price(obj)


def _show(price: int | None, otherwise: str) -> str:
    return otherwise if price is None else show_usd(price)


def _is_listed(price: Price | None) -> bool:
    return isinstance(price, Price) and price.source == PriceSource.SNAPSHOT
