"""What is concluded from facts about indexes and tables."""

from __future__ import annotations

from typing import Any

import pytest

from gatewaysite.index_report.catalog import Catalog, IndexFacts, TableFacts
from gatewaysite.index_report.declared import Declared, declared_indexes
from gatewaysite.index_report.findings import find_all
from gatewaysite.index_report.plans import ListPlan, SequentialScan, big_rows_of
from gatewaysite.index_report.report import DatabaseReport, Report

MEGABYTE = 1024 * 1024


def _index(name: str, *columns: str, **facts: Any) -> IndexFacts:
    usual = {
        "table": "items_item",
        "method": "btree",
        "is_unique": False,
        "is_constraint": False,
        "predicate": "",
        "size_bytes": 8192,
        "scans_count": 5,
        "last_scan_at": None,
        "is_valid": True,
        "expected_bytes": 0,
    }
    return IndexFacts(name=name, columns=columns or ("workspace_id",), **(usual | facts))


def _table(name: str, rows_count: int, root: str = "", **facts: int) -> TableFacts:
    usual = {"size_bytes": 8192, "seq_scans_count": 0, "seq_rows_count": 0, "index_scans_count": 0}
    return TableFacts(name=name, root=root or name, rows_count=rows_count, **(usual | facts))


def _found(*indexes: IndexFacts, tables: tuple[TableFacts, ...] = (), declared: tuple[Declared, ...] = ()) -> list[tuple[str, str]]:
    findings = find_all(Catalog(indexes, tables, None), declared)
    return [(finding.kind, finding.subject) for finding in findings]


def test_ordinary_indexes_are_no_news():
    assert _found(_index("idx_a", "workspace_id", "status"), _index("idx_b", "workspace_id", "category")) == []


def test_index_whose_columns_begin_another_one_is_a_duplicate():
    short, long = _index("idx_short", "workspace_id"), _index("idx_long", "workspace_id", "status")

    assert _found(short, long) == [("duplicate", "idx_short")]


def test_of_two_equal_indexes_one_is_a_duplicate():
    assert _found(_index("idx_a"), _index("idx_b")) == [("duplicate", "idx_b")]


@pytest.mark.parametrize(
    "other",
    [
        _index("idx_long", "workspace_id", "status", method="gin"),
        _index("idx_long", "workspace_id", "status", predicate="status <> 'done'"),
        _index("idx_long", "workspace_id", "status", table="items_signal"),
        _index("idx_long", "status", "workspace_id"),
    ],
)
def test_index_of_another_kind_is_no_duplicate(other):
    assert _found(_index("idx_short", "workspace_id"), other) == []


@pytest.mark.parametrize("kind", [{"is_unique": True}, {"is_constraint": True}])
def test_index_that_keeps_a_promise_is_neither_duplicate_nor_unused(kind):
    key = _index("key", "workspace_id", scans_count=0, size_bytes=MEGABYTE, **kind)

    assert _found(key, _index("idx_long", "workspace_id", "status")) == []


def test_big_index_that_nothing_reads_is_unused():
    used = _index("idx_used", "status", size_bytes=MEGABYTE)
    unused = _index("idx_unused", "category", size_bytes=MEGABYTE, scans_count=0)
    small = _index("idx_small", "title", size_bytes=MEGABYTE - 1, scans_count=0)

    assert _found(used, unused, small) == [("unused", "idx_unused")]


def test_index_of_many_times_the_size_of_its_rows_is_bloated():
    bloated = _index("idx_bloated", "status", size_bytes=40 * MEGABYTE, expected_bytes=15 * MEGABYTE)
    small = _index("idx_small", "category", size_bytes=4 * MEGABYTE, expected_bytes=MEGABYTE)
    tight = _index("idx_tight", "title", size_bytes=40 * MEGABYTE, expected_bytes=30 * MEGABYTE)

    assert _found(bloated, small, tight) == [("bloated", "idx_bloated")]


def test_table_that_is_often_read_through_is_named_with_its_partitions_together():
    parts = [_table(f"items_signal_{day}", 50_000, "items_signal", seq_scans_count=15, seq_rows_count=750_000) for day in range(2)]
    seldom = _table("items_item", 50_000, seq_scans_count=19, seq_rows_count=19 * 50_000)
    small = _table("items_channel", 10, seq_scans_count=9000, seq_rows_count=90_000)

    assert _found(tables=(*parts, seldom, small)) == [("scanned", "items_signal")]


def test_invalid_and_lacking_indexes_are_faults():
    wanted = declared_indexes()[0]

    findings = find_all(Catalog((_index("idx_broken", is_valid=False),), (), None), [wanted])

    assert [(finding.kind, finding.subject, finding.is_fault) for finding in findings] == [
        ("missing", wanted.name, True),
        ("invalid", "idx_broken", True),
    ]


@pytest.mark.parametrize(
    ("table", "rows_count"),
    [("big", 1_000_000), ("small", 0), ("log_a", 990_000), ("log_b", 10_000), ("log_default", 0), ("unknown", 0)],
)
def test_rows_count_where_the_table_is_big_and_the_partition_not_next_to_empty(table, rows_count):
    log = [_table("log_a", 990_000, "log"), _table("log_b", 10_000, "log"), _table("log_default", 9_999, "log")]
    catalog = Catalog((), (_table("big", 1_000_000), _table("small", 999_999), *log), None)

    assert big_rows_of(catalog, table, 1_000_000) == rows_count


def test_report_fails_for_lists_that_read_a_big_table_through_or_do_not_answer():
    scan = SequentialScan("items_item", 1_000_000, "SELECT 1")
    plans = (ListPlan("/api/a", 200, 1, 2, ()), ListPlan("/api/b", 200, 1, 2, (scan,)), ListPlan("/api/c", 400, 1, 0, ()))
    report = Report((DatabaseReport("default", Catalog((), (), None), ()),), plans)

    assert report.faults == [
        "/api/b: it reads all 1,000,000 rows of items_item.",
        "/api/c: it answered 400, so nothing is known of its plan.",
    ]
