"""
Pages of signals, looked for in the newest days first.

A query over all days plans, opens and merges a partition for each of them, for a page that the last one nearly always fills. So a page is
looked for in a day, then in a week, then in all that is left: rare signals are found, and usual ones in one partition.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any, Final

from django.db.models import QuerySet
from django.utils import timezone

from common.rest.orders import Cursor, Order, read_rows
from items.rest.signals_serializers import first_moment
from items.signal_rows import FUTURE_MAX

_SPANS: Final = (dt.timedelta(days=1), dt.timedelta(days=7))
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND: Final = dt.timedelta(microseconds=1)

Rows = list[dict[str, Any]]


def reader_between(since: dt.datetime | None, until: dt.datetime | None) -> Callable[..., Rows]:
    """Return a reader for `read_page` that keeps to signals of this time. Cost: one query for a page that is full soon, three at most."""
    bounds = since or first_moment(), until or timezone.now() + 2 * FUTURE_MAX

    def read(rows: QuerySet[Any, dict[str, Any]], order: Order, cursor: Cursor | None, count: int, *, is_back: bool = False) -> Rows:
        found: Rows = []
        for first, last in _spans(*_cut(*bounds, cursor, is_back=is_back), is_back=is_back):
            found += read_rows(rows.filter(ts__gte=first, ts__lt=last), order, cursor, count - len(found), is_back=is_back)
            if len(found) == count:
                break
        return found

    return read


def _cut(first: dt.datetime, last: dt.datetime, cursor: Cursor | None, *, is_back: bool) -> tuple[dt.datetime, dt.datetime]:
    """Leave out what lies on the other side of a cursor."""
    if cursor is None or not isinstance(cursor.value, int):
        return first, last
    moment = _EPOCH + cursor.value * _MICROSECOND
    return (max(first, moment), last) if is_back else (first, min(last, moment + _MICROSECOND))


def _spans(first: dt.datetime, last: dt.datetime, *, is_back: bool) -> Iterator[tuple[dt.datetime, dt.datetime]]:
    for length in (*_SPANS, last - first):
        if first >= last:
            return
        if is_back:
            end = min(last, first + length)
            yield first, end
            first = end
        else:
            begin = max(first, last - length)
            yield begin, last
            last = begin
