"""
Postings of a lexical index in numpy arrays that are never changed: which passages hold a term, and how often.

Rules: a segment is made once; adding makes a new one, and merging two makes a third, so who reads needs no lock. Terms are Python's own
64-bit hashes of their words, keyed afresh in each process: a vocabulary of a million words takes 8 MB, and nobody outside can aim at a
collision. They mean nothing in another process, so segments are not stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Terms: TypeAlias = NDArray[np.int64]
Positions: TypeAlias = NDArray[np.uint32]
Counts: TypeAlias = NDArray[np.uint16]

_MOST_REPEATS = np.iinfo(np.uint16).max


@dataclass(frozen=True, slots=True)
class Segment:
    """
    The postings of some passages.

    Shapes: `terms` int64 (t,) ascending; `starts` int64 (t + 1,), a term's postings are `[starts[i]:starts[i + 1]]`; `positions` uint32
    (p,) and `counts` uint16 (p,), by term. A passage is in one segment only.
    """

    terms: Terms
    starts: NDArray[np.int64]
    positions: Positions
    counts: Counts

    def find(self, term: int) -> tuple[Positions, Counts]:
        """Return where a term is, and how often. Cost: a binary search; the arrays are views."""
        at = int(np.searchsorted(self.terms, term))
        if at == self.terms.size or self.terms[at] != term:
            return self.positions[:0], self.counts[:0]
        begin, end = self.starts[at], self.starts[at + 1]
        return self.positions[begin:end], self.counts[begin:end]

    @property
    def size(self) -> int:
        """How many postings there are."""
        return int(self.positions.size)

    @property
    def memory_bytes(self) -> int:
        return self.terms.nbytes + self.starts.nbytes + self.positions.nbytes + self.counts.nbytes


def build_segment(passages: Sequence[Sequence[str]], first_position: int) -> Segment:
    """Return the postings of passages, given as their terms, that stand at `first_position` and after. Cost: about 0.1 us a term."""
    lengths = [len(each) for each in passages]
    terms = np.fromiter((hash(word) for words in passages for word in words), dtype=np.int64, count=sum(lengths))
    positions = np.repeat(np.arange(first_position, first_position + len(passages), dtype=np.uint32), lengths)
    order = np.lexsort((positions, terms))
    terms, positions = terms[order], positions[order]
    first = _changes(terms) | _changes(positions)
    counts = np.diff(np.append(np.flatnonzero(first), terms.size))
    return _segment(terms[first], positions[first], np.minimum(counts, _MOST_REPEATS).astype(np.uint16))


def merge(segments: Sequence[Segment]) -> Segment:
    """Return one segment for several, given in the order of their positions."""
    terms = np.concatenate([_spread(each) for each in segments])
    order = np.argsort(terms, kind="stable")
    positions = np.concatenate([each.positions for each in segments])[order]
    return _segment(terms[order], positions, np.concatenate([each.counts for each in segments])[order])


def renumber(segment: Segment, new_positions: NDArray[np.int64]) -> Segment:
    """Return the segment with passages moved to `new_positions[old]`, ascending, without those that are moved to -1."""
    moved = new_positions[segment.positions]
    kept = moved >= 0
    return _segment(_spread(segment)[kept], moved[kept].astype(np.uint32), segment.counts[kept])


def _spread(segment: Segment) -> Terms:
    return np.repeat(segment.terms, np.diff(segment.starts))


def _segment(terms: Terms, positions: Positions, counts: Counts) -> Segment:
    first = np.flatnonzero(_changes(terms))
    return Segment(terms[first], np.append(first, terms.size).astype(np.int64), positions, counts)


def _changes(values: Terms | Positions) -> NDArray[np.bool_]:
    changes = np.ones(values.size, dtype=np.bool_)
    np.not_equal(values[1:], values[:-1], out=changes[1:])
    return changes
