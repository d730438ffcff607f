"""
The words that the tables of kinds are written in, and how a row becomes patterns.

Rules: a shape's expression has a finite width; spaces are matched only between groups of digits. A checksum sees the value without
separators, in capitals.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from guardrails.detectors.pii_kinds.context import NOT_PERSONAL, NUMBER_NOUNS, PERSONAL, REGION_WORDS, Tokens, Words, words_before
from guardrails.patterns import Candidate

Need = Literal["nothing", "calm", "soft", "own", "named"]
"""
What must stand before a value. `nothing`: the value proves itself. `calm`: no word that says it is something else (an order, a version).
`soft`: the kind's own words, its country with a noun, or any words for personal numbers. `own`: the kind's own words or its country
with a noun. `named`: the kind's own words, and no other noun nearer to the value.
"""

Family = Literal["contact", "banking", "government", "tax", "health", "network", "crypto", "vehicles", "devices", "dates", "places"]
Check = Callable[[str], bool]

D = r"[ .\-]?"
"""What may part groups of digits."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One way to write a value. `judge` replaces the usual questions (see `is_isolated`, `Need`) where a kind needs its own; "
    "`words` are then
    those that it cannot do without."""

    expression: str
    triggers: tuple[str, ...]
    need: Need
    check: Check | None = None
    judge: Callable[[Candidate], bool] | None = None
    group: int = 0
    is_word: bool = True
    words: Words | None = None
    score: float = 0.9


@dataclass(frozen=True, slots=True)
class Kind:
    """
    One kind of personal data. `name` is what parameters say; `label` is what stands in the value's place. `region` is the ISO code of
    the country whose authorities give it out, empty for all. `is_on`: looked for unless a policy says otherwise.
    """

    name: str
    family: Family
    shapes: tuple[Shape, ...]
    title: str
    region: str = ""
    words: str = ""
    label: str = ""
    is_on: bool = True

    @property
    def label_text(self) -> str:
        return self.label or self.name.upper()


# Triggers are few and shared: each costs time on all texts, and what they let through needlessly costs little.
_RUNS = (6, 8, 9, 10, 11, 12, 13)
NINE_DIGITS = r"\d(?:[ ./+-]?\d){8}"
PAIR = r"\d[ ./-]\d\d"
LETTER_FOUR = r"[A-Za-z]\d{4}"
THOUSANDS = r"\d\.\d{1,3}\.\d"


def run(count: int) -> str:
    """Return the trigger for this many digits in a row, or more."""
    return rf"\d{{{max(each for each in _RUNS if each <= count)}}}"


def plain(count: int, need: Need, check: Check | None = None, *, start: str = "", score: float = 0.8) -> Shape:
    """`count` digits in a row; `start` is an expression for the first."""
    rest = count - 1 if start else count
    return Shape(rf"\b{start}\d{{{rest}}}\b", (run(count),), need, check, score=score)


def written(
    expression: str, need: Need, check: Check | None = None, *, trigger: str | tuple[str, ...] = NINE_DIGITS, score: float = 0.9
) -> Shape:
    """A shape whose expression is written out: unless a trigger is given, it has nine digits with single separators."""
    return Shape(rf"\b(?:{expression})" + _edge(expression), (trigger,) if isinstance(trigger, str) else trigger, need, check, score=score)


def _edge(expression: str) -> str:
    return "" if expression.endswith(r"\)") else r"\b"


_SEPARATORS = re.compile(r"[\s.\-/()]+")
_PART_OF_MORE = re.compile(r"(?:\d[-./,]|[0-9A-Fa-f]{4}-|\w[#=]|&#|0x|[$€£¥]\s?)$")
_ACCOUNT_BEFORE = re.compile(r"\b[A-Z]{2}\d\d(?: [A-Z0-9]{4}){1,7} $")
_NOT_PERSONAL = Words(NOT_PERSONAL)
_PERSONAL = Words(PERSONAL)
_NUMBER_NOUNS = Words(NUMBER_NOUNS)


def compact(value: str) -> str:
    return _SEPARATORS.sub("", value).upper()


def is_isolated(candidate: Candidate) -> bool:
    """Whether the value is no piece of a longer number, identifier, price or address of a page."""
    left = candidate.left
    if not left or left[-1] == " ":
        return not (left[-2:-1] and left[-2] in "$€£¥") and _ACCOUNT_BEFORE.search(left[-45:]) is None
    return _PART_OF_MORE.search(left[-6:]) is None and not is_in_address_of_page(left)


def is_in_address_of_page(left: str) -> bool:
    """Whether the word that a text ends with began as `scheme://`."""
    return "://" in left and "://" in left[max(left.rfind(" "), left.rfind("\n")) + 1 :]


class Judge:
    """Answers for one shape of one kind whether a candidate is a value."""

    __slots__ = ("_check", "_need", "_own", "_region")

    def __init__(self, kind: Kind, shape: Shape) -> None:
        self._need = shape.need
        self._check = shape.check
        self._own = Words(kind.words)
        self._region = Words(REGION_WORDS[kind.region]) if kind.region in REGION_WORDS else None

    def __call__(self, candidate: Candidate) -> bool:
        if self._check is not None and not self._check(compact(candidate.value)):
            return False
        if self._need == "nothing":
            return True
        before = words_before(candidate.left)
        if self._need == "named":
            own = self._own.last(before)
            return own >= 0 and own >= _NOT_PERSONAL.last(before) and is_isolated(candidate)
        if self._own.are_in(before) or self._is_countrys(before):
            return True
        if self._need == "own" or not is_isolated(candidate):
            return False
        if self._need == "soft":
            return _PERSONAL.are_in(before)
        return candidate.right != "-" and not _NOT_PERSONAL.are_in(before)

    def _is_countrys(self, before: Tokens) -> bool:
        return self._region is not None and self._region.are_in(before) and _NUMBER_NOUNS.are_in(before)


def needed_keys(kind: Kind, shape: Shape) -> frozenset[str]:
    """Return the words of which one must be in a text (see `Words.keys`), empty if none must."""
    if shape.need in {"nothing", "calm"}:
        return frozenset()
    keys = shape.words.keys if shape.words is not None else Words(kind.words).keys
    if shape.judge is None and shape.need != "named" and kind.region in REGION_WORDS:
        keys |= Words(REGION_WORDS[kind.region]).keys
    return keys | _PERSONAL.keys if shape.need == "soft" else keys
