"""Money in the console's forms and lists: dollars to people, nano-dollars to the tables."""

from __future__ import annotations

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminTextInputWidget

from proxy.configuration.money import format_usd, parse_usd


class UsdField(forms.CharField):
    """An amount of dollars as text; the program sees nano-dollars, None where it is empty."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"widget": UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"})} | options)

    def prepare_value(self, value: Any) -> Any:
        return format_usd(value) if isinstance(value, int) else value

    def to_python(self, value: Any) -> Any:
        if isinstance(value, int):
            return value
        text = (value or "").strip().removeprefix("$")
        if not text:
            return None
        try:
            return parse_usd(text)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(initial != self.to_python(data))
        except forms.ValidationError:
            return True


def show_usd(nano_usd: int) -> str:
    return f"${format_usd(nano_usd)}"
