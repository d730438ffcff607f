"""
Weighs what speaks for an attack on a model: phrases, the learned model, the shape of the text. One fixed logistic for two detectors.

Rules: phrases that are only spoken of count less, never nothing, since a quotation mark is no proof of innocence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import re2

from guardrails.detection import Hit, Subject
from guardrails.detectors.injection_phrases import STRUCTURE_NAMES
from guardrails.detectors.injection_structure import ForeignOrder, foreign_orders, is_document
from guardrails.learned.hashing import MAX_CHARACTERS, read
from guardrails.learned.model import Window, logistic, shared_model
from guardrails.views import View

MAX_VIEW_CHARACTERS = 8_192
MAX_VIEWS = 6

LEAST_SCORE = 0.1
"""What scores less is not reported at all."""

_BIAS = -0.05  # with this, and that of jailbreaks, no natural sentence of the tests is blocked, in any language
_PHRASE = 4.0
_HIDDEN = 2.0
_ORDER_INSIDE = 6.0
_ORDER_AT_AN_END = 4.5
_LOGIT_RANGE = (-4.5, 8.0)
_MENTIONED = 0.35
_MENTION_LOGIT = -1.5
_DATA_PHRASE_FROM_USER = 0.35

_ABOUT_BYTES = 2_000
_LEFT = 90
_OPENING = "\"'`“‘«「(<"
_SPOKEN_OF = re.compile(
    r"(?i)\b(?:phrases?|sentences?|examples?|such as|e\.g\.|for instance|like|called|named|the (?:text|message|string|words?|term|prompt|input|payload|sentence)|saying|says|reads|means?|"
    r"how (?:do|can|should|could) (?:i|we)|(?:tell|told|ask(?:ed)?|remind(?:ed)?|teach|taught) (?:my|our|his|her|their|him|them|us)|"
    r"classify|detects?|blocks?|filters?|flag(?:s|ged)?|containing|contains|beispiel|exemple|ejemplo|esempio|exemplo|например|例如)\b[^.!?\n]{0,60}$"
)
_OPTIONS = re2.Options()
_OPTIONS.encoding = re2.Options.Encoding.LATIN1
_ABOUT = re2.compile(
    rb"(?is)(?:\bwhat (?:is|are|does|do)\b|\bhow (?:do|can|does|should|could|would) (?:i|we|you|one|companies|developers|people|an?|the|attackers)\b"
    rb"|\bexplain\b|\bwhy (?:is|are|do|does)\b|\bdescribe how\b|\bdifference between\b|\bpaper\b|\barticle\b|\bblog\b"
    rb"|\bwrite (?:a|an) (?:test|unit test|regex|classifier|filter|detector|function)\b).{0,120}?"
    rb"\b(?:prompt injections?|jailbreak\w{0,4}|injection attacks?|attacks?|guardrails?|red.?team\w{0,3}|adversarial|vulnerabilit\w{1,3}|security"
    rb"|llm security|safety training|system prompts?)\b",
    _OPTIONS,
)
"""Texts that speak about attacks. Over bytes, as no other engine reads it in a few us."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The score, 0 to 1, where in the original it lies, in which view it was seen, and why, for a person."""

    score: float
    start: int
    end: int
    view: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Impression:
    """What both detectors need of a text: made once per subject."""

    window: Window
    view: View
    is_document: bool
    is_about: bool


_IMPRESSIONS: WeakKeyDictionary[Subject, _Impression] = WeakKeyDictionary()


def weigh(subject: Subject, hits: Sequence[Hit], bias: float = _BIAS, uses_shape: bool = True) -> Verdict:
    """Return what all evidence together says of a text. Cost: 0.25 ms for 1 KB, 2 ms for 8 KB; 4 ms at most; a second look 0.02 ms."""
    seen = _IMPRESSIONS.get(subject)
    if seen is None:
        seen = _IMPRESSIONS[subject] = _impression(subject)
    window, view, text = seen.window, seen.view, subject.text
    is_data = subject.unit.trust == "data"
    in_document = is_data or seen.is_document
    reasons: list[str] = []
    phrase, named = _phrases(text, hits, in_document) if hits else (0.0, None)
    total = bias + _PHRASE * phrase + min(max(window.logit, _LOGIT_RANGE[0]), _LOGIT_RANGE[1])
    if seen.is_about:
        total += _MENTION_LOGIT
    start, end = view.original_span(window.start, window.end) if window.end else (0, 0)
    if view is not subject.main:
        total += _HIDDEN
        reasons.append(f"The text hides words ({view.name}).")
    if window.logit > 0:
        reasons.append("Its words are those of attacks on a model's instructions.")
    if named is not None:
        reasons.append("It holds a phrase that is used to change a model's task.")
        start, end = named.start, named.end
    order = _order(text, is_data) if uses_shape and in_document else None
    if order is not None:
        total += _ORDER_INSIDE if order.is_inside else _ORDER_AT_AN_END
        start, end = order.start, order.end
        reasons.append("An order stands inside a document.")
    return Verdict(logistic(total), start, end, view.name if named is None else named.view, tuple(reasons))


def _impression(subject: Subject) -> _Impression:
    window, view = _best_window(subject)
    text, data = subject.text, subject.main.data
    is_about = len(data) <= _ABOUT_BYTES and _ABOUT.search(data) is not None
    return _Impression(window, view, is_document(text), is_about)


def is_partly_read(subject: Subject) -> bool:
    """Whether the learned model reads only windows of a text, or not all of what is hidden in it."""
    others = subject.others
    if len(subject.main.text) > MAX_CHARACTERS or len(others) > MAX_VIEWS:
        return True
    return any(len(view.text) > MAX_CHARACTERS for view in others)


def _best_window(subject: Subject) -> tuple[Window, View]:
    model = shared_model("injection")
    best, where = model.best_window(read(subject.main.text)), subject.main
    for view in subject.others[:MAX_VIEWS]:
        window = model.best_window(read(view.text[:MAX_VIEW_CHARACTERS]))
        if window.logit > best.logit + 1.0 and window.logit > 0:
            best, where = window, view
    return best, where


def _phrases(text: str, hits: Iterable[Hit], in_document: bool) -> tuple[float, Hit | None]:
    """Return how much all different phrases say together, 0 to 1, and the one that says most."""
    by_name: dict[str, float] = {}
    best: Hit | None = None
    best_score = 0.0
    for hit in hits:
        score = hit.score
        if hit.pattern.startswith("data_") and not in_document:
            score *= _DATA_PHRASE_FROM_USER
        if _is_spoken_of(text, hit):
            score *= _MENTIONED
        if score > by_name.get(hit.pattern, 0.0):
            by_name[hit.pattern] = score
        if score > best_score:
            best, best_score = hit, score
    missing = 1.0
    for score in by_name.values():
        missing *= 1 - min(score, 0.95)
    return (1 - missing) * (1 + 0.15 * min(len(by_name) - 1, 4)) if by_name else 0.0, best


def _is_spoken_of(text: str, hit: Hit) -> bool:
    if hit.view != "main" or hit.pattern in STRUCTURE_NAMES:
        return False
    left = text[max(0, hit.start - _LEFT) : hit.start]
    if left.rstrip()[-1:] in _OPENING and left.strip():
        return True
    return _SPOKEN_OF.search(left) is not None


def _order(text: str, is_data: bool) -> ForeignOrder | None:
    """The order that weighs most. At a document's ends it may be the request of who pasted it, so it counts in data only."""
    orders = foreign_orders(text)
    inside = next((order for order in orders if order.is_inside), None)
    return inside or (orders[0] if orders and is_data else None)
