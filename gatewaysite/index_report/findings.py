"""
What is worth knowing about the indexes of a database, found by comparing facts; nobody is asked.

Rules: what is a fault (an index that is invalid or that the code declares and the database lacks) is told apart from what a person has to
judge: an index that nothing used may serve a query that comes once a month, or a replica.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gatewaysite.index_report.catalog import Catalog, IndexFacts, TableFacts
from gatewaysite.index_report.declared import Declared

SEQ_ROWS_MIN_COUNT: Final = 10_000
"""A sequential scan that reads fewer rows than this is as quick as an index."""
SEQ_SCANS_MIN_COUNT: Final = 20
UNUSED_MIN_BYTES: Final = 1024 * 1024
BLOAT_MIN_BYTES: Final = 10 * 1024 * 1024
BLOAT_MIN_RATIO: Final = 2.0


@dataclass(frozen=True, slots=True)
class Finding:
    """`subject` is an index or a table."""

    kind: str
    subject: str
    message: str
    is_fault: bool = False


def find_all(catalog: Catalog, declared: Iterable[Declared]) -> list[Finding]:
    return [
        *_find_lacking(catalog, declared),
        *_find_invalid(catalog.indexes),
        *_find_unread(catalog.tables),
        *_find_duplicates(catalog.indexes),
        *_find_unused(catalog.indexes),
        *_find_bloated(catalog.indexes),
    ]


def _find_lacking(catalog: Catalog, declared: Iterable[Declared]) -> list[Finding]:
    there = {index.name for index in catalog.indexes}
    return [
        Finding("missing", wanted.name, f"{wanted.table} lacks it. Run `manage.py migrate`, or what `--sql` prints.", is_fault=True)
        for wanted in declared
        if wanted.name not in there
    ]


def _find_invalid(indexes: Iterable[IndexFacts]) -> list[Finding]:
    message = "It was never finished: writes keep it up to date and no read uses it. Run what `--sql` prints for it."
    return [Finding("invalid", index.name, message, is_fault=True) for index in indexes if not index.is_valid]


def _find_unread(tables: Iterable[TableFacts]) -> list[Finding]:
    """Find tables that queries read from one end to the other, which an index would spare them."""
    scans: dict[str, int] = defaultdict(int)
    rows: dict[str, int] = defaultdict(int)
    for table in tables:
        scans[table.root] += table.seq_scans_count
        rows[table.root] += table.seq_rows_count
    return [
        Finding("scanned", root, f"{scans[root]:,} sequential scans read {rows[root] // scans[root]:,} rows each.")
        for root in scans
        if scans[root] >= SEQ_SCANS_MIN_COUNT and rows[root] // scans[root] >= SEQ_ROWS_MIN_COUNT
    ]


def _find_duplicates(indexes: Iterable[IndexFacts]) -> list[Finding]:
    """Find indexes whose columns are how another one begins, which can do their work."""
    by_kind: dict[tuple[str, str, str], list[IndexFacts]] = defaultdict(list)
    for index in indexes:
        by_kind[index.table, index.method, index.predicate].append(index)
    found: list[Finding] = []
    for alike in by_kind.values():
        for index in alike:
            longer = next((other for other in alike if _covers(other, index)), None)
            if longer is not None:
                found.append(Finding("duplicate", index.name, f"{longer.name} begins with the same columns and can do its work."))
    return found


def _covers(other: IndexFacts, index: IndexFacts) -> bool:
    if other is index or index.is_unique or index.is_constraint or index.method != "btree":
        return False
    begins_so = other.columns[: len(index.columns)] == index.columns
    return begins_so and (len(other.columns) > len(index.columns) or other.is_unique or other.name < index.name)


def _find_unused(indexes: Iterable[IndexFacts]) -> list[Finding]:
    return [
        Finding("unused", index.name, f"Nothing read it; it takes {index.size_bytes:,} bytes and a part of every write.")
        for index in indexes
        if not index.scans_count and index.size_bytes >= UNUSED_MIN_BYTES and not (index.is_unique or index.is_constraint)
    ]


def _find_bloated(indexes: Iterable[IndexFacts]) -> list[Finding]:
    return [
        Finding(
            "bloated",
            index.name,
            f"It takes {index.size_bytes:,} bytes, {index.size_bytes / index.expected_bytes:.1f} times what its rows need. "
            f"REINDEX INDEX CONCURRENTLY {index.name} makes it anew.",
        )
        for index in indexes
        if index.expected_bytes and index.size_bytes >= max(BLOAT_MIN_BYTES, BLOAT_MIN_RATIO * index.expected_bytes)
    ]
