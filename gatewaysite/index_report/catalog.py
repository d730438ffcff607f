"""
What a database says about its indexes and tables. An index of a partitioned table counts with those of all its partitions.

Rules: reads only, and only what PostgreSQL's own catalogues and statistics hold; no table of ours is read. Numbers of rows are estimates,
as good as the last ANALYZE; numbers of scans are of this server alone, since its statistics were reset.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper

_LAST_SCANS_SINCE: Final = 160_000  # PostgreSQL 16
# An entry of a B-tree: its columns, 8 bytes of its own, 4 bytes that point to it; pages are filled to nine tenths.
_INDEXES: Final = """
WITH facts AS (
    SELECT i.indexrelid, i.indrelid, coalesce(above.inhparent, i.indexrelid) AS root, i.indisvalid, c.relkind = 'I' AS is_parent,
        CASE c.relkind WHEN 'i' THEN pg_relation_size(i.indexrelid) ELSE 0 END AS size_bytes,
        coalesce(s.idx_scan, 0) AS scans, {last_scan} AS last_scan_at,
        CASE WHEN am.amname = 'btree' AND c.relkind = 'i' AND c.reltuples > 0 THEN
            c.reltuples * (12 + (SELECT sum(stats.avg_width) FROM pg_attribute a JOIN pg_stats stats
                ON stats.schemaname = n.nspname AND stats.tablename = t.relname AND stats.attname = a.attname
                WHERE a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey))) / 0.9
        END AS expected_bytes
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
    JOIN pg_namespace n ON n.oid = t.relnamespace JOIN pg_am am ON am.oid = c.relam
    LEFT JOIN pg_inherits above ON above.inhrelid = i.indexrelid
    LEFT JOIN pg_stat_user_indexes s ON s.indexrelid = i.indexrelid
    WHERE n.nspname = current_schema() AND t.relkind IN ('r', 'p', 'm') AND t.relname ~ %s
), sums AS (
    SELECT root, sum(size_bytes)::bigint AS size_bytes, sum(scans)::bigint AS scans, max(last_scan_at) AS last_scan_at,
        bool_and(indisvalid) AS is_valid, coalesce(sum(expected_bytes), 0)::bigint AS expected_bytes
    FROM facts GROUP BY root
)
SELECT c.relname, t.relname, am.amname, i.indisunique,
    EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid AND contype IN ('p', 'u', 'x')),
    ARRAY(SELECT pg_get_indexdef(i.indexrelid, k, true) || ' ' || i.indclass[k - 1] || ' ' || i.indoption[k - 1]
        FROM generate_series(1, i.indnkeyatts) AS k ORDER BY k),
    coalesce(pg_get_expr(i.indpred, i.indrelid, true), ''),
    sums.size_bytes, sums.scans, sums.last_scan_at, sums.is_valid, sums.expected_bytes
FROM sums JOIN pg_index i ON i.indexrelid = sums.root JOIN pg_class c ON c.oid = sums.root JOIN pg_class t ON t.oid = i.indrelid
JOIN pg_am am ON am.oid = c.relam
ORDER BY t.relname, c.relname
"""
_TABLES: Final = """
SELECT t.relname, coalesce(root.relname, t.relname), greatest(t.reltuples, s.n_live_tup, 0)::bigint, pg_relation_size(t.oid),
    coalesce(s.seq_scan, 0), coalesce(s.seq_tup_read, 0), coalesce(s.idx_scan, 0)
FROM pg_class t LEFT JOIN pg_inherits above ON above.inhrelid = t.oid LEFT JOIN pg_class root ON root.oid = above.inhparent
LEFT JOIN pg_stat_user_tables s ON s.relid = t.oid
WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind IN ('r', 'm') AND t.relname ~ %s
ORDER BY 2, 1
"""
_RESET: Final = "SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()"


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """
    One index. `columns` have their operator class and direction in them, so that only equal ones compare equal.

    `expected_bytes` is what a fresh B-tree of these rows would take without deduplication; 0: not known.
    """

    name: str
    table: str
    method: str
    is_unique: bool
    is_constraint: bool
    columns: tuple[str, ...]
    predicate: str
    size_bytes: int
    scans_count: int
    last_scan_at: dt.datetime | None
    is_valid: bool
    expected_bytes: int


@dataclass(frozen=True, slots=True)
class TableFacts:
    """One table or partition; `root` is the partitioned table, or the table itself."""

    name: str
    root: str
    rows_count: int
    size_bytes: int
    seq_scans_count: int
    seq_rows_count: int
    index_scans_count: int


@dataclass(frozen=True, slots=True)
class Catalog:
    indexes: tuple[IndexFacts, ...]
    tables: tuple[TableFacts, ...]
    counted_since: dt.datetime | None

    def rows_of(self, root: str) -> int:
        return sum(table.rows_count for table in self.tables if table.root == root)


def read_catalog(connection: BaseDatabaseWrapper) -> Catalog:
    """
    Return what a database says of our tables. Those of Django's own apps are left out: nobody here can change them.

    Cost: three queries.
    """
    ours = f"^({'|'.join(settings.MIGRATION_MODULES)})_"
    version: int = connection.pg_version  # type: ignore[attr-defined]  # PostgreSQL's own
    last_scan = "s.last_idx_scan" if version >= _LAST_SCANS_SINCE else "NULL::timestamptz"
    with connection.cursor() as cursor:
        indexes = tuple(_index(row) for row in _ask(cursor, _INDEXES.replace("{last_scan}", last_scan), [ours]))
        tables = tuple(TableFacts(*row) for row in _ask(cursor, _TABLES, [ours]))
        counted_since = _ask(cursor, _RESET)[0][0]
    return Catalog(indexes, tables, counted_since)


def _ask(cursor: Any, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    cursor.execute(query, parameters)
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _index(row: tuple[Any, ...]) -> IndexFacts:
    facts = IndexFacts(*row)
    return replace(facts, columns=tuple(facts.columns))
