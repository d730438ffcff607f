"""Counts the queries of all threads, on the real connections."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db.backends.utils import CursorWrapper


@contextmanager
def counted_queries() -> Iterator[list[str]]:
    """Yield the list that every query is added to until the end of the block; what opens and ends transactions is not among them."""
    queries: list[str] = []
    execute, executemany = CursorWrapper.execute, CursorWrapper.executemany

    def counting(run):
        def wrapper(self, sql, *arguments):
            queries.append(str(sql))
            return run(self, sql, *arguments)

        return wrapper

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CursorWrapper, "execute", counting(execute))
        patch.setattr(CursorWrapper, "executemany", counting(executemany))
        yield queries
