"""
Pages of lists that can be sorted in several ways, found by the key of their last row: each page costs what the first one does.

Rules: the id breaks ties, in the direction of the order, so that one index serves both directions; rows without a value come last either
way.
A cursor is signed: it is taken back as it was given, for the order that it was given for, or not at all.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hmac
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from django.db.models import F, Model, Q, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan
from django.utils.crypto import salted_hmac
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from common.rest.queries import StrictSerializer

_SALT: Final = "gateway.rest.cursor"
_SIGNATURE_BYTES: Final = 12
_CURSOR_MAX_LENGTH: Final = 2048
_PAGE_MAX_COUNT: Final = 200

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND: Final = dt.timedelta(microseconds=1)


Row = dict[str, Any] | Model
"""A row of `values()`, or a model."""


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """
    Where a page ends: at the row with this id, and this value of the order's column, in the order of that name.

    Units: a time is unix time in microseconds.
    """

    order: str
    value: int | str | None
    id: uuid.UUID

    def dump(self) -> str:
        body = msgspec.json.encode(self)
        return base64.urlsafe_b64encode(_sign(body) + body).rstrip(b"=").decode()


def parse_cursor(text: str) -> Cursor | None:
    """Return the cursor that `dump` gave, None for anything else."""
    if len(text) > _CURSOR_MAX_LENGTH or not text.isascii():
        return None
    try:
        sealed = base64.b64decode(text.encode() + b"=" * (-len(text) % 4), b"-_", validate=True)
        if base64.urlsafe_b64encode(sealed).rstrip(b"=") != text.encode():
            return None  # the last character may be written in several ways
        signature, body = sealed[:_SIGNATURE_BYTES], sealed[_SIGNATURE_BYTES:]
        return msgspec.json.decode(body, type=Cursor) if hmac.compare_digest(signature, _sign(body)) else None
    except (binascii.Error, msgspec.MsgspecError):
        return None


def _sign(body: bytes) -> bytes:
    return salted_hmac(_SALT, body, algorithm="sha256").digest()[:_SIGNATURE_BYTES]


@dataclass(frozen=True, slots=True)
class Order:
    """
    One way to sort a list, `name` with `-` in front where it falls. An index on (..., column, id) must exist.

    `id` is the column that breaks ties; where it is `column` itself, ids rise with time and are all there is to sort by.
    """

    name: str
    column: str
    is_time: bool = False
    is_nullable: bool = False
    id: str = "id"

    @property
    def is_descending(self) -> bool:
        return self.name.startswith("-")

    def cursor_of(self, row: Row) -> Cursor:
        """`row` has the order's column and the id."""
        row_id = _read(row, self.id)
        value = None if self.column == self.id else _read(row, self.column)
        if isinstance(value, dt.datetime):
            value = (value - _EPOCH) // _MICROSECOND
        return Cursor(self.name, value, row_id)

    def columns(self, sign: str) -> list[str]:
        return [f"{sign}{name}" for name in dict.fromkeys((self.column, self.id))]

    def parts(self, *, is_back: bool) -> tuple[bool | None, ...]:
        """Return what is walked through one after the other, as the value of `isnull`; None: all at once."""
        if not self.is_nullable:
            return (None,)
        return (True, False) if is_back else (False, True)

    def part_of(self, cursor: Cursor) -> bool | None:
        return cursor.value is None if self.is_nullable else None

    def beyond(self, cursor: Cursor, *, is_back: bool) -> Q:
        """
        Return what lies beyond a cursor within its part: a comparison of rows, which an index answers at once.

        Beside it stands one of times, by which PostgreSQL leaves out partitions.
        """
        is_rising = self.is_descending == is_back
        way = "gt" if is_rising else "lt"
        if cursor.value is None:
            return Q(**{f"{self.id}__{way}": cursor.id})
        value = _EPOCH + cursor.value * _MICROSECOND if self.is_time and isinstance(cursor.value, int) else cursor.value
        compare = TupleGreaterThan if is_rising else TupleLessThan
        rows = Q(compare(Tuple(F(self.column), F(self.id)), (value, cursor.id)))
        return Q(**{f"{self.column}__{way}e": value}) & rows if self.is_time else rows


def _read(row: Row, name: str) -> Any:
    return row[name] if isinstance(row, dict) else getattr(row, name)


def read_rows(rows: QuerySet[Any, Any], order: Order, cursor: Cursor | None, count: int, *, is_back: bool = False) -> list[Any]:
    """
    Return the next `count` rows beyond a cursor (or the first), in the order they are walked through: backwards with `is_back`.

    Shapes: `rows` are models, or `values()` with the id and the order's column. Cost: one query; two where rows without a value begin.
    """
    found: list[Any] = []
    parts = order.parts(is_back=is_back)
    if cursor is not None:
        parts = parts[parts.index(order.part_of(cursor)) :]
    sign = "" if order.is_descending == is_back else "-"
    for part in parts:
        some = rows if part is None else rows.filter(**{f"{order.column}__isnull": part})
        if cursor is not None and part == order.part_of(cursor):
            some = some.filter(order.beyond(cursor, is_back=is_back))
        found += some.order_by(*order.columns(sign))[: count - len(found)]
        if len(found) == count:
            break
    return found


@dataclass(frozen=True, slots=True)
class Page:
    """`next` and `previous` are paths, None at an end."""

    rows: list[Any]
    next: str | None
    previous: str | None


def read_page(
    request: Request,
    rows: QuerySet[Any, Any],
    order: Order,
    query: dict[str, Any],
    *,
    read: Callable[..., list[Any]] = read_rows,
) -> Page:
    """
    Return the page that a checked query asks for: `limit` rows `after` or `before` a cursor, or the first.

    Cost: that of `read`, which is called as `read_rows` is.
    """
    limit, cursor, is_back = query["limit"], query.get("before") or query.get("after"), "before" in query
    found = read(rows, order, cursor, limit + 1, is_back=is_back)
    has_beyond, found = len(found) > limit, found[:limit]
    if is_back:
        found.reverse()
    has_next, has_previous = (True, has_beyond) if is_back else (has_beyond, cursor is not None)
    return Page(
        found,
        _path(request, after=order.cursor_of(found[-1]).dump()) if found and has_next else None,
        _path(request, before=order.cursor_of(found[0]).dump()) if found and has_previous else None,
    )


def _path(request: Request, **cursor: str) -> str:
    kept = {name: value for name, value in request.query_params.items() if name not in {"after", "before"}}
    return f"{request.path}?{urlencode(kept | cursor)}"


@extend_schema_field(OpenApiTypes.STR)
class SignedCursorField(serializers.Field[Any, Any, Any, Any]):
    def to_internal_value(self, data: Any) -> Cursor:
        cursor = parse_cursor(str(data))
        if cursor is None:
            raise serializers.ValidationError("This is no cursor. Take it from `next` or `previous` of a page.")
        return cursor

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field(OpenApiTypes.STR)
class OrderField(serializers.Field[Any, Any, Any, Any]):
    """The name of an order; with `-` in front it falls."""

    def __init__(self, orders: Sequence[Order], **options: Any) -> None:
        self.orders = {order.name: order for order in orders}
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> Order:
        order = self.orders.get(str(data))
        if order is None:
            raise serializers.ValidationError(f"Choose one of {', '.join(self.orders)}.")
        return order

    def to_representation(self, value: Any) -> Any:
        return value


class PageQuery(StrictSerializer):
    """Which page of a list: of one that is sorted in one way, unless `order_of` says otherwise."""

    order: Order
    limit = serializers.IntegerField(min_value=1, max_value=_PAGE_MAX_COUNT, default=50)
    after = SignedCursorField(required=False)
    before = SignedCursorField(required=False)

    def order_of(self, attrs: dict[str, Any]) -> Order:
        return self.order

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "after" in attrs and "before" in attrs:
            raise serializers.ValidationError({"before": ["Send either `after` or `before`."]})
        order = self.order_of(attrs)
        for name in ("after", "before"):
            if name in attrs and attrs[name].order != order.name:
                raise serializers.ValidationError({name: [f"This cursor is of the order {attrs[name].order}, this list of {order.name}."]})
        checked: dict[str, Any] = super().validate(attrs)
        return checked
