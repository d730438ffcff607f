"""A report as a person reads it in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_HEAD = ("", "rows +", "rows -", "precision", "recall", "F1", "false alarms", "recall at 1 %")


def describe(report: Mapping[str, Any]) -> str:
    """Return the whole report. Intervals are Wilson's, of 95 %."""
    return "\n".join([*_title(report), *_accuracy(report), *_spans(report), *_latency(report), *_law(report), *_rest(report)])


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return lines with columns under each other: the first to the left, the others to the right."""
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    return ["  ".join(_cells(row, widths)).rstrip() for row in (head, *rows)]


def _cells(row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    for at, cell in enumerate(row):
        yield cell.ljust(widths[at]) if at == 0 else cell.rjust(widths[at])


def _title(report: Mapping[str, Any]) -> list[str]:
    version = f" version {report['version']}" if report.get("version") else ""
    return [f"Policy {report['policy']}{version}, {report['rows']} rows.", ""]


def _accuracy(report: Mapping[str, Any]) -> list[str]:
    rows = [_row("changed or stopped", report["overall"]), _row("found at all", report["found"])]
    rows += [_row(f"rule {name}", figures) for name, figures in report["rules"].items()]
    rows += [_row(f"kind {name}", figures) for name, figures in report["kinds"].items()]
    rows += [_row(f"file {name}", figures) for name, figures in report["files"].items()]
    return table(_HEAD, rows)


def _row(name: str, figures: Mapping[str, Any]) -> list[str]:
    sweep = figures.get("recall_at_fpr")
    return [
        name,
        str(figures["positives"]),
        str(figures["negatives"]),
        _share(figures["precision"], figures["precision_interval"]),
        _share(figures["recall"], figures["recall_interval"]),
        _number(figures["f1"]),
        _share(figures["fpr"], figures["fpr_interval"]),
        f"{sweep['recall']:.3f} at {sweep['threshold']:.2f}" if sweep else "-",
    ]


def _share(value: float | None, interval: Sequence[float] | None) -> str:
    return "-" if value is None or interval is None else f"{value:.3f} ({interval[0]:.3f}-{interval[1]:.3f})"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _spans(report: Mapping[str, Any]) -> list[str]:
    spans = report["spans"]
    if spans is None:
        return []
    covered = f"{spans['covered']} of {spans['expected']} covered ({spans['recall']:.3f})"
    return ["", f"Spans: {covered}, {spans['beside']} findings beside them."]


def _latency(report: Mapping[str, Any]) -> list[str]:
    head = ("us per KB", "texts", "p50", "p95", "p99", "us per text: p50", "p95", "p99")
    names = ("texts", "us_per_kb_p50", "us_per_kb_p95", "us_per_kb_p99", "us_p50", "us_p95", "us_p99")
    return ["", *table(head, [[size, *(f"{figures[name]:g}" for name in names)] for size, figures in report["latency"].items()])]


def _law(report: Mapping[str, Any]) -> list[str]:
    law = report.get("law")
    if law is None:
        return []
    if not law["rules"]:
        return ["", "Streams: no rule looks at answers."]
    where = f": {', '.join(law['rows'])}" if law["rows"] else ""
    return ["", f"Streams: {law['texts']} texts cut {law['cuts']} times at random, {law['differences']} differences{where}."]


def _rest(report: Mapping[str, Any]) -> Iterator[str]:
    if report["unseen_rows"]:
        yield f"In {report['unseen_rows']} rows a rule could not look; its fail mode decided."
    if report.get("unasked_rules"):
        yield f"Not asked, because they ask somebody else: {', '.join(report['unasked_rules'])}."
    comparison = report.get("comparison")
    if comparison is not None:
        yield ""
        yield (
            f"Against {comparison['policy']}: {comparison['changed_verdicts']} other verdicts, {comparison['gained']} rows more right, "
            f"{comparison['lost']} more wrong (p = {comparison['p_value']:.3g})."
        )
        yield from _differences(report, comparison)
    for gate in report.get("gates", ()):
        reached = "nothing to tell by" if gate["reached"] is None else f"{gate['reached']:.4g}"
        yield f"Gate {gate['gate']}: {'held' if gate['is_held'] else 'MISSED'} ({reached})"


def _differences(report: Mapping[str, Any], comparison: Mapping[str, Any]) -> Iterator[str]:
    other = comparison["overall"]
    for name in ("precision", "recall", "f1", "fpr"):
        yield f"  {name:10} {_number(other[name])} -> {_number(report['overall'][name])}"
    for what, rows in (("now right", comparison["gained_rows"]), ("now wrong", comparison["lost_rows"])):
        if rows:
            yield f"  {what}: {', '.join(rows)}"
