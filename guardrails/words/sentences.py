"""
The sentences of a text, and those around what was found.

Rules: linear in the text; a sentence longer than `MAX_CHARACTERS` is cut, so that no text makes one without an end.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from guardrails.detection import Hit, Subject
from guardrails.views import View

MAX_CHARACTERS = 400
"""How far a sentence reaches to either side of a word in it."""

_BREAK = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s)|[。！？।؟]|\n\s*\n|\n(?=\s*(?:[-*•#>]|\d+[.)])\s)|(?<=[^\n]{60})\n|(?<=:)\n")
_ABBREVIATIONS = frozenset(
    {"mr", "mrs", "ms", "dr", "prof", "st", "vs", "etc", "e.g", "i.e", "no", "inc", "ltd", "co", "corp", "u.s", "approx", "fig", "jr", "sr"}
)
_LAST_WORD = re.compile(r"([A-Za-z.]{1,6})\Z")


@dataclass(frozen=True, slots=True)
class Passage:
    """A sentence: its text as the view shows it, and where it lies in the original."""

    text: str
    start: int
    end: int
    view: str


def sentence_ends(text: str, start: int, end: int) -> Iterator[int]:
    """Yield where sentences end in `[start, end)`, without the end itself."""
    for found in _BREAK.finditer(text, start, end):
        if text[found.start()] == "." and found.end() - found.start() == 1:
            word = _LAST_WORD.search(text, max(start, found.start() - 6), found.start())
            if word is not None and word.group(1).lower() in _ABBREVIATIONS:
                continue
        yield found.end()


def split(text: str) -> Iterator[str]:
    """Yield the sentences of a text, long ones in pieces of at most `2 * MAX_CHARACTERS`."""
    first = 0
    for last in (*sentence_ends(text, 0, len(text)), len(text)):
        for begin in range(first, last, 2 * MAX_CHARACTERS):
            piece = text[begin : min(last, begin + 2 * MAX_CHARACTERS)]
            if not piece.isspace():
                yield piece
        first = last


def sentence_around(text: str, at: int, end: int) -> tuple[int, int]:
    """Return the sentence that holds `[at, end)`, at most `MAX_CHARACTERS` to either side."""
    left, right = max(0, at - MAX_CHARACTERS), min(len(text), end + MAX_CHARACTERS)
    first, last = left, right
    for cut in sentence_ends(text, left, right):
        if cut <= at:
            first = cut
        elif cut >= end:
            last = cut
            break
    return first, last


def passages(subject: Subject, hits: Sequence[Hit]) -> Iterator[Passage]:
    """
    Yield the sentences that the hits stand in, each once, in order; of a decoded or rewritten view its first 4,000 characters.

    Cost: 10 us for each hit in a sentence of its own.
    """
    main = subject.main
    reached = -1
    others: set[str] = set()
    for hit in hits:
        if hit.view != main.name:
            others.add(hit.view)
            continue
        at, end = view_span(main, hit.start, hit.end)
        if end <= reached:
            continue
        first, last = sentence_around(main.text, at, end)
        first = max(first, reached)
        reached = last
        start, stop = main.original_span(first, last)
        yield Passage(main.text[first:last], start, stop, main.name)
    for view in subject.others if others else ():
        if view.name in others:
            text = view.text[:4000]
            start, stop = view.original_span(0, len(text))
            yield Passage(text, start, stop, view.name)


def view_span(view: View, start: int, end: int) -> tuple[int, int]:
    """Return where `[start, end)` of the original lies among the characters of a view that is neither decoded nor rewritten."""
    offsets = view.offsets
    if offsets is None:
        return start, end
    return max(0, bisect_right(offsets, start) - 1), min(len(view.text), bisect_left(offsets, end))
