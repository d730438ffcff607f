"""The top-level fields of a request of one of OpenAI's dialects, so that none of them gets lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from proxy.translators.clients.objects import parse_value, untranslatable
from proxy.wire.bad_request import bad_request
from proxy.wire.model_request import ModelRequest

T = TypeVar("T", bound=msgspec.Struct)


def read_fields(request: ModelRequest, kind: type[T], hints: frozenset[str], inert: Mapping[str, tuple[Any, ...]]) -> T:
    """
    Return the fields that were set in the shape of `kind`; null is not set. `hints` may be left out, and so may a field of `inert` with
    one of the values given there, which ask for nothing beyond what every provider does.

    Errors: Untranslatable for any other field, BadRequest for a value of another type.
    """
    known: dict[str, Any] = {}
    for name, raw in request.fields.items():
        if name in hints or bytes(raw) == b"null":
            continue
        value = parse_value(raw, name)
        if name in kind.__struct_fields__:
            known[name] = value
        elif value not in inert.get(name, ()):
            raise untranslatable(name)
    try:
        return msgspec.convert(known, kind)
    except msgspec.ValidationError as error:
        raise bad_request(error) from error
