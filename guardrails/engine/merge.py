"""
What several policies, or the fast and the slow rules of one, say together.

Rules: pure; edits are made anew from all findings, so that nothing is merged twice.
"""

from __future__ import annotations

from collections.abc import Sequence

from guardrails.engine.decide import RANKS
from guardrails.engine.overlap import edits_of
from guardrails.inspection import Inspection


def merge_inspections(inspections: Sequence[Inspection]) -> Inspection:
    """
    Return the inspections of the same units as one: all findings and outcomes, the strongest decision, edits merged once.

    It bears the name of the policy whose decision holds; of equals, and where all allow, the first.
    """
    if not inspections:
        return Inspection("", "")
    if len(inspections) == 1:
        return inspections[0]
    strongest = max(inspections, key=lambda each: RANKS[each.decision])
    findings = tuple(finding for each in inspections for finding in each.findings)
    return Inspection(
        strongest.policy,
        strongest.version,
        strongest.decision,
        strongest.decided_by,
        strongest.message,
        strongest.route_to,
        strongest.note,
        findings,
        {} if strongest.decision == "block" else edits_of(findings),
        tuple(outcome for each in inspections for outcome in each.outcomes),
    )
