"""
One published revision for each change of configuration, however many rows and apps it touches.

Rules: every writer of configuration works inside `publishing(...)`; the app that keeps revisions registers how one is made. Nested
uses join the outermost one: its transaction, its actor, its single revision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import transaction

Publisher = Callable[[Any, str], object]
"""Called with the actor (a user or None) and the reason, inside the transaction, after all writes."""

_publishers: list[Publisher] = []
_is_publishing: ContextVar[bool] = ContextVar("is_publishing", default=False)


def register_publisher(publisher: Publisher) -> None:
    if publisher not in _publishers:
        _publishers.append(publisher)


@contextmanager
def publishing(reason: str, actor: Any = None) -> Iterator[None]:
    """
    Run the writes of the block in one transaction and publish them as one revision.

    Guarantee: all rows and the revision are stored, or none. A block that changed nothing publishes nothing.
    """
    if _is_publishing.get():
        yield
        return
    mark = _is_publishing.set(True)
    try:
        with transaction.atomic():
            yield
            for publisher in _publishers:
                publisher(actor, reason)
    finally:
        _is_publishing.reset(mark)
