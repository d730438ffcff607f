"""
The decision: one function for requests, answers and streams, for fast rules, slow ones and those that failed.

Rules: pure. Only enforced findings count. A rule that would hide something and cannot (the finding is the text as a whole) blocks,
because the text must not pass as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from guardrails.engine.overlap import SEVERITY_RANKS
from guardrails.inspection import Decision, Finding
from guardrails.policy_document import Action

DEFAULT_MESSAGE = "This text was blocked by a guardrail."
DEFAULT_NOTE = "Your last answer was rejected by a guardrail. Answer again and leave out what it objects to."

RANKS: dict[Decision, int] = {"allow": 0, "redact": 1, "retry": 2, "route": 3, "block": 4}
_DECISIONS: dict[Action, Decision] = {
    "allow": "allow",
    "log": "allow",
    "redact": "redact",
    "tokenise": "redact",
    "retry": "retry",
    "route": "route",
    "block": "block",
}


class Words(Protocol):
    """What a rule says when it decides; a compiled rule is one."""

    @property
    def message(self) -> str: ...
    @property
    def route_to(self) -> str: ...
    @property
    def note(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Ruling:
    """`decided_by` is the rule's name, empty for `allow`. `message`, `route_to` and `note` are there where the decision needs them."""

    decision: Decision = "allow"
    decided_by: str = ""
    message: str = ""
    route_to: str = ""
    note: str = ""


ALLOW = Ruling()


def decision_of(finding: Finding) -> Decision:
    """Return what one finding asks for."""
    if finding.mode != "enforce":
        return "allow"
    decision = _DECISIONS[finding.action]
    return "block" if decision == "redact" and finding.start >= finding.end else decision


def decide(findings: Iterable[Finding], words: Mapping[str, Words]) -> Ruling:
    """
    Return the strongest that any finding asks for: block, route, retry, redact, allow; of equals the most severe, then the first.

    `words` are the rules by name.
    """
    best: Finding | None = None
    best_rank = (0, 0)
    for finding in findings:
        rank = (RANKS[decision_of(finding)], SEVERITY_RANKS[finding.severity])
        if rank[0] and rank > best_rank:
            best, best_rank = finding, rank
    if best is None:
        return ALLOW
    decision, rule = decision_of(best), words[best.rule]
    return Ruling(
        decision,
        best.rule,
        message=(rule.message or DEFAULT_MESSAGE) if decision == "block" else "",
        route_to=rule.route_to if decision == "route" else "",
        note=(rule.note or DEFAULT_NOTE) if decision == "retry" else "",
    )
