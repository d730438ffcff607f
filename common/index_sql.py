"""
Indexes as statements that may be run again: created without stopping writes, on tables that are partitioned, too.

Rules: nothing here is run, only written; what a statement looks like depends on what the database holds already. A partitioned table has
one level of partitions. An index of a partition is named after the index and the partition: `idx_signals_symbol_20261121`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import names_digest, truncate_name
from django.db.models import Index, Model

_BODY: Final = "%(table)s%(using)s (%(columns)s)%(include)s%(extra)s%(condition)s"
_ALONE: Final = f"CREATE INDEX IF NOT EXISTS %(name)s ON ONLY {_BODY}"
_CONCURRENT: Final = f"CREATE INDEX CONCURRENTLY IF NOT EXISTS %(name)s ON {_BODY}"
_BY_CHUNK: Final = f"CREATE INDEX IF NOT EXISTS %(name)s ON {_BODY}".replace("%(extra)s", " WITH (timescaledb.transaction_per_chunk)")
_NAME_MAX_LENGTH: Final = 63  # PostgreSQL cuts longer ones without a word

_RELATION: Final = "SELECT c.relkind = 'p' FROM pg_class c WHERE c.oid = to_regclass(%s)"
_HAS_HYPERTABLES: Final = "SELECT to_regclass('timescaledb_information.hypertables') IS NOT NULL"
_HYPERTABLE: Final = """
SELECT EXISTS (SELECT FROM timescaledb_information.hypertables WHERE hypertable_schema = current_schema() AND hypertable_name = %s)
"""
_VALIDITY: Final = "SELECT i.indisvalid FROM pg_index i WHERE i.indexrelid = to_regclass(%s)"
_PARTITIONS: Final = """
SELECT partition.relname, partition.relkind = 'p', attached.relname
FROM pg_inherits AS below JOIN pg_class AS partition ON partition.oid = below.inhrelid
LEFT JOIN (
    pg_inherits AS i JOIN pg_class AS attached ON attached.oid = i.inhrelid JOIN pg_index AS facts ON facts.indexrelid = i.inhrelid
) ON facts.indrelid = partition.oid AND i.inhparent = to_regclass(%s)
WHERE below.inhparent = to_regclass(%s)
ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition, and the index of it that belongs to the parent's, if there is one."""

    table: str
    attached: str | None


def create_statements(connection: BaseDatabaseWrapper, model: type[Model], index: Index) -> Iterator[str]:
    """
    Yield what makes an index, to be run in order and outside of a transaction; all of it again changes nothing.

    What broke off and left an invalid index drops that first. The partitions are looked up when the statement before was run, so that
    one which came meanwhile has its index from the parent.
    Errors: ValueError for a partition that is partitioned itself.
    """
    table = table_of(model)
    if is_hypertable(connection, table):  # has no other way that lets writes go on: each chunk is locked for as long as it takes
        yield write_index(connection, model, index, _BY_CHUNK, table, index.name)
        return
    if not is_partitioned(connection, table):
        yield from _create_concurrently(connection, model, index, table, index.name)
        return
    yield write_index(connection, model, index, _ALONE, table, index.name)
    quote = connection.ops.quote_name
    for partition in partitions_of(connection, table, index.name):
        name = partition.attached or name_in_partition(index.name, table, partition.table)
        yield from _create_concurrently(connection, model, index, partition.table, name)
        yield f"ALTER INDEX {quote(index.name)} ATTACH PARTITION {quote(name)}"


def _create_concurrently(connection: BaseDatabaseWrapper, model: type[Model], index: Index, table: str, name: str) -> Iterator[str]:
    if is_valid(connection, name) is False:
        yield drop_concurrently(connection, name)
    yield write_index(connection, model, index, _CONCURRENT, table, name)


def drop_statements(connection: BaseDatabaseWrapper, model: type[Model], index: Index) -> Iterator[str]:
    """
    Yield what removes an index, to be run outside of a transaction; all of it again changes nothing.

    PostgreSQL drops an index of a partitioned table with those of its partitions and never concurrently: reads and writes of the table
    wait for the moment that takes.
    """
    table = table_of(model)
    if is_hypertable(connection, table):
        yield f"DROP INDEX IF EXISTS {connection.ops.quote_name(index.name)}"
        return
    if not is_partitioned(connection, table):
        yield drop_concurrently(connection, index.name)
        return
    partitions = partitions_of(connection, table, index.name)
    yield f"DROP INDEX IF EXISTS {connection.ops.quote_name(index.name)}"
    for partition in partitions:
        if partition.attached is None:  # left by what broke off before it was attached
            yield drop_concurrently(connection, name_in_partition(index.name, table, partition.table))


def drop_concurrently(connection: BaseDatabaseWrapper, name: str) -> str:
    """Return the statement that removes an index while its table is read and written, if it is there."""
    return f"DROP INDEX CONCURRENTLY IF EXISTS {connection.ops.quote_name(name)}"


def write_index(connection: BaseDatabaseWrapper, model: type[Model], index: Index, template: str, table: str, name: str) -> str:
    """Return the statement of an index as Django writes it, in a template and for a table of ours."""
    with connection.schema_editor(collect_sql=True, atomic=False) as editor:
        statement: Any = index.create_sql(model, editor)
    quote = connection.ops.quote_name
    parts = {part: str(value) for part, value in statement.parts.items()}
    return template % (parts | {"table": quote(table), "name": quote(name)})


def name_in_partition(index: str, table: str, partition: str) -> str:
    """Return what the index of a partition is called, cut to what PostgreSQL takes."""
    ending = partition.removeprefix(f"{table}_")
    name = f"{index}_{ending}"
    if len(name) <= _NAME_MAX_LENGTH:
        return name
    digest = names_digest(index, partition, length=8)
    return f"{truncate_name(name, _NAME_MAX_LENGTH - 9)}_{digest}"


# --- what the database holds ----------------------------------------------------------------------------------------------------------


def table_of(model: type[Model]) -> str:
    return model._meta.db_table  # noqa: SLF001  # Django's own way to it


def is_partitioned(connection: BaseDatabaseWrapper, table: str) -> bool:
    """Return whether a table is partitioned; one that is not there is not."""
    with connection.cursor() as cursor:
        cursor.execute(_RELATION, [connection.ops.quote_name(table)])
        row = cursor.fetchone()
    return bool(row and row[0])


def is_hypertable(connection: BaseDatabaseWrapper, table: str) -> bool:
    """Return whether TimescaleDB keeps a table."""
    with connection.cursor() as cursor:
        cursor.execute(_HAS_HYPERTABLES)
        if not cursor.fetchone()[0]:
            return False
        cursor.execute(_HYPERTABLE, [table])
        return bool(cursor.fetchone()[0])


def is_valid(connection: BaseDatabaseWrapper, index: str) -> bool | None:
    """Return whether an index is complete; None when it is not there."""
    with connection.cursor() as cursor:
        cursor.execute(_VALIDITY, [connection.ops.quote_name(index)])
        row = cursor.fetchone()
    return None if row is None else bool(row[0])


def partitions_of(connection: BaseDatabaseWrapper, table: str, index: str) -> list[Partition]:
    """Return the partitions of a table by their names. Errors: ValueError for one that is partitioned itself."""
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(_PARTITIONS, [quote(index), quote(table)])
        rows = cursor.fetchall()
    if nested := [name for name, is_nested, _ in rows if is_nested]:
        raise ValueError(f"{nested[0]} is partitioned itself: its partitions would be left out.")
    return [Partition(name, attached) for name, _, attached in rows]
