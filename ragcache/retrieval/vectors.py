"""Exact search of unit vectors in one numpy block, for collections small enough and for measurements."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from ragcache.retrieval.ranking import Hit


class ExactVectors:
    """
    Vectors with their ids, searched one and all.

    Shapes: `vectors` float32 (n, dim), rows L2-normalised; `groups` names each row's document, for the filter.
    Cost: 1.5 KB a row of 384; a search of 10,000 rows 0.3 ms, of 100,000 12 ms. Safe to read from several threads; never changed.
    """

    def __init__(self, ids: Sequence[str], vectors: NDArray[np.float32], groups: Sequence[str] | None = None) -> None:
        if vectors.shape[0] != len(ids) or (groups is not None and len(groups) != len(ids)):
            raise ValueError("There is one id, one vector and one group for each row.")
        self._ids = tuple(ids)
        self._vectors = np.ascontiguousarray(vectors, dtype=np.float32)
        self._rows = {each: row for row, each in enumerate(self._ids)}
        names, self._groups = np.unique(np.array(groups if groups is not None else ids, dtype=np.str_), return_inverse=True)
        self._group_numbers = {str(each): number for number, each in enumerate(names)}

    def __len__(self) -> int:
        return len(self._ids)

    def nearest(self, vector: NDArray[np.float32], limit: int, *, groups: Collection[str] | None = None) -> list[Hit]:
        """Return the `limit` nearest ids with their cosines, best first; equal ones in the order of rows."""
        scores = self._vectors @ vector
        rows = np.arange(scores.size) if groups is None else np.flatnonzero(self._allowed(groups)[self._groups])
        if rows.size > limit > 0:
            least = np.partition(scores[rows], rows.size - limit)[rows.size - limit]
            rows = rows[scores[rows] >= least]
        best = rows[np.argsort(-scores[rows], kind="stable")[: max(limit, 0)]]
        return [Hit(self._ids[row], float(scores[row])) for row in best.tolist()]

    def vectors_of(self, ids: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of known ids. Shapes: float32 (len(ids), dim). Errors: KeyError."""
        found: NDArray[np.float32] = self._vectors[[self._rows[each] for each in ids]]
        return found

    def _allowed(self, groups: Collection[str]) -> NDArray[np.bool_]:
        allowed = np.zeros(len(self._group_numbers), dtype=np.bool_)
        allowed[[self._group_numbers[each] for each in groups if each in self._group_numbers]] = True
        return allowed
