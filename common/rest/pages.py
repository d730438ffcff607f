"""
Pages of long lists, found by the key of their last row: the thousandth page costs what the first one does, and nothing is counted.

A cursor is `<microseconds>_<id>`, or `<id>` where ids rise with time. `after` asks for older rows, `before` for newer ones.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import Model, Q, QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common.rest.queries import StrictSerializer
from common.rest.views import list_of

_CURSOR: Final = re.compile(r"(?:(\d{1,17})_)?([0-9a-f]{32})\Z", re.ASCII)
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_PAGE_MAX_COUNT: Final = 200


@extend_schema_field(OpenApiTypes.STR)
class CursorField(serializers.Field[Any, Any, Any, Any]):
    def to_internal_value(self, data: Any) -> tuple[dt.datetime, uuid.UUID]:
        found = _CURSOR.match(str(data))
        if found is None:
            raise serializers.ValidationError("This is no cursor. Take it from `next` or `previous` of a page.")
        return _EPOCH + dt.timedelta(microseconds=int(found[1] or 0)), uuid.UUID(found[2])

    def to_representation(self, value: Any) -> Any:
        return value


class PageQuery(StrictSerializer):
    limit = serializers.IntegerField(min_value=1, max_value=_PAGE_MAX_COUNT, default=50)
    after = CursorField(required=False)
    before = CursorField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "after" in attrs and "before" in attrs:
            raise serializers.ValidationError({"before": ["Send either `after` or `before`."]})
        checked: dict[str, Any] = super().validate(attrs)
        return checked


@dataclass(frozen=True, slots=True)
class Keyset:
    """What rows are sorted by, newest first. `moment` is empty where the id alone does."""

    id: str
    moment: str = ""

    def cursor_of(self, row: Model) -> str:
        name: str = getattr(row, self.id).hex
        if not self.moment:
            return name
        since = getattr(row, self.moment) - _EPOCH
        return f"{since // dt.timedelta(microseconds=1)}_{name}"

    def ordering(self, sign: str) -> list[str]:
        return [f"{sign}{name}" for name in (self.moment, self.id) if name]

    def beyond(self, cursor: tuple[dt.datetime, uuid.UUID], way: str) -> Q:
        """Return what lies beyond a cursor; `way` is `lt` or `gt`. The first condition lets PostgreSQL leave out partitions."""
        moment, row_id = cursor
        if not self.moment:
            return Q(**{f"{self.id}__{way}": row_id})
        same = Q(**{self.moment: moment, f"{self.id}__{way}": row_id})
        return Q(**{f"{self.moment}__{way}e": moment}) & (Q(**{f"{self.moment}__{way}": moment}) | same)


def send_page(
    request: Request, rows: QuerySet[Any], keyset: Keyset, query: dict[str, Any], describe: Callable[[list[Any]], list[dict[str, Any]]]
) -> Response:
    """
    Return one page with the paths of the `next` (older) and the `previous` (newer) one, null where there is none.

    Cost: one query, and those of `describe`, which turns all rows of the page into what is shown.
    """
    limit, is_back = query["limit"], "before" in query
    cursor = query.get("before") or query.get("after")
    if cursor is not None:
        rows = rows.filter(keyset.beyond(cursor, "gt" if is_back else "lt"))
    found = list(rows.order_by(*keyset.ordering("" if is_back else "-"))[: limit + 1])
    has_beyond, found = len(found) > limit, found[:limit]
    if is_back:
        found.reverse()
    has_older, has_newer = (True, has_beyond) if is_back else (has_beyond, cursor is not None)
    return list_of(
        describe(found),
        next=_path(request, after=keyset.cursor_of(found[-1])) if found and has_older else None,
        previous=_path(request, before=keyset.cursor_of(found[0])) if found and has_newer else None,
    )


def _path(request: Request, **cursor: str) -> str:
    kept = {name: value for name, value in request.query_params.items() if name not in {"after", "before"}}
    return f"{request.path}?{urlencode(kept | cursor)}"
