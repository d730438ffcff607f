"""
BM25 over the chunks of one workspace, in the process, fed from rows and kept up to date by adding and removing.

Rules: one index holds one workspace, so another's words count for nothing. Readers see one frozen state and take no lock; writers take
turns. Who may see what is the caller's: it names the groups (documents) that may be found, after asking the tables.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import log
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ragcache.retrieval.postings import Counts, Segment, build_segment, merge, renumber
from ragcache.retrieval.ranking import Hit
from ragcache.retrieval.words import terms_of

K1: Final = 1.2
B: Final = 0.75
MAX_QUERY_TERMS: Final = 64
"""Of a longer question only its rarest words count, so that a page pasted as a question costs what a question costs."""
MAX_QUERY_CHARACTERS: Final = 8 << 10

_LEAST_DEAD_SHARE = 0.25
"""From this share of removed passages on the index is written anew without them."""
_MERGE_RATIO = 2
"""A segment is merged into the one before it unless that one is this much larger: log2(n) segments, each posting moved log2(n) times."""


@dataclass(frozen=True, slots=True)
class Passage:
    """
    A chunk to be found: its id, the group that it is filtered by (its document), and all text that should find it.

    `emphasis` is what of the text counts once more: its title and headings.
    """

    id: str
    group: str
    text: str
    emphasis: str = ""


@dataclass(frozen=True)
class _State:
    """
    What a reader sees. Arrays are never written to; `ids` and `group_numbers` only grow, and a state reads only what was there before it.

    Shapes: `lengths` float32 (n,) in terms; `is_alive` bool (n,); `groups` int32 (n,).
    """

    segments: tuple[Segment, ...]
    ids: list[str]
    group_numbers: dict[str, int]
    lengths: NDArray[np.float32]
    is_alive: NDArray[np.bool_]
    groups: NDArray[np.int32]
    alive_count: int

    @cached_property
    def mean_length(self) -> float:
        return float(self.lengths[self.is_alive].mean(dtype=np.float64)) if self.alive_count else 0.0


_EMPTY_SHAPE = (np.empty(0, np.float32), np.empty(0, np.bool_), np.empty(0, np.int32))


class LexicalIndex:
    """
    BM25 (Lucene's form: idf = ln(1 + (n - df + 0.5) / (df + 0.5)), all over what is in the index now).

    Guarantee: scores are those of a naive computation over the passages that were added and not removed, to float32. Equal scores stand in
    the order of adding. A search that began before a change answers from before it.
    Cost: a search of 100,000 chunks 3 ms; adding 0.2 ms a chunk; 600 bytes a chunk of 110 terms.
    """

    def __init__(self, *, k1: float = K1, b: float = B) -> None:
        self._k1, self._b = k1, b
        self._lock = threading.Lock()
        self._places: dict[str, int] = {}
        self._state = _State((), [], {}, *_EMPTY_SHAPE, alive_count=0)

    def __len__(self) -> int:
        return self._state.alive_count

    def __contains__(self, passage_id: object) -> bool:
        return passage_id in self._places

    @property
    def memory_bytes(self) -> int:
        """What the arrays hold; ids and their places come on top, about 200 bytes a chunk."""
        state = self._state
        own = state.lengths.nbytes + state.is_alive.nbytes + state.groups.nbytes
        return own + sum(each.memory_bytes for each in state.segments)

    def add(self, passages: Iterable[Passage]) -> None:
        """Add passages, or replace those with the same id. Add many at a time: each call makes a segment and copies 9 bytes a chunk."""
        given = list({each.id: each for each in passages}.values())
        if not given:
            return
        terms = [terms_of(each.text) + terms_of(each.emphasis) for each in given]
        with self._lock:
            state = self._without(self._state, [each.id for each in given])
            self._state = self._compacted(self._with(state, given, terms))

    def remove(self, passage_ids: Iterable[str]) -> None:
        """Remove passages; unknown ids are passed over."""
        with self._lock:
            self._state = self._compacted(self._without(self._state, passage_ids))

    def remove_groups(self, groups: Iterable[str]) -> None:
        """Remove all passages of the groups. Cost: one pass over the index."""
        with self._lock:
            state = self._state
            positions = np.flatnonzero(_in_groups(state, groups) & state.is_alive)
            self._state = self._compacted(self._without(state, [state.ids[each] for each in positions.tolist()]))

    def search(self, question: str, limit: int, *, groups: Collection[str] | None = None) -> list[Hit]:
        """Return the best `limit` passages that share a term with the question; with `groups` only passages of these."""
        state = self._state
        weights = self._weights(state, terms_of(question[:MAX_QUERY_CHARACTERS]))
        if not weights or limit < 1:
            return []
        norms = self._norms(state)
        scores = np.zeros(state.lengths.size, dtype=np.float32)
        for weight, positions, counts in weights:
            scores[positions] += weight * counts / (counts + norms[positions])
        scores *= state.is_alive if groups is None else state.is_alive & _in_groups(state, groups)
        return [Hit(state.ids[at], float(scores[at])) for at in _best(scores, limit)]

    def _norms(self, state: _State) -> NDArray[np.float32]:
        share = self._b / state.mean_length if state.mean_length else 0.0
        return (np.float32(self._k1 * (1 - self._b)) + np.float32(self._k1 * share) * state.lengths).astype(np.float32, copy=False)

    def _weights(self, state: _State, terms: Sequence[str]) -> list[tuple[np.float32, NDArray[np.intp], Counts]]:
        """Return weight, places and counts for each term that is known, with one part for each segment."""
        found = []
        for term, repeats in Counter(terms).items():
            postings = [each for each in (segment.find(hash(term)) for segment in state.segments) if each[0].size]
            if postings:
                found.append((sum(positions.size for positions, _ in postings), repeats, postings))
        if len(found) > MAX_QUERY_TERMS:
            found = sorted(found, key=lambda each: each[0])[:MAX_QUERY_TERMS]
        weights = []
        for frequency, repeats, postings in found:
            # Once an index of the machine's own width: each use of another would convert it again.
            parts = [(positions.astype(np.intp), counts) for positions, counts in postings]
            if state.alive_count < state.is_alive.size:
                frequency = sum(int(np.count_nonzero(state.is_alive[positions])) for positions, _ in parts)
            idf = log(1 + (state.alive_count - frequency + 0.5) / (frequency + 0.5))
            weights += [(np.float32(repeats * idf * (self._k1 + 1)), positions, counts) for positions, counts in parts]
        return weights

    def _with(self, state: _State, passages: Sequence[Passage], terms: Sequence[Sequence[str]]) -> _State:
        first = len(state.ids)
        state.ids.extend(each.id for each in passages)
        self._places.update((each.id, first + offset) for offset, each in enumerate(passages))
        numbers = state.group_numbers
        groups = [numbers.setdefault(each.group, len(numbers)) for each in passages]
        return replace(
            state,
            segments=_tidied((*state.segments, build_segment(terms, first))),
            lengths=np.append(state.lengths, np.array([len(each) for each in terms], dtype=np.float32)),
            is_alive=np.append(state.is_alive, np.ones(len(passages), dtype=np.bool_)),
            groups=np.append(state.groups, np.array(groups, dtype=np.int32)),
            alive_count=state.alive_count + len(passages),
        )

    def _without(self, state: _State, passage_ids: Iterable[str]) -> _State:
        places = [self._places.pop(each) for each in set(passage_ids) if each in self._places]
        if not places:
            return state
        is_alive = state.is_alive.copy()
        is_alive[places] = False
        return replace(state, is_alive=is_alive, alive_count=state.alive_count - len(places))

    def _compacted(self, state: _State) -> _State:
        size = state.is_alive.size
        if size - state.alive_count <= _LEAST_DEAD_SHARE * size:
            return state
        kept = np.flatnonzero(state.is_alive)
        moved = np.full(size, -1, dtype=np.int64)
        moved[kept] = np.arange(kept.size)
        ids = [state.ids[each] for each in kept.tolist()]
        self._places = {each: place for place, each in enumerate(ids)}
        names = list(state.group_numbers)
        used, groups = np.unique(state.groups[kept], return_inverse=True)
        return _State(
            segments=tuple(each for each in (renumber(each, moved) for each in state.segments) if each.size),
            ids=ids,
            group_numbers={names[each]: number for number, each in enumerate(used.tolist())},
            lengths=state.lengths[kept],
            is_alive=np.ones(kept.size, dtype=np.bool_),
            groups=groups.astype(np.int32),
            alive_count=int(kept.size),
        )


def _tidied(segments: tuple[Segment, ...]) -> tuple[Segment, ...]:
    kept = list(segments)
    while len(kept) > 1 and kept[-2].size < _MERGE_RATIO * kept[-1].size:
        kept[-2:] = [merge(kept[-2:])]
    return tuple(kept)


def _in_groups(state: _State, groups: Iterable[str]) -> NDArray[np.bool_]:
    allowed = np.zeros(len(state.group_numbers) + 1, dtype=np.bool_)
    numbers = [each for each in map(state.group_numbers.get, groups) if each is not None and each < allowed.size]
    allowed[numbers] = True
    chosen: NDArray[np.bool_] = allowed[state.groups]
    return chosen


def _best(scores: NDArray[np.float32], limit: int) -> list[int]:
    found = np.flatnonzero(scores)
    if found.size > limit:
        least = np.partition(scores[found], found.size - limit)[found.size - limit]
        found = found[scores[found] >= least]
    order = np.argsort(-scores[found], kind="stable")[:limit]
    best: list[int] = found[order].tolist()
    return best
