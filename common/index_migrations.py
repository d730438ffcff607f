"""
Migration operations for indexes of tables that are written to all the time.

Rules: a migration that adds indexes is not atomic (`atomic = False`) and does nothing else, so that it may be run again after it broke off.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import RenameIndex
from django.db.migrations.state import ProjectState
from django.db.models import Model

from common.index_sql import create_statements, drop_statements, is_valid, partitions_of, table_of


class AddPartitionedIndexConcurrently(AddIndexConcurrently):
    """
    Add an index while the table is read and written, be the table partitioned or not.

    On a partitioned table PostgreSQL refuses CREATE INDEX CONCURRENTLY: the index is made on the parent alone, then concurrently on each
    partition, and each is attached to the parent's; with the last one that becomes valid.
    Cost: each partition is read twice. On a partitioned table writes wait at the beginning until those are done that run then.
    Guarantee: after a break-off it may be run again. What was left invalid is dropped and made anew; what is complete is kept.
    Errors: NotSupportedError in a transaction; DatabaseError when the index is still invalid in the end.
    """

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: ProjectState, to_state: ProjectState) -> None:
        model = self._prepare(app_label, schema_editor, to_state)
        if model is None:
            return
        _run(schema_editor, create_statements(schema_editor.connection, model, self.index))
        if not schema_editor.collect_sql and not is_valid(schema_editor.connection, self.index.name):
            raise DatabaseError(f"The index {self.index.name} is not valid: a partition lacks it. Drop it and migrate again.")

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: ProjectState, to_state: ProjectState) -> None:
        model = self._prepare(app_label, schema_editor, from_state)
        if model is not None:
            _run(schema_editor, drop_statements(schema_editor.connection, model, self.index))

    def _prepare(self, app_label: str, schema_editor: Any, state: ProjectState) -> type[Model] | None:
        """Return the model as it was then, None where this database holds none of it."""
        self._ensure_not_in_transaction(schema_editor)
        model = state.apps.get_model(app_label, self.model_name)
        return model if self.allow_migrate_model(schema_editor.connection.alias, model) else None


class RenamePartitionedIndex(RenameIndex):
    """
    Rename an index with those of the partitions that are named after it. Nothing waits for it; the index stays in use.

    Indexes that PostgreSQL named itself, after the partition and its columns, keep their names. On the way back Django runs the same with
    the names exchanged.
    """

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: ProjectState, to_state: ProjectState) -> None:
        super().database_forwards(app_label, schema_editor, from_state, to_state)
        connection = schema_editor.connection
        model = to_state.apps.get_model(app_label, self.model_name)
        if not schema_editor.collect_sql and self.allow_migrate_model(connection.alias, model):
            _run(schema_editor, self._rename_below(connection, table_of(model), str(self.old_name)))

    def _rename_below(self, connection: BaseDatabaseWrapper, table: str, old: str) -> Iterator[str]:
        quote = connection.ops.quote_name
        for partition in partitions_of(connection, table, self.new_name):
            if partition.attached and partition.attached.startswith(f"{old}_"):
                name = self.new_name + partition.attached.removeprefix(old)
                yield f"ALTER INDEX {quote(partition.attached)} RENAME TO {quote(name)}"


def _run(schema_editor: Any, statements: Iterable[str]) -> None:
    for statement in statements:
        schema_editor.execute(statement, params=None)
