"""
What detectors are given and what they answer: the words that the engine, its detectors and their callers share.

Rules: everything here is a plain value; nothing here scans, and nothing here knows a policy. Offsets are characters (code points) of
the unit's own text, `end` exclusive, whatever view something was found in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

import msgspec

from guardrails.patterns import Pattern
from guardrails.views import View, find_views, fold

Direction = Literal["request", "response", "tool_arguments", "tool_results"]
"""Which way a text goes: from the client to a model, back, into a tool that the model calls, or out of one."""

Trust = Literal["system", "user", "assistant", "data"]
"""Who wrote a text. `data` is what nobody who asks has written: tool results, documents, pages."""


class TextUnit(msgspec.Struct, frozen=True, gc=False):
    """
    One text of a request or an answer, as it was written.

    `path` says where it lies, for reports and exceptions: `messages.2.content.0.text`. `tool` is the name of the tool that the text
    goes to or comes from, empty for others. `is_latest`: it belongs to the newest turn, so it was not seen by an earlier request.
    `is_call`: the text is the whole JSON of one tool call, for rules about calls; what it says is in units of its own, one a string.
    """

    text: str
    path: str = ""
    direction: Direction = "request"
    trust: Trust = "user"
    tool: str = ""
    is_latest: bool = True
    is_call: bool = False


class Facts(msgspec.Struct, frozen=True):
    """
    What is known of the request beside the text at hand.

    `system_texts` are the operator's own instructions; `canary` is a word that was put among them and must never come back, empty for
    none. `hosts` are the host names that the request's own texts contain, lower case. `declared_tools` are the names the client offers,
    `called_tools` those that the conversation has called so far. `has_data`: text of trust `data` is part of the conversation.
    """

    model: str = ""
    system_texts: tuple[str, ...] = ()
    canary: str = ""
    hosts: frozenset[str] = frozenset()
    declared_tools: tuple[str, ...] = ()
    called_tools: tuple[str, ...] = ()
    has_data: bool = False
    messages_count: int = 0
    input_tokens: int = 0


UNREAD: Final = "UNREAD"
"""The label by which a detector says that it read only parts of a text; what it means, the rule's fail mode says."""


@dataclass(frozen=True, slots=True)
class Hit:
    """
    Something that a detector found.

    `label` names the kind and stands in the text's place when it is redacted: `EMAIL`. `start` == `end` == 0 speaks of the text as a
    whole; such a hit cannot be redacted, only blocked or reported. `score`: 0 to 1, 1 for what is certain. `reason` is a sentence for a
    person, and never quotes the text. `pattern` is the name of the pattern that hit, `view` of the view it was seen in.
    """

    label: str
    start: int = 0
    end: int = 0
    score: float = 1.0
    reason: str = ""
    pattern: str = ""
    view: str = "main"


@dataclass(slots=True, eq=False, weakref_slot=True)
class Subject:
    """One text under inspection, with its views made when they are first asked for and kept for all detectors."""

    unit: TextUnit
    facts: Facts = field(default_factory=Facts)
    _main: View | None = None
    _others: tuple[View, ...] | None = None

    @property
    def text(self) -> str:
        return self.unit.text

    @property
    def main(self) -> View:
        """The text as a reader sees it: without invisible characters, look-alike letters of styled alphabets written plainly."""
        if self._main is None:
            self._main = fold(self.unit.text)
        return self._main

    @property
    def others(self) -> tuple[View, ...]:
        """What is hidden in the text: decoded runs, disguised words. Mostly empty."""
        if self._others is None:
            self._others = find_views(self.unit.text, self.main)
        return self._others


class Detector(Protocol):
    """
    What one rule looks with. Made from its parameters when a policy is compiled, shared by all requests of a worker, never changed.

    `patterns` are looked for in one pass with those of all other rules. `inspect` is given the confirmed hits of the detector's own
    patterns, in order of their start, and returns what counts: it may drop some, add what it found by other means, and change scores.
    It is called for every unit, also without a hit, if `is_hit_needed` is False. It is pure, makes no I/O and takes under a
    millisecond for 1 KB; what takes longer is a `SlowDetector`.
    """

    @property
    def patterns(self) -> tuple[Pattern, ...]: ...

    @property
    def is_hit_needed(self) -> bool: ...

    def inspect(self, subject: Subject, hits: Sequence[Hit]) -> Sequence[Hit]: ...


@dataclass(frozen=True, slots=True)
class PlacedHit:
    """A hit in one of several units: `unit` is its index."""

    unit: int
    hit: Hit


class ConversationDetector(Protocol):
    """What looks at all texts together: how many there are, who says what after whom, which tool is called."""

    def inspect_all(self, units: Sequence[TextUnit], facts: Facts) -> Sequence[PlacedHit]: ...


class SlowDetector(Protocol):
    """What asks somebody else, and so runs as a task beside other work, under a deadline that its caller keeps."""

    async def ask(self, units: Sequence[TextUnit], facts: Facts) -> Sequence[PlacedHit]:
        """Errors: any; the caller applies the rule's fail mode. Cancelled when the answer is no longer needed."""


AnyDetector = Detector | ConversationDetector | SlowDetector


@dataclass(frozen=True, slots=True)
class PatternDetector:
    """A detector that is nothing but its patterns."""

    patterns: tuple[Pattern, ...]
    is_hit_needed: bool = True

    def inspect(self, subject: Subject, hits: Sequence[Hit]) -> Sequence[Hit]:
        return hits
