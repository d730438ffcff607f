"""
From judged rows to figures: per rule, per kind and per file, with time by size.

Rules: pure. The report is plain values, which JSON and tables are made from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from guardrails.evaluation.judge import Judged
from guardrails.evaluation.scores import Counts, percentile, recall_at_fpr

FPR = 0.01
SIZES = ((1024, "under 1 KB"), (8 << 10, "1-8 KB"), (64 << 10, "8-64 KB"), (1 << 62, "over 64 KB"))
_KB = 1024


def build_report(judged: Sequence[Judged], rules: Sequence[str], movable_rules: Sequence[str]) -> dict[str, Any]:
    """
    Return the figures of a policy.

    `overall` counts a row as found where the policy would change or stop it; `found` where any rule reports it, those that only log
    too. Rules, kinds and files are counted one by one; by kind and file it is `overall` that counts.
    """
    return {
        "rows": len(judged),
        "overall": _figures(judged, lambda each: each.verdict != "allow") | {"recall_at_fpr": _sweep_all(judged, movable_rules)},
        "found": _figures(judged, lambda each: bool(each.findings)),
        "rules": {rule: _of_rule(judged, rule, is_movable=rule in movable_rules) for rule in rules},
        "kinds": _groups(judged, lambda each: each.row.group),
        "files": _groups(judged, lambda each: each.row.file),
        "unseen_rows": sum(bool(each.unseen_rules) for each in judged),
        "spans": _spans(judged),
        "latency": _latency(judged),
    }


def _figures(judged: Iterable[Judged], is_found: Callable[[Judged], bool]) -> dict[str, Any]:
    counts = Counts()
    for each in judged:
        counts.add(is_positive=each.row.is_positive, is_found=is_found(each))
    return counts.as_dict()


def _of_rule(judged: Sequence[Judged], rule: str, *, is_movable: bool) -> dict[str, Any]:
    figures = _figures(judged, lambda each: rule in each.rules)
    sweep = recall_at_fpr(((each.scores.get(rule, 0.0), each.row.is_positive) for each in judged), FPR) if is_movable else None
    return figures | {"recall_at_fpr": _as_dict(sweep)}


def _sweep_all(judged: Sequence[Judged], movable_rules: Sequence[str]) -> dict[str, float] | None:
    """The sweep of all scored rules as one: the highest score of any, and 1 for what rules without a score found."""
    if not movable_rules:
        return None

    def score(each: Judged) -> float:
        fixed = 1.0 if each.rules - set(movable_rules) and each.verdict != "allow" else 0.0
        return max(fixed, *(each.scores.values() or (0.0,)), 0.0)

    return _as_dict(recall_at_fpr(((score(each), each.row.is_positive) for each in judged), FPR))


def _as_dict(found: tuple[float, float] | None) -> dict[str, float] | None:
    return None if found is None else {"fpr": FPR, "recall": found[0], "threshold": found[1]}


def _groups(judged: Sequence[Judged], group_of: Callable[[Judged], str]) -> dict[str, dict[str, Any]]:
    groups: dict[str, list[Judged]] = {}
    for each in judged:
        groups.setdefault(group_of(each), []).append(each)
    return {name: _figures(rows, lambda each: each.verdict != "allow") for name, rows in sorted(groups.items()) if name}


def _spans(judged: Iterable[Judged]) -> dict[str, Any] | None:
    """How many of the spans that rows name are covered by findings, and how many findings touch none of them."""
    wanted = covered = false = 0
    for each in judged:
        expected = [span for span in map(_ends, each.row.spans) if span is not None]
        found = [(finding.start, finding.end) for finding in each.findings if finding.start < finding.end]
        if not expected:
            continue
        wanted += len(expected)
        covered += sum(any(start <= first and last <= end for start, end in found) for first, last in expected)
        false += sum(not any(start < last and first < end for first, last in expected) for start, end in set(found))
    return {"expected": wanted, "covered": covered, "recall": covered / wanted, "beside": false} if wanted else None


def _ends(span: Any) -> tuple[int, int] | None:
    """Return start and end of a span that is written as `[1, 4]`, `[1, 4, "EMAIL"]` or `{"start": 1, "end": 4}`."""
    values = (span.get("start"), span.get("end")) if isinstance(span, dict) else tuple(span[:2]) if isinstance(span, list) else ()
    if len(values) == 2 and all(isinstance(each, int) for each in values):
        return values[0], values[1]
    return None


def _latency(judged: Iterable[Judged]) -> dict[str, dict[str, float]]:
    """Units: microseconds per KB, and per text. Texts under 1 KB count as one KB."""
    classes: dict[str, list[tuple[float, float]]] = {name: [] for _, name in SIZES}
    for each in judged:
        name = next(name for limit, name in SIZES if each.size_bytes < limit)
        classes[name].append((each.elapsed_us / max(1.0, each.size_bytes / _KB), each.elapsed_us))
    return {name: _percentiles(values) for name, values in classes.items() if values}


def _percentiles(values: Sequence[tuple[float, float]]) -> dict[str, float]:
    found: dict[str, float] = {"texts": len(values)}
    for at, unit in enumerate(("us_per_kb", "us")):
        ordered = sorted(each[at] for each in values)
        found |= {f"{unit}_{name}": round(percentile(ordered, share), 1) for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))}
    return found


def as_line(judged: Judged) -> dict[str, Any]:
    """Return what `--out` says of a row. Offsets are characters of the row's text; values are masked."""
    return {
        "file": judged.row.file,
        "row": judged.row.number,
        "label": judged.row.label,
        "kind": judged.row.group,
        "verdict": judged.verdict,
        "decided_by": judged.decided_by,
        "findings": [
            {
                "rule": each.rule,
                "detector": each.detector,
                "label": each.label,
                "start": each.start,
                "end": each.end,
                "score": round(each.score, 4),
                "action": each.action,
                "reason": each.reason,
                "view": each.view,
                "sample": each.sample,
            }
            for each in judged.findings
        ],
        "scores": {rule: round(score, 4) for rule, score in judged.scores.items()},
        "unseen_rules": list(judged.unseen_rules),
        "elapsed_us": round(judged.elapsed_us, 1),
    }
