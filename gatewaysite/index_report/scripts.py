"""
The indexes as SQL that may be run again, for whoever makes or drops them by hand: `psql --file`, outside of a transaction.

Rules: it is what the code declares, written for the database at hand: which tables are partitioned and how, and what an earlier run left
invalid. Tables that are not there are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.db.backends.base.base import BaseDatabaseWrapper

from gatewaysite.index_report.declared import Declared, declared_indexes

_HEAD: Final = """\
-- Written by `manage.py index_report --sql`. Run it outside of a transaction; all of it again changes nothing.
SET statement_timeout = 0;"""


def write_script(connection: BaseDatabaseWrapper, *, is_drop: bool = False) -> str:
    """Return the statements that create, or drop, every index that the code declares."""
    there = set(connection.introspection.table_names())
    parts = [_HEAD]
    for declared in declared_indexes():
        if declared.table in there:
            statements = declared.drop(connection) if is_drop else _creation(connection, declared)
            parts.append("\n".join((f"-- {declared.table}: {declared.serves}", *(f"{statement};" for statement in statements))))
    return "\n\n".join(parts) + "\n"


def _creation(connection: BaseDatabaseWrapper, declared: Declared) -> Iterator[str]:
    yield from declared.create(connection)
    sentence = declared.serves.replace("'", "''")
    yield f"COMMENT ON INDEX {connection.ops.quote_name(declared.name)} IS '{sentence}'"
