"""Where the texts of OpenAI's chat format lie, in requests and in answers."""

from __future__ import annotations

from typing import Final

from proxy.guarding.plain import TRUST_BY_ROLE
from proxy.guarding.tables import Kind, Steps, Table
from proxy.guarding.turns import ALL_TEXT, SCHEMAS, Dialect, Extra, Turn, Words

_MESSAGE: Final[dict[str, Kind]] = {
    "name": "name",
    "content.*.image_url.url": "url",
    "content.*.image_url": "url",
    "content.*.video_url.url": "url",
    "content.*.audio_url.url": "url",
    "content.*.input_audio.data": "skip",
    "content.*.file.file_data": "skip",
    "audio.data": "skip",
    "tool_calls.*.function.name": "skip",
    "tool_calls.*.function.arguments": "call",
    "tool_calls.*.custom.name": "skip",
    "tool_calls.*.custom.input": "call",
    "function_call.name": "skip",
    "function_call.arguments": "call",
    "reasoning_details.*.data": "skip",
}
_CALLS: Final = ("tool_calls.*.function.name", "tool_calls.*.custom.name", "function_call.name")
_CHOICE: Final = "choices.*.message."


def _read_turn(words: Words) -> Turn:
    role = words.get(("role",), "")
    if role in ("tool", "function"):
        return Turn("data", is_result=True)
    return Turn(TRUST_BY_ROLE.get(role, "user"))


def _call_id(steps: Steps, words: Words) -> str:
    return words.get((*steps[:-2], "id"), "") if len(steps) == 4 else ""


def _result_id(steps: Steps, words: Words) -> str:
    return words.get(("tool_call_id",), "")


CHAT: Final = Dialect(
    "messages",
    Table(_MESSAGE, named_calls=frozenset(_CALLS)),
    _read_turn,
    _call_id,
    _result_id,
    (
        Extra("documents", ALL_TEXT, "data", is_always_new=True),
        Extra("tools", SCHEMAS, "system", is_cached=True),
        Extra("functions", SCHEMAS, "system", is_cached=True),
        Extra("response_format", SCHEMAS, "system", is_cached=True),
        Extra("prediction", ALL_TEXT, "assistant", is_always_new=True),
    ),
    style="calls",
)

REPLY: Final = Dialect(
    "choices",
    Table(
        {f"{_CHOICE}{shape}": kind for shape, kind in _MESSAGE.items()},
        ((_CHOICE, "text"),),
        "skip",
        named_calls=frozenset(f"{_CHOICE}{shape}" for shape in _CALLS),
        spent={"choices.*.logprobs": b"null"},
    ),
    _read_turn,
    _call_id,
    _result_id,
)
