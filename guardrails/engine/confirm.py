"""
From "may match" to what matched: exact spans by RE2, word edges, validators.

Rules: matches of one pattern do not overlap, and the search goes on from the end of the last match whether it was valid or not (streams
settle matches in the same order). The work for one text is bounded; what lies beyond the bound is `is_too_many`, which counts as a hit
of the whole text. A validator that fails leaves its candidate in doubt, never out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from re2 import _re2

from guardrails.detection import Hit
from guardrails.engine.database import EXPRESSION_MEMORY_BYTES, compile_expression
from guardrails.engine.expression import width
from guardrails.engine.hold import shape_of
from guardrails.engine.offsets import CharacterIndex
from guardrails.engine.search import beginning_of
from guardrails.engine.words import is_at_word_edges
from guardrails.errors import CouldNotScan
from guardrails.patterns import LEFT_CHARACTERS, Candidate, Pattern
from guardrails.views import View

PATTERN_CANDIDATES = 10_000
TEXT_CANDIDATES = 20_000
TEXT_BYTES = 48 << 20
SHOWN_CANDIDATES = 500
"""Where there are too many to be judged, so many are, to show what was found: counting costs a fifth of judging."""

_SMALL_MEMORY_BYTES = 2 << 20
_SMALL = 100
"""Longer matches need more of RE2's states at once. Units: characters."""

WIDE = 300
"""Patterns with a longer match are searched by their beginning. Units: characters."""
_CHARACTER_BYTES = 4
_ANYWHERE = _re2.RE2.Anchor.UNANCHORED
_HERE = _re2.RE2.Anchor.ANCHOR_START

Window = tuple[int, int]
Spans = Sequence[tuple[int, int]]
_Match = Callable[[object, bytes, int, int], Spans]


@dataclass(slots=True)
class Budget:
    """What confirming one text may cost: matches looked at, and bytes that RE2 reads."""

    candidates: int = TEXT_CANDIDATES
    bytes: int = TEXT_BYTES

    def spend(self) -> None:
        """Take one candidate. Errors: TooMany."""
        self.candidates -= 1
        if self.candidates < 0 or self.bytes < 0:
            raise TooMany


class TooMany(Exception):
    """The budget is spent before the text has been looked at."""


@dataclass(slots=True)
class Confirmed:
    """What one pattern found in one view. `doubtful`: its validator failed on these. Hits are in offsets of the original."""

    hits: list[Hit] = field(default_factory=list)
    doubtful: list[Hit] = field(default_factory=list)
    is_too_many: bool = False


_NOTHING = Confirmed()
"""Shared: nobody changes it."""


class Matcher:
    """
    One pattern, compiled when it first reports: most never do, and 2,000 compiled words would be 20 MB.

    A long pattern is searched by its beginning first: RE2 finds where a match begins by walking back from its end, and through repeats
    counted in hundreds that walk takes 0.3 s.
    """

    __slots__ = ("_begin", "_longest", "_match", "pattern")

    def __init__(self, pattern: Pattern) -> None:
        self.pattern = pattern
        self._match: _Match | None = None
        self._begin: _Match | None = None
        self._longest: int | None = -1

    @property
    def longest(self) -> int | None:
        """The longest match, None if it has no bound. Units: characters."""
        if self._longest == -1:
            self._longest = width(shape_of(self.pattern))[1]
        return self._longest

    def confirm(self, view: View, index: CharacterIndex, budget: Budget, windows: Sequence[Window] | None = None) -> Confirmed:
        """
        Return what the pattern finds in the view, or in the windows (byte ranges in order, apart) that hold all its matches.

        Errors: CouldNotScan. Cost: RE2 over the windows, then a few us for each match.
        """
        data, match = view.data, self._match or self._compile()
        windows = windows if windows is not None else ((0, len(data)),)
        budget.bytes -= sum(last - first for first, last in windows)
        if budget.bytes >= 0 and len(windows) == 1 and (self._begin or match)(_ANYWHERE, data, *windows[0])[0][0] < 0:
            return _NOTHING
        confirmed, found = Confirmed(), list[Spans]()
        try:
            for spans in self.matches(data, windows, budget):
                found.append(spans)
        except TooMany:
            confirmed.is_too_many = True
            del found[SHOWN_CANDIDATES:]
        for spans in found:
            self._judge(view, index, spans, confirmed)
        return confirmed

    def matches(self, data: bytes, windows: Sequence[Window], budget: Budget) -> Iterator[Spans]:
        """Yield the spans of RE2's matches and their groups, in order, none empty. Errors: CouldNotScan; TooMany."""
        match = self._match or self._compile()
        begin, attempt_bytes = self._begin, _CHARACTER_BYTES * (self._longest or 0)
        left, end = PATTERN_CANDIDATES, 0
        for first, last in windows:
            at = max(first, end)
            while at < last:
                left -= 1
                budget.spend()
                if left < 0:
                    raise TooMany
                if begin is None:
                    spans = match(_ANYWHERE, data, at, last)
                else:
                    at = begin(_ANYWHERE, data, at, last)[0][0]
                    if at < 0:
                        break
                    budget.bytes -= min(attempt_bytes, last - at)
                    spans = match(_HERE, data, at, last)
                    if spans[0][0] < 0:
                        at += 1
                        continue
                start, stop = spans[0]
                if start < 0:
                    break
                at = end = stop if stop > start else stop + 1
                if stop > start:
                    yield spans

    def _judge(self, view: View, index: CharacterIndex, spans: Spans, confirmed: Confirmed) -> None:
        pattern, text = self.pattern, view.text
        first, last = spans[0]
        start, end = index.of(first), index.of(last)
        if pattern.is_word and not is_at_word_edges(text, start, end):
            return
        hidden_start, hidden_end = start, end
        if pattern.group:
            hidden_first, hidden_last = spans[pattern.group]
            if 0 <= hidden_first < hidden_last:
                hidden_start, hidden_end = index.of(hidden_first), index.of(hidden_last)
        into = confirmed.hits
        if pattern.is_valid is not None:
            left = text[max(0, start - LEFT_CHARACTERS) : start]
            candidate = Candidate(text[hidden_start:hidden_end], text[start:end], left, text[end : end + 1])
            try:
                if not pattern.is_valid(candidate):
                    return
            except Exception:  # a validator's bug must not let its candidate pass: the rule's fail mode decides
                into = confirmed.doubtful
        original_start, original_end = view.original_span(hidden_start, hidden_end)
        into.append(Hit(pattern.label, original_start, original_end, pattern.score, pattern.reason, pattern.name, view.name))

    def _compile(self) -> _Match:
        """Errors: CouldNotScan."""
        pattern, longest = self.pattern, self.longest
        is_wide = longest is None or longest > WIDE
        is_small = longest is not None and longest <= _SMALL
        beginning = beginning_of(shape_of(pattern)) if is_wide and longest is not None else ""
        try:
            if beginning:
                self._begin = _compiled(beginning, pattern.is_caseless, _SMALL_MEMORY_BYTES, has_groups=False)
            self._match = _compiled(
                pattern.expression, pattern.is_caseless, _SMALL_MEMORY_BYTES if is_small else EXPRESSION_MEMORY_BYTES, pattern.group > 0
            )
        except ValueError as error:
            raise CouldNotScan(f"Pattern {pattern.name!r} cannot be compiled: {error}.") from error
        return self._match


def _compiled(expression: str, is_caseless: bool, memory_bytes: int, has_groups: bool) -> _Match:
    """Errors: ValueError."""
    try:
        compiled = compile_expression(expression, is_caseless, memory_bytes, has_groups)
    except ValueError:
        compiled = compile_expression(expression, is_caseless, EXPRESSION_MEMORY_BYTES, has_groups)
    match: _Match = compiled.Match
    return match
