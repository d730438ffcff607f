"""
What a REST request asks the database, noted for `slow_request`.

Rules: text and duration, never a parameter. Outside of a watched block a query costs a tenth of a microsecond more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db.backends.signals import connection_created

from proxy.query_notes import QueryNotes

_notes: ContextVar[QueryNotes | None] = ContextVar("query_notes", default=None)


@contextmanager
def noting(notes: QueryNotes) -> Iterator[None]:
    """Note the queries of the block, also those of threads that Django runs it in."""
    token = _notes.set(notes)
    try:
        yield
    finally:
        _notes.reset(token)


def install() -> None:
    """Watch every connection that is made from now on."""
    connection_created.connect(_watch_connection, dispatch_uid="query_watch")


def _watch_connection(*, connection: Any, **signal: Any) -> None:
    if _note_query not in connection.execute_wrappers:
        connection.execute_wrappers.append(_note_query)


def _note_query(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    notes = _notes.get()
    if notes is None:
        return execute(sql, params, many, context)
    started_at = time.perf_counter()
    try:
        return execute(sql, params, many, context)
    finally:
        notes.add(str(sql), (time.perf_counter() - started_at) * 1e3)
