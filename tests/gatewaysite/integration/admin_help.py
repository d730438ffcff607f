"""What the tests of the console share: rows of any model, made by what their fields need, and the forms of a page."""

from __future__ import annotations

import html.parser
import itertools
from typing import Any

import pytest
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Model
from django.http import HttpResponse
from django.utils import timezone

from common.ids import create_uuid7, timestamp
from items.models import Signal
from proxy.models import UsageRecord

MARKS = [pytest.mark.django_db]

_numbers = itertools.count(1)


def make_row(model: type[Model], **values: Any) -> Any:
    """Store a row of `model` in which every field without a default holds something that fits."""
    for field in model._meta.concrete_fields:
        if field.name not in values and not field.has_default() and not _is_automatic(field):
            values[field.name] = _example(field)
    if model is UsageRecord:
        values["ts"] = timestamp(values["request_id"])
    if model is Signal:
        values["ts"] = timestamp(values["id"])
    return model._base_manager.create(**values)


def make_family(model: type[Model]) -> Any:
    """Store a row of `model` with one row of everything that belongs to such a row."""
    row = make_row(model)
    for relation in model._meta.related_objects:
        if relation.one_to_many:
            make_row(relation.related_model, **{relation.field.name: row})
    return row


def _is_automatic(field: models.Field) -> bool:
    is_made = isinstance(field, models.AutoField | models.GeneratedField)
    return is_made or getattr(field, "auto_now_add", False) or getattr(field, "auto_now", False)


def _example(field: models.Field) -> Any:
    number = next(_numbers)
    if field.choices:
        return field.choices[0][0]
    if isinstance(field, models.ForeignKey):
        return None if field.null else make_row(field.related_model)
    examples: list[tuple[type, Any]] = [
        (models.UUIDField, create_uuid7()),
        (models.BooleanField, True),
        (models.EmailField, f"{number}@example.com"),
        (ArrayField, []),
        (models.CharField, f"name-{number}"),
        (models.TextField, f"text {number}"),
        (models.DateTimeField, timezone.now()),
        (models.JSONField, {"number": number}),
        (models.BinaryField, str(number).encode()),
        (models.FloatField, 1.0),
        (models.IntegerField, number),
    ]
    if field.null:
        return None
    return next(example for kind, example in examples if isinstance(field, kind))


class _FormReader(html.parser.HTMLParser):
    """Collects what a browser would post from the form with most fields."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, Any] = {}
        self._select: str | None = None
        self._area: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        name = values.get("name")
        if tag == "input" and name and "__prefix__" not in name:
            self._read_input(name, values)
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in values and "__prefix__" not in self._select:
            self.values.setdefault(self._select, []).append(values.get("value", ""))
        elif tag == "textarea" and name:
            self._area = name
            self.values[name] = ""

    def _read_input(self, name: str, values: dict[str, str | None]) -> None:
        kind = values.get("type", "text")
        if kind in {"checkbox", "radio"} and "checked" not in values:
            return
        if kind == "checkbox" and name in self.values:  # one box of several for the same field
            earlier = self.values[name]
            self.values[name] = [*(earlier if isinstance(earlier, list) else [earlier]), values.get("value") or "on"]
        elif kind not in {"submit", "button"}:
            self.values[name] = values.get("value") or ("on" if kind == "checkbox" else "")

    def handle_data(self, data: str) -> None:
        if self._area:
            self.values[self._area] += data.lstrip("\n") if not self.values[self._area] else data

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = None
        elif tag == "textarea":
            self._area = None


def read_form(page: HttpResponse) -> dict[str, Any]:
    """Return what a browser would post from this page as it stands."""
    reader = _FormReader()
    reader.feed(page.content.decode())
    return {name: value for name, value in reader.values.items() if name not in {"q", "s", "csrfmiddlewaretoken"}}
