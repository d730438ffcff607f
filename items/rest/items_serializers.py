"""What is read and shown of an item over REST. Lists go from `values()` to JSON; `ItemOut` says the same and describes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError as DjangoValidationError
from rest_framework import serializers

from common.rest.queries import IdField, InstantField, StrictSerializer, TextField, WholeField
from items.choices import Priority, Status
from items.models import Item
from items.validators import DESCRIPTION_MAX_LENGTH, TAG_MAX_LENGTH, TAGS_MAX_COUNT, check_category, check_tags

ROWS_MAX_COUNT: Final = 1000
SHOWN: Final = (
    "id",
    "object",
    "workspace_id",
    "title",
    "description",
    "category",
    "priority",
    "status",
    "tags",
    "assignee",
    "due_at",
    "version",
    "created_at",
    "updated_at",
)
_OF_OTHERS: Final = {"object": None, "assignee": "assignee_id"}
"""What is shown and is no column of its name."""


def _rest(check: Callable[[Any], None]) -> Callable[[Any], None]:
    def checked(value: Any) -> None:
        try:
            check(value)
        except DjangoValidationError as error:
            raise serializers.ValidationError(error.messages) from error

    return checked


class TagsField(serializers.ListField):
    """Short texts, each once."""

    child = TextField(max_length=TAG_MAX_LENGTH)

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=TAGS_MAX_COUNT, validators=[_rest(check_tags)], **options)

    def to_internal_value(self, data: Any) -> list[str]:
        if isinstance(data, list) and len(data) > TAGS_MAX_COUNT:
            raise serializers.ValidationError(f"An item has at most {TAGS_MAX_COUNT} tags.")  # before each of a million is looked at
        tags: list[str] = super().to_internal_value(data)
        return list(dict.fromkeys(tags))


def _choice(choices: type[Priority] | type[Status], **options: Any) -> serializers.ChoiceField:
    message = f"Choose one of {', '.join(choices.values)}."
    return serializers.ChoiceField(choices=choices.choices, error_messages={"invalid_choice": message}, **options)


class ItemChanges(StrictSerializer):
    """An item as `PUT` writes it: what is not sent is as in a new one. Of `PATCH`: what is not sent stays."""

    title = TextField(max_length=200)
    description = TextField(max_length=DESCRIPTION_MAX_LENGTH, allow_blank=True, default="")
    category = TextField(max_length=64, allow_blank=True, default="", validators=[_rest(check_category)])
    priority = _choice(Priority, default=Priority.MEDIUM.value)
    status = _choice(Status, default=Status.NEW.value)
    tags = TagsField(default=list, help_text=f"At most {TAGS_MAX_COUNT} texts of at most {TAG_MAX_LENGTH} characters, without commas.")
    assignee = TextField(max_length=150, allow_null=True, default=None, help_text="The name of an account.")
    due_at = InstantField(allow_null=True, default=None)


class NewFields(ItemChanges):
    """A new item."""

    status = serializers.ChoiceField(
        choices=(Status.NEW.value,), default=Status.NEW.value, error_messages={"invalid_choice": "A new item has the status new."}
    )


class NewItem(NewFields):
    workspace = serializers.SlugField(required=False, help_text="Of people only, who have to name one: its slug.")


class ItemChange(ItemChanges):
    """One of several items that are changed: what is not sent stays. Read as a part of itself, but for the id."""

    id = IdField()
    version = WholeField(required=False, min_value=1, help_text="Change it only if it still has this version.")


class _ChangeShown(ItemChange):
    """How one of several changes is described: all but the id may be left out."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields()
        for name, field in fields.items():
            field.required = name == "id"
            field.default = serializers.empty
        return fields


class _Rows(StrictSerializer):
    """A list of objects that are looked at one by one later."""

    workspace = serializers.SlugField(required=False, help_text="Of people only, who have to name one: its slug.")

    def to_internal_value(self, data: Any) -> Any:
        rows = data.get("items") if isinstance(data, dict) else None
        if not isinstance(rows, list) or not 0 < len(rows) <= ROWS_MAX_COUNT:
            raise serializers.ValidationError({"items": [f"Send a list of 1 to {ROWS_MAX_COUNT} items."]})
        return super().to_internal_value(data | {"items": []}) | {"items": rows}


class NewItems(_Rows):
    items = serializers.ListField(child=NewFields(), allow_empty=True, max_length=ROWS_MAX_COUNT)


class ManyChanges(_Rows):
    items = serializers.ListField(child=_ChangeShown(), allow_empty=True, max_length=ROWS_MAX_COUNT)


class ItemOut(serializers.Serializer[Item]):
    id = serializers.UUIDField()
    object = serializers.CharField(default="item", help_text="`item`")
    workspace_id = serializers.UUIDField()
    title = serializers.CharField()
    description = serializers.CharField()
    category = serializers.CharField()
    priority = serializers.ChoiceField(choices=Priority.choices)
    status = serializers.ChoiceField(choices=Status.choices)
    tags = serializers.ListField(child=serializers.CharField())
    assignee = serializers.CharField(source="assignee.username", allow_null=True, default=None)
    due_at = serializers.DateTimeField(allow_null=True)
    version = serializers.IntegerField(help_text="Rises with every change; the ETag is made of it.")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class ItemsOut(serializers.Serializer[Any]):
    object = serializers.CharField(help_text="`list`")
    data = ItemOut(many=True)  # type: ignore[assignment]  # a field, which DRF takes out of the class


class ItemPageOut(ItemsOut):
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class SparseItemOut(ItemOut):
    """An item, or what `fields` named of it."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields()
        for field in fields.values():
            field.required = False
        return fields


class SparsePageOut(ItemPageOut):
    data = SparseItemOut(many=True)  # type: ignore[assignment]  # as above


def columns_of(shown: Iterable[str]) -> list[str]:
    """Return the columns that are read for these fields."""
    return [column for name in shown if (column := _OF_OTHERS.get(name, name)) is not None]


def describe_rows(rows: Sequence[dict[str, Any]], shown: Sequence[str] = SHOWN) -> list[dict[str, Any]]:
    """Return rows of `values()` as they are shown. Cost: one query where somebody is assigned and shown."""
    described = [{name: row.get(_OF_OTHERS.get(name) or name, "item") for name in shown} for row in rows]
    if "assignee" in shown:
        names = name_accounts({row["assignee_id"] for row in rows} - {None})
        for row in described:
            row["assignee"] = names.get(row["assignee"])
    return described


def describe_items(items: Iterable[Item]) -> list[dict[str, Any]]:
    """Return items as they are shown. Cost: as `describe_rows`."""
    columns = columns_of(SHOWN)
    return describe_rows([{name: getattr(item, name) for name in columns} for item in items])


def name_accounts(ids: set[int]) -> dict[int, str]:
    """Return the names of accounts. Cost: one query, none without ids."""
    accounts = get_user_model()._default_manager.filter(pk__in=ids)  # noqa: SLF001  # Django's public name
    return dict(accounts.values_list("pk", "username")) if ids else {}
