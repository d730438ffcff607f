"""Checks of what stands in a query or a body: nothing unknown is ignored, times may be relative, lists are bounded."""

from __future__ import annotations

import datetime as dt
import re
import threading
import uuid
from collections.abc import Mapping
from typing import Any, Final

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

_AGO: Final = re.compile(r"(\d{1,6})(m|h|d|w)\Z", re.ASCII)
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_FIRST: Final = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
_LAST: Final = dt.datetime(2200, 1, 1, tzinfo=dt.UTC)
_REPLACED: Final = "\ufffd"
"""What Django puts in the place of bytes that are no UTF-8."""


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses names that it does not know: a typing error must not look like a filter that matched everything."""

    def to_internal_value(self, data: Any) -> Any:
        unknown = sorted(set(data) - set(self.fields)) if isinstance(data, Mapping) else []
        if unknown:
            raise serializers.ValidationError({unknown[0]: [f"There is no such field. There are: {', '.join(self.fields)}."]})
        return super().to_internal_value(data)


def read_query(kind: type[StrictSerializer], request: Request) -> dict[str, Any]:
    """Return the checked query. Errors: ValidationError, also for a parameter that was sent twice and one that is no UTF-8."""
    for name, values in request.query_params.lists():
        if len(values) > 1:
            raise serializers.ValidationError({name: ["Send it once."]})
        if _REPLACED in name or _REPLACED in values[0]:
            raise serializers.ValidationError({name: ["This is no text in UTF-8."]})
    query = _ready(kind, dict(request.query_params.items()), {"request": request})
    query.is_valid(raise_exception=True)
    checked: dict[str, Any] = query.validated_data
    return checked


_of_thread = threading.local()


def _ready(kind: type[StrictSerializer], data: dict[str, Any], context: dict[str, Any]) -> StrictSerializer:
    """
    Return a serializer that has not checked anything yet: this thread's last one of its kind, made to forget.

    A new one copies all its fields, deeply, which takes longer than checking them.
    """
    made: dict[type[StrictSerializer], StrictSerializer] = _of_thread.__dict__.setdefault("made", {})
    found = made.get(kind)
    if found is None:
        found = made[kind] = kind(data={})
    for checked in ("_validated_data", "_errors", "_data"):
        found.__dict__.pop(checked, None)
    found.initial_data = data
    found._context = context  # noqa: SLF001  # what its constructor sets
    return found


def read_body(kind: type[StrictSerializer], request: Request, *, is_partial: bool = False) -> dict[str, Any]:
    """Return the checked body. Errors: ValidationError."""
    body = kind(data=request.data, context={"request": request}, partial=is_partial)
    body.is_valid(raise_exception=True)
    checked: dict[str, Any] = body.validated_data
    return checked


@extend_schema_field(OpenApiTypes.STR)
class MomentField(serializers.Field[Any, Any, Any, Any]):
    """A time: ISO 8601 (UTC without an offset), a date, `now`, or how long ago, such as `90m`, `24h`, `30d`, `2w`."""

    def to_internal_value(self, data: Any) -> dt.datetime:
        moment = _parse_moment(str(data).strip())
        if moment is None or not _FIRST <= moment <= _LAST:
            raise serializers.ValidationError("Write a time as 2026-03-01T12:00:00Z, 2026-03-01, now, or how long ago: 24h, 30d.")
        return moment

    def to_representation(self, value: Any) -> Any:
        return value


def _parse_moment(text: str) -> dt.datetime | None:
    now = timezone.now()
    if text == "now":
        return now
    if ago := _AGO.match(text):
        return now - dt.timedelta(**{_UNITS[ago[2]]: min(int(ago[1]), 50_000)})
    return _parse_iso(text)


def _parse_iso(text: str) -> dt.datetime | None:
    try:
        moment = parse_datetime(text)
        if moment is None and (day := parse_date(text)) is not None:
            moment = dt.datetime(day.year, day.month, day.day)  # noqa: DTZ001  # made aware below
        if moment is not None and moment.tzinfo is None:
            moment = moment.replace(tzinfo=dt.UTC)
        return moment.astimezone(dt.UTC) if moment is not None else None
    except (ValueError, OverflowError):
        return None


@extend_schema_field(OpenApiTypes.DATETIME)
class InstantField(serializers.Field[Any, Any, Any, Any]):
    """A time in a body: ISO 8601 (UTC without an offset) or a date, which is its midnight in UTC; of the years 2000 to 2199."""

    def to_internal_value(self, data: Any) -> dt.datetime:
        moment = _parse_iso(data) if isinstance(data, str) else None
        if moment is None or not _FIRST <= moment < _LAST:
            raise serializers.ValidationError("Write a time of the years 2000 to 2199 as 2026-03-01T12:00:00Z or 2026-03-01.")
        return moment

    def to_representation(self, value: Any) -> Any:
        return value


class TextField(serializers.CharField):
    """A text and nothing that could be made one: a number or a truth value is refused."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class IdField(serializers.UUIDField):
    """An id as text: a number is refused."""

    def to_internal_value(self, data: Any) -> uuid.UUID:
        if not isinstance(data, str):
            self.fail("invalid", value=type(data).__name__)
        checked: uuid.UUID = super().to_internal_value(data)
        return checked


class WholeField(serializers.IntegerField):
    """A whole number in a body: a text is refused, as is a truth value."""

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return super().to_internal_value(data)


@extend_schema_field(OpenApiTypes.STR)
class ChoicesField(serializers.Field[Any, Any, Any, Any]):
    """Some of a few words, with commas between."""

    def __init__(self, choices: tuple[str, ...], **options: Any) -> None:
        self.choices = choices
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> tuple[str, ...]:
        chosen = tuple(dict.fromkeys(word for part in str(data).split(",") if (word := part.strip())))
        if unknown := [word for word in chosen if word not in self.choices]:
            raise serializers.ValidationError(f"{unknown[0][:50]!r} is none of {', '.join(self.choices)}.")
        return chosen

    def to_representation(self, value: Any) -> Any:
        return value


class SpanQuery(StrictSerializer):
    """From when to when; the last 30 days unless told otherwise."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        ends = {"from": MomentField(required=False), "to": MomentField(required=False)}  # `from` is no name for an attribute
        return ends | super().get_fields()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs.setdefault("to", timezone.now())
        attrs.setdefault("from", attrs["to"] - dt.timedelta(days=30))
        if attrs["from"] >= attrs["to"]:
            raise serializers.ValidationError({"from": ["The time it begins must be before the time it ends."]})
        return attrs
