"""
What the policies of a worker have in common is there once: automata, by what they were made from.

Rules: weak, so what no policy uses any more is gone. What is shared is immutable, or safe from several threads.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

_Made = TypeVar("_Made")


class Shared(Generic[_Made]):
    """Guarantee: safe from several threads; two that make the same at once may make it twice."""

    def __init__(self) -> None:
        self._made: WeakValueDictionary[Hashable, _Made] = WeakValueDictionary()

    def find_or_make(self, key: Hashable, make: Callable[[], _Made]) -> _Made:
        """Return what somebody still uses that was made for the key, or make it. Errors: those of `make`."""
        made = self._made.get(key)
        if made is None:
            made = self._made.setdefault(key, make())
        return made
