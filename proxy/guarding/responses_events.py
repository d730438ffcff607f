"""What the events of a Responses stream are called, which place of the answer they speak of, and what is open between them."""

from __future__ import annotations

from typing import Final

from proxy.guarding.stream_base import HeldCall, KeptSlot, TextKind
from proxy.guarding.stream_json import Fields, number_of
from proxy.wire.responses import TERMINAL_EVENTS

TEXTS: Final[dict[str, tuple[str, TextKind, str, str]]] = {
    "response.output_text": ("content", "text", "content_index", "text"),
    "response.refusal": ("content", "text", "content_index", "refusal"),
    "response.reasoning_summary_text": ("summary", "reasoning", "summary_index", "text"),
    "response.reasoning_text": ("content", "reasoning", "content_index", "text"),
    "response.code_interpreter_call_code": ("", "text", "", "code"),
}
"""By what deltas and their `done` are called: the item's field, what it is, its index, and the field of `done`."""

CALL_TEXTS: Final = {
    "response.function_call_arguments": "arguments",
    "response.mcp_call_arguments": "arguments",
    "response.custom_tool_call_input": "input",
}
PARTS: Final = {
    "response.content_part": ("content", "content_index"),
    "response.reasoning_summary_part": ("summary", "summary_index"),
}
BEGINNINGS: Final = frozenset({"response.created", "response.in_progress", "response.queued"})
ENDS: Final = TERMINAL_EVENTS | {"response.failed", "response.cancelled"}


class OpenText:
    """A text that comes in pieces. `template` is the last event of a piece of it."""

    __slots__ = ("slot", "template")

    def __init__(self, slot: KeptSlot) -> None:
        self.slot = slot
        self.template: tuple[bytes, Fields] = (b"", {})


class OpenCall(HeldCall):
    """A call whose item has begun. `passed` is what may go on of it, None until it is whole."""

    __slots__ = ("events", "passed")

    def __init__(self, call_id: str, name: str) -> None:
        super().__init__(call_id, name)
        self.events: list[bytes] = []
        self.passed: str | None = None


def path_of(fields: Fields, field: str = "", index: str = "", whole: str = "") -> str:
    """Return the place of an item, of a part of it, or of a text."""
    path = f"output.{number_of(fields, 'output_index')}"
    if field:
        path += f".{field}.{number_of(fields, index)}"
    return f"{path}.{whole}" if whole else path
