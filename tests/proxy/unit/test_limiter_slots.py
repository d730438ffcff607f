"""Limits of requests in flight: as many at once as the limit says, over all workers, and slots that are never lost."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant
from hypothesis.stateful import rule as step

from proxy.limiter import RENEW_S, SLOTS_EXPIRE_S, CounterUnavailable, Limiter
from proxy.testing import ManualClock, MemoryCounter
from tests.proxy.limit_help import bucket, count_passes, passes, rule, settle_down


class Cast:
    def __init__(self, amount=10, limiters_count=2):
        self.clock = ManualClock()
        self.counter = MemoryCounter(self.clock)
        self.limiters = [Limiter(self.counter, self.clock, 1 / limiters_count, wall_s=self.clock) for _ in range(limiters_count)]
        self.buckets = [bucket(each, rule(amount=amount, unit="concurrency")) for each in self.limiters]

    async def count_passes(self, tries_count):
        """Return how many of as many requests at each worker, all at once, got a slot."""
        both = zip(self.limiters, self.buckets, strict=True)
        return await asyncio.gather(*[count_passes(each, one, tries_count) for each, one in both])

    async def sweep(self):
        for each in self.limiters:
            await each.sweep(0.25)


async def test_as_many_as_the_limit_says_pass_at_once():
    cast = Cast(limiters_count=4)

    assert sum(await cast.count_passes(20)) == 10


async def test_who_finds_no_slot_is_told_to_come_back_soon():
    cast = Cast(amount=1)
    await passes(cast.limiters[0], cast.buckets[0])

    (refusal,) = await cast.limiters[1].take([cast.buckets[1]])

    assert refusal.retry_after_s == pytest.approx(1.0)


@pytest.mark.parametrize("how", ["settle", "give_back"])
async def test_a_freed_slot_is_there_for_another_worker_at_once(how):
    cast = Cast(amount=1)
    (first, second), (mine, theirs) = cast.limiters, cast.buckets
    assert await passes(first, mine)
    assert not await passes(second, theirs)

    if how == "settle":
        mine.settle(1, 0, cast.clock())
    else:
        mine.give_back(1, cast.clock())
    await settle_down(10)
    cast.clock.advance(0.06)

    assert await passes(second, theirs)


async def test_a_freed_slot_is_there_for_the_same_worker_without_a_round_trip():
    cast = Cast(amount=100)
    (limiter, _), (one, _) = cast.limiters, cast.buckets
    for _ in range(50):
        assert await passes(limiter, one)
        one.settle(1, 0, cast.clock())
    await settle_down(10)

    assert cast.counter.calls_count <= 3


async def test_many_that_are_refused_ask_once_in_a_moment():
    cast = Cast(amount=1)
    await passes(cast.limiters[0], cast.buckets[0])
    asked_before = cast.counter.calls_count

    assert await count_passes(cast.limiters[1], cast.buckets[1], 1000) == 0
    for _ in range(100):
        assert not await passes(cast.limiters[1], cast.buckets[1])

    assert cast.counter.calls_count == asked_before + 1


async def test_slots_of_a_dead_worker_are_free_after_half_a_minute():
    cast = Cast()
    (dead, living), (_, one) = cast.limiters, cast.buckets
    assert await count_passes(dead, cast.buckets[0], 20) == 10
    cast.clock.advance(SLOTS_EXPIRE_S - 0.1)
    assert await count_passes(living, one, 20) == 0

    cast.clock.advance(0.1)

    assert await count_passes(living, one, 20) == 10


async def test_slots_of_a_living_worker_are_its_own_for_as_long_as_its_requests_last():
    cast = Cast()
    (busy, other), (_, one) = cast.limiters, cast.buckets
    assert await count_passes(busy, cast.buckets[0], 20) == 10
    for _ in range(20):
        cast.clock.advance(RENEW_S)
        await busy.sweep(0.25)
        assert await count_passes(other, one, 3) == 0


async def test_what_a_counter_forgot_is_known_again_when_its_workers_speak():
    cast = Cast()
    assert sum(await cast.count_passes(20)) == 10
    cast.counter.forget()
    cast.clock.advance(RENEW_S)

    await cast.sweep()

    cast.clock.advance(0.1)
    assert sum(await cast.count_passes(20)) == 0


async def test_after_an_outage_what_is_held_is_said_at_once():
    cast = Cast()
    assert sum(await cast.count_passes(20)) == 10
    cast.counter.is_available = False
    await cast.sweep()
    cast.counter.forget()
    cast.counter.is_available = True

    await cast.sweep()

    cast.clock.advance(0.1)
    assert sum(await cast.count_passes(20)) == 0


async def test_alone_each_worker_has_its_share_and_says_so_afterwards():
    cast = Cast()
    cast.counter.is_available = False
    assert await cast.count_passes(20) == [5, 5]
    cast.buckets[0].settle(1, 0, cast.clock())
    assert await cast.count_passes(20) == [1, 0]
    cast.counter.is_available = True

    await cast.sweep()

    cast.clock.advance(0.1)
    assert sum(await cast.count_passes(20)) == 0


async def test_a_call_that_got_lost_is_mended_by_the_next():
    cast = Cast(amount=2)
    (first, second), (mine, theirs) = cast.limiters, cast.buckets

    whole = cast.counter.hold

    async def heard_but_not_answered(*arguments):
        await whole(*arguments)
        raise CounterUnavailable

    assert await passes(first, mine)
    cast.counter.hold = heard_but_not_answered
    assert not await passes(first, mine)  # alone it has one slot of two
    cast.counter.hold = whole
    await first.sweep(0.25)
    cast.clock.advance(1)

    assert await count_passes(second, theirs, 5) == 1


async def test_a_large_limit_is_leased_ahead_and_given_back_when_nobody_comes():
    cast = Cast(amount=1000)
    (first, second), (mine, theirs) = cast.limiters, cast.buckets
    assert await count_passes(first, mine, 100) == 100
    assert await count_passes(first, mine, 20) == 20
    assert cast.counter.calls_count == 1
    cast.clock.advance(0.3)
    await first.sweep(0.25)

    assert await count_passes(second, theirs, 2000) == 880


async def test_another_amount_takes_the_slots_over():
    cast = Cast(amount=10)
    (limiter, _) = cast.limiters
    assert await count_passes(limiter, cast.buckets[0], 20) == 10
    raised = bucket(limiter, rule(amount=12, unit="concurrency"))
    assert raised is not cast.buckets[0]

    assert await count_passes(limiter, raised, 20) == 2
    for _ in range(10):
        cast.buckets[0].settle(1, 0, cast.clock())
    await settle_down(10)
    cast.clock.advance(0.1)
    assert await count_passes(limiter, raised, 20) == 10


class Slots(RuleBasedStateMachine):
    """Three workers take and free slots, one after the other and in crowds, die, and lose calls."""

    @initialize(amount=st.sampled_from([1, 2, 7, 60, 300]))
    def begin(self, amount):
        self.loop = asyncio.new_event_loop()
        self.amount = amount
        self.cast = Cast(amount, limiters_count=3)
        self.held = [0, 0, 0]

    @step(worker=st.integers(0, 2), count=st.integers(1, 80))
    def take(self, worker, count):
        self.held[worker] += self.loop.run_until_complete(count_passes(self.cast.limiters[worker], self.cast.buckets[worker], count))

    @step(worker=st.integers(0, 2), count=st.integers(1, 80), seconds=st.sampled_from([0, 0.06, 0.3, 12.0]))
    def free(self, worker, count, seconds):
        async def free():
            for _ in range(min(count, self.held[worker])):
                self.cast.buckets[worker].settle(1, 0, self.cast.clock())
                self.held[worker] -= 1
            await settle_down(10)
            self.cast.clock.advance(seconds)
            await self.cast.sweep()

        self.loop.run_until_complete(free())

    @step(worker=st.integers(0, 2))
    def die(self, worker):
        cast = self.cast
        cast.limiters[worker] = Limiter(cast.counter, cast.clock, 1 / 3, wall_s=cast.clock)
        cast.buckets[worker] = bucket(cast.limiters[worker], rule(amount=self.amount, unit="concurrency"))
        self.held[worker] = 0

    @invariant()
    def never_more_than_the_limit(self):
        if hasattr(self, "held"):
            assert sum(self.held) <= self.amount

    def teardown(self):
        if not hasattr(self, "held"):
            return

        async def free_all():
            for worker, count in enumerate(self.held):
                for _ in range(count):
                    self.cast.buckets[worker].settle(1, 0, self.cast.clock())
            await settle_down(10)
            self.cast.clock.advance(SLOTS_EXPIRE_S)
            for each in self.cast.limiters:
                await each.sweep(0.0)
            return await count_passes(self.cast.limiters[0], self.cast.buckets[0], self.amount + 5)

        try:
            assert self.loop.run_until_complete(free_all()) == self.amount
        finally:
            self.loop.close()


Slots.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestSlots = Slots.TestCase
