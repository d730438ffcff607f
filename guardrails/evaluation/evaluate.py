"""One evaluation from beginning to end: rows in, a report out. Without a database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guardrails.evaluation.comparison import compare
from guardrails.evaluation.gates import Gate, check_gate
from guardrails.evaluation.judge import Judge, Judged
from guardrails.evaluation.report import build_report
from guardrails.evaluation.rows import Row
from guardrails.evaluation.streams import StreamLaw
from guardrails.policy_document import PolicyDocument

CUTS_COUNT = 3
_SHOWN_COUNT = 10


@dataclass(frozen=True, slots=True)
class Candidate:
    """A policy to measure. `version` is empty for one that is not published."""

    document: PolicyDocument
    version: str = ""

    @property
    def name(self) -> str:
        return f"{self.document.name} version {self.version}" if self.version else self.document.name


def evaluate(
    candidate: Candidate,
    rows: Sequence[Row],
    other: Candidate | None = None,
    law_texts_count: int = 200,
    gates: Sequence[Gate] = (),
    cache_folder: Path | None = None,
    on_row: Callable[[Judged], None] | None = None,
) -> dict[str, Any]:
    """
    Return the report on a policy; `other` is what it is compared with, `law_texts_count` how many texts are cut up (spread evenly).

    Errors: BadRule, BadGate. Cost: two checks a row, two more with `other`, and about 5 ms a text of 1 KB for the law.
    """
    judge = Judge(candidate.document, candidate.version, cache_folder)
    judged = [_told(each, on_row) for each in judge.judge(rows)]
    report = {"policy": candidate.document.name, "version": candidate.version} | build_report(judged, judge.rules, judge.movable_rules)
    report["unasked_rules"] = list(judge.unasked_rules)
    if law_texts_count:
        report["law"] = _try_law(candidate.document, rows, law_texts_count, cache_folder)
    if other is not None:
        report["comparison"] = _compare(other, rows, judged, cache_folder)
    report["gates"] = [
        {"gate": result.gate.written, "reached": result.reached, "is_held": result.is_held}
        for result in (check_gate(gate, report) for gate in gates)
    ]
    return report


def _told(judged: Judged, on_row: Callable[[Judged], None] | None) -> Judged:
    if on_row is not None:
        on_row(judged)
    return judged


def _try_law(document: PolicyDocument, rows: Sequence[Row], count: int, cache_folder: Path | None) -> dict[str, Any]:
    law = StreamLaw(document, cache_folder)
    step = max(1, len(rows) // count)
    tried = law.try_texts(((row.file, row.number, row.text) for row in rows[::step][:count]), CUTS_COUNT)
    return {
        "rules": list(law.rules),
        "texts": tried.texts_count,
        "cuts": tried.cuts_count,
        "stopped": tried.stopped_count,
        "differences": len(tried.differences),
        "rows": [f"{file}:{number}" for file, number in dict.fromkeys(tried.differences)][:_SHOWN_COUNT],
    }


def _compare(other: Candidate, rows: Sequence[Row], judged: Sequence[Judged], cache_folder: Path | None) -> dict[str, Any]:
    judge = Judge(other.document, other.version, cache_folder)
    before = list(judge.judge(rows))
    figures = build_report(before, judge.rules, judge.movable_rules)
    return {"policy": other.name} | compare(before, judged) | {name: figures[name] for name in ("overall", "rules", "kinds")}
