"""
Buckets of requests in flight. A worker says how many slots it holds, all told, and says it again before that expires: what a killed worker
held is free by itself, and a call that got lost is mended by the next one.
"""

from __future__ import annotations

import asyncio
from typing import Final

from proxy.limiter.bucket import Bucket, Surroundings, report_failure
from proxy.limiter.ports import SLOTS_EXPIRE_S, CounterUnavailable, Subject
from proxy.snapshot import LimitRule

RENEW_S: Final = SLOTS_EXPIRE_S / 3
_RETRY_AFTER_S: Final = 1.0
_REFUSED_S: Final = 0.05


class SlotBucket(Bucket):
    """
    One counter of requests in flight. Slots that were freed stay leased here, at most a fiftieth of the limit, for who comes next.

    What is more goes back at once: under a small limit another worker may be waiting for it.
    """

    __slots__ = ("_held_count", "_is_stale", "_known_remaining", "_lease_max_count", "_leased_count", "_member", "_said_at")

    def __init__(self, rule: LimitRule, key: bytes, subject: Subject, around: Surroundings) -> None:
        super().__init__(rule, key, subject, around)
        self.size_count = rule.amount
        around.slot_buckets_count += 1
        self._member = f"{around.member}:{around.slot_buckets_count}"  # two buckets of one counter must not speak for each other
        self._held_count = 0
        self._leased_count = 0
        self._lease_max_count = rule.amount // 50
        self._known_remaining = rule.amount
        self._said_at = self.used_at
        self._is_stale = False

    # --- what a request does with it ------------------------------------------------------------------------------------------------

    def take_leased(self, count: int, now: float) -> bool:
        if count > self._leased_count:
            return not count
        self._leased_count -= count
        self._held_count += count
        self.used_at = now
        return True

    def settle(self, reserved_count: int, used_count: int, taken_at: float) -> None:
        """A request that ended uses no slot, whatever else it used."""
        self._free(reserved_count)

    def give_back(self, count: int, leased_since: float) -> None:
        self._free(count)

    def _free(self, count: int) -> None:
        self._held_count -= count
        self._leased_count += count
        self._refused_until = 0.0
        self._list()
        if self._leased_count > self._lease_max_count and not self._is_stale:
            self._is_stale = True
            asyncio.get_running_loop().call_soon(self._say_soon)

    def _say_soon(self) -> None:
        if self._is_stale and not self._is_talking and self._around.counter.is_available:
            self._is_talking = True
            asyncio.get_running_loop().create_task(self._talk()).add_done_callback(report_failure)

    # --- what it shows --------------------------------------------------------------------------------------------------------------

    def remaining_count(self, now: float) -> int:
        return max(0, min(self.size_count, self._known_remaining + self._leased_count))

    def full_after_s(self, now: float, remaining_count: int) -> float:
        return self.one_after_s(now)

    def one_after_s(self, now: float) -> float:
        return 0.0 if self.remaining_count(now) else _RETRY_AFTER_S

    @property
    def reserved_count(self) -> int:
        return self._held_count

    # --- what looks after it --------------------------------------------------------------------------------------------------------

    @property
    def is_idle(self) -> bool:
        return not (self._held_count or self._leased_count or self._is_talking)

    def is_due(self, now: float, idle_s: float) -> bool:
        if self._is_stale or now - self._said_at >= RENEW_S:
            return True
        return self._leased_count > 0 and now - self.used_at >= idle_s

    def note_return(self) -> None:
        self._is_stale = True

    async def _sync(self, idle_s: float) -> None:
        kept_count = self._lease_max_count if self._around.clock() - self.used_at < idle_s else 0
        await self._say(0, 0, kept_count)

    # --- how it talks with the shared counter ---------------------------------------------------------------------------------------

    async def _say(self, want_count: int, ahead_count: int, kept_count: int) -> int:
        """Say what is held and leased, of the lease at most `kept_count`, and take more; return how many of the wanted were given."""
        self._leased_count = min(self._leased_count, kept_count)
        self._is_stale = False
        mine_count = self._held_count + self._leased_count
        try:
            grant = await self._around.counter.hold(self.key, self.size_count, self._member, mine_count, want_count, ahead_count)
        except CounterUnavailable:
            self._is_stale = True  # it may have been heard: what is true must be said again
            self._list()
            raise
        self._said_at = self._around.clock()
        self._held_count += grant.admitted_count
        self._leased_count += grant.ahead_count
        self._known_remaining = grant.remaining_count
        self._list()
        return grant.admitted_count

    async def _talk(self) -> None:
        try:
            await super()._talk()
            if self._is_stale:
                self._is_talking = True
                await self._say(0, 0, self._lease_max_count)
        except CounterUnavailable:
            pass  # what is held is said again by whoever looks after the buckets
        finally:
            self._is_talking = False
            self._talk_on()

    async def _answer_waiting(self) -> None:
        asked_count = len(self._waiting)
        want_count = max(0, asked_count - self._leased_count)
        given_count = await self._say(want_count, min(self._lease_max_count, asked_count), self.size_count)
        now = self._around.clock()
        self.used_at = now
        self._admit(given_count, asked_count, _RETRY_AFTER_S, now)
        self._refused_until = now + _REFUSED_S if given_count < want_count else 0.0

    # --- alone ----------------------------------------------------------------------------------------------------------------------

    def _is_alone(self, now: float) -> bool:
        return not self._around.counter.is_available

    def _decide_alone(self, count: int, now: float) -> float:
        if self.take_leased(count, now):
            return 0.0
        if self._held_count + self._leased_count + count > max(1, int(self.size_count * self._around.share)):
            return _RETRY_AFTER_S
        self._held_count += count
        self._is_stale = True
        self.used_at = now
        self._list()
        return 0.0
