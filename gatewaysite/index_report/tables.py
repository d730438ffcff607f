"""The report as text for people."""

from __future__ import annotations

from collections.abc import Iterator

from gatewaysite.index_report.declared import declared_indexes
from gatewaysite.index_report.report import DatabaseReport, Report

_MEGABYTE = 1024 * 1024


def describe(report: Report) -> str:
    return "\n".join([line for part in report.databases for line in _database(part)] + list(_lists(report)) + list(_ending(report)))


def _database(part: DatabaseReport) -> Iterator[str]:
    serves = {declared.name: declared.serves for declared in declared_indexes()}
    since = f"since {part.catalog.counted_since:%Y-%m-%d %H:%M}" if part.catalog.counted_since else "since the statistics began"
    yield f"Indexes of {part.alias}, scans {since}"
    yield f"{'index':<54} {'MB':>9} {'scans':>12}  {'last scan':<16}  serves"
    for index in part.catalog.indexes:
        last = f"{index.last_scan_at:%Y-%m-%d %H:%M}" if index.last_scan_at else "-"
        why = serves.get(index.name) or ("a key" if index.is_constraint or index.is_unique else "Django made it")
        yield f"{index.name:<54} {index.size_bytes / _MEGABYTE:>9.1f} {index.scans_count:>12,}  {last:<16}  {why}"
    yield ""
    for finding in part.findings:
        yield f"{finding.kind:<10} {finding.subject}: {finding.message}"
    yield ""


def _lists(report: Report) -> Iterator[str]:
    if report.lists:
        yield f"{'list':<100} {'ms':>8} {'queries':>8}  plan"
    for plan in report.lists:
        found = ", ".join(f"reads all of {scan.table}" for scan in plan.scans) or (
            "indexed" if plan.status == 200 else f"status {plan.status}"
        )
        yield f"{plan.name:<100} {plan.duration_ms:>8.1f} {plan.queries_count:>8}  {found}"


def _ending(report: Report) -> Iterator[str]:
    yield ""
    yield from (f"FAULT {fault}" for fault in report.faults)
    if not report.faults:
        yield "No faults."
