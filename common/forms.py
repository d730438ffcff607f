"""Forms and form fields that several apps share."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django import forms
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from common.money import format_usd, parse_usd

if TYPE_CHECKING:  # generic for type checkers only
    ConsoleForm = forms.ModelForm[Any]
else:
    ConsoleForm = forms.ModelForm


class WordsField(forms.CharField):
    """Several short values, one a line or separated by commas; a list of strings to the program."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"required": False, "widget": UnfoldAdminTextareaWidget(attrs={"rows": 3})} | options)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        words = value if isinstance(value, list) else re.split(r"[,\r\n]", value or "")
        return [word.strip() for word in words if word.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.to_python(initial) != self.to_python(data))


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
