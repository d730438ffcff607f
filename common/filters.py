"""Filters of the console's lists that ask the database for nothing but the rows of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.http import HttpRequest

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

__all__ = ["ChoiceFilter", "ExactFilter", "FieldChoiceFilter", "RelatedFilter"]


class ExactFilter(_TextFilter):
    """A box for a whole value. It offers none: collecting those in use would read the whole table."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = (self.value() or "").strip()
        return queryset.filter(**{str(self.parameter_name): value}) if value else queryset
