"""
Where the characters of a changed text come from, kept by the places of change instead of by the character.

Rules: offsets never fall; memory and time to build grow with the changes, not with the text.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import overload


class Offsets(Sequence[int]):
    """
    Offsets that rise by one from a place to the next, built from the left. The last entry is the end: `run(end, 1)`.
    """

    __slots__ = ("_length", "_origins", "_places")

    def __init__(self) -> None:
        self._places = array("L")
        self._origins = array("L")
        self._length = 0

    def run(self, origin: int, count: int) -> None:
        """Add `count` characters that lie one by one in the original, from `origin` on."""
        if count <= 0:
            return
        origins, places = self._origins, self._places
        if not places or origins[-1] + self._length - places[-1] != origin:
            places.append(self._length)
            origins.append(origin)
        self._length += count

    def group(self, origin: int, count: int) -> None:
        """Add `count` characters that all stand for the piece of the original that begins at `origin`."""
        self._places.extend(range(self._length, self._length + count))
        self._origins.extend([origin] * count)
        self._length += count

    def __len__(self) -> int:
        return self._length

    def many(self, origins: Sequence[int]) -> None:
        """Add characters, each with where it comes from."""
        self._places.extend(range(self._length, self._length + len(origins)))
        self._origins.extend(origins)
        self._length += len(origins)

    def _slice(self, start: int, stop: int) -> list[int]:
        found: list[int] = []
        places, origins = self._places, self._origins
        place = bisect_right(places, start) - 1
        while start < stop:
            end = min(stop, places[place + 1] if place + 1 < len(places) else stop)
            origin = origins[place] - places[place]
            found.extend(range(origin + start, origin + end))
            start = end
            place += 1
        return found

    @overload
    def __getitem__(self, at: int) -> int: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[int]: ...

    def __getitem__(self, at: int | slice) -> int | Sequence[int]:
        if isinstance(at, slice):
            start, stop, step = at.indices(self._length)
            if step == 1:
                return self._slice(start, stop)
            return self._slice(0, self._length)[at]
        if at < 0:
            at += self._length
        if not 0 <= at < self._length:
            raise IndexError(at)
        place = bisect_right(self._places, at) - 1
        return self._origins[place] + at - self._places[place]


class LazyOffsets(Sequence[int]):
    """Offsets that are worked out when somebody first asks for one: most texts have no hit."""

    __slots__ = ("_length", "_made", "_make")

    def __init__(self, length: int, make: Callable[[], Sequence[int]]) -> None:
        self._length = length
        self._make = make
        self._made: Sequence[int] | None = None

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, at: int) -> int: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[int]: ...

    def __getitem__(self, at: int | slice) -> int | Sequence[int]:
        if self._made is None:
            self._made = self._make()
        return self._made[at]
