"""
The operator's own instructions in an answer: word for word in pieces, or by the canary that was put among them.

Rules: compares words, without letter case and punctuation, at every place of the answer and in its decoded views; keeps no text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from guardrails.detection import Hit, Subject
from guardrails.patterns import Pattern
from guardrails.views import View, fold

SHINGLE_WORDS = 8
_MAX_SYSTEM_CHARACTERS = 256 * 1024
_CACHED_TEXTS = 64
_MIN_CANARY = 6
_WORD = re.compile(r"\w+")
_RESPONSES = frozenset({"response", "tool_arguments"})


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """
    `min_words`: how many words in a row must be the instructions' own. `min_ratio`: or which part of all their words must come back,
    in pieces of eight words or more. `canary`: whether the canary counts.
    """

    min_words: int = 20
    min_ratio: float = 0.4
    canary: bool = True


def build(parameters: Parameters) -> PromptLeakDetector:
    """Return the detector for a rule's parameters."""
    return PromptLeakDetector(max(parameters.min_words, SHINGLE_WORDS), parameters.min_ratio, parameters.canary)


@dataclass(frozen=True, slots=True)
class PromptLeakDetector:
    """Looks at what leaves: answers and arguments of tools."""

    min_words: int
    min_ratio: float
    is_canary_wanted: bool
    patterns: tuple[Pattern, ...] = ()
    is_hit_needed: bool = False

    def inspect(self, subject: Subject, hits: Sequence[Hit]) -> Sequence[Hit]:
        """Return the pieces of instructions. Cost: 20 us/KB with instructions, nothing without."""
        facts = subject.facts
        if subject.unit.direction not in _RESPONSES:
            return ()
        canary = _letters(facts.canary) if self.is_canary_wanted and len(facts.canary) >= _MIN_CANARY else ""
        systems = [system for text in facts.system_texts if (system := _system(text)) is not None]
        if not canary and not systems:
            return ()
        found: list[Hit] = []
        for view in (subject.main, *subject.others):
            if canary:
                found += _canaries(view, canary)
            if systems:
                found += self._pieces(view, systems)
        return list({(hit.label, hit.start, hit.end): hit for hit in reversed(found)}.values())[::-1]

    def _pieces(self, view: View, systems: Sequence[_System]) -> list[Hit]:
        words = _words(view.text)
        if len(words) < SHINGLE_WORDS:
            return []
        best: dict[tuple[int, int], float] = {}
        for system in systems:
            runs = list(system.runs(words))
            if not runs:
                continue
            ratio = min(1.0, sum(end - start for start, end in runs) / system.words_count)
            for start, end in runs:
                if end - start >= self.min_words or ratio >= self.min_ratio:
                    best[start, end] = max(best.get((start, end), 0.0), ratio, min(1.0, (end - start) / (2 * self.min_words)))
        return _hits(view, best)


@dataclass(frozen=True, slots=True)
class _System:
    """One text's instructions: its words, and the hashes of its shingles."""

    known: frozenset[str]
    shingles: frozenset[int]
    words_count: int

    def runs(self, words: Sequence[str]) -> Iterator[tuple[int, int]]:
        """Give the ranges of words that the instructions have in the same order."""
        flags = bytes(map(self.known.__contains__, words))
        wanted = b"\1" * SHINGLE_WORDS
        at = flags.find(wanted)
        start = end = -1
        while at >= 0:
            if hash(tuple(words[at : at + SHINGLE_WORDS])) in self.shingles:
                if at > end:
                    if start >= 0:
                        yield start, end
                    start = at
                end = at + SHINGLE_WORDS
            at = flags.find(wanted, at + 1)
        if start >= 0:
            yield start, end


@lru_cache(maxsize=_CACHED_TEXTS)
def _system(text: str) -> _System | None:
    """Return what is compared with answers; None for a text that is too short to be told from chance."""
    words = _words(fold(text[:_MAX_SYSTEM_CHARACTERS]).text)
    if len(words) < SHINGLE_WORDS:
        return None
    shingles = {hash(tuple(words[at : at + SHINGLE_WORDS])) for at in range(len(words) - SHINGLE_WORDS + 1)}
    return _System(frozenset(words), frozenset(shingles), len(words))


def _hits(view: View, ranges: dict[tuple[int, int], float]) -> list[Hit]:
    if not ranges:
        return []
    spans = [match.span() for match in _WORD.finditer(view.text)]
    reason = "The answer repeats the operator's instructions."
    return [
        Hit("SYSTEM_PROMPT", *view.original_span(spans[start][0], spans[end - 1][1]), score, reason, "", view.name)
        for (start, end), score in sorted(ranges.items())
    ]


def _words(text: str) -> list[str]:
    return list(map(str.lower, _WORD.findall(text)))


def _lowered(text: str) -> str:
    """Return a text in lower case, every character in its place: a few letters have a lower case of two characters."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(small if len(small := each.lower()) == 1 else each for each in text)


def _letters(canary: str) -> str:
    return _lowered(fold(canary).text)


def _canaries(view: View, canary: str) -> list[Hit]:
    text = _lowered(view.text)
    found = []
    at = text.find(canary)
    while at >= 0:
        start, end = view.original_span(at, at + len(canary))
        found.append(
            Hit("CANARY", start, end, 1.0, "The answer holds the word that marks the operator's instructions.", "canary", view.name)
        )
        at = text.find(canary, at + len(canary))
    return found
