"""
The indexes that the code declares, each with the query it serves.

Rules: the sentence is the comment that stands beside the index, where whoever changes it reads it: behind it in `models.py`, above it in
the SQL of tables that are no models. From there it goes into the reference, into the report and, after every migration, into the database
as the comment of the index.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Protocol

from django.apps import apps
from django.conf import settings
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Index, Model

from common.index_sql import create_statements, drop_concurrently, drop_statements, is_valid, table_of
from items.signal_storage import hours_of

_SENTENCE: Final = re.compile(r'name="(idx_\w+)"(?:(?!\bname=")[^#])*#[ ]*(.+)')
_WRITTEN: Final = re.compile(r"(?:^--[ ]*(.+)\n)?^CREATE (UNIQUE )?INDEX (idx_\w+) ON (\w+) ([^;]+)", re.MULTILINE)
_STORED: Final = """
SELECT c.relname, coalesce(obj_description(c.oid, 'pg_class'), '') FROM pg_class c
WHERE c.relkind IN ('i', 'I') AND c.relnamespace = current_schema()::regnamespace AND c.relname = ANY(%s)
"""


class Declared(Protocol):
    """An index as the code wants it. `serves` is empty where nobody wrote what for; `columns` is for people."""

    @property
    def name(self) -> str: ...

    @property
    def table(self) -> str: ...

    @property
    def serves(self) -> str: ...

    @property
    def columns(self) -> str: ...

    def create(self, connection: BaseDatabaseWrapper) -> Iterable[str]:
        """Return the statements that make it in this database, as in `common/index_sql.py`."""

    def drop(self, connection: BaseDatabaseWrapper) -> Iterable[str]:
        """Return the statements that remove it from this database."""


@dataclass(frozen=True, slots=True)
class ModelIndex:
    """An index of a model."""

    model: type[Model]
    index: Index
    serves: str

    @property
    def name(self) -> str:
        return self.index.name

    @property
    def table(self) -> str:
        return table_of(self.model)

    @property
    def columns(self) -> str:
        index = self.index
        columns = ", ".join(f"{name} {order}".strip() for name, order in index.fields_orders)
        method = "" if type(index) is Index else f"{index.suffix}: "
        more = f"; holds {', '.join(index.include)}" if index.include else ""
        return f"{method}{columns}{more}" + ("; only some rows" if index.condition is not None else "")

    def create(self, connection: BaseDatabaseWrapper) -> Iterator[str]:
        return create_statements(connection, self.model, self.index)

    def drop(self, connection: BaseDatabaseWrapper) -> Iterator[str]:
        return drop_statements(connection, self.model, self.index)


@dataclass(frozen=True, slots=True)
class WrittenIndex:
    """An index of a table that is made by SQL of ours; `body` is what stands behind the table."""

    name: str
    table: str
    body: str
    is_unique: bool
    serves: str

    @property
    def columns(self) -> str:
        columns = self.body.partition("(")[2].partition(")")[0]
        held = self.body.partition("INCLUDE (")[2].partition(")")[0]
        return columns + (f"; holds {held}" if held else "")

    def create(self, connection: BaseDatabaseWrapper) -> Iterator[str]:
        if is_valid(connection, self.name) is False:
            yield drop_concurrently(connection, self.name)
        yield f'CREATE {"UNIQUE " if self.is_unique else ""}INDEX CONCURRENTLY IF NOT EXISTS "{self.name}" ON "{self.table}" {self.body}'

    def drop(self, connection: BaseDatabaseWrapper) -> Iterator[str]:
        yield drop_concurrently(connection, self.name)


def declared_indexes() -> list[Declared]:
    """Return all indexes of ours by table and name."""
    found: list[Declared] = [*_of_models(), *_of_statements(hours_of("native"))]
    return sorted(found, key=lambda declared: (declared.table, declared.name))


def _of_models() -> Iterator[ModelIndex]:
    for label in sorted(settings.MIGRATION_MODULES):
        for model in apps.get_app_config(label).get_models():
            for index in model._meta.indexes:  # noqa: SLF001  # Django's own way to it
                yield ModelIndex(model, index, _sentences(inspect.getmodule(model)).get(index.name, ""))


@lru_cache(maxsize=16)
def _sentences(module: Any) -> dict[str, str]:
    return {name: sentence.strip() for name, sentence in _SENTENCE.findall(inspect.getsource(module))}


def _of_statements(statements: Iterable[str]) -> Iterator[WrittenIndex]:
    for statement in statements:
        for sentence, unique, name, table, body in _WRITTEN.findall(statement):
            yield WrittenIndex(name, table, " ".join(body.split()), bool(unique), sentence)


def comment_indexes(using: str, **signal: Any) -> None:
    """
    Write each index's sentence into the database, where `\\di+` and other tools show it. Called after migrations.

    Cost: one query, and a statement for each sentence that changed.
    """
    connection = connections[using]
    wanted = {declared.name: declared.serves for declared in declared_indexes() if declared.serves}
    with connection.cursor() as cursor:
        cursor.execute(_STORED, [list(wanted)])
        for name, stored in cursor.fetchall():
            if stored != wanted[name]:
                cursor.execute(f"COMMENT ON INDEX {connection.ops.quote_name(name)} IS %s", [wanted[name]])
