"""Bodies of many rows: what was wrong with which of them, told at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rest_framework.exceptions import APIException

_TOLD_MAX_COUNT: Final = 1000
_WHOLE_ROW: Final = "non_field_errors"


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong with a row. `index` counts from 0; `param` is the row's field, None for the row as a whole."""

    index: int
    param: str | None
    message: str


class RowsRefused(APIException):
    """
    Nothing of a body was stored because of some of its rows.

    Shapes: becomes the contract's error about the first of them, with all of them (at most 1,000) in `errors` beside it.
    """

    def __init__(self, rows: Sequence[RowError], *, field: str, status: int = 400) -> None:
        """`field` names the body's list. `status`: 400, 404 (there are no such rows), 412 (they changed meanwhile)."""
        self.status_code = status
        self.rows = sorted(rows, key=lambda row: row.index)[:_TOLD_MAX_COUNT]
        first = self.rows[0]
        self.param = ".".join(part for part in (field, str(first.index), first.param) if part)
        super().__init__(first.message)


def row_errors(index: int, detail: Any) -> list[RowError]:
    """Return the first complaint of a validation about each field of a row."""
    return [RowError(index, path or None, message) for path, message in _first_of_each(detail)]


def _first_of_each(detail: Any) -> Iterator[tuple[str, str]]:
    fields: Iterable[tuple[str, Any]] = detail.items() if isinstance(detail, Mapping) else [(_WHOLE_ROW, detail)]
    for name, complaint in fields:
        path, inner = "" if name == _WHOLE_ROW else str(name), complaint
        while isinstance(inner, Mapping | list) and inner:
            if isinstance(inner, Mapping):
                key, inner = next(iter(inner.items()))
                path = f"{path}.{key}"
            else:
                inner = inner[0]
        yield path, str(inner)
