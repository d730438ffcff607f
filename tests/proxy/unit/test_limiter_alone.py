"""Limits while the shared counter is away: each worker its share of what was left, and the bill afterwards."""

from __future__ import annotations

import asyncio

import pytest

from proxy.limiter import CounterUnavailable, Limiter
from proxy.testing import ManualClock, MemoryCounter
from tests.proxy.limit_help import bucket, count_passes, passes, rule


class Cast:
    """Four workers and their counter."""

    def __init__(self):
        self.clock = ManualClock()
        self.counter = MemoryCounter(self.clock)
        self.limiters = [Limiter(self.counter, self.clock, share=0.25, wall_s=self.clock) for _ in range(4)]

    def go_away(self, *, silently):
        """`silently`: the first questions still go out and fail."""
        self.counter.error = CounterUnavailable()
        self.counter.is_available = silently

    def come_back(self):
        self.counter.error, self.counter.is_available = None, True

    async def count_passes(self, limit, tries_count=100, takes=1):
        return [await count_passes(each, bucket(each, limit), tries_count, takes) for each in self.limiters]


@pytest.fixture
def cast():
    return Cast()


@pytest.mark.parametrize("silently", [True, False])
@pytest.mark.parametrize("unit", ["requests", "tokens", "cost", "concurrency"])
async def test_each_worker_enforces_its_share(cast, silently, unit):
    cast.go_away(silently=silently)

    assert await cast.count_passes(rule(amount=40, window_s=60, unit=unit, scope="ip")) == ([10] * 4 if unit != "tokens" else [5] * 4)


async def test_a_share_refills_at_its_part_of_the_pace(cast):
    cast.go_away(silently=False)
    limit = rule(amount=40, window_s=60)
    await cast.count_passes(limit)
    cast.clock.advance(15)

    assert sum(await cast.count_passes(limit)) in range(8, 11)  # 2.5 each
    cast.clock.advance(60)
    assert await cast.count_passes(limit) == [10] * 4


@pytest.mark.parametrize("unit", ["requests", "cost"])
async def test_a_share_begins_with_what_was_left_and_not_with_a_full_burst(cast, unit):
    limit = rule(amount=40, window_s=3600, unit=unit, scope="ip")
    first = cast.limiters[0]
    assert await count_passes(first, bucket(first, limit), 32) == 32
    for each in cast.limiters[1:]:
        await bucket(each, limit).refresh()

    cast.go_away(silently=False)

    assert await cast.count_passes(limit) == [2, 2, 2, 2]


async def test_nobody_passes_alone_where_nothing_was_left(cast):
    limit = rule(amount=40, window_s=3600)
    first = cast.limiters[0]
    assert await count_passes(first, bucket(first, limit), 100) == 40
    cast.clock.advance(1)
    cast.go_away(silently=False)

    assert await count_passes(first, bucket(first, limit), 100) == 0


async def test_the_smallest_share_still_passes_something(cast):
    cast.go_away(silently=True)
    limiter = Limiter(cast.counter, cast.clock, share=0.1, wall_s=cast.clock)
    one = bucket(limiter, amount=1, window_s=6)

    assert await count_passes(limiter, one, 10) == 1
    (refusal,) = await limiter.take([one])
    assert refusal.retry_after_s == pytest.approx(60)


async def test_alone_no_request_waits_for_the_counter(cast):
    cast.go_away(silently=False)

    await cast.count_passes(rule(amount=40, window_s=60))

    assert cast.counter.calls_count == 0


@pytest.mark.parametrize("unit", ["requests", "tokens", "cost"])
async def test_what_passed_alone_is_charged_when_the_counter_is_back(cast, unit):
    limit = rule(amount=40, window_s=3600, unit=unit, scope="ip")
    cast.go_away(silently=False)
    passed = await cast.count_passes(limit, tries_count=4)
    assert passed == [4, 4, 4, 4]
    cast.come_back()

    for each in cast.limiters:
        await each.sweep(0.25)

    one = bucket(cast.limiters[0], limit)
    await one.refresh()
    assert one.remaining_count(cast.clock()) == 40 - 16 * (2 if unit == "tokens" else 1)


async def test_the_counter_is_used_again_when_it_is_back(cast):
    cast.go_away(silently=False)
    limit = rule(amount=40, window_s=3600)
    assert sum(await cast.count_passes(limit)) == 40
    cast.come_back()
    for each in cast.limiters:
        await each.sweep(0.25)

    assert sum(await cast.count_passes(limit)) == 0
    cast.clock.advance(3600)
    assert sum(await cast.count_passes(limit)) == 40


async def test_what_comes_back_alone_may_pass_again_there(cast):
    cast.go_away(silently=False)
    (limiter, *_) = cast.limiters
    one = bucket(limiter, rule(amount=400, window_s=3600, unit="cost", scope="ip"))
    assert await count_passes(limiter, one, 10, takes=50) == 2

    one.settle(50, 10, cast.clock())
    one.settle(50, 10, cast.clock())

    assert await count_passes(limiter, one, 10, takes=50) == 1
    cast.come_back()
    await limiter.sweep(0.25)
    await one.refresh()
    assert one.remaining_count(cast.clock()) == 400 - 10 - 10 - 50


async def test_a_calendars_window_begins_anew_also_alone(cast):
    limit = rule(amount=40, calendar="minute")
    cast.clock.now = 1_000_020.0  # 60 s before a minute's end
    cast.go_away(silently=False)

    assert sum(await cast.count_passes(limit)) == 40
    (refusal,) = await cast.limiters[0].take([bucket(cast.limiters[0], limit)])
    assert refusal.retry_after_s == pytest.approx(60)
    cast.clock.advance(59)
    assert sum(await cast.count_passes(limit)) == 0
    cast.clock.advance(1)
    assert sum(await cast.count_passes(limit)) == 40

    cast.come_back()
    for each in cast.limiters:
        await each.sweep(0.25)
    assert sum(await cast.count_passes(limit)) == 0  # the second forty were charged, the first were the last minute's


async def test_a_lease_is_used_up_before_the_share(cast):
    (limiter, *_) = cast.limiters
    one, narrow = bucket(limiter, rule(amount=40, window_s=3600)), bucket(limiter, rule("narrow", amount=1, window_s=3600))
    await passes(limiter, narrow)
    cast.clock.advance(1)
    for _ in range(8):
        assert not await passes(limiter, one, narrow)  # one unit, again and again
    cast.go_away(silently=False)

    assert await count_passes(limiter, one, 100) == 1 + 9  # of 39 a quarter


async def test_a_question_that_got_lost_gives_its_lease_up_and_keeps_its_debt(cast):
    (limiter, *_) = cast.limiters
    one = bucket(limiter, rule(amount=100, window_s=3600, unit="cost", scope="ip"))
    assert await passes(limiter, one, takes=20)
    one.settle(20, 50, cast.clock())
    cast.go_away(silently=True)

    await limiter.sweep(0.25)
    assert one.balance == -30
    one.settle(0, -60, cast.clock())
    await limiter.sweep(0.0)
    assert one.balance == 0


# --- answers that come late -----------------------------------------------------------------------------------------------------------


async def test_one_answer_that_does_not_come_is_asked_for_again_before_anybody_decides_alone(cast):
    (limiter, *_) = cast.limiters
    limit = rule(amount=40, window_s=3600)
    cast.counter.is_slow = True
    waiting = asyncio.ensure_future(count_passes(limiter, bucket(limiter, limit), 100))
    while not cast.counter.calls_count:
        await asyncio.sleep(0)
    cast.counter.is_slow = False
    cast.counter.deliver_late()

    assert await waiting == 40  # and not the ten of its share besides


@pytest.mark.parametrize("unit", ["requests", "cost"])
async def test_what_was_granted_too_late_is_given_back(cast, unit):
    (limiter, *_) = cast.limiters
    one = bucket(limiter, rule(amount=40, calendar="day", unit=unit, scope="ip"))
    cast.counter.is_slow = True
    assert await count_passes(limiter, one, 5) == 5  # alone
    cast.counter.is_slow = False
    assert {level for _, level, _ in cast.counter.windows.values()} == {15.0}  # it was asked three times

    cast.counter.deliver_late()
    await limiter.sweep(0.0)

    assert {level for _, level, _ in cast.counter.windows.values()} == {5.0}


async def test_a_debt_that_was_charged_too_late_is_not_charged_twice(cast):
    (limiter, *_) = cast.limiters
    one = bucket(limiter, rule(amount=100, calendar="day", unit="cost", scope="ip"))
    assert await passes(limiter, one, takes=10)
    one.settle(10, 30, cast.clock())
    cast.counter.is_slow = True
    await limiter.sweep(0.25)
    assert one.balance == -20
    cast.counter.is_slow = False

    cast.counter.deliver_late()
    await limiter.sweep(0.25)

    assert {level for _, level, _ in cast.counter.windows.values()} == {30.0}
    assert one.balance == 0


async def test_what_was_granted_too_late_in_another_window_stays_there(cast):
    (limiter, *_) = cast.limiters
    one = bucket(limiter, rule(amount=40, calendar="minute"))
    await one.refresh()
    cast.counter.is_slow = True
    assert await count_passes(limiter, one, 5) == 5
    cast.counter.is_slow = False
    cast.clock.advance(60)
    await one.refresh()

    cast.counter.deliver_late()
    await limiter.sweep(0.0)

    assert one.remaining_count(cast.clock()) == 40
    assert one.balance == 0
