"""
What a text only says again: a word in a long row, a table of numbers, lines of a log that differ in their numbers.

Rules: saying a thing often makes it no truer, so repetitions add nothing to a score; they take nothing from a sentence of another kind
that stands among them, or an attack could be hidden there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from guardrails.learned.hashing import Sentence

MIN_KINDS = 3
"""So many different words a sentence of repetitions must have to say anything."""


NEAR, FAR = 2, 8
"""How many sentences back, twice as many at most, is said what adds nothing to a score, and what makes a text one of rows."""

MIN_ROWS = 6
"""So many sentences that say again what is not far before them, and at least three of four, make a text one of rows."""


@dataclass(frozen=True, slots=True)
class Told:
    """
    Sentences without the words that they repeat themselves. `repeated` are those that say again what the ones just before them say, `rows`
    those that are made of the words of others, in a text that is mostly so: a table, a log, a list of records. `is_shorter`: words
    or sentences were left out.
    """

    sentences: list[Sentence]
    repeated: list[bool]
    rows: list[bool]
    is_shorter: bool


def tell_once(sentences: Sequence[Sentence]) -> Told | None:
    """Return a text's sentences without repetitions, None if it has none. Cost: 1.5 us per sentence."""
    found: list[Sentence] = []
    kinds_of: list[set[str]] = []
    for sentence in sentences:
        words = sentence.words
        kinds = set(words)
        if 2 * len(kinds) <= len(words):
            if len(kinds) < MIN_KINDS:
                continue
            sentence = Sentence(sentence.start, sentence.end, list(dict.fromkeys(words)))
        found.append(sentence)
        kinds_of.append(kinds)
    repeated = _said_before(kinds_of, NEAR)
    rows = _rows(kinds_of)
    is_shorter = len(found) < len(sentences) or any(ours is not theirs for ours, theirs in zip(found, sentences, strict=True))
    return Told(found, repeated, rows, is_shorter) if is_shorter or True in repeated or True in rows else None


def _said_before(kinds_of: Sequence[set[str]], reach: int) -> list[bool]:
    """Say of each whether at least half of its words are in those before it, `reach` at least and twice as many at most."""
    found: list[bool] = []
    older: set[str] = set()
    newer: set[str] = set()
    for place, kinds in enumerate(kinds_of):
        if place % reach == 0:
            older, newer = newer, set()
        found.append(2 * len(kinds - newer - older) <= len(kinds))
        newer |= kinds
    return found


def _rows(kinds_of: Sequence[set[str]]) -> list[bool]:
    again = _said_before(kinds_of, FAR)
    count = sum(again)
    if count < MIN_ROWS or 4 * count < 3 * len(again):
        return [False] * len(again)
    usual = set().union(*(kinds for kinds, is_again in zip(kinds_of, again, strict=True) if is_again))
    return [2 * len(kinds - usual) <= len(kinds) for kinds in kinds_of]
