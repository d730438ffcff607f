"""
What is written down of a request's guardrails: in its decision, in the metrics, and in what a blocked caller is told.

Rules: names of policies, rules and detectors, counts and masked samples; never a value that was found.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, Literal

from guardrails.engine.decide import decision_of
from guardrails.inspection import Finding, Inspection, Outcome
from proxy.errors import ContentFiltered
from proxy.exchange import Exchange
from proxy.telemetry import guardrail_verdicts

Phase = Literal["request", "response"]

NOTES_MAX_COUNT: Final = 32
_SAMPLES_MAX_COUNT: Final = 3
_DOT: Final = re.compile(r"(?<!\\)\.")
_PLAIN_STEP: Final = re.compile(r"\d{1,6}|[$A-Za-z_][A-Za-z_\-]{0,39}\d{0,4}|")
_HIDDEN_STEP: Final = "\u2026"
_QUIET: Final = frozenset({"pass", "skipped"})


class Notes:
    """
    The notes of one request. Bounded: what comes after `NOTES_MAX_COUNT` is counted in the metrics and not listed.

    Cost: nothing for rules that had nothing to say.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def take(self, inspection: Inspection, phase: Phase) -> None:
        """Note what one policy's rules said."""
        if inspection.is_quiet:
            return
        for outcome in inspection.outcomes:
            if outcome.result in _QUIET and not outcome.is_partial:
                continue
            guardrail_verdicts(inspection.policy, outcome.rule, outcome.action, outcome.mode, outcome.result).inc()
            if len(self._exchange.verdicts) < NOTES_MAX_COUNT:
                self._exchange.verdicts.append(_describe(inspection, outcome, phase))


def _describe(inspection: Inspection, outcome: Outcome, phase: Phase) -> dict[str, Any]:
    found = [finding for finding in inspection.findings if finding.rule == outcome.rule]
    said: dict[str, Any] = {
        "policy": inspection.policy,
        "version": inspection.version,
        "rule": outcome.rule,
        "detector": outcome.detector,
        "phase": phase,
        "action": outcome.action,
        "mode": outcome.mode,
        "result": outcome.result,
        "findings": outcome.findings_count,
    }
    if outcome.is_degraded:
        said["degraded"] = True
    if outcome.is_partial:
        said["partial"] = True
    if found:
        said["labels"] = sorted({finding.label for finding in found})
        said["score"] = round(max(finding.score for finding in found), 3)
        said["samples"] = [_sample(finding) for finding in found[:_SAMPLES_MAX_COUNT]]
    return said


def _sample(finding: Finding) -> dict[str, Any]:
    return {"path": _plain_path(finding.path), "start": finding.start, "end": finding.end, "text": finding.sample}


def _plain_path(path: str) -> str:
    """Return a path without the keys that may be values themselves: those that the caller chose, and not a format."""
    return ".".join(step if _PLAIN_STEP.fullmatch(step) else _HIDDEN_STEP for step in _DOT.split(path))


def blocked_error(inspection: Inspection, phase: Phase) -> ContentFiltered:
    """Return what a caller is told whose request, or whose answer, a policy blocked."""
    return ContentFiltered(_words(inspection, phase), _details(inspection, phase))


def cannot_rewrite(inspection: Inspection, phase: Phase) -> ContentFiltered:
    """Return what a caller is told of a text that must be changed and cannot: it is not passed on as it is."""
    what = "request" if phase == "request" else "answer"
    return ContentFiltered(
        f"The {what} holds something that a guardrail hides, in a place that cannot be changed.", _details(inspection, phase)
    )


def _words(inspection: Inspection, phase: Phase) -> str:
    what = "request" if phase == "request" else "answer"
    return inspection.message or f"The {what} was blocked by the guardrail policy {inspection.policy!r}, rule {inspection.decided_by!r}."


def _details(inspection: Inspection, phase: Phase) -> dict[str, Any]:
    said = {"policy": inspection.policy, "policy_version": inspection.version, "rule": inspection.decided_by, "phase": phase}
    decisive = _decisive(inspection.findings, inspection.decided_by)
    return said | ({"detector": decisive.detector} if decisive is not None else {})


def _decisive(findings: Sequence[Finding], rule: str) -> Finding | None:
    return next((finding for finding in findings if finding.rule == rule and decision_of(finding) != "allow"), None)
