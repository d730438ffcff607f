"""The quick way to read conversations in the Responses format; see `plain.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from guardrails.detection import TextUnit, Trust
from proxy.guarding.plain import TRUST_BY_ROLE, Found, Part, Unusual, Writer, add_part, has_quotes
from proxy.wire.bad_request import UNREADABLE


class _Item(msgspec.Struct, gc=False):
    type: str | UnsetType = UNSET
    role: str | UnsetType = UNSET
    content: str | list[Part] | UnsetType = UNSET
    id: str | UnsetType = UNSET
    status: str | UnsetType = UNSET
    call_id: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    arguments: str | UnsetType = UNSET
    output: str | UnsetType = UNSET


_decoder: Final = msgspec.json.Decoder(list[_Item])


def read_plain_items(field: str, written: bytes) -> Found | None:
    """Return the units of messages, calls of functions and their results, None if there is anything else."""
    try:
        items = _decoder.decode(written)
        trusts = [_trust_of(item) for item in items]
    except (*UNREADABLE, Unusual):
        return None
    newest = _newest(items, trusts)
    units: list[TextUnit] = []
    names: dict[str, str] = {}
    expected = 0
    for index, item in enumerate(items):
        try:
            expected += _add_item(item, f"{field}.{index}", Writer(trusts[index], index > newest, names, units, "texts"))
        except Unusual:
            return None
    return Found(units, newest, len(items)) if has_quotes(written, expected) else None


def _trust_of(item: _Item) -> Trust:
    if item.type == "function_call":
        return "assistant"
    if item.type == "function_call_output":
        return "data"
    if item.type not in ("message", UNSET) or not isinstance(item.role, str):
        raise Unusual
    return TRUST_BY_ROLE.get(item.role, "user")


def _newest(items: Sequence[_Item], trusts: Sequence[Trust]) -> int:
    is_answered = False
    for index in range(len(items) - 1, -1, -1):
        if trusts[index] == "assistant":
            is_chained = items[index].type == "function_call" and index > 0 and trusts[index - 1] == "data"
            if is_answered and not is_chained:
                return index
        elif trusts[index] != "system":
            is_answered = True
    return -1


def _add_item(item: _Item, path: str, to: Writer) -> int:
    """Add the units of an item and return the quotes it needs. Errors: Unusual."""
    words = (item.type, item.role, item.id, item.status, item.call_id, item.name, item.arguments, item.output)
    quotes = sum(4 for word in words if word is not UNSET)
    content, call_id = item.content, item.call_id
    if item.type == "function_call":
        if not (isinstance(call_id, str) and isinstance(item.name, str) and isinstance(item.arguments, str)):
            raise Unusual
        if not (item.role is content is item.output is UNSET):
            raise Unusual
        to.call(item.arguments, f"{path}.arguments", call_id, item.name)
        return quotes
    if not (item.name is item.arguments is UNSET):
        raise Unusual
    if item.type == "function_call_output":
        if not (isinstance(call_id, str) and isinstance(item.output, str)) or not (item.role is content is UNSET):
            raise Unusual
        to.answer(item.output, f"{path}.output", call_id)
        return quotes
    if content is UNSET or not (call_id is item.output is UNSET):
        raise Unusual
    if isinstance(content, str):
        to.say(content, f"{path}.content")
        return quotes + 4
    return quotes + 2 + sum(add_part(part, f"{path}.content.{number}", to) for number, part in enumerate(content))
