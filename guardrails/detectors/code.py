"""
Program code in a text: fenced or bare, and in which of fourteen languages.

Rules: signals are shapes of lines that prose does not have; each language has strong ones, and one is not enough without a fence. The
engine looks for the signals; the score grows with their number and with the share of lines that have one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from guardrails.detection import Hit, Subject
from guardrails.detectors.code_signals import FENCE, SIGNALS, language_of_fence
from guardrails.errors import BadRule
from guardrails.patterns import Pattern

Language = Literal[
    "python", "javascript", "java", "c", "csharp", "go", "rust", "php", "ruby", "swift", "kotlin", "sql", "shell", "html", "other"
]

_FENCE_SCORE = 0.9
_PLAIN_FENCE_SCORE = 0.3


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`languages`: those that are flagged, none for all. `threshold`: the lowest score that counts; 0.5 is two signals or a named fence."""

    languages: tuple[Language, ...] = ()
    threshold: float = 0.5


@dataclass(frozen=True, slots=True)
class CodeDetector:
    patterns: tuple[Pattern, ...]
    languages: frozenset[str]
    threshold: float
    is_hit_needed: bool = True

    def inspect(self, subject: Subject, hits: Sequence[Hit]) -> Sequence[Hit]:
        """Return one hit for each language that is found, from its first signal to its last. Cost: 2 us for each signal."""
        found: dict[str, list[Hit]] = {}
        fenced: list[Hit] = []
        for hit in hits:
            if hit.view != subject.main.name:
                continue
            if hit.pattern == FENCE.name:
                fenced.append(hit)
            else:
                found.setdefault(hit.pattern.partition(".")[0], []).append(hit)
        answers = _fences(subject.text, fenced, found)
        answers += [_whole(language, signals) for language, signals in found.items() if signals]
        answers = [hit for hit in answers if hit.score >= self.threshold and (not self.languages or hit.pattern in self.languages)]
        return sorted(_best_of_overlapping(answers), key=lambda hit: hit.start)


def _fences(text: str, opened: Sequence[Hit], signals: dict[str, list[Hit]]) -> list[Hit]:
    """Fenced blocks: every second fence closes one. Signals inside a block belong to it."""
    found: list[Hit] = []
    for index in range(0, len(opened), 2):
        first = opened[index]
        end = opened[index + 1].end if index + 1 < len(opened) else len(text)
        language = language_of_fence(text[first.start : first.end])
        inside = {name: [hit for hit in hits if first.start <= hit.start < end] for name, hits in signals.items()}
        for name, hits in inside.items():
            if hits:
                signals[name] = [hit for hit in signals[name] if not first.start <= hit.start < end]
        best = max(inside, key=lambda name: _weight(inside[name]), default="")
        weight = _weight(inside[best]) if best else 0.0
        if language:
            found.append(_hit(language, first.start, end, _FENCE_SCORE))
        elif weight:
            found.append(_hit(best, first.start, end, min(1.0, _PLAIN_FENCE_SCORE + weight)))
    return found


def _weight(hits: Sequence[Hit]) -> float:
    """Each kind of signal counts once in full, again a little."""
    best: dict[str, float] = {}
    for hit in hits:
        best[hit.pattern] = max(best.get(hit.pattern, 0.0), hit.score)
    return min(1.0, sum(best.values()) + 0.04 * min(5, len(hits) - len(best))) if hits else 0.0


def _whole(language: str, hits: Sequence[Hit]) -> Hit:
    return _hit(language, min(hit.start for hit in hits), max(hit.end for hit in hits), _weight(hits))


def _hit(language: str, start: int, end: int, score: float) -> Hit:
    return Hit("CODE", start, end, round(score, 2), f"The text holds code ({language}).", language)


def _best_of_overlapping(hits: Sequence[Hit]) -> list[Hit]:
    """Languages share shapes: where two claim the same lines, the one with the higher score has them."""
    kept: list[Hit] = []
    for hit in sorted(hits, key=lambda each: -each.score):
        if all(hit.end <= other.start or other.end <= hit.start for other in kept):
            kept.append(hit)
    return kept


def build(parameters: Parameters) -> CodeDetector:
    """Errors: BadRule for a threshold out of range."""
    if not 0 < parameters.threshold <= 1:
        raise BadRule("The threshold of detector 'code' lies above 0 and is at most 1.")
    return CodeDetector((FENCE, *SIGNALS), frozenset(parameters.languages), parameters.threshold)
