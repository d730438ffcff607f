"""Limits in the console."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from apikeys import domain
from apikeys.models import Limit
from common.admin import ConfigurationAdmin, display
from common.forms import ConsoleForm


class LimitForm(ConsoleForm):
    """Shows at the field what the domain would refuse."""

    class Meta:
        model = Limit
        fields = ("name", "scope", "workspace", "model", "unit", "amount", "window_s", "burst", "mode")
        labels = {"window_s": "Window, seconds"}
        help_texts = {"window_s": ""}

    def full_clean(self) -> None:
        super().full_clean()
        if self.errors:
            return
        try:
            domain.check_limit(self.instance)
        except ValidationError as error:
            self.add_error(None, error)


@admin.register(Limit)
class LimitAdmin(ConfigurationAdmin):
    form = LimitForm
    list_display = ("name", "scope", "allowance", "mode", "workspace", "model")
    list_filter = ("scope", "mode")
    list_select_related = ("workspace",)
    search_fields = ("name",)
    autocomplete_fields = ("workspace",)
    fieldsets = (
        (None, {"fields": ("name", "mode")}),
        ("What it counts", {"fields": ("scope", "workspace", "model")}),
        ("How much may pass", {"fields": ("unit", ("amount", "window_s"), "burst")}),
    )

    @display(description="Allowance")
    def allowance(self, limit: Limit) -> str:
        window = "second" if limit.window_s == 1 else f"{limit.window_s:,} s"
        burst = f", {limit.burst:,} at once" if limit.burst else ""
        return f"{limit.amount:,} {limit.get_unit_display().lower()} per {window}{burst}"

    def save_model(self, request: HttpRequest, obj: Limit, form: Any, change: bool) -> None:
        domain.save_limit(obj)

    def delete_model(self, request: HttpRequest, obj: Limit) -> None:
        domain.delete_limit(obj)
