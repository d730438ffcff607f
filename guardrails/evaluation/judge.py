"""
What a policy says of labelled rows, row by row.

Rules: a rule in shadow, and one of a policy in shadow, counts as if it were enforced, because whoever measures asks what it would do; one
that is off stays off. Rules that ask somebody else are not asked.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from guardrails.detectors.registry import build_detector, parameters_of
from guardrails.engine.check import CompiledPolicy
from guardrails.engine.compile import compile_policy
from guardrails.evaluation.rows import Row
from guardrails.inspection import Decision, Finding
from guardrails.policy_document import PolicyDocument, RuleDocument

WARM_UP_COUNT = 20
_LEAST_THRESHOLD = 0.001


@dataclass(frozen=True, slots=True)
class Judged:
    """
    One row and what was said of it. `scores` are by rule, for rules whose threshold can be moved: the highest of the text, also below the
    threshold. `unseen_rules` could not look. Units: `elapsed_us` is one check without any cache, sizes are UTF-8 bytes.
    """

    row: Row
    verdict: Decision
    decided_by: str
    findings: tuple[Finding, ...]
    scores: dict[str, float]
    elapsed_us: float
    size_bytes: int
    unseen_rules: tuple[str, ...] = ()

    @property
    def rules(self) -> frozenset[str]:
        return frozenset(each.rule for each in self.findings)


def enforced(document: PolicyDocument) -> PolicyDocument:
    """Return the document with all of it in force but the rules that are off."""
    rules = tuple(rule if rule.mode == "off" else msgspec.structs.replace(rule, mode="enforce") for rule in document.rules)
    return msgspec.structs.replace(document, mode="enforce", rules=rules)


class Judge:
    """
    A policy, and its twin whose thresholds are as low as they go, for sweeps.

    `unasked_rules` ask somebody else. Errors: BadRule. Cost: compiles both, up to a second each.
    """

    def __init__(self, document: PolicyDocument, version: str = "", cache_folder: Path | None = None) -> None:
        self.document = enforced(document)
        self.policy: CompiledPolicy = compile_policy(self.document, version, cache_folder, verdicts_count=0)
        movable = tuple(_without_threshold(rule) for rule in self.document.rules if rule.mode != "off" and _is_movable(rule))
        twin = msgspec.structs.replace(self.document, rules=movable)
        self._sweep = compile_policy(twin, version, cache_folder, verdicts_count=0) if movable else None
        self.unasked_rules = tuple(rule.name for rule in self.policy.slow_rules)
        self.rules = tuple(rule.name for rule in self.policy.rules if rule.name not in self.unasked_rules)
        self.movable_rules = tuple(rule.name for rule in self._sweep.rules) if self._sweep is not None else ()

    def judge(self, rows: Sequence[Row]) -> Iterator[Judged]:
        """Judge the rows in order, after some were looked at for nothing: what is loaded once is not their cost."""
        for row in rows[:: max(1, len(rows) // WARM_UP_COUNT)][:WARM_UP_COUNT]:
            self.policy.check([row.unit], row.facts)
        return map(self.judge_row, rows)

    def judge_row(self, row: Row) -> Judged:
        units, facts = [row.unit], row.facts
        started = time.perf_counter()
        inspection = self.policy.check(units, facts)
        elapsed_us = (time.perf_counter() - started) * 1e6
        scores: dict[str, float] = {}
        for each in self._sweep.check(units, facts).findings if self._sweep is not None else ():
            scores[each.rule] = max(scores.get(each.rule, 0.0), each.score)
        return Judged(
            row=row,
            verdict=inspection.decision,
            decided_by=inspection.decided_by,
            findings=tuple(sorted(inspection.findings, key=lambda each: (each.start, each.end, each.rule))),
            scores=scores,
            elapsed_us=elapsed_us,
            size_bytes=len(row.text.encode("utf-8", "replace")),
            unseen_rules=tuple(each.rule for each in inspection.outcomes if each.result in ("error", "timeout")),
        )


def _is_movable(rule: RuleDocument) -> bool:
    """Whether the rule's hits have scores that a threshold parts."""
    has_parameter = "threshold" in parameters_of(rule.detector).__struct_fields__
    return has_parameter or hasattr(build_detector(rule.detector, rule.parameters), "threshold")


def _without_threshold(rule: RuleDocument) -> RuleDocument:
    parameters: dict[str, Any] = rule.parameters
    if "threshold" in parameters_of(rule.detector).__struct_fields__:
        parameters = parameters | {"threshold": _LEAST_THRESHOLD}
    return msgspec.structs.replace(rule, parameters=parameters, threshold=0.0, data_threshold=0.0)
