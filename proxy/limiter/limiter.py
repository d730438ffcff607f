"""All limits of this worker: one bucket for each counter, taken from together, looked after in the background."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from proxy.limiter.bucket import LEASE_IDLE_S, ONE_REQUEST, Bucket, Counts, Surroundings
from proxy.limiter.ports import SharedCounter, SpendHistory, Subject
from proxy.limiter.slot_bucket import SlotBucket
from proxy.limiter.window_bucket import WindowBucket
from proxy.snapshot import LimitRule

_SWEEP_S: Final = 0.25
_SWEPT_AT_ONCE_COUNT: Final = 64
_BUCKETS_MAX_COUNT: Final = 100_000
_NOTHING_REFUSED: Final[list[Refusal]] = []


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request may not pass now."""

    bucket: Bucket
    retry_after_s: float

    @property
    def rule(self) -> LimitRule:
        return self.bucket.rule


class Limiter:
    """
    All buckets of this worker.

    `share` is this worker's part of each limit while the shared counter is away (one over the number of workers). Without `history`
    budgets begin with nothing spent.
    """

    def __init__(
        self,
        counter: SharedCounter,
        clock: Callable[[], float],
        share: float = 1.0,
        *,
        history: SpendHistory | None = None,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        self.clock = clock
        self.wall_s = wall_s
        self._around = Surroundings(counter, clock, wall_s, share, history, secrets.token_hex(8))
        self._buckets: OrderedDict[bytes, Bucket] = OrderedDict()
        self._sweeper: asyncio.Task[None] | None = None
        self._was_available = True

    def bucket(self, rule: LimitRule, group: str, subject: Subject) -> Bucket:
        """
        Return the counter of `rule` for `subject`; `group` keeps what is charged together in one slot of a cluster.

        Another unit or window is another counter; another amount or burst is not: what was used stays used.
        """
        key = counter_key(rule, group, subject)
        bucket = self._buckets.get(key)
        if bucket is None or bucket.rule != rule:
            kind = SlotBucket if rule.unit == "concurrency" else WindowBucket
            bucket = self._buckets[key] = kind(rule, key, subject, self._around)
            if len(self._buckets) > _BUCKETS_MAX_COUNT:
                self._forget_one()
        self._buckets.move_to_end(key)
        return bucket

    def _forget_one(self) -> None:
        """Forget the bucket that was not asked for longest, unless it holds something: then its turn comes later."""
        key, bucket = next(iter(self._buckets.items()))
        if bucket.is_listed:
            self._buckets.move_to_end(key)
        else:
            del self._buckets[key]

    async def take(self, buckets: Sequence[Bucket], counts: Counts = ONE_REQUEST) -> list[Refusal]:
        """
        Take what `counts` says from every bucket, or from none.

        Returns the refusals of enforced limits (empty: the request may pass) and of shadow limits, which took nothing and stop nothing.
        Cost: none while leases last, else one round trip for all buckets together.
        """
        now = self.clock()
        missing = [bucket for bucket in buckets if not bucket.take_leased(counts[bucket.unit], now)]
        if not missing:
            return _NOTHING_REFUSED
        taken = [(bucket, _since(bucket, now)) for bucket in buckets if bucket not in missing]
        return await self._take_missing(taken, missing, counts, now)

    async def _take_missing(self, taken: list[tuple[Bucket, float]], missing: list[Bucket], counts: Counts, now: float) -> list[Refusal]:
        """`taken` holds since when each bucket's units were leased at the earliest."""
        waits = [bucket.ask(counts[bucket.unit], now) for bucket in missing]
        refusals: list[Refusal] = []
        decided_count = 0
        try:
            for bucket, wait in zip(missing, waits, strict=True):
                retry_after_s = wait if isinstance(wait, float) else await wait
                decided_count += 1
                if retry_after_s > 0:
                    refusals.append(Refusal(bucket, retry_after_s))
                else:
                    taken.append((bucket, now))
        except BaseException:
            for bucket, wait in zip(missing[decided_count:], waits[decided_count:], strict=True):
                if _is_taken(wait):
                    taken.append((bucket, now))
                elif not isinstance(wait, float):
                    wait.cancel()
            _give_back(taken, counts)
            raise
        if any(refusal.bucket.is_enforced for refusal in refusals):
            _give_back(taken, counts)
        return refusals

    def start(self) -> None:
        self._sweeper = asyncio.create_task(self._sweep_forever(), name="limiter-sweeper")

    async def stop(self) -> None:
        """Give every lease back and charge every debt."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.gather(self._sweeper, return_exceptions=True)
        await self.sweep(idle_s=0.0)

    async def _sweep_forever(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_S)
            await self.sweep(LEASE_IDLE_S)

    async def sweep(self, idle_s: float) -> None:
        """
        Charge what is owed, renew what is held, give back what was leased and not used for `idle_s`.

        Cost: one call for each bucket that has something to say; none while the shared counter is away.
        """
        around = self._around
        is_available = around.counter.is_available
        if is_available and not self._was_available:
            for bucket in around.listed:
                bucket.note_return()
        self._was_available = is_available
        if not is_available:
            return
        due = self._unlist_idle(idle_s)
        for first in range(0, len(due), _SWEPT_AT_ONCE_COUNT):
            await asyncio.gather(*(bucket.sync(idle_s) for bucket in due[first : first + _SWEPT_AT_ONCE_COUNT]))

    def _unlist_idle(self, idle_s: float) -> list[Bucket]:
        now = self.clock()
        listed, due = self._around.listed, []
        self._around.listed = []
        for bucket in listed:
            if bucket.is_idle:
                bucket.is_listed = False
                continue
            self._around.listed.append(bucket)
            if bucket.is_due(now, idle_s):
                due.append(bucket)
        return due


def counter_key(rule: LimitRule, group: str, subject: Subject) -> bytes:
    """Return the name of a counter in Redis."""
    window = rule.calendar or f"{rule.window_s}s"
    names = (subject.key_id, subject.end_user, subject.tag, subject.model)
    # Callers choose some of these names: with their lengths no two subjects can look alike.
    named = "".join(f":{len(name)}:{name}" for name in names)
    return f"gw:{{{group}}}:limit:{rule.id}:{rule.unit}:{window}{named}".encode()


def _since(bucket: Bucket, now: float) -> float:
    return bucket.leased_since if isinstance(bucket, WindowBucket) else now


def _is_taken(wait: float | asyncio.Future[float]) -> bool:
    if isinstance(wait, float):
        return wait == 0.0
    return wait.done() and not wait.cancelled() and wait.result() == 0.0


def _give_back(taken: Iterable[tuple[Bucket, float]], counts: Counts) -> None:
    for bucket, leased_since in taken:
        bucket.give_back(counts[bucket.unit], leased_since)
