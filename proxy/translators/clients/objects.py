"""
Reading the objects inside of a request, so that none of their fields gets lost.

A field that an object's shape does not know is refused by its path, unless it is null; a field of the wrong type likewise.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

from proxy.errors import BadRequest, Untranslatable
from proxy.wire.bad_request import UNREADABLE, bad_request

T = TypeVar("T", bound=msgspec.Struct)


def untranslatable(param: str) -> Untranslatable:
    """Return the error for a part of a request that no other provider has a word for."""
    return Untranslatable(f"The parameter '{param}' cannot be translated for this model's provider.", param=param)


def parse_value(raw: msgspec.Raw | bytes, where: str) -> Any:
    """Read JSON. Errors: BadRequest."""
    try:
        return msgspec.json.decode(raw)
    except UNREADABLE as error:
        raise bad_request(error, where) from error


def as_object(value: Any, where: str) -> dict[str, Any]:
    """Return the fields that were set: null is not set. Errors: BadRequest."""
    if not isinstance(value, dict):
        raise BadRequest(f"Invalid value for '{where}': expected an object.", param=where)
    return {name: item for name, item in value.items() if item is not None}


def read_object(kind: type[T], value: Any, where: str, hints: Iterable[str] = ()) -> T:
    """
    Return `value` in the shape of `kind`; `hints` are further fields that may be left out.

    Errors: Untranslatable for a field of another name, BadRequest for one of another type.
    """
    fields = as_object(value, where)
    for name in fields.keys() - set(kind.__struct_encode_fields__):
        if name not in hints:
            raise untranslatable(f"{where}.{name}")
    try:
        return msgspec.convert(fields, kind)
    except UNREADABLE as error:
        raise bad_request(error, where) from error
