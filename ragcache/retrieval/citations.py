"""
Which span of which source an answer's marks `[1]`, `[2, 3]` rest on, while the answer is still being written.

Rules: the caller numbers the sources from 1 and asks the model to write marks. A mark that names no source is taken out of the answer, so
that nobody follows it. Marks in code are code. A span is sentences of the source: the ones that share most of the words of the sentence
that the mark ends. `support` says how much; whether a claim is true is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final, TypeAlias

from ragcache.retrieval.sentences import sentence_spans
from ragcache.retrieval.words import terms_of

SUPPORTED_RATIO: Final = 0.4
"""From this share of a claim's words on a span is taken to support it."""

MAX_NUMBERS_OF_MARK: Final = 32
_CLAIM_CHARACTERS: Final = 2_000
"""How far back of the answer is kept to find the sentence that a mark ends."""
_NUMBER_WEIGHT: Final = 2.0
_LAST_SENTENCE_GAIN: Final = 0.15
"""A second sentence belongs to the span if it brings at least this much more."""
_NUMBER: Final = r"\d{1,4}(?:\s?[-–]\s?\d{1,4})?"
_MARK: Final = re.compile(rf"[ \t]{{0,8}}\[\s?({_NUMBER}(?:\s?[,;]\s?{_NUMBER}){{0,15}})\s?\]")
_TOKEN: Final = re.compile(rf"(?P<ticks>`+)|(?P<mark>{_MARK.pattern})|(?P<line>\n)")
_BEGUN: Final = r"\[[\d\s,;–-]{0,240}"
"""The beginning of what may become a mark; no mark is longer."""
_HELD: Final = re.compile(rf"`+\Z|[ \t]{{1,8}}(?:{_BEGUN})?\Z|{_BEGUN}\Z")
_FENCE: Final = 3
_NEW_LINE: Final = re.compile(r"\n(?![a-z])")
"""A line that goes on with a small letter was only wrapped."""


@dataclass(frozen=True)
class Source:
    """What a mark may name: a chunk's text, and where it begins in its document."""

    text: str
    start: int = 0

    @cached_property
    def sentences(self) -> tuple[tuple[int, int, frozenset[str]], ...]:
        """Start, end and terms of each sentence; what stands on a line of its own, as items and rows do, is one too."""
        ends = [found.start() for found in _NEW_LINE.finditer(self.text)]
        lines = pairwise([0, *ends, len(self.text)])
        spans = (span for start, end in lines for span in sentence_spans(self.text, start, end))
        return tuple((start, end, frozenset(terms_of(self.text[start:end]))) for start, end in spans)


@dataclass(frozen=True, slots=True)
class AnswerText:
    """A piece of the answer as it is to be shown."""

    text: str


@dataclass(frozen=True, slots=True)
class Citation:
    """
    A mark of the answer, and what it rests on.

    `claim_start`, `claim_end`: the sentence, in characters of the shown answer. `source_start`, `source_end`: the span, in characters of
    the source's document. `support` is the share of the claim's words (numbers count twice) that the span holds, 0..1.
    """

    number: int
    claim_start: int
    claim_end: int
    source_start: int
    source_end: int
    support: float

    @property
    def is_supported(self) -> bool:
        return self.support >= SUPPORTED_RATIO


Event: TypeAlias = AnswerText | Citation


class CitationReader:
    """
    Reads an answer piece by piece.

    Guarantee: the shown text and the citations do not depend on where the pieces are divided; at most a mark's length is held back.
    Cost: linear in the answer, and once for each source that is cited.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources
        self._held = ""
        self._ticks = 0
        """How many backticks opened the code that is being read, 0 outside of code."""
        self._space = ""
        """What stood before a mark that was taken out, for the mark that follows it at once."""
        self._recent = ""
        self._recent_start = 0
        """The end of the shown answer, and where that begins."""

    def feed(self, piece: str) -> list[Event]:
        """Return what can be shown now."""
        text = self._held + piece
        held = _HELD.search(text)
        end = held.start() if held else len(text)
        self._held = text[end:]
        return _joined(self._read(text[:end]))

    def close(self) -> list[Event]:
        """Return what was held back, after the last piece."""
        text, self._held = self._held, ""
        return _joined(self._read(text))

    def _read(self, text: str) -> Iterator[Event]:
        position = 0
        for found in _TOKEN.finditer(text):
            if found["mark"]:
                if not self._ticks:
                    yield self._shown(text[position : found.start()])
                    yield from self._mark(found["mark"])
                    position = found.end()
            else:
                self._pass(found[0])
        yield self._shown(text[position:])

    def _pass(self, sign: str) -> None:
        """Go into code and out of it. Code in a line ends with the line at the latest, or one stray backtick would hide all marks."""
        if sign == "\n":
            self._ticks = self._ticks if self._ticks >= _FENCE else 0
        elif not self._ticks:
            self._ticks = len(sign)
        elif len(sign) == self._ticks or (self._ticks >= _FENCE and len(sign) > self._ticks):
            self._ticks = 0

    def _shown(self, text: str) -> AnswerText:
        self._recent += text
        self._space = "" if text else self._space
        dropped = len(self._recent) - _CLAIM_CHARACTERS
        if dropped > _CLAIM_CHARACTERS:
            self._recent = self._recent[dropped:]
            self._recent_start += dropped
        return AnswerText(text)

    def _mark(self, mark: str) -> Iterator[Event]:
        numbers = [each for each in _numbers(mark) if 1 <= each <= len(self._sources)]
        space = mark[: mark.index("[")] or self._space
        if not numbers:
            self._space = space
            return
        start, end = self._claim()
        yield self._shown(f"{space}[{', '.join(map(str, numbers))}]")
        for number in numbers:
            yield self._cite(number, start, end)

    def _claim(self) -> tuple[int, int]:
        """Return the span of the last sentence on the last line in what was shown last."""
        bare = _MARK.sub(lambda found: " " * len(found[0]), self._recent[-_CLAIM_CHARACTERS:])
        offset = len(self._recent) - len(bare)
        bare = bare.rstrip()
        spans = list(sentence_spans(bare, bare.rfind("\n") + 1))
        start, end = spans[-1] if spans else (len(bare), len(bare))
        return offset + start, offset + end

    def _cite(self, number: int, start: int, end: int) -> Citation:
        source = self._sources[number - 1]
        claim = _MARK.sub("", self._recent[start:end])
        source_start, source_end, support = find_span(claim, source)
        shift = self._recent_start
        return Citation(number, shift + start, shift + end, source.start + source_start, source.start + source_end, support)


def read_answer(answer: str, sources: Sequence[Source]) -> tuple[str, list[Citation]]:
    """Return a whole answer as it is to be shown, and its citations."""
    reader = CitationReader(sources)
    events = [*reader.feed(answer), *reader.close()]
    shown = "".join(each.text for each in events if isinstance(each, AnswerText))
    return shown, [each for each in events if isinstance(each, Citation)]


def find_span(claim: str, source: Source) -> tuple[int, int, float]:
    """Return start and end of the one or two sentences of a source that share most words with a claim, and how much: 0..1."""
    weights = {term: _NUMBER_WEIGHT if term[0].isdigit() else 1.0 for term in terms_of(claim)}
    total = sum(weights.values())
    if not source.sentences or not total:
        return 0, len(source.text), 0.0
    shares = [_share(weights, terms) / total for _, _, terms in source.sentences]
    best = max(range(len(shares)), key=shares.__getitem__)
    first, last, support = best, best, shares[best]
    for one, other in ((best - 1, best), (best, best + 1)):
        if one >= 0 and other < len(shares):
            both = _share(weights, source.sentences[one][2] | source.sentences[other][2]) / total
            if both >= max(support, shares[best] + _LAST_SENTENCE_GAIN):
                first, last, support = one, other, both
    return source.sentences[first][0], source.sentences[last][1], support


def _share(weights: dict[str, float], terms: frozenset[str]) -> float:
    return sum(weight for term, weight in weights.items() if term in terms)


def _numbers(mark: str) -> list[int]:
    """Return the numbers of a mark in their order, each once; ranges are written out."""
    found: dict[int, None] = {}
    for part in re.split("[,;]", mark.strip(" \t[]")):
        ends = [int(each) for each in re.findall(r"\d+", part)]
        found.update(dict.fromkeys(range(ends[0], min(ends[-1], ends[0] + MAX_NUMBERS_OF_MARK) + 1)))
    return list(found)


def _joined(events: Iterable[Event]) -> list[Event]:
    """Put texts together that stand side by side, and drop empty ones."""
    joined: list[Event] = []
    for event in events:
        if isinstance(event, AnswerText) and joined and isinstance(last := joined[-1], AnswerText):
            joined[-1] = AnswerText(last.text + event.text)
        elif not isinstance(event, AnswerText) or event.text:
            joined.append(event)
    return joined
