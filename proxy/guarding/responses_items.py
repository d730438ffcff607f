"""
Where an item of a response has its texts and its arguments: what is said again at the end of a text, a part, an item and a response.

`Passing` says what may stand in their place: for what came in pieces, what was let go of them; for anything else, what is let go now.
"""

from __future__ import annotations

from typing import Final, Protocol

import msgspec

from proxy.guarding.stream_base import TextKind
from proxy.guarding.stream_json import BRACKET, QUOTE, Fields, first_byte, guard_leaves, objects_of, parse_text, raw, raw_text, text_of

PART_TEXTS: Final[dict[str, tuple[str, TextKind]]] = {
    "output_text": ("text", "text"),
    "refusal": ("refusal", "text"),
    "summary_text": ("text", "reasoning"),
    "reasoning_text": ("text", "reasoning"),
    "text": ("text", "reasoning"),
}
"""By the type of a part, the field that has its text."""

_CODE: Final = "code"
"""Of an item that has it, what the provider's interpreter runs."""

CALLS: Final = {"function_call": "arguments", "mcp_call": "arguments", "custom_tool_call": "input"}
"""By the type of an item, the field that has what the model calls a tool with."""

WHOLE: Final = ("output", "outputs", "results", "tools", "action", "operation", "queries")
"""Fields of an item that come whole: what a tool that the provider runs was asked, and what it found."""

_LISTS: Final = ("content", "summary")
_EMPTY_LIST: Final = msgspec.Raw(b"[]")


class Passing(Protocol):
    def pass_text(self, path: str, kind: TextKind, text: str) -> str: ...

    def pass_whole(self, path: str, text: str) -> str: ...

    def pass_call(self, path: str, tool: str, arguments: str) -> str: ...


def guard_part(part: Fields, path: str, passing: Passing) -> Fields | None:
    """Return a part with what may pass of its texts; None where that is all of them."""
    name, kind = PART_TEXTS.get(text_of(part, "type"), ("text", "text"))
    changed: Fields = {}
    if text := text_of(part, name):
        passed = passing.pass_text(f"{path}.{name}", kind, text)
        if passed != text:
            changed[name] = raw_text(passed)
            if first_byte(part.get("logprobs")) == BRACKET:
                changed["logprobs"] = _EMPTY_LIST
    if objects_of(part, "annotations"):
        noted = guard_leaves(part["annotations"], f"{path}.annotations", passing.pass_whole)
        changed |= {"annotations": noted} if noted is not None else {}
    return part | changed if changed else None


def guard_item(item: Fields, path: str, passing: Passing) -> Fields | None:
    """Return an item with what may pass of its texts and arguments; None where that is all of it."""
    changed: Fields = {}
    kind = text_of(item, "type")
    for name in _LISTS:
        parts = objects_of(item, name)
        new = [guard_part(part, f"{path}.{name}.{place}", passing) for place, part in enumerate(parts)]
        if any(part is not None for part in new):
            changed[name] = raw([part if part is not None else old for part, old in zip(new, parts, strict=True)])
    if code := text_of(item, _CODE):
        passed = passing.pass_text(f"{path}.{_CODE}", "text", code)
        if passed != code:
            changed[_CODE] = raw_text(passed)
    for name in WHOLE:
        if name in item and (whole := guard_leaves(item[name], f"{path}.{name}", passing.pass_whole)) is not None:
            changed[name] = whole
    called = CALLS.get(kind, "")
    if called and first_byte(item.get(called)) == QUOTE and (arguments := parse_text(item[called])):
        passed = passing.pass_call(path, text_of(item, "name"), arguments)
        if passed != arguments:
            changed[called] = raw_text(passed)
    return item | changed if changed else None


def guard_response(response: Fields, passing: Passing) -> Fields | None:
    """The same for a whole response. Some providers add all of its text as `output_text`."""
    items = objects_of(response, "output")
    new = [guard_item(item, f"output.{place}", passing) for place, item in enumerate(items)]
    changed: Fields = {}
    if any(item is not None for item in new):
        changed["output"] = raw([item if item is not None else old for item, old in zip(new, items, strict=True)])
    if text := text_of(response, "output_text"):
        changed["output_text"] = raw_text(passing.pass_text("output_text", "text", text))
    return response | changed if changed else None
