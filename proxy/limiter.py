"""
Limits: how much may pass in a window (GCRA), counted in Redis for all workers and leased to each in small batches.

A `Bucket` is one counter of one limit (the installation's, an IP's, a workspace's, a key's). A worker takes units out of the bucket's
lease without leaving the process; when the lease is empty it asks the shared counter for a few more, as many as it lately used in
100 ms and never more than a fiftieth of the burst: a small limit is exact, a large one costs few round trips.

Guarantee: never more than the limit passes, whatever the number of workers; up to one lease for each worker may go unused for
`LEASE_IDLE_S`. All limits of a request are charged or none. While the shared counter is away each worker enforces its share of the
limit by itself.
Source: docs/design/0003-limits.md
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from proxy.snapshot import LimitRule

LEASE_IDLE_S = 0.25
_DEMAND_WINDOW_S = 0.1
_SWEEP_S = 0.25
_BUCKETS_MAX_COUNT = 100_000


@dataclass(frozen=True, slots=True)
class Grant:
    """What the shared counter answered: units given, units left after that, and when one more would be there."""

    granted_count: int
    remaining_count: int
    retry_after_s: float
    full_after_s: float


class CounterUnavailable(Exception):
    """The shared counter gave no answer."""


class SharedCounter(Protocol):
    """The GCRA counter that all workers share."""

    async def take(self, key: bytes, interval_us: float, burst: int, want_count: int, give_back_count: float) -> Grant:
        """Give units back, then take up to `want_count`. Errors: CounterUnavailable."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request may not pass now."""

    rule: LimitRule
    retry_after_s: float


@dataclass(frozen=True, slots=True)
class Reservation:
    """What the tightest limit has left, for the caller to see; `limit_count` 0 when nothing binds. Units: requests, seconds."""

    limit_count: int = 0
    remaining_count: int = 0
    full_after_s: float = 0.0


class Bucket:
    """One counter of one limit, as this worker sees it."""

    __slots__ = (
        "_fetching",
        "_known_at",
        "_known_remaining",
        "_local_full_at",
        "_retry_at",
        "_taken_count",
        "_waiting",
        "burst",
        "interval_s",
        "key",
        "lease_max_count",
        "leased_count",
        "leased_since",
        "refused_until",
        "rule",
        "used_at",
    )

    def __init__(self, rule: LimitRule, key: bytes, now: float) -> None:
        self.rule = rule
        self.key = key
        self.interval_s = rule.window_s / rule.amount
        self.burst = rule.burst
        self.lease_max_count = max(1, min(rule.burst // 50, int(rule.amount / rule.window_s * 0.05), 1000))
        self.leased_count = 0
        self.leased_since = now
        self.refused_until = 0.0
        self._retry_at = 0.0
        self.used_at = now
        self._known_at = now
        self._known_remaining = rule.burst
        self._taken_count = 0
        self._waiting: deque[asyncio.Future[float]] = deque()
        self._fetching = False
        self._local_full_at = 0.0

    def remaining_count(self, now: float) -> int:
        """Return how many units would pass now, as far as this worker knows."""
        refilled = self._known_remaining + int((now - self._known_at) / self.interval_s)
        return min(self.burst, max(0, refilled) + self.leased_count)

    def take_leased(self) -> bool:
        if self.leased_count <= 0:
            return False
        self.leased_count -= 1
        self._taken_count += 1
        return True

    def give_back(self, leased_since: float) -> None:
        """Put one unit back that a request took, leased at `leased_since` or later, and may not use."""
        self.leased_since = min(self.leased_since, leased_since) if self.leased_count else leased_since
        self.leased_count += 1
        self._taken_count -= 1

    def take_unused(self, now: float) -> float:
        """
        Empty the lease and return how many of its units the shared counter may have back.

        What the limit refilled since the lease is taken off: it may have passed already, and would pass a second time.
        """
        count, self.leased_count = self.leased_count, 0
        return max(0.0, count - (now - self.leased_since) / self.interval_s)

    def wait(self, counter: SharedCounter, share: float, clock: Callable[[], float]) -> asyncio.Future[float]:
        """Return the time to wait before a unit is there, 0 when one was taken. Waiters of one tick share one round trip."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[float] = loop.create_future()
        now = clock()
        if now < self.refused_until:
            future.set_result(self._retry_at - now)
            return future
        self._waiting.append(future)
        if not self._fetching:
            self._fetching = True
            task = loop.create_task(self._fetch(counter, share, clock))
            task.add_done_callback(_report)
        return future

    async def _fetch(self, counter: SharedCounter, share: float, clock: Callable[[], float]) -> None:
        try:
            await asyncio.sleep(0)  # let the other requests of this tick join
            while self._waiting:
                now = clock()
                elapsed_s = max(now - self._known_at, 1e-3)
                ahead = min(self.lease_max_count, int(self._taken_count / elapsed_s * _DEMAND_WINDOW_S))
                asked = len(self._waiting)
                want = asked + max(0, ahead - 1)
                try:
                    grant = await counter.take(self.key, self.interval_s * 1e6, self.burst, want, 0)
                except CounterUnavailable:
                    want = asked
                    grant = self._take_locally(want, share, clock())
                self._hand_out(grant, want, asked, clock())
        finally:
            self._fetching = False
            while self._waiting:  # only when the loop above was cancelled or broke: nobody may wait for ever
                future = self._waiting.popleft()
                if not future.done():
                    future.cancel()

    def _hand_out(self, grant: Grant, want: int, asked: int, now: float) -> None:
        """Give the units to those who wait, first come first served; who came after the question waits for the next answer."""
        self._known_at = now
        self._known_remaining = grant.remaining_count
        self._taken_count = 0
        if not self.leased_count:
            self.leased_since = now
        self.leased_count += grant.granted_count
        if grant.granted_count < want:
            self._retry_at = now + grant.retry_after_s
            # Of a limit with a long window units come back sooner than they refill: from requests that another limit refused.
            self.refused_until = min(self._retry_at, now + LEASE_IDLE_S)
        while self._waiting and (self.leased_count > 0 or asked > 0):
            asked -= 1
            future = self._waiting.popleft()
            if future.done():
                continue  # its request was cancelled
            future.set_result(0.0 if self.take_leased() else max(grant.retry_after_s, 1e-3))

    def _take_locally(self, want: int, share: float, now: float) -> Grant:
        """GCRA within this process, with this worker's share of the limit: what holds while the shared counter is away."""
        interval_s = self.interval_s / share
        burst = max(1.0, self.burst * share)
        full_at = max(self._local_full_at, now)
        room = math.floor((now + burst * interval_s - full_at) / interval_s + 1e-9)
        granted = max(0, min(want, room))
        self._local_full_at = full_at + granted * interval_s
        retry_s = self._local_full_at + interval_s - (now + burst * interval_s)
        return Grant(granted, max(0, room - granted), max(retry_s, 0.0), self._local_full_at - now)


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        task.get_loop().call_exception_handler({"message": "taking from a limit failed", "exception": error, "task": task})


def _give_back(taken: list[tuple[Bucket, float]]) -> None:
    for bucket, leased_since in taken:
        bucket.give_back(leased_since)


class Limiter:
    """
    All buckets of this worker.

    `share` is this worker's part of each limit while the shared counter is away (one over the number of workers).
    """

    def __init__(self, counter: SharedCounter, clock: Callable[[], float], share: float = 1.0) -> None:
        self._counter = counter
        self.clock = clock
        self._share = share
        self._buckets: OrderedDict[bytes, Bucket] = OrderedDict()
        self._sweeper: asyncio.Task[None] | None = None

    def bucket(self, rule: LimitRule, tag: str, subject: str) -> Bucket:
        """
        Return the counter of `rule` for `subject`; `tag` keeps what is charged together in one slot of a cluster.

        Another pace is another counter: what GCRA stores is a time, which under a raised limit would go on refusing.
        """
        key = f"gw:{{{tag}}}:limit:{rule.id}:{rule.amount}/{rule.window_s}:{subject}".encode()
        bucket = self._buckets.get(key)
        if bucket is None or bucket.rule != rule:
            bucket = self._buckets[key] = Bucket(rule, key, self.clock())
            if len(self._buckets) > _BUCKETS_MAX_COUNT:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        return bucket

    async def take(self, buckets: Iterable[Bucket]) -> list[Refusal]:
        """
        Take one unit from every bucket, or from none.

        Returns the refusals of enforced limits (empty: the request may pass) and of shadow limits, which took nothing and stop nothing.
        Cost: none while leases last, else one round trip for all buckets together.
        """
        now = self.clock()
        taken: list[Bucket] = []
        missing: list[Bucket] = []
        for bucket in buckets:
            bucket.used_at = now
            (taken if bucket.take_leased() else missing).append(bucket)
        if not missing:
            return []
        return await self._take_missing([(bucket, bucket.leased_since) for bucket in taken], missing, now)

    async def _take_missing(self, taken: list[tuple[Bucket, float]], missing: list[Bucket], now: float) -> list[Refusal]:
        """`taken` holds since when each bucket's unit was leased at the earliest."""
        waits = [bucket.wait(self._counter, self._share, self.clock) for bucket in missing]
        refusals: list[Refusal] = []
        try:
            for bucket, wait in zip(missing, waits, strict=True):
                retry_after_s = await wait
                if retry_after_s > 0:
                    refusals.append(Refusal(bucket.rule, retry_after_s))
                else:
                    taken.append((bucket, now))
        except BaseException:
            counted = {bucket.key for bucket, _ in taken}
            for bucket, wait in zip(missing, waits, strict=True):
                if bucket.key not in counted and wait.done() and not wait.cancelled() and wait.result() == 0.0:
                    taken.append((bucket, now))
                wait.cancel()
            _give_back(taken)
            raise
        if any(refusal.rule.is_enforced for refusal in refusals):
            _give_back(taken)
        return refusals

    def start(self) -> None:
        self._sweeper = asyncio.create_task(self._sweep_forever(), name="limiter-sweeper")

    async def stop(self) -> None:
        """Give every lease back."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.gather(self._sweeper, return_exceptions=True)
        await self.sweep(idle_s=0.0)

    async def _sweep_forever(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_S)
            await self.sweep(LEASE_IDLE_S)

    async def sweep(self, idle_s: float) -> None:
        """Give back what was leased and not used for `idle_s`."""
        now = self.clock()
        idle = [bucket for bucket in self._buckets.values() if bucket.leased_count > 0 and now - bucket.used_at >= idle_s]
        for bucket in idle:
            count = bucket.take_unused(now)
            if count <= 0:
                continue
            try:
                await self._counter.take(bucket.key, bucket.interval_s * 1e6, bucket.burst, 0, count)
            except CounterUnavailable:
                return  # the counter refills by itself
