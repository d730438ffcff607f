"""What is going on in the choices of a chat stream, and what becomes of a chunk of one."""

from __future__ import annotations

from guardrails.engine.transform import TextTransformer
from proxy.guarding.chat_calls import ChoiceCalls
from proxy.guarding.stream_base import TextKind, TextSlot
from proxy.guarding.stream_json import Fields

Around = tuple[bytes, bytes]
"""What stands before and behind a text in the delta that holds it."""


class Slot(TextSlot):
    """One text of a choice. `around`: what stands around a piece of it in a delta that brings nothing else."""

    __slots__ = ("around", "kind")

    def __init__(self, transformer: TextTransformer, kind: TextKind, around: Around) -> None:
        super().__init__(transformer)
        self.kind = kind
        self.around = around


class Choice:
    """What is going on in one choice."""

    __slots__ = ("calls", "has_role", "index", "is_open", "slots")

    def __init__(self, index: int) -> None:
        self.index = index
        self.slots: dict[str, Slot] = {}
        self.calls = ChoiceCalls()
        self.has_role = False
        self.is_open = True

    def is_ending(self, kind: TextKind, *, is_finished: bool, is_answering: bool) -> bool:
        return is_finished or (is_answering and kind == "reasoning")


class Edit:
    """
    What becomes of one choice of a chunk. `is_said`: a reader would see something; `is_needed`: it may not be left out.

    `plain`: the only thing in it is one piece of this text.
    """

    __slots__ = ("delta", "has_text", "is_answering", "is_changed", "is_finished", "is_needed", "is_said", "plain")

    def __init__(self, delta: Fields, *, is_finished: bool, is_answering: bool) -> None:
        self.delta = delta
        self.is_finished = is_finished
        self.is_answering = is_answering
        self.has_text = False
        self.is_changed = False
        self.is_needed = is_finished
        self.is_said = is_finished
        self.plain = ""
