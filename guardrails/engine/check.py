"""
A compiled policy, and what it says of texts: all fast rules in one pass, in the caller's thread.

Rules: no I/O. A rule that cannot look goes by its fail mode; the others are not touched by it. A text without a hit costs a few
microseconds beside the automaton: whatever does not depend on the text is made when the policy is compiled.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from guardrails.detection import Direction, Facts, Hit, Subject, TextUnit
from guardrails.engine.joined import Joined, join_user_turns
from guardrails.engine.merge import merge_inspections
from guardrails.engine.rules import CompiledRule
from guardrails.engine.scan import CLEAN, Scan, Scanner
from guardrails.engine.tally import TOO_MANY, TOO_MANY_REASON, Tally
from guardrails.engine.verdicts import NOTHING, Key, Verdict, VerdictCache, WatchedSubject, key_of
from guardrails.inspection import Inspection, Outcome
from guardrails.policy_document import PolicyDocument

_DIRECTIONS: tuple[Direction, ...] = ("request", "response", "tool_arguments", "tool_results")
_NO_FACTS = Facts()


_NOTED_US = 1000.0
"""What takes less is not worth an outcome of its own."""

_SHOWN_COUNT = 100
"""Where a rule has more hits than are counted, the text as a whole is the finding, and so many others are shown beside it."""

_Kind = tuple[Direction, bool]


@dataclass(frozen=True, slots=True)
class _Plan:
    """
    What is to be done with a text of one direction, of the newest turn or an earlier one. `bit` marks the plan among those that a check
    used. `owners` are the rules that look with a pattern, `always` those that look without a hit.
    """

    bit: int
    rules: tuple[CompiledRule, ...]
    always: tuple[CompiledRule, ...]
    wanted: frozenset[int]
    owners: dict[int, tuple[CompiledRule, ...]]

    def concerned(self, scan: Scan) -> list[CompiledRule]:
        """Return the rules that have something to say, in their own order."""
        rules = {rule.index: rule for rule in self.always}
        for index in {*scan.hits, *scan.doubtful, *scan.too_many, *scan.unseen}:
            for rule in self.owners[index]:
                rules[rule.index] = rule
        return [rules[each] for each in sorted(rules)]


class CompiledPolicy:
    """
    A version of a policy, ready to inspect. Immutable but for its caches and breakers; one serves all requests of a worker.

    Guarantee: safe from several threads.
    """

    def __init__(
        self,
        document: PolicyDocument,
        version: str,
        rules: tuple[CompiledRule, ...],
        scanner: Scanner,
        verdicts_count: int = 0,
        sample: Callable[[], float] = random.random,
    ) -> None:
        self.document = document
        self.name = document.name
        self.version = version
        self.rules = rules
        self.scanner = scanner
        self._sample = sample
        self._verdicts_count = verdicts_count
        self._verdicts = VerdictCache(verdicts_count) if verdicts_count > 0 else None
        self._quick = tuple(each for each in rules if each.fast is not None or each.conversation is not None)
        self._conversations = tuple(each for each in self._quick if each.conversation is not None)
        self._joining = tuple(each for each in self._quick if each.text_scope == "recent_user_joined" and each.covers_kind("request", True))
        self._sampled = tuple(each for each in self._quick if each.is_sampled)
        self._join_plan = _plan_of(self._joining, 0)
        kinds = [(direction, is_latest) for direction in _DIRECTIONS for is_latest in (False, True)]
        self._plans: dict[_Kind, _Plan] = {
            kind: _plan_of(tuple(each for each in self._quick if each.covers_kind(*kind)), 1 << place) for place, kind in enumerate(kinds)
        }
        self._passes: dict[int, tuple[Outcome, ...]] = {}
        self._clean: dict[int, Inspection] = {}

    def with_rules(self, rules: tuple[CompiledRule, ...]) -> CompiledPolicy:
        """Return this policy with other forms of the same rules, such as slow ones that were bound to their ports."""
        return CompiledPolicy(self.document, self.version, rules, self.scanner, self._verdicts_count, self._sample)

    @property
    def slow_rules(self) -> tuple[CompiledRule, ...]:
        """Rules for `run_slow`."""
        return tuple(each for each in self.rules if each.slow is not None)

    def check(self, units: Sequence[TextUnit], facts: Facts = _NO_FACTS, workspace: str = "") -> Inspection:
        """
        Return what the policy's fast rules say of the units.

        `workspace` lets texts that were looked at in earlier turns of the same tenant cost nothing; empty looks at all again.
        Errors: none; what fails is an outcome. Cost: a few us and the automaton's 1-9 us per KB for texts without a hit.
        Guarantee: the answer does not depend on the order of the rules, but for which of two equals is named.
        """
        tally = Tally(units)
        left_out = self._draw() if self._sampled else ()
        verdicts = self._verdicts if workspace and not left_out else None
        used = 0
        for place, unit in enumerate(units):
            plan = self._plans[unit.direction, unit.is_latest]
            used |= plan.bit
            if not plan.rules or not unit.text or unit.is_call:
                continue
            if verdicts is None:
                self._look(plan, Subject(unit, facts), place, tally, left_out)
            else:
                self._look_once(plan, unit, facts, place, tally, verdicts, key_of(workspace, unit))
        if self._joining:
            self._look_joined(units, facts, tally, left_out)
        for rule in self._conversations:
            if rule.index not in left_out:
                _look_at_all(rule, units, facts, tally)
        for index in left_out:
            tally.skip(self.rules[index])
        return self._clean_inspection(used) if tally.is_empty else tally.inspection(self.name, self.version, self._without(used))

    def _draw(self) -> tuple[int, ...]:
        return tuple(each.index for each in self._sampled if self._sample() >= each.sample_ratio)

    def _look(self, plan: _Plan, subject: Subject, place: int, tally: Tally, left_out: Sequence[int]) -> None:
        scan = self.scanner.scan(subject, plan.wanted)
        for rule in plan.always if scan is CLEAN else plan.concerned(scan):
            if rule.index in left_out:
                continue
            hits = _hits_of(rule, scan.hits)
            if not scan.too_many.isdisjoint(rule.pattern_indices):
                hits = hits[:_SHOWN_COUNT]
            if hits or not rule.is_hit_needed:
                _inspect(rule, subject, hits, place, tally)
            if scan is not CLEAN:
                _note_trouble(rule, scan, subject.unit, place, tally)

    def _look_once(self, plan: _Plan, unit: TextUnit, facts: Facts, place: int, tally: Tally, verdicts: VerdictCache, key: Key) -> None:
        """As `_look`, with what is known of the text from before."""
        verdict = verdicts.find(key)
        if verdict is NOTHING:
            return
        if verdict is None:
            self._look_and_keep(plan, WatchedSubject(unit, facts), place, tally, verdicts, key)
            return
        for index, hits in verdict.settled:
            rule = self.rules[index]
            tally.add(rule, place, rule.select(unit, hits))
        if verdict.pending:
            subject = Subject(unit, facts)
            for index, hits in verdict.pending:
                _inspect(self.rules[index], subject, hits, place, tally)

    def _look_and_keep(self, plan: _Plan, subject: WatchedSubject, place: int, tally: Tally, verdicts: VerdictCache, key: Key) -> None:
        scan = self.scanner.scan(subject, plan.wanted)
        settled: list[tuple[int, tuple[Hit, ...]]] = []
        pending: list[tuple[int, tuple[Hit, ...]]] = []
        is_whole = not scan.has_trouble
        for rule in plan.always if scan is CLEAN else plan.concerned(scan):
            hits = _hits_of(rule, scan.hits)
            if hits or not rule.is_hit_needed:
                subject.is_facts_read = False
                found = _inspect(rule, subject, hits, place, tally)
                is_whole = is_whole and found is not None
                if subject.is_facts_read:
                    pending.append((rule.index, tuple(hits)))
                elif found:
                    settled.append((rule.index, tuple(found)))
            _note_trouble(rule, scan, subject.unit, place, tally)
        if is_whole:
            verdicts.keep(key, Verdict(tuple(settled), tuple(pending)) if settled or pending else NOTHING)

    def _look_joined(self, units: Sequence[TextUnit], facts: Facts, tally: Tally, left_out: Sequence[int]) -> None:
        """Look at the recent user turns as one text; what one unit shows by itself was found by `_look`."""
        joined = join_user_turns(units)
        if joined is None:
            return
        plan, subject = self._join_plan, Subject(TextUnit(joined.text), facts)
        scan = self.scanner.scan(subject, plan.wanted)
        for rule in plan.always if scan is CLEAN else plan.concerned(scan):
            if rule.index in left_out:
                continue
            if not scan.unseen.isdisjoint(rule.pattern_indices):
                tally.fail(rule, joined.newest_unit, "error")
            hits = _hits_of(rule, scan.hits) + _hits_of(rule, scan.doubtful)
            if hits or not rule.is_hit_needed:
                self._inspect_joined(rule, subject, hits, joined, tally)

    def _inspect_joined(self, rule: CompiledRule, subject: Subject, hits: Sequence[Hit], joined: Joined, tally: Tally) -> None:
        try:
            found = rule.select(subject.unit, rule.inspect(subject, hits))
            if any(each.start >= each.end for each in found) and self._is_old(rule, joined, subject.facts):
                found = [each for each in found if each.start < each.end]
        except Exception:  # a detector's bug: the rule's fail mode decides
            tally.fail(rule, joined.newest_unit, "error")
            return
        for placed in joined.place(found):
            tally.add(rule, placed.unit, (placed.hit,))

    def _is_old(self, rule: CompiledRule, joined: Joined, facts: Facts) -> bool:
        """Return whether the earlier turns alone give the rule a hit of the whole: then the newest is not to blame."""
        subject = Subject(TextUnit(joined.earlier, is_latest=False), facts)
        scan = self.scanner.scan(subject, frozenset(rule.pattern_indices))
        found = rule.select(subject.unit, rule.inspect(subject, _hits_of(rule, scan.hits)))
        return any(each.start >= each.end for each in found)

    def _without(self, used: int) -> tuple[Outcome, ...]:
        """Return the outcomes of a check that used these plans and found nothing."""
        known = self._passes.get(used)
        if known is None:
            seen = [kind for kind, plan in self._plans.items() if plan.bit & used]
            known = self._passes[used] = tuple(_outcome_of(each, seen) for each in self._quick)
        return known

    def _clean_inspection(self, used: int) -> Inspection:
        """One value serves all: nobody changes it."""
        known = self._clean.get(used)
        if known is None:
            known = self._clean[used] = Inspection(self.name, self.version, outcomes=self._without(used), is_quiet=True)
        return known


def check_all(policies: Sequence[CompiledPolicy], units: Sequence[TextUnit], facts: Facts = _NO_FACTS, workspace: str = "") -> Inspection:
    """Return what the policies say together: all findings, the strongest decision, edits of all merged once."""
    if len(policies) == 1:
        return policies[0].check(units, facts, workspace)
    return merge_inspections([each.check(units, facts, workspace) for each in policies])


def _plan_of(rules: tuple[CompiledRule, ...], bit: int) -> _Plan:
    owners: dict[int, tuple[CompiledRule, ...]] = {}
    for rule in rules:
        for index in rule.pattern_indices:
            owners[index] = (*owners.get(index, ()), rule)
    return _Plan(bit, rules, tuple(each for each in rules if not each.is_hit_needed), frozenset(owners), owners)


def _outcome_of(rule: CompiledRule, seen: Sequence[_Kind]) -> Outcome:
    is_asked = any(rule.covers_kind(*kind) or (rule.conversation is not None and kind[0] in rule.directions) for kind in seen)
    return Outcome(rule.name, rule.detector, "pass" if is_asked else "skipped", rule.action, rule.mode)


def _hits_of(rule: CompiledRule, hits: dict[int, list[Hit]]) -> list[Hit]:
    if not hits:
        return []
    found = [hit for index in rule.pattern_indices if index in hits for hit in hits[index]]
    found.sort(key=lambda each: (each.start, each.end))
    return found


def _inspect(rule: CompiledRule, subject: Subject, hits: Sequence[Hit], place: int, tally: Tally) -> Sequence[Hit] | None:
    """Return what the detector answered, None if it failed."""
    started = time.perf_counter()
    try:
        found = rule.inspect(subject, hits)
        kept = rule.select(subject.unit, found)
    except Exception:  # a detector's bug: the rule's fail mode decides
        # A detector that also finds things by itself may have missed more than its patterns show.
        tally.fail(rule, place, "error", rule.select(subject.unit, hits) if rule.is_hit_needed else ())
        return None
    if kept:
        tally.add(rule, place, kept)
    elapsed_us = (time.perf_counter() - started) * 1e6
    if kept or elapsed_us > _NOTED_US:
        tally.take(rule, elapsed_us)
    return found


def _note_trouble(rule: CompiledRule, scan: Scan, unit: TextUnit, place: int, tally: Tally) -> None:
    """Count what could not be looked at, and what there was too much of."""
    if not scan.has_trouble or rule.exceptions.cover_path(unit.path):
        return
    if not scan.unseen.isdisjoint(rule.pattern_indices):
        tally.fail(rule, place, "error")
    doubtful = rule.select(unit, _hits_of(rule, scan.doubtful))
    if doubtful:
        tally.fail(rule, place, "error", doubtful)
    if not scan.too_many.isdisjoint(rule.pattern_indices):
        tally.add(rule, place, (Hit(TOO_MANY, reason=TOO_MANY_REASON),))


def _look_at_all(rule: CompiledRule, units: Sequence[TextUnit], facts: Facts, tally: Tally) -> None:
    places = [place for place, unit in enumerate(units) if unit.direction in rule.directions]
    if not places or rule.conversation is None:
        return
    started = time.perf_counter()
    try:
        found = rule.conversation.inspect_all(units if len(places) == len(units) else [units[each] for each in places], facts)
        placed = [(places[each.unit], each.hit) for each in found]
    except Exception:  # as above
        tally.fail(rule, places[-1], "error")
        return
    for place, hit in placed:
        unit = units[place]
        if unit.is_latest or rule.text_scope == "all":
            kept = rule.select(unit, (hit,))
            if kept:
                tally.add(rule, place, kept)
    elapsed_us = (time.perf_counter() - started) * 1e6
    if elapsed_us > _NOTED_US:
        tally.take(rule, elapsed_us)
