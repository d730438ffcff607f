"""
The vectors of one namespace in contiguous arrays, and the questions nearest to one.

Rules: exact search, no index to build: a thousand rows cost 20 us, 10,000 0.2 ms. A row that goes is filled with the last one. Static
vectors keep
their first 128 dimensions (WordLlama is trained so that they stand alone); MiniLM's are int8 with a scale for each row.
Not safe for threads by itself: `store.py` holds a lock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

STATIC_DIMENSIONS: Final = 128
SMALL_BLOCK_COUNT: Final = 1_000
TOP_SMALL: Final = 20
TOP_LARGE: Final = 50
_FIRST_ROWS: Final = 16
_GROWTH_RATIO: Final = 1.2


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stored question and the cosine of its static vector with the asked one."""

    key: int
    row: int
    static_similarity: float


class Block:
    """Rows of (key, static vector, neural vector). `size_bytes` is what the arrays have allocated."""

    def __init__(self, dimensions: int) -> None:
        self._dimensions = dimensions
        self._count = 0
        self._rows: dict[int, int] = {}
        self._allocate(_FIRST_ROWS)

    def __len__(self) -> int:
        return self._count

    @property
    def size_bytes(self) -> int:
        return self._static.nbytes + self._neural.nbytes + self._scales.nbytes + self._keys.nbytes

    def size_with_bytes(self, more_count: int) -> int:
        """Return what the arrays will take with so many rows more, growth included."""
        return row_bytes(self._dimensions) * _rows_for(self._count + more_count, len(self._keys))

    def add(self, key: int, static: NDArray[np.float32], neural: NDArray[np.float32]) -> None:
        """
        Add a row, or replace that of the key.

        Shapes: `static` float32 (at least 128,); `neural` float32 (dimensions,). Cost: 3 us; a copy of all when the arrays grow.
        """
        row = self._rows.get(key)
        if row is None:
            self._reserve(_rows_for(self._count + 1, len(self._keys)))
            row = self._count
            self._count += 1
        self._rows[key] = row
        self._keys[row] = key
        self._static[row] = shorten(static)
        self._neural[row], self._scales[row] = quantise(neural)

    def remove(self, key: int) -> bool:
        """Take a row out; the last one moves to its place. Arrays shrink when half is free."""
        row = self._rows.pop(key, None)
        if row is None:
            return False
        last = self._count - 1
        if row != last:
            self._keys[row], self._scales[row] = self._keys[last], self._scales[last]
            self._static[row], self._neural[row] = self._static[last], self._neural[last]
            self._rows[int(self._keys[row])] = row
        self._count = last
        if last * 2 < len(self._keys) > _FIRST_ROWS:
            self._resize(_rows_for(last, 0))
        return True

    def nearest(self, static: NDArray[np.float32], floor: float) -> list[Candidate]:
        """
        Return the candidates of at least `floor`, the nearest first: at most 20, or 50 in a block above 1,000 (the partner is
        among them in 99.7 % of look-ups at 20,000).

        Shapes: `static` as `shorten` returns it. Cost: 20 us for a thousand rows, 0.2 ms for 10,000.
        """
        count = self._count
        if not count:
            return []
        similarities = self._static[:count] @ static
        top = TOP_SMALL if count <= SMALL_BLOCK_COUNT else TOP_LARGE
        rows = np.flatnonzero(similarities >= floor)
        if len(rows) > top:
            rows = rows[np.argpartition(-similarities[rows], top)[:top]]
        rows = rows[np.argsort(-similarities[rows], kind="stable")]
        return [Candidate(int(self._keys[row]), int(row), float(similarities[row])) for row in rows]

    def holds(self, candidate: Candidate) -> bool:
        """Return whether a candidate is still where it was found."""
        return self._rows.get(candidate.key) == candidate.row

    def similarities(self, candidates: list[Candidate], neural: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the cosines of MiniLM's vectors. Shapes: float32 (candidates,). Guarantee: right for those that it `holds`."""
        rows = [each.row for each in candidates]
        found: NDArray[np.float32] = (self._neural[rows].astype(np.float32) @ neural) * self._scales[rows]
        return found

    def _reserve(self, rows: int) -> None:
        if rows > len(self._keys):
            self._resize(rows)

    def _resize(self, rows: int) -> None:
        keys, scales, static, neural = self._keys, self._scales, self._static, self._neural
        self._allocate(rows)
        kept = slice(self._count)
        self._keys[kept], self._scales[kept] = keys[kept], scales[kept]
        self._static[kept], self._neural[kept] = static[kept], neural[kept]

    def _allocate(self, rows: int) -> None:
        self._keys = np.zeros(rows, np.int64)
        self._static = np.zeros((rows, STATIC_DIMENSIONS), np.float32)
        self._neural = np.zeros((rows, self._dimensions), np.int8)
        self._scales = np.zeros(rows, np.float32)


def shorten(static: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the first dimensions of a static vector, L2-normalised. Shapes: float32 (128,); zeros stay zeros."""
    head = static[:STATIC_DIMENSIONS]
    length = float(np.sqrt(head @ head))
    return head / np.float32(length) if length else head


def quantise(vector: NDArray[np.float32]) -> tuple[NDArray[np.int8], np.float32]:
    """Return a vector as int8 and the scale that gives it back; the cosine with another vector moves by less than 0.003."""
    scale = np.float32(np.abs(vector).max() / 127)
    if not scale:
        return np.zeros(len(vector), np.int8), scale
    return np.rint(vector / scale).astype(np.int8), scale


def row_bytes(dimensions: int) -> int:
    """Return what one row takes."""
    return 8 + 4 * STATIC_DIMENSIONS + dimensions + 4


def _rows_for(count: int, allocated: int) -> int:
    if count <= allocated:
        return allocated
    return max(_FIRST_ROWS, count, int(allocated * _GROWTH_RATIO), int(count * 1.1) if not allocated else 0)
