"""
What policies say of some texts, told to somebody who tries them: every finding, what would be changed, and how the rules saw the texts.

Rules: no value that was found leaves in a finding, only its masked sample; rules that ask somebody else are named and not asked.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from guardrails.detection import Facts, Subject, TextUnit
from guardrails.engine.check import CompiledPolicy, check_all
from guardrails.inspection import Finding, Inspection, Outcome, apply_edits

_NO_FACTS = Facts()
_VIEWS_MAX_COUNT = 20


def describe_check(policies: Sequence[CompiledPolicy], units: Sequence[TextUnit], facts: Facts = _NO_FACTS) -> dict[str, Any]:
    """
    Return what the policies say of the units together, as values for JSON.

    `texts` has an entry for each unit: what would go on (None if nothing would), the edits, and the views of it. Offsets are characters.
    Units: `latency_us` is the check alone. Cost: a check without any cache, and the views of every unit.
    """
    started = time.perf_counter()
    inspection = check_all(policies, units, facts) if policies else Inspection("", "")
    latency_us = (time.perf_counter() - started) * 1e6
    return {
        "verdict": inspection.decision,
        "decided_by": inspection.decided_by,
        "message": inspection.message,
        "is_degraded": inspection.is_degraded,
        "policies": [{"name": policy.name, "version": policy.version, "mode": policy.document.mode} for policy in policies],
        "findings": [_describe_finding(each) for each in inspection.findings],
        "texts": [_describe_text(unit, place, inspection) for place, unit in enumerate(units)],
        "rules": [_describe_outcome(each) for each in inspection.outcomes],
        "unasked_rules": [rule.name for policy in policies for rule in policy.slow_rules],
        "latency_us": round(latency_us, 1),
    }


def _describe_outcome(outcome: Outcome) -> dict[str, Any]:
    return {"rule": outcome.rule, "detector": outcome.detector, "result": outcome.result, "is_partial": outcome.is_partial}


def _describe_finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "detector": finding.detector,
        "label": finding.label,
        "text_index": finding.unit,
        "start": finding.start,
        "end": finding.end,
        "score": round(finding.score, 4),
        "reason": finding.reason,
        "sample": finding.sample,
        "view": finding.view,
        "action": finding.action,
        "mode": finding.mode,
        "severity": finding.severity,
    }


def _describe_text(unit: TextUnit, place: int, inspection: Inspection) -> dict[str, Any]:
    edits = inspection.edits.get(place, ())
    subject = Subject(unit)
    return {
        "result": apply_edits(unit.text, edits) if inspection.decision in ("allow", "redact") else None,
        "edits": [{"start": each.start, "end": each.end, "label": each.label, "is_reversible": each.is_reversible} for each in edits],
        "views": [{"name": view.name, "text": _storable(view.text)} for view in (subject.main, *subject.others[:_VIEWS_MAX_COUNT])],
    }


def _storable(text: str) -> str:
    """Decoded text may hold halves of surrogate pairs, which no JSON has."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
