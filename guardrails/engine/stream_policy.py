"""
The patterns of a policy, made ready for texts that arrive in pieces. Compiled once, shared by all streams of a worker.

Rules: immutable after it is made; what belongs to one text is in `stream.TextStream`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from guardrails.detection import Hit, Subject
from guardrails.engine.crowd import NARROW_BYTES, Crowd, Member, find_crowd, join_runs
from guardrails.engine.database import Engine
from guardrails.engine.expression import Node
from guardrails.engine.hold import Hold, hold_of, reach_of, shape_of, tail_expression
from guardrails.engine.search import ANYWHERE, Searcher, compile_tail
from guardrails.engine.stream_database import compile_triggers
from guardrails.engine.triggers import triggers_of
from guardrails.errors import BadRule
from guardrails.patterns import Pattern
from guardrails.policy_document import Action, FailMode, Severity

HIDING: frozenset[Action] = frozenset({"redact", "tokenise"})
STOPPING: frozenset[Action] = frozenset({"block", "retry", "route"})

_NEAR_BYTES = 64
"""A hold up to this long is taken as it is; a longer one is worth a second look by the width of the rules."""

HOLDING, REPORTING = 0, 1
"""The places of the two crowds: rules that hide or stop, and those that only report."""

_REACHES_BYTES = (128, 256, 512, 1024, 2048, 4096)

Match = Callable[[Any, bytes, int, int], list[tuple[int, int]]]


Refine = Callable[[Subject, Hit], Sequence[Hit]]


@dataclass(frozen=True, slots=True)
class StreamRule:
    """
    One pattern as one rule uses it. Rules that hide or stop hold the stream back; others only report.

    `refine` has the last word on a match, as the rule's detector and exceptions have in a whole text: it is given the match and what
    stands before it, `REFINED_CHARACTERS` at most, and returns the hits that count, in offsets of that window.
    """

    pattern: Pattern
    action: Action
    rule: str
    fail_mode: FailMode = "closed"
    severity: Severity = "medium"
    refine: Refine | None = None

    @property
    def is_holding(self) -> bool:
        return self.action in HIDING or self.action in STOPPING


@dataclass(frozen=True, slots=True)
class ReadyRule:
    """A rule with its search, the shape of its expression, and how long a match can be (bytes; None without a bound)."""

    rule: StreamRule
    search: Searcher
    node: Node
    reach: int | None


class Tail:
    """
    Where the end of a text begins that may still grow into a match of one of some patterns.

    Cost: 0.8 us where that is a word; for runs of thousands of bytes 2 ns a byte.
    """

    __slots__ = ("_by_reach", "_matches")

    def __init__(self, rules: Sequence[ReadyRule]) -> None:
        bounded = [(each, each.reach) for each in rules if each.reach is not None]
        self._matches = [_compile_tail(group) for group in _groups([each for each, _ in bounded])]
        self._by_reach: list[tuple[int, Match]] = []
        least = _NEAR_BYTES
        for most in (*_REACHES_BYTES, max((reach for _, reach in bounded), default=0)):
            those = [(each, reach) for each, reach in bounded if least < reach <= most]
            if those:
                farthest = max(reach for _, reach in those)
                self._by_reach += [(farthest, _compile_tail(group)) for group in _groups([each for each, _ in those])]
            least = max(least, most)

    def start(self, data: bytes, first: int) -> int:
        """Return the first place from `first` on where a match may begin whose end is not known; the length of `data` for none."""
        size = len(data)
        start = size
        for match in self._matches:
            start = min(start, match(ANYWHERE, data, first, size)[0][0])
        near = size - _NEAR_BYTES
        if start >= near:
            return start
        found = size
        for match in self._matches:
            found = min(found, match(ANYWHERE, data, near, size)[0][0])
        for reach, match in self._by_reach:
            begin = max(start, size - reach)
            if begin < found:
                found = min(found, match(ANYWHERE, data, begin, size)[0][0])
        return found


def _groups(rules: Sequence[ReadyRule]) -> list[list[ReadyRule]]:
    """
    Return the rules apart by how they hold: the states of one kind of expression multiply with those of another.

    Measured with 309 rules for secrets: one expression for all 280 us a piece of 16 characters, in groups 8.
    """
    groups: dict[tuple[str, bool], list[ReadyRule]] = {}
    for each in rules:
        hold = hold_of(each.rule.pattern, each.node)
        groups.setdefault(_group_of(each, hold), []).append(each)
    return list(groups.values())


def _group_of(each: ReadyRule, hold: Hold) -> tuple[str, bool]:
    # Runs are alike in either case, and each group costs each piece half a microsecond.
    return hold.kind, each.rule.pattern.is_caseless and hold.kind != "run"


def _compile_tail(rules: Sequence[ReadyRule]) -> Match:
    """Errors: BadRule that names the rule's pattern."""
    patterns = [(each.rule.pattern, each.node) for each in rules]
    try:
        return cast("Match", compile_tail(tail_expression(patterns)).Match)
    except BadRule as error:
        for each in patterns:
            try:
                compile_tail(tail_expression([each]))
            except BadRule as reason:
                raise BadRule(f"{each[0].name}: {reason}") from reason
        raise BadRule(f"The rules are too many for streams: {error}") from error


@dataclass(frozen=True, slots=True)
class Wake:
    """What a trigger wakes: rules by their index, and crowds (`HOLDING`, `REPORTING`)."""

    rules: tuple[int, ...] = ()
    crowds: tuple[int, ...] = ()

    def joined_by(self, rules: tuple[int, ...] = (), crowds: Collection[int] = ()) -> Wake:
        return Wake(self.rules + rules, tuple(sorted({*self.crowds, *crowds})))


_NOBODY = Wake()


class StreamPolicy:
    """
    Rules that only report and have no longest match are left to `at_end`, a policy for the whole text.

    Errors: BadRule with the pattern's name. Cost: 0.5 s for 300 expressions and 2,000 words, less from `cache_folder`.
    """

    def __init__(self, rules: Sequence[StreamRule], cache_folder: Path | None = None, engine: Engine | None = None) -> None:
        ready_rules = [_ready(rule) for rule in rules]
        late = [each.rule for each in ready_rules if each.reach is None and not each.rule.is_holding]
        is_late = len(late) == len(rules) > 0
        self.at_end = StreamPolicy(late, cache_folder, engine) if late and not is_late else None
        self.rules = tuple(each for each in ready_rules if is_late or each.rule.is_holding or each.reach is not None)
        triggers = self._wake_by()
        self.wakes = tuple(triggers.values())
        self.triggers = compile_triggers(tuple(triggers), cache_folder, engine)
        self.holding = Tail([each for each in self.rules if each.rule.is_holding])
        self.reporting = Tail([each for each in self.rules if not each.rule.is_holding])
        self.is_whole = is_late or any(each.reach is None for each in self.rules)
        modes = [each.fail_mode for each in rules if each.is_holding]
        self.fail_mode: FailMode = "closed" if "closed" in modes else "open"

    def _wake_by(self) -> dict[str, Wake]:
        """Return what each trigger wakes, and make the crowds of those that wake together."""
        owners: dict[str, list[int]] = {}
        for index, ready in enumerate(self.rules):
            for each in triggers_of(ready.rule.pattern, ready.node):
                owners.setdefault(each, []).append(index)
        narrow = frozenset(index for index, each in enumerate(self.rules) if each.reach is not None and each.reach <= NARROW_BYTES)
        crowded = find_crowd(owners, narrow)
        self.crowds = tuple(Crowd(self._members(crowded, is_holding)) for is_holding in (True, False))
        wakes: dict[str, Wake] = {}
        joined = join_runs(trigger for trigger, indices in owners.items() if not crowded.isdisjoint(indices))
        for trigger, indices in owners.items():
            alone = tuple(each for each in indices if each not in crowded)
            if alone:
                wakes[trigger] = wakes.get(trigger, _NOBODY).joined_by(alone)
            together = {HOLDING if self.rules[each].rule.is_holding else REPORTING for each in indices if each in crowded}
            if together:
                trigger = joined[trigger]
                wakes[trigger] = wakes.get(trigger, _NOBODY).joined_by(crowds=together)
        return wakes

    def _members(self, crowded: frozenset[int], is_holding: bool) -> list[Member]:
        rules = [(index, self.rules[index]) for index in sorted(crowded)]
        return [Member(index, each.rule.pattern, each.node) for index, each in rules if each.rule.is_holding == is_holding]

    def holds(self) -> dict[str, Hold]:
        """Return what each pattern makes streams hold, by its name."""
        return {each.rule.pattern.name: hold_of(each.rule.pattern, each.node) for each in self.rules}


def _ready(rule: StreamRule) -> ReadyRule:
    node = shape_of(rule.pattern)
    return ReadyRule(rule, Searcher(rule.pattern, node), node, reach_of(node))
