"""
One published revision for each change of configuration, however many rows and apps it touches.

Rules: every writer of configuration works inside `publishing(...)`; the app that keeps revisions registers how one is made. Nested
uses join the outermost one: its transaction, its actor, its single revision. Blocks run one after the other: each waits for its turn
before it touches a row. Were the turn taken only when the revision is made, two blocks that write the same rows in opposite order, or one
that holds a row and one that holds the turn, would wait for each other, and PostgreSQL would end one of them.
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
_turnstiles: list[Callable[[], object]] = []
_is_publishing: ContextVar[bool] = ContextVar("is_publishing", default=False)


def register_publisher(publisher: Publisher, wait_for_turn: Callable[[], object] | None = None) -> None:
    """`wait_for_turn` is called at the beginning of each block, inside its transaction, and holds other blocks back until that ends."""
    if publisher not in _publishers:
        _publishers.append(publisher)
    if wait_for_turn is not None and wait_for_turn not in _turnstiles:
        _turnstiles.append(wait_for_turn)


@contextmanager
def publishing(reason: str, actor: Any = None) -> Iterator[None]:
    """
    Run the writes of the block in one transaction and publish them as one revision.

    Cost: a wait for the blocks that began before; keep slow work (a call, a large file to parse) out of it.
    Guarantee: all rows and the revision are stored, or none. A block that changed nothing publishes nothing. What is read inside is
    not changed by another block before the commit.
    """
    if _is_publishing.get():
        yield
        return
    mark = _is_publishing.set(True)
    try:
        with transaction.atomic():
            for wait_for_turn in _turnstiles:
                wait_for_turn()
            yield
            for publisher in _publishers:
                publisher(actor, reason)
    finally:
        _is_publishing.reset(mark)
