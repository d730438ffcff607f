"""
Counting on the way of a request, carried over to the metric files in batches.

A metric shared between processes lies in a mapped file, and each count there costs a microsecond of packing and locking; a request
counts a dozen times. A tally adds up in memory and is carried over at most `FLUSH_S` later, and before each scrape of this worker.

Rules: one event loop only; outside of one everything is carried over at once. A killed worker loses at most `FLUSH_S` of counts.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections import Counter as Counts
from typing import Protocol

from prometheus_client import Counter, Histogram

FLUSH_S = 0.1


class _Tally(Protocol):
    def carry_over(self) -> None: ...


class _Flusher:
    """What waits to be carried over, and the loop that will do it."""

    def __init__(self) -> None:
        self._waiting: list[_Tally] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def add(self, tally: _Tally) -> None:
        self._waiting.append(tally)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # no loop will ever call back
            self.flush()
            return
        if loop is not self._loop:
            self._loop = loop
            loop.call_later(FLUSH_S, self.flush)

    def flush(self) -> None:
        self._loop = None
        tallies, self._waiting = self._waiting, []
        for tally in tallies:
            tally.carry_over()


_flusher = _Flusher()
flush = _flusher.flush
"""Carry everything over that was counted so far."""


class CounterTally:
    """A counter with its labels bound. Cost: 0.1 us a count."""

    __slots__ = ("_counter", "_pending")

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._pending: float = 0

    def inc(self, amount: float = 1) -> None:
        is_first = not self._pending
        self._pending += amount
        if is_first and amount:
            _flusher.add(self)

    def carry_over(self) -> None:
        pending, self._pending = self._pending, 0
        self._counter.inc(pending)


class HistogramTally:
    """A histogram with its labels bound. Cost: 0.2 us an observation; they are put into buckets when they are carried over."""

    __slots__ = ("_bounds", "_histogram", "_values")

    def __init__(self, histogram: Histogram) -> None:
        self._histogram = histogram
        self._bounds: list[float] = histogram._upper_bounds  # noqa: SLF001  # adding many at once has no public way; a test compares
        self._values: list[float] = []

    def observe(self, value: float) -> None:
        self._values.append(value)
        if len(self._values) == 1:
            _flusher.add(self)

    def carry_over(self) -> None:
        values, self._values = self._values, []
        counts = Counts(bisect_left(self._bounds, value) for value in values)
        self._histogram._sum.inc(sum(values))  # noqa: SLF001  # as above
        for at, count in counts.items():
            self._histogram._buckets[at].inc(count)  # noqa: SLF001  # as above
