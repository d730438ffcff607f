"""Where the texts of OpenAI's Responses format lie, in requests and in answers."""

from __future__ import annotations

from typing import Final

from proxy.guarding.plain import TRUST_BY_ROLE
from proxy.guarding.tables import Kind, Steps, Table
from proxy.guarding.turns import ALL_TEXT, SCHEMAS, Dialect, Extra, Turn, Words

_ITEM: Final[dict[str, Kind]] = {
    "name": "skip",
    "server_label": "skip",
    "arguments": "call",
    "input": "call",
    "action": "call",
    "operation": "call",
    "code": "call",
    "output": "data",
    "result": "skip",  # of the generation of an image
    "content.*.image_url": "url",
    "content.*.file_url": "url",
    "content.*.file_data": "skip",
    "content.*.input_audio.data": "skip",
    "output.image_url": "url",
    "output.*.image_url": "url",
    "output.*.file_data": "skip",
}
_BELOW: Final[tuple[tuple[str, Kind], ...]] = (("output.", "data"), ("outputs.", "data"), ("results.", "data"), ("tools.", "data"))
_ITEMS: Final = "output.*."
_OWN_TYPES: Final = frozenset({"reasoning", "compaction", "item_reference", "mcp_list_tools", "mcp_approval_request"})
"""Items of the model's turn that are no calls and have no role."""


def _read_turn(words: Words) -> Turn:
    kind = words.get(("type",), "")
    if kind.endswith("_output"):
        return Turn("data", is_result=True)
    if kind.endswith("_call") or kind in _OWN_TYPES:
        return Turn("assistant")
    return Turn(TRUST_BY_ROLE.get(words.get(("role",), ""), "user"))


def _call_id(steps: Steps, words: Words) -> str:
    return words.get((*steps[:-1], "call_id"), "")


def _result_id(steps: Steps, words: Words) -> str:
    return words.get(("call_id",), "")


def _result_id_in_reply(steps: Steps, words: Words) -> str:
    return words.get((*steps[:2], "call_id"), "")


_PROMPT: Final[dict[str, Kind]] = {"version": "skip"}
_PROMPT_STEPS: Final[dict[str, Kind]] = {"image_url": "url", "file_url": "url", "file_data": "skip"}

RESPONSES: Final = Dialect(
    "input",
    Table(_ITEM, _BELOW),
    _read_turn,
    _call_id,
    _result_id,
    (
        Extra("tools", SCHEMAS, "system", is_cached=True),
        Extra("text", SCHEMAS, "system", is_cached=True),  # the form of the answer
        Extra("instructions", ALL_TEXT, "system"),
        Extra("prompt", Table(_PROMPT, kinds_by_step=_PROMPT_STEPS), "user", is_always_new=True),
    ),
    is_call_chained=True,
)

REPLY: Final = Dialect(
    "output",
    Table(
        {f"{_ITEMS}{shape}": kind for shape, kind in _ITEM.items()},
        (*((f"{_ITEMS}{prefix}", kind) for prefix, kind in _BELOW), (_ITEMS, "text"), ("output_text", "text"), ("error.", "text")),
        "skip",
        spent={"output.*.content.*.logprobs": b"[]"},
    ),
    _read_turn,
    _call_id,
    _result_id_in_reply,
)
