"""
The events of a stream as JSON that is read a level at a time, so that what is not changed keeps its bytes.

Rules: what a reader may read in two ways is mended before it is looked at, and sent mended.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import msgspec

from guardrails.json_text import find_leaves, replace_leaves
from proxy.wire.bad_request import UNREADABLE
from proxy.wire.sse import encode_event

Fields = dict[str, msgspec.Raw]

_encoder: Final = msgspec.json.Encoder()
_fields_decoder: Final = msgspec.json.Decoder(Fields)
_list_decoder: Final = msgspec.json.Decoder(list[Fields])
_text_decoder: Final = msgspec.json.Decoder(str)
encode: Final = _encoder.encode

QUOTE: Final = ord('"')
BRACKET: Final = ord("[")
BRACE: Final = ord("{")

_ESCAPE: Final = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u([dD])[89a-fA-F][0-9a-fA-F]{2}|\\.", re.DOTALL)


def parse_fields(raw: bytes | msgspec.Raw) -> Fields:
    return _fields_decoder.decode(raw)


def parse_list(raw: bytes | msgspec.Raw) -> list[Fields]:
    return _list_decoder.decode(raw)


def parse_text(raw: bytes | msgspec.Raw) -> str:
    return _text_decoder.decode(raw)


def raw_text(text: str) -> msgspec.Raw:
    return msgspec.Raw(encode(text))


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(encode(value))


def first_byte(value: msgspec.Raw | None) -> int:
    """Return what a value begins with, which says what it is: 0 for one that is not there."""
    return 0 if value is None else memoryview(value)[0]


def text_of(fields: Fields, name: str) -> str:
    """Return a string among some fields, empty without one."""
    value = fields.get(name)
    return parse_text(value) if value is not None and first_byte(value) == QUOTE else ""


def number_of(fields: Fields, name: str, otherwise: int = 0) -> int:
    """Return a whole number among some fields."""
    value = fields.get(name)
    written = b"" if value is None else bytes(value)
    return int(written) if written.isdigit() and len(written) < 10 else otherwise


def objects_of(fields: Fields, name: str) -> list[Fields]:
    """Return the objects of a list among some fields; none where there is anything else."""
    value = fields.get(name)
    if value is None or first_byte(value) != BRACKET:
        return []
    try:
        return parse_list(value)
    except msgspec.ValidationError:  # a list of something else
        return []


def object_of(fields: Fields, name: str) -> Fields:
    value = fields.get(name)
    return parse_fields(value) if value is not None and first_byte(value) == BRACE else {}


def is_null(value: msgspec.Raw | None) -> bool:
    return value is None or bytes(value) == b"null"


def mend(data: bytes) -> bytes:
    """Return JSON that all readers take alike: bytes that are no UTF-8 and halves of surrogate pairs are U+FFFD."""
    data = data.decode(errors="replace").encode()
    return _ESCAPE.sub(lambda match: rb"\ufffd" if match[1] else match[0], data)


def read_event(event: bytes, data: bytes) -> tuple[bytes, Fields]:
    """
    Return an event and the fields of its data. What no reader could read for sure comes back mended.

    Errors: ValueError.
    """
    try:
        if not data.isascii():
            data.decode()
        return event, parse_fields(data)
    except UNREADABLE:
        mended = mend(data)
        try:
            fields = parse_fields(mended)
        except UNREADABLE as error:
            raise ValueError("not an event of a stream") from error
        return with_data(event, mended), fields


def with_data(event: bytes, data: bytes) -> bytes:
    """Return an event with other data, which has no line ends; its name and id stay."""
    if event.startswith(b"data:"):
        return b"data: %b\n\n" % data
    if b"\r" in event:
        event = event.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    at = event.find(b"\ndata:")
    return b"%b\ndata: %b\n\n" % (event[:at], data)


_NO_TEXTS: Final = frozenset(
    {"type", "id", "data", "status", "result", "signature", "thought_signature", "encrypted_content", "encrypted_index"}
)
"""Fields whose strings say nothing: names, seals, and what is no text."""


def guard_leaves(value: msgspec.Raw, path: str, pass_text: Callable[[str, str], str]) -> msgspec.Raw | None:
    """
    Return a value that came whole, with what may pass of every text in it; None where that is all.

    `pass_text`: (path, text) -> what may pass.
    """
    written = bytes(value)
    leaves = find_leaves(written)
    changed: dict[int, str] = {}
    for place, leaf in enumerate(leaves):
        at = leaf.path
        if leaf.kind != "string" or at.rpartition(".")[2] in _NO_TEXTS:
            continue
        passed = pass_text(f"{path}.{at}" if at else path, leaf.text)
        if passed != leaf.text:
            changed[place] = passed
    return msgspec.Raw(replace_leaves(written, changed, leaves)) if changed else None


def named_event(fields: dict[str, Any]) -> bytes:
    """Return an event that is named by its type."""
    return encode_event(encode(fields), str(fields["type"]).encode())
