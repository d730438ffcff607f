"""What may be asked of items: which of them, in which order, and what of each."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.auth import get_user_model
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from common.rest.orders import Order, OrderField, PageQuery
from common.rest.queries import ChoicesField, MomentField, StrictSerializer, TextField
from items.choices import Priority, Status
from items.rest.items_serializers import SHOWN
from items.validators import TAGS_MAX_COUNT

_WORDS_MAX_LENGTH: Final = 4000
_COLUMNS: Final = {
    "created_at": "created_at",
    "updated_at": "updated_at",
    "due_at": "due_at",
    "priority": "priority_rank",
    "title": "title",
}
ORDERS: Final = tuple(
    Order(sign + name, column, is_time=name.endswith("_at"), is_nullable=name == "due_at")
    for name, column in _COLUMNS.items()
    for sign in ("", "-")
)
NEWEST_FIRST: Final = next(order for order in ORDERS if order.name == "-created_at")
OLDEST_FIRST: Final = next(order for order in ORDERS if order.name == "created_at")


@extend_schema_field(OpenApiTypes.STR)
class WordsField(serializers.Field[Any, Any, Any, Any]):
    """Words with commas between. With `allow_blank`, an empty text is the one empty word."""

    def __init__(self, *, allow_blank: bool = False, max_count: int = TAGS_MAX_COUNT, **options: Any) -> None:
        self._max_count = max_count
        self._text = TextField(max_length=_WORDS_MAX_LENGTH, allow_blank=allow_blank)
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> list[str]:
        text = self._text.run_validation(data)
        words = list(dict.fromkeys(word.strip() for word in text.split(",")))
        if len(words) > self._max_count:
            raise serializers.ValidationError(f"Name at most {self._max_count}.")
        if "" in words and text:
            raise serializers.ValidationError("Write words with commas between.")
        return words

    def to_representation(self, value: Any) -> Any:
        return value


class _NamedChoices(ChoicesField):
    """At least one of a few words."""

    def to_internal_value(self, data: Any) -> tuple[str, ...]:
        chosen = super().to_internal_value(data)
        if not chosen:
            raise serializers.ValidationError(f"Name some of {', '.join(self.choices)}.")
        return chosen


class WorkspaceQuery(StrictSerializer):
    workspace = serializers.SlugField(required=False, help_text="Of people only, who have to name one: its slug. A key has its own.")


class ItemFilters(WorkspaceQuery):
    category = WordsField(required=False, allow_blank=True, help_text="Several with commas; empty: items without one.")
    priority = _NamedChoices(tuple(Priority.values), required=False, help_text="Several with commas.")
    status = _NamedChoices(tuple(Status.values), required=False, help_text="Several with commas.")
    assignee = WordsField(required=False, help_text="Names of accounts, with commas between.")
    is_assigned = serializers.BooleanField(required=False)
    tags = WordsField(required=False, help_text="Items with any of these tags.")
    tags_all = WordsField(required=False, help_text="Items with all of these tags.")
    q = TextField(required=False, max_length=500, help_text='Words in title and description, as to a search engine: `rust "in full" -not`.')
    created_after = MomentField(required=False, help_text="Then or later.")
    created_before = MomentField(required=False, help_text="Earlier.")
    updated_after = MomentField(required=False, help_text="Then or later.")
    updated_before = MomentField(required=False, help_text="Earlier.")
    due_after = MomentField(required=False, help_text="Then or later.")
    due_before = MomentField(required=False, help_text="Earlier. Items that are due at no time are in neither.")


class ItemQuery(PageQuery, ItemFilters):
    ordering = OrderField(ORDERS, required=False, help_text=f"One of {', '.join(order.name for order in ORDERS)}; newest first without it.")
    fields = _NamedChoices(SHOWN, required=False, help_text="Only these fields, with commas between.")  # type: ignore[assignment]  # DRF takes it out of the class

    def order_of(self, attrs: dict[str, Any]) -> Order:
        order: Order = attrs.get("ordering", NEWEST_FIRST)
        return order


class ExportQuery(ItemFilters):
    format = serializers.ChoiceField(choices=("csv", "ndjson"), required=False, help_text="Without it: what the header Accept asks for.")
    fields = _NamedChoices(SHOWN, required=False, help_text="Only these fields, with commas between.")  # type: ignore[assignment]  # as above


def filters_of(query: dict[str, Any]) -> dict[str, Any]:
    """Return what `ItemQuerySet.matching` takes. Cost: one query where accounts are named. Errors: ValidationError for an unknown one."""
    if "assignee" not in query:
        return query
    return query | {"assignee_ids": list(find_accounts(query["assignee"], "assignee").values())}


def find_accounts(names: list[str], param: str) -> dict[str, int]:
    """Return the ids of accounts by their names. Errors: ValidationError. Cost: one query."""
    found = known_accounts(names)
    if missing := [name for name in names if name not in found]:
        raise ValidationError({param: [f"There is no account {missing[0][:150]!r}."]})
    return found


def known_accounts(names: list[str]) -> dict[str, int]:
    """Return the ids of those names that an account has. Cost: one query, none without names."""
    accounts = get_user_model()._default_manager.filter(username__in=names)  # noqa: SLF001  # Django's public name
    return dict(accounts.values_list("username", "pk")) if names else {}
