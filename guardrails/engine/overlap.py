"""
Many findings, one edit for each stretch of text.

Rules: pure; what any rule hides stays hidden, so that adding a rule never takes a redaction away, nor makes a final one reversible.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from guardrails.inspection import Edit, Finding
from guardrails.policy_document import Severity

SEVERITY_RANKS: dict[Severity, int] = {"low": 0, "medium": 1, "high": 2, "critical": 3}


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch that a rule hides: `start` < `end`."""

    start: int
    end: int
    label: str
    severity: Severity = "medium"
    is_reversible: bool = False


def merge_spans(spans: Iterable[Span]) -> tuple[Edit, ...]:
    """
    Return one edit for each union of overlapping spans, in order. Spans that only touch stay apart.

    The label is that of the longest span, then of the most severe, then the first in reading order. An edit is reversible if all
    its spans are. Cost: one sort.
    """
    edits: list[Edit] = []
    group: list[Span] = []
    end = 0
    for span in sorted(spans, key=lambda each: (each.start, each.end, each.label)):
        if group and span.start >= end:
            edits.append(_edit_of(group, end))
            group = []
        end = max(end, span.end) if group else span.end
        group.append(span)
    if group:
        edits.append(_edit_of(group, end))
    return tuple(edits)


def _edit_of(group: Sequence[Span], end: int) -> Edit:
    chosen = max(group, key=lambda each: (each.end - each.start, SEVERITY_RANKS[each.severity], -each.start))
    return Edit(group[0].start, end, chosen.label, all(each.is_reversible for each in group))


def edits_of(findings: Iterable[Finding]) -> dict[int, tuple[Edit, ...]]:
    """Return what enforced findings with action redact or tokenise change, by the index of the unit."""
    spans: dict[int, list[Span]] = {}
    for each in findings:
        if each.mode == "enforce" and each.action in ("redact", "tokenise") and each.start < each.end:
            span = Span(each.start, each.end, each.label, each.severity, each.action == "tokenise")
            spans.setdefault(each.unit, []).append(span)
    return {unit: merge_spans(spans[unit]) for unit in sorted(spans)}
