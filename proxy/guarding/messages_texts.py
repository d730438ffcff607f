"""Where the texts of Anthropic's Messages format lie, in requests and in answers."""

from __future__ import annotations

from typing import Final

from proxy.guarding.plain import TRUST_BY_ROLE
from proxy.guarding.tables import Kind, Steps, Table
from proxy.guarding.turns import ALL_TEXT, SCHEMAS, Dialect, Extra, Turn, Words

_BLOCK: Final[dict[str, Kind]] = {
    "content.*.name": "skip",
    "content.*.server_name": "skip",
    "content.*.input": "call",
    "content.*.data": "skip",  # of redacted thinking
    "content.*.content": "data",
    "content.*.content.*.source.data": "source",
    "content.*.source": "data",  # of a search result
    "content.*.source.data": "source",
    "content.*.source.url": "url",
    "content.*.title": "data",
    "content.*.context": "data",
}
_BELOW: Final[tuple[tuple[str, Kind], ...]] = (("content.*.content.", "data"), ("content.*.source.", "data"))


def _read_turn(words: Words) -> Turn:
    return Turn(TRUST_BY_ROLE.get(words.get(("role",), ""), "user"))


def _call_id(steps: Steps, words: Words) -> str:
    return words.get((*steps[:-1], "id"), "")


def _result_id(steps: Steps, words: Words) -> str:
    return words.get((*steps[:2], "tool_use_id"), "")


MESSAGES: Final = Dialect(
    "messages",
    Table(_BLOCK, _BELOW, named_calls=frozenset({"content.*.name"})),
    _read_turn,
    _call_id,
    _result_id,
    (Extra("tools", SCHEMAS, "system", is_cached=True), Extra("system", ALL_TEXT, "system")),
    style="blocks",
)

REPLY: Final = Dialect(
    "content",
    Table(_BLOCK, (*_BELOW, ("content.", "text")), "skip", named_calls=frozenset({"content.*.name"})),
    _read_turn,
    _call_id,
    _result_id,
)
