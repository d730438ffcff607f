"""
What the rules of one check found, how each fared, and the inspection that follows.

Rules: a finding holds a masked sample, never its value; what could not look goes by the rule's fail mode, never for a pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from guardrails.detection import UNREAD, Hit, TextUnit
from guardrails.engine.decide import decide, decision_of
from guardrails.engine.overlap import edits_of
from guardrails.engine.rules import CompiledRule
from guardrails.engine.samples import mask
from guardrails.inspection import Finding, Inspection, Outcome, Result

SAMPLES_COUNT = 50
"""Findings of one rule that get a sample; nobody reads more."""

UNCHECKED = "UNCHECKED"
TOO_MANY = "TOO_MANY"
TOO_MANY_REASON = "There were more matches than could be looked at one by one."
_FAILURES: dict[Result, str] = {"timeout": "The rule did not answer in time.", "error": "The rule could not look at the text."}
_UNREAD_REASON = "The text is too long for the rule to look at all of it."
_RESULT_RANKS: dict[Result, int] = {"skipped": 0, "pass": 1, "hit": 2, "timeout": 3, "error": 4}


@dataclass(slots=True)
class _RuleTally:
    findings: dict[tuple[int, int, int, str], Finding] = field(default_factory=dict)
    result: Result = "pass"
    is_degraded: bool = False
    is_partial: bool = False
    elapsed_us: float = 0.0


@dataclass(slots=True)
class Tally:
    """Gathers for one policy and one list of units."""

    units: Sequence[TextUnit]
    _rules: dict[int, tuple[CompiledRule, _RuleTally]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return not self._rules

    def add(self, rule: CompiledRule, unit: int, hits: Iterable[Hit]) -> None:
        """Count the hits, which the rule has selected. A hit outside the text speaks of the text as a whole."""
        mine = self._of(rule)
        for hit in hits:
            if hit.label == UNREAD:
                self._note_unread(rule, mine, unit)
            else:
                self._add_one(rule, mine, unit, hit)
        if mine.findings:
            self._raise_to(mine, "hit")

    def fail(self, rule: CompiledRule, unit: int, result: Result, candidates: Sequence[Hit] = ()) -> None:
        """
        The rule could not look at a unit. Closed: its candidates count as hits, and without any the unit as a whole does. Open: the
        outcome is degraded.
        """
        mine = self._of(rule)
        self._raise_to(mine, result)
        if rule.fail_mode == "open":
            mine.is_degraded = True
            return
        for hit in candidates or (Hit(UNCHECKED),):
            self._add_one(rule, mine, unit, replace(hit, reason=_FAILURES[result]))

    def _note_unread(self, rule: CompiledRule, mine: _RuleTally, unit: int) -> None:
        """The rule read only parts of a unit. Closed: what it has not seen does not pass."""
        mine.is_partial = True
        if rule.fail_mode == "closed":
            self._raise_to(mine, "error")
            self._add_one(rule, mine, unit, Hit(UNCHECKED, reason=_UNREAD_REASON))

    def take(self, rule: CompiledRule, elapsed_us: float) -> None:
        """Note how long the rule's own code ran."""
        self._of(rule).elapsed_us += elapsed_us

    def skip(self, rule: CompiledRule) -> None:
        """The rule was not asked."""
        self._of(rule).result = "skipped"

    @property
    def has_block(self) -> bool:
        """Whether what was gathered so far is enough to block."""
        return any(decision_of(each) == "block" for _, mine in self._rules.values() for each in mine.findings.values())

    def outcomes(self, without: Sequence[Outcome]) -> tuple[Outcome, ...]:
        """Return `without`, which has one outcome for each rule by its index, with what was gathered put in."""
        by_name = {rule.name: mine for rule, mine in self._rules.values()}
        outcomes = list(without)
        for place, known in enumerate(without):
            mine = by_name.get(known.rule)
            if mine is not None:
                outcomes[place] = replace(
                    known,
                    result=mine.result,
                    findings_count=len(mine.findings),
                    is_degraded=mine.is_degraded,
                    elapsed_us=mine.elapsed_us,
                    is_partial=mine.is_partial,
                )
        return tuple(outcomes)

    def inspection(self, policy: str, version: str, without: Sequence[Outcome]) -> Inspection:
        """Return what follows from all that was gathered."""
        findings = tuple(
            sorted(
                (each for _, mine in self._rules.values() for each in mine.findings.values()),
                key=lambda each: (each.unit, each.start, each.end),
            )
        )
        ruling = decide(findings, {rule.name: rule for rule, _ in self._rules.values()})
        return Inspection(
            policy,
            version,
            ruling.decision,
            ruling.decided_by,
            ruling.message,
            ruling.route_to,
            ruling.note,
            findings,
            {} if ruling.decision == "block" else edits_of(findings),
            self.outcomes(without),
        )

    def _of(self, rule: CompiledRule) -> _RuleTally:
        known = self._rules.get(rule.index)
        if known is None:
            known = self._rules[rule.index] = (rule, _RuleTally())
        return known[1]

    @staticmethod
    def _raise_to(mine: _RuleTally, result: Result) -> None:
        if _RESULT_RANKS[result] > _RESULT_RANKS[mine.result]:
            mine.result = result

    def _add_one(self, rule: CompiledRule, mine: _RuleTally, unit_index: int, hit: Hit) -> None:
        unit = self.units[unit_index]
        start, end = hit.start, hit.end
        if not 0 <= start < end <= len(unit.text):
            start = end = 0
        key = (unit_index, start, end, hit.label)
        known = mine.findings.get(key)
        if known is not None and known.score >= hit.score:
            return
        is_sampled = end > start and len(mine.findings) < SAMPLES_COUNT
        mine.findings[key] = Finding(
            rule.name,
            rule.detector,
            hit.label,
            rule.action,
            rule.mode,
            rule.severity,
            unit_index,
            unit.path,
            unit.direction,
            start,
            end,
            hit.score,
            hit.reason,
            hit.pattern,
            hit.view,
            mask(unit.text[start:end]) if is_sampled else "",
        )
