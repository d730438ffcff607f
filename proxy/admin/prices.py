"""Prices in the console, in dollars per million tokens. The published list is to look at; an operator's price wins over it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from common.admin import ConfigurationAdmin, display
from common.filters import FieldChoiceFilter, RelatedFilter
from common.forms import ConsoleForm
from proxy import domain
from proxy.admin.money import UsdField, show_usd
from proxy.choices import PriceSource
from proxy.models import Price

_PER_MTOK = "Dollars per million tokens."


class PriceForm(ConsoleForm):
    input_nano_usd_per_mtok = UsdField(label="Input", help_text=_PER_MTOK)
    cached_input_nano_usd_per_mtok = UsdField(
        label="Cached input", required=False, help_text=f"{_PER_MTOK} Empty: the price of other input."
    )
    output_nano_usd_per_mtok = UsdField(label="Output", help_text=_PER_MTOK)

    class Meta:
        model = Price
        fields = (
            "provider",
            "upstream_model",
            "backend",
            "effective_at",
            "input_nano_usd_per_mtok",
            "cached_input_nano_usd_per_mtok",
            "output_nano_usd_per_mtok",
        )

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
        ("Price", {"fields": ("input_nano_usd_per_mtok", "cached_input_nano_usd_per_mtok", "output_nano_usd_per_mtok")}),
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
        )

    @display(description="Source", label={PriceSource.OPERATOR.label: "info"}, ordering="source")
    def source_label(self, price: Price) -> str:
        return price.get_source_display()

    @display(description="Input, USD", ordering="input_nano_usd_per_mtok")
    def input_usd(self, price: Price) -> str:
        return show_usd(price.input_nano_usd_per_mtok)

    @display(description="Cached input, USD")
    def cached_input_usd(self, price: Price) -> str:
        cached = price.cached_input_nano_usd_per_mtok
        return "as input" if cached is None else show_usd(cached)

    @display(description="Output, USD", ordering="output_nano_usd_per_mtok")
    def output_usd(self, price: Price) -> str:
        return show_usd(price.output_nano_usd_per_mtok)

    def save_model(self, request: HttpRequest, obj: Price, form: Any, change: bool) -> None:
        domain.save_price(obj)

    def delete_model(self, request: HttpRequest, obj: Price) -> None:
        domain.delete_price(obj)


def _is_listed(price: Price | None) -> bool:
    return isinstance(price, Price) and price.source == PriceSource.SNAPSHOT
