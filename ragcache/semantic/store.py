"""
The entries that this process knows, in blocks by namespace, within a limit of bytes.

Rules: what goes first is what has expired, then the least worth: (cost it saved x hits, halved each day) / bytes. It goes from the owner
with the most
bytes, so that an owner with no more than a fair share loses nothing to the others. Curated entries are never evicted.
A removal that arrives before its entry is remembered, so that entry cannot come back. Safe for threads: one lock, held for one block's
search.
"""

from __future__ import annotations

import heapq
import math
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final

from ragcache.semantic.block import Block, Candidate, row_bytes
from ragcache.semantic.turns import ContextPrint

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HALF_LIFE_S: Final = 86_400.0
TOMBSTONES_COUNT: Final = 20_000
ENTRY_OVERHEAD_BYTES: Final = 640
"""The entry, its place in three dictionaries and its marks in the heap, measured at 50,000 entries; vectors and texts are "
"counted by themselves."""
_NAMESPACE_OVERHEAD_BYTES: Final = 1_200
_LEAST_NANO_USD: Final = 1_000


@dataclass(frozen=True, slots=True)
class Entry:
    """
    A question whose answer may be given again. `id` is that of the stored answer; `owner` is whose quota it takes.

    `payload_bytes` is what the answer takes in this process, 0 when it lies elsewhere. `expires_at_s` is the hard end.
    """

    id: str
    owner: str
    question: str
    saved_nano_usd: int
    expires_at_s: float
    payload_bytes: int = 0
    author: str = ""
    is_curated: bool = False
    context: ContextPrint | None = None


@dataclass(slots=True)
class _Kept:
    entry: Entry
    namespace: bytes
    size_bytes: int
    weight: float
    """log2 of worth, seen from second 0: all decay alike, so their order never changes while nobody hits."""


class _Owner:
    """What an owner has: its bytes, and its entries with the least worth in front. Marks in the heap that no longer hold are skipped."""

    __slots__ = ("heap", "size_bytes")

    def __init__(self) -> None:
        self.heap: list[tuple[float, int]] = []
        self.size_bytes = 0


class SemanticStore:
    """
    Make one in each process.

    Units: `limit_bytes` bounds everything here, arrays as allocated; `quotas_bytes` bounds owners by name. `dimensions` are those of
    the neural model.
    Guarantee: `size_bytes` is never above the limit after a call, nor an owner's above its quota. While arrays grow, a copy of one
    block is beside it.
    """

    def __init__(self, limit_bytes: int, dimensions: int, quotas_bytes: Callable[[str], int | None] = lambda _owner: None) -> None:
        self._limit_bytes = limit_bytes
        self._dimensions = dimensions
        self._row_bytes = row_bytes(dimensions)
        self._quotas_bytes = quotas_bytes
        self._lock = Lock()
        self._blocks: dict[bytes, Block] = {}
        self._kept: dict[int, _Kept] = {}
        self._keys: dict[str, int] = {}
        self._owners: dict[str, _Owner] = {}
        self._tombstones: OrderedDict[str, None] = OrderedDict()
        self._expiries: list[tuple[float, int]] = []
        self._next_key = 1
        self._entries_bytes = 0
        self._blocks_bytes = 0
        self.evicted_count = 0

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def size_bytes(self) -> int:
        return self._entries_bytes + self._blocks_bytes

    def add(self, namespace: bytes, entry: Entry, static: NDArray[np.float32], neural: NDArray[np.float32], now_s: float) -> bool:
        """
        Keep an entry, in place of one with its id. Return False if it was removed before, has expired, or there is no room for it.

        Shapes: as `Block.add`. Cost: 10 us, and what has to go for it.
        """
        with self._lock:
            if entry.id in self._tombstones or entry.expires_at_s <= now_s:
                return False
            self._drop_id(entry.id)
            size_bytes = entry_bytes(entry)
            if not self._make_room(namespace, entry, size_bytes, now_s):
                return False
            key = self._next_key
            self._next_key += 1
            kept = _Kept(entry, namespace, size_bytes, _weight(entry, 1.0, now_s, size_bytes))
            self._kept[key], self._keys[entry.id] = kept, key
            block = self._block(namespace)
            self._charge(entry.owner, size_bytes)
            before = block.size_bytes
            block.add(key, static, neural)
            self._blocks_bytes += block.size_bytes - before
            self._mark(key, kept)
            self._note_expiry(key, entry.expires_at_s)
            return True

    def remove(self, entry_id: str) -> bool:
        """Take an entry out, and keep it out: one of that id is refused from now on. Return whether it was here."""
        with self._lock:
            self._bury(entry_id)
            return self._drop_id(entry_id)

    def purge(self, matches: Callable[[bytes, Entry], bool]) -> int:
        """Remove, for good, all entries of which `matches(namespace, entry)` says so, and return how many. Cost: 1 us for each entry "
        "there is."""
        with self._lock:
            doomed = [kept.entry.id for kept in self._kept.values() if matches(kept.namespace, kept.entry)]
            for entry_id in doomed:
                self._bury(entry_id)
                self._drop_id(entry_id)
            return len(doomed)

    def search(self, namespace: bytes, static: NDArray[np.float32], floor: float) -> list[Candidate]:
        """Return the nearest of a namespace by static vectors, as `Block.nearest` does."""
        with self._lock:
            block = self._blocks.get(namespace)
            return block.nearest(static, floor) if block is not None else []

    def rank(
        self, namespace: bytes, candidates: list[Candidate], neural: NDArray[np.float32], now_s: float
    ) -> list[tuple[float, Candidate, Entry]]:
        """Return those candidates that are still here and have not expired, with the cosine of the neural vectors, the nearest first."""
        with self._lock:
            block = self._blocks.get(namespace)
            if block is None:
                return []
            here = [each for each in candidates if block.holds(each)]
            scored = zip(block.similarities(here, neural), here, strict=True)
            found = [(float(similarity), each, self._kept[each.key].entry) for similarity, each in scored]
        return sorted((each for each in found if each[2].expires_at_s > now_s), key=lambda each: -each[0])

    def expire(self, now_s: float) -> int:
        """Drop what has expired and return how many. Cost: 10 us for each of them."""
        with self._lock:
            return self._expire(now_s)

    def note_hit(self, entry_id: str, now_s: float) -> None:
        """Raise the worth of an entry that was given again."""
        with self._lock:
            key = self._keys.get(entry_id)
            if key is not None:
                kept = self._kept[key]
                kept.weight = _add(kept.weight, _weight(kept.entry, 1.0, now_s, kept.size_bytes))
                self._mark(key, kept)

    def owner_bytes(self, owner: str) -> int:
        """Return what an owner's entries take, rows of vectors included."""
        known = self._owners.get(owner)
        return known.size_bytes if known else 0

    def entries(self, namespace: bytes) -> Iterator[Entry]:
        """Yield the entries of a namespace, as they are now."""
        with self._lock:
            found = [kept.entry for kept in self._kept.values() if kept.namespace == namespace]
        return iter(found)

    def _make_room(self, namespace: bytes, entry: Entry, size_bytes: int, now_s: float) -> bool:
        quota = self._quotas_bytes(entry.owner)
        least = size_bytes + self._row_bytes
        if least + _NAMESPACE_OVERHEAD_BYTES > self._limit_bytes or (quota is not None and least > quota):
            return False  # or it would drive out everything, in vain
        while quota is not None and self.owner_bytes(entry.owner) + least > quota:
            if not self._expire(now_s) and not self._evict(entry.owner):
                return False
        while self.size_bytes + size_bytes + self._growth_bytes(namespace) > self._limit_bytes:
            if not self._expire(now_s) and not self._evict_from_largest(entry.owner, size_bytes):
                return False
        return True

    def _growth_bytes(self, namespace: bytes) -> int:
        block = self._blocks.get(namespace)
        if block is None:
            return _NAMESPACE_OVERHEAD_BYTES + Block(self._dimensions).size_bytes
        return block.size_with_bytes(1) - block.size_bytes

    def _evict_from_largest(self, owner: str, size_bytes: int) -> bool:
        """Evict from the owner with the most; who adds counts with what it wants, so it pays itself when it is the largest."""
        by_size = sorted(self._owners, key=lambda each: -(self._owners[each].size_bytes + (size_bytes if each == owner else 0)))
        return any(self._evict(each) for each in by_size)

    def _evict(self, owner: str) -> bool:
        """Drop the entry of an owner that is worth least. Return False when it has none that may go."""
        known = self._owners.get(owner)
        if known is None:
            return False
        while known.heap:
            weight, key = heapq.heappop(known.heap)
            kept = self._kept.get(key)
            if kept is not None and (kept.weight == weight):
                self._drop(key)
                self.evicted_count += 1
                return True
        return False

    def _expire(self, now_s: float) -> int:
        count = 0
        while self._expiries and self._expiries[0][0] <= now_s:
            _, key = heapq.heappop(self._expiries)
            if key in self._kept:
                self._drop(key)
                count += 1
        return count

    def _mark(self, key: int, kept: _Kept) -> None:
        if kept.entry.is_curated:
            return
        heap = self._owners[kept.entry.owner].heap
        heapq.heappush(heap, (kept.weight, key))
        if len(heap) > 64 and len(heap) > 3 * len(self._kept):
            heap[:] = [
                (each.weight, other)
                for other, each in self._kept.items()
                if each.entry.owner == kept.entry.owner and not each.entry.is_curated
            ]
            heapq.heapify(heap)

    def _note_expiry(self, key: int, expires_at_s: float) -> None:
        heapq.heappush(self._expiries, (expires_at_s, key))
        if len(self._expiries) > 64 and len(self._expiries) > 2 * len(self._kept):
            self._expiries = [(kept.entry.expires_at_s, other) for other, kept in self._kept.items()]
            heapq.heapify(self._expiries)

    def _drop_id(self, entry_id: str) -> bool:
        key = self._keys.get(entry_id)
        if key is None:
            return False
        self._drop(key)
        return True

    def _drop(self, key: int) -> None:
        kept = self._kept.pop(key)
        del self._keys[kept.entry.id]
        block = self._blocks[kept.namespace]
        before = block.size_bytes
        block.remove(key)
        if len(block):
            self._blocks_bytes += block.size_bytes - before
        else:
            del self._blocks[kept.namespace]
            self._blocks_bytes -= before + _NAMESPACE_OVERHEAD_BYTES
        self._charge(kept.entry.owner, -kept.size_bytes)

    def _charge(self, owner: str, size_bytes: int) -> None:
        known = self._owners.setdefault(owner, _Owner())
        self._entries_bytes += size_bytes
        known.size_bytes += size_bytes + (self._row_bytes if size_bytes > 0 else -self._row_bytes)
        if not known.size_bytes:
            del self._owners[owner]

    def _bury(self, entry_id: str) -> None:
        self._tombstones[entry_id] = None
        while len(self._tombstones) > TOMBSTONES_COUNT:
            self._tombstones.popitem(last=False)

    def _block(self, namespace: bytes) -> Block:
        block = self._blocks.get(namespace)
        if block is None:
            block = self._blocks[namespace] = Block(self._dimensions)
            self._blocks_bytes += block.size_bytes + _NAMESPACE_OVERHEAD_BYTES
        return block


def entry_bytes(entry: Entry) -> int:
    """Return what an entry takes beside its row of vectors."""
    context = entry.context.size_bytes if entry.context else 0
    return ENTRY_OVERHEAD_BYTES + sys.getsizeof(entry.question) + sys.getsizeof(entry.id) + entry.payload_bytes + context


def _weight(entry: Entry, hits: float, now_s: float, size_bytes: int) -> float:
    worth = max(entry.saved_nano_usd, _LEAST_NANO_USD) * hits / size_bytes
    return math.log2(worth) + now_s / HALF_LIFE_S


def _add(a: float, b: float) -> float:
    """Return log2(2**a + 2**b), however large both are."""
    top = max(a, b)
    return top + math.log2(1.0 + 2.0 ** (min(a, b) - top))
