"""Filters of the console's lists that ask the database for nothing but the rows of the page."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

if TYPE_CHECKING:  # unfold carries no types
    from django.contrib.admin import ChoicesFieldListFilter, RelatedFieldListFilter, SimpleListFilter

    ChoiceFilter = SimpleListFilter
    FieldChoiceFilter = ChoicesFieldListFilter
    RelatedFilter = RelatedFieldListFilter
    _TextFilter = SimpleListFilter
else:
    from unfold.contrib.filters.admin import AutocompleteSelectFilter as RelatedFilter
    from unfold.contrib.filters.admin import ChoicesRadioFilter as FieldChoiceFilter
    from unfold.contrib.filters.admin import RadioFilter as ChoiceFilter
    from unfold.contrib.filters.admin import TextFilter as _TextFilter

__all__ = ["ChoiceFilter", "ExactFilter", "FieldChoiceFilter", "RelatedFilter", "SpanFilter"]


class ExactFilter(_TextFilter):
    """A box for a whole value. It offers none: collecting those in use would read the whole table."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = (self.value() or "").strip()
        return queryset.filter(**{str(self.parameter_name): value}) if value else queryset


_SPANS = {
    "1h": ("Past hour", dt.timedelta(hours=1)),
    "24h": ("Past 24 hours", dt.timedelta(hours=24)),
    "7d": ("Past 7 days", dt.timedelta(days=7)),
    "30d": ("Past 30 days", dt.timedelta(days=30)),
}


class SpanFilter(ChoiceFilter):
    """Bounds a list of rows with a time `ts`, so that a rare value is not looked for in all partitions unless someone asks for it."""

    title = "time"
    parameter_name = "span"
    all_option = None

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [*((value, title) for value, (title, _) in _SPANS.items()), ("any", "Any time")]

    def value(self) -> str:
        return super().value() or "24h"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in _SPANS:
            return queryset
        return queryset.filter(ts__gte=timezone.now() - _SPANS[self.value()][1])
