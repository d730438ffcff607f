"""
A policy's own test cases: what it says of each text, before it may be published.

Rules: pure. A policy in shadow is tried as if it were enforced; rules that ask somebody else are not asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from guardrails.detection import Direction, Facts, TextUnit, Trust
from guardrails.engine.check import CompiledPolicy
from guardrails.inspection import Inspection
from guardrails.policy_document import Expected, TestCase

_SHOWN_CHARACTERS: Final = 60
_TRUST: Final[dict[Direction, Trust]] = {
    "request": "user",
    "response": "assistant",
    "tool_arguments": "assistant",
    "tool_results": "data",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """A test case that the policy does not pass: `number` counts from 1."""

    number: int
    case: TestCase
    got: str

    def __str__(self) -> str:
        text = self.case.text if len(self.case.text) <= _SHOWN_CHARACTERS else f"{self.case.text[:_SHOWN_CHARACTERS]}…"
        by = f" by rule {self.case.rule!r}" if self.case.rule else ""
        return f"Test case {self.number} ({text!r}): expected {self.case.expect}{by}, got {self.got}."


def unit_of(text: str, direction: Direction) -> TextUnit:
    """Return the text as one unit, written by whoever writes such texts."""
    return TextUnit(text, path="text", direction=direction, trust=_TRUST[direction])


def run_cases(policy: CompiledPolicy, cases: Sequence[TestCase]) -> tuple[Failure, ...]:
    """Return the cases that the policy, compiled in mode `enforce`, does not pass."""
    got = [_judge(policy.check([unit_of(case.text, case.direction)], Facts()), case) for case in cases]
    return tuple(
        Failure(number, case, said) for number, (case, said) in enumerate(zip(cases, got, strict=True), start=1) if said != case.expect
    )


def _judge(inspection: Inspection, case: TestCase) -> str:
    if not case.rule:
        return inspection.decision
    actions = {finding.action for finding in inspection.findings if finding.rule == case.rule}
    for action in ("block", "route", "retry"):
        if action in actions:
            return action
    said: Expected = "redact" if actions & {"redact", "tokenise"} else "allow"
    return said
