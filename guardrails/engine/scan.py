"""
All patterns of a policy over one text: the automaton first, the confirmation of what reported, then the text's other views.

Rules: pure; hits are in offsets of the original, the main view's first. An error says for which patterns the text was not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from guardrails.detection import Hit, Subject
from guardrails.engine.confirm import WIDE, Budget, Confirmed, Matcher, Window
from guardrails.engine.database import Database
from guardrails.engine.offsets import CharacterIndex
from guardrails.errors import CouldNotScan
from guardrails.patterns import Pattern
from guardrails.views import View

_LOCALISED_BYTES = 8 << 20
"""Above this many bytes for RE2 to read, it is worth while to learn first in which parts of the text each pattern reports."""
_PART_BYTES = 16 << 10
_MOST_WINDOWS = 16_384
_CHARACTER_BYTES = 4

_Needs = tuple[Callable[[bytes], frozenset[str]], dict[int, frozenset[str]]]


@dataclass(slots=True)
class Scan:
    """What each pattern found, by its index. `unseen`: patterns that could not look. `too_many`: patterns with more than was counted."""

    hits: dict[int, list[Hit]] = field(default_factory=dict)
    doubtful: dict[int, list[Hit]] = field(default_factory=dict)
    too_many: set[int] = field(default_factory=set)
    unseen: set[int] = field(default_factory=set)

    @property
    def has_trouble(self) -> bool:
        """Whether something was not looked at as it should be."""
        return bool(self.doubtful or self.too_many or self.unseen)


CLEAN = Scan()


class Scanner:
    """The patterns of a policy, ready to look."""

    def __init__(self, patterns: Sequence[Pattern], database: Database) -> None:
        self.patterns = tuple(patterns)
        self.database = database
        self._matchers = tuple(Matcher(each) for each in patterns)
        self._needs = _needs_of(patterns)
        self._disguised = frozenset(index for index, each in enumerate(patterns) if each.is_disguised_too)

    def scan(self, subject: Subject, wanted: frozenset[int]) -> Scan:
        """
        Return what the wanted patterns find in the text; `CLEAN` if that is nothing.

        Cost: a few us for a text without a hit. Guarantee: raises nothing; what could not be seen is in `unseen`.
        """
        if not wanted:
            return CLEAN
        try:
            main = subject.main
            reported = self.database.scan(main.data)
            others = subject.others
        except Exception:  # whatever it was, no pattern has seen this text
            return Scan(unseen=set(wanted))
        if not reported and not others:
            return CLEAN
        scan, budget = Scan(), Budget()
        self._confirm(main, reported, wanted, scan, budget)
        for view in others:
            self._look(view, wanted, scan, budget)
        return scan if scan.hits or scan.has_trouble else CLEAN

    def _look(self, view: View, wanted: frozenset[int], scan: Scan, budget: Budget) -> None:
        if view.is_disguised:
            wanted = self._disguised.intersection(wanted)
        if view.is_cut:
            scan.unseen.update(wanted)
        try:
            reported = self.database.scan(view.data)
        except Exception:  # as above
            scan.unseen.update(wanted)
            return
        self._confirm(view, reported, wanted, scan, budget)

    def _confirm(self, view: View, reported: Sequence[int], wanted: frozenset[int], scan: Scan, budget: Budget) -> None:
        asked = self._possible(view.data, wanted.intersection(reported))
        if not asked:
            return
        index = CharacterIndex(view)
        windows: dict[int, list[Window]] = {}
        if len(asked) * len(view.data) > _LOCALISED_BYTES:
            try:
                windows = self._localise(view.data, asked)
            except CouldNotScan:
                scan.unseen.update(asked)
                return
        for each in sorted(asked):
            try:
                confirmed = self._matchers[each].confirm(view, index, budget, windows.get(each))
            except Exception:  # as above, for this pattern
                scan.unseen.add(each)
            else:
                _note(scan, each, confirmed)

    def _possible(self, data: bytes, asked: frozenset[int]) -> frozenset[int]:
        """Return the patterns less those that need a word which the text does not hold."""
        for find, words_of in self._needs:
            needing = asked.intersection(words_of)
            if not needing:
                continue
            held = _held(find, data)
            if held is not None:
                asked = asked.difference([each for each in needing if words_of[each].isdisjoint(held)])
        return asked

    def _localise(self, data: bytes, asked: Collection[int]) -> dict[int, list[Window]]:
        """
        Return for each pattern the byte ranges that hold all its matches; patterns without a narrow width have no entry.

        A match holds its trigger, so it lies within its own width of the part in which the trigger ended.
        """
        widths = {each: self._matchers[each].longest for each in asked}
        narrow = {each: width * _CHARACTER_BYTES for each, width in widths.items() if width is not None and width <= WIDE}
        overlap = max(narrow.values(), default=0)
        part_bytes = max(_PART_BYTES, 2 * overlap, len(data) * len(asked) // _MOST_WINDOWS)
        windows: dict[int, list[Window]] = {each: [] for each in narrow}
        for start in range(0, len(data), part_bytes):
            end = min(start + part_bytes, len(data))
            for each in self.database.scan(data[max(0, start - overlap - 1) : end + 1]):
                if each in narrow:
                    _add_window(windows[each], max(0, start - narrow[each]), min(len(data), end + 1 + narrow[each]))
        return windows


def _needs_of(patterns: Sequence[Pattern]) -> tuple[_Needs, ...]:
    """Return who tells of words, and the words that each pattern needs of those; each teller is asked once for a text."""
    found: dict[Callable[[bytes], frozenset[str]], dict[int, frozenset[str]]] = {}
    for index, pattern in enumerate(patterns):
        if pattern.needs is not None:
            found.setdefault(pattern.needs.find, {})[index] = pattern.needs.words
    return tuple(found.items())


def _held(find: Callable[[bytes], frozenset[str]], data: bytes) -> frozenset[str] | None:
    try:
        return find(data)
    except Exception:  # it only saves time: the search itself has the say
        return None


def _add_window(windows: list[Window], first: int, last: int) -> None:
    if windows and first <= windows[-1][1]:
        windows[-1] = (windows[-1][0], last)
    else:
        windows.append((first, last))


def _note(scan: Scan, index: int, confirmed: Confirmed) -> None:
    if confirmed.hits:
        known = scan.hits.setdefault(index, [])
        # A decoded or disguised view shows the rest of the text too: what the main view had is not found twice.
        places = {(each.start, each.end) for each in known}
        known += [each for each in confirmed.hits if (each.start, each.end) not in places]
    if confirmed.doubtful:
        scan.doubtful.setdefault(index, []).extend(confirmed.doubtful)
    if confirmed.is_too_many:
        scan.too_many.add(index)
