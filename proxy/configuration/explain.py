"""What is allowed at the place where a file went wrong, in words added to msgspec's own message."""

from __future__ import annotations

import re
from enum import Enum
from typing import Any

from msgspec import inspect

_PLACE = re.compile(r" - at `(?P<path>\$[^`]*)`$")
_STEP = re.compile(r"\.(?P<field>[A-Za-z0-9_]+)|\[(?:\d+|\.\.\.)\]")


def explain(message: str, document: type) -> tuple[str, str]:
    """Return `message` with what the format allows at its place behind it, and the place."""
    found = _PLACE.search(message)
    path = found["path"] if found else "$"
    text = message[: found.start()] if found else message
    allowed = _describe(_type_at(inspect.type_info(document), path))
    return (f"{text}. {allowed}" if allowed else text), path


def _type_at(kind: inspect.Type, path: str) -> inspect.Type:
    for step in _STEP.finditer(path):
        kind = _plain(kind)
        if isinstance(kind, inspect.StructType) and step["field"]:
            kind = next(field.type for field in kind.fields if field.encode_name == step["field"])
        elif isinstance(kind, inspect.ListType):
            kind = kind.item_type
    return _plain(kind)


def _plain(kind: inspect.Type) -> inspect.Type:
    """Return what is behind annotations, and the one choice that is not null."""
    if isinstance(kind, inspect.Metadata):
        return _plain(kind.type)
    if isinstance(kind, inspect.UnionType):
        others = [choice for choice in kind.types if not isinstance(choice, inspect.NoneType)]
        return _plain(others[0]) if len(others) == 1 else kind
    return kind


def _describe(kind: inspect.Type) -> str:
    if isinstance(kind, inspect.StructType):
        return f"Allowed: {', '.join(field.encode_name for field in kind.fields)}"
    enumeration: Any = getattr(kind, "cls", None)
    if isinstance(enumeration, type) and issubclass(enumeration, Enum):
        return f"Allowed: {', '.join(member.value for member in enumeration)}"
    return "Write it like 2026-01-31T00:00:00Z" if isinstance(kind, inspect.DateTimeType) else ""
