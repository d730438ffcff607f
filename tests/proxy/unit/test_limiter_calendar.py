"""Windows that begin with the clock: where they begin and end, and that what one counted is not the next one's."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.limiter import Limiter
from proxy.limiter.calendar import window_bounds
from proxy.testing import ManualClock, MemoryCounter
from tests.proxy.limit_help import bucket, count_passes, passes, rule, settle_down

BEFORE_MIDNIGHT = dt.datetime(2026, 3, 31, 23, 59, 50, tzinfo=dt.UTC).timestamp()


def _at(text: str) -> float:
    return dt.datetime.fromisoformat(text + "+00:00").timestamp()


@pytest.mark.parametrize(
    ("calendar", "now", "begin", "end"),
    [
        ("minute", "2026-03-31T23:59:50.5", "2026-03-31T23:59:00", "2026-04-01T00:00:00"),
        ("hour", "2026-03-31T23:59:50", "2026-03-31T23:00:00", "2026-04-01T00:00:00"),
        ("day", "2026-03-31T00:00:00", "2026-03-31T00:00:00", "2026-04-01T00:00:00"),
        ("week", "2026-03-29T23:59:59.9", "2026-03-23T00:00:00", "2026-03-30T00:00:00"),  # a Sunday
        ("week", "2026-03-30T00:00:00", "2026-03-30T00:00:00", "2026-04-06T00:00:00"),
        ("month", "2028-02-29T12:00:00", "2028-02-01T00:00:00", "2028-03-01T00:00:00"),
        ("month", "2026-12-31T23:59:59", "2026-12-01T00:00:00", "2027-01-01T00:00:00"),
    ],
)
def test_windows_begin_and_end_with_the_clock(calendar, now, begin, end):
    assert window_bounds(calendar, _at(now)) == (_at(begin), _at(end))


@given(st.sampled_from(["minute", "hour", "day", "week", "month"]), st.floats(0, 10**10))
def test_windows_follow_on_each_other_without_a_gap(calendar, now):
    begin, end = window_bounds(calendar, now)

    assert begin <= now < end
    assert window_bounds(calendar, end)[0] == end


def test_a_window_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="fortnight"):
        window_bounds("fortnight", 0)


class Cast:
    def __init__(self, limiters_count=2):
        self.clock = ManualClock(BEFORE_MIDNIGHT)
        self.counter = MemoryCounter(self.clock)
        self.limiters = [Limiter(self.counter, self.clock, wall_s=self.clock) for _ in range(limiters_count)]


@pytest.mark.parametrize("unit", ["requests", "cost", "output_tokens"])
@pytest.mark.parametrize("calendar", ["minute", "hour", "day", "month"])
async def test_all_of_it_passes_in_each_window_and_nothing_trickles_in_between(unit, calendar):
    cast = Cast()
    limit = rule(amount=10, calendar=calendar, unit=unit)
    assert sum([await count_passes(each, bucket(each, limit), 20) for each in cast.limiters]) == 10
    cast.clock.advance(9.9)
    assert sum([await count_passes(each, bucket(each, limit), 20) for each in cast.limiters]) == 0
    (refusal,) = await cast.limiters[0].take([bucket(cast.limiters[0], limit)], (1, 1, 1, 1, 2, 1))
    assert refusal.retry_after_s == pytest.approx(0.1)

    cast.clock.advance(0.1)

    assert sum([await count_passes(each, bucket(each, limit), 20) for each in cast.limiters]) == 10


async def test_the_burst_means_nothing():
    cast = Cast()

    assert await count_passes(cast.limiters[0], bucket(cast.limiters[0], amount=10, burst=3, calendar="day"), 20) == 10


async def test_a_lease_ends_with_its_window():
    cast = Cast()
    (first, second) = cast.limiters
    limit = rule(amount=2000, calendar="minute")
    one = bucket(first, limit)
    for _ in range(450):
        cast.clock.advance(0.001)
        assert await passes(first, one)
    assert one.balance > 10
    cast.clock.advance(20)

    assert await count_passes(second, bucket(second, limit), 3000) == 2000
    assert await count_passes(first, one, 100) == 0


async def test_what_is_settled_in_the_next_window_stays_in_its_own():
    cast = Cast()
    (limiter, _) = cast.limiters
    one = bucket(limiter, amount=100, calendar="day", unit="cost")
    begun_at = cast.clock()
    assert await count_passes(limiter, one, 3, takes=30) == 3
    cast.clock.advance(20)
    assert await passes(limiter, one, takes=10)

    one.settle(30, 0, begun_at)
    one.settle(30, 1000, begun_at)
    one.settle(10, 20, cast.clock())
    one.give_back(30, begun_at)
    await limiter.sweep(0.0)

    await one.refresh()
    assert one.remaining_count(cast.clock()) == 80


async def test_what_is_settled_after_the_end_before_anybody_asked_again_stays_in_its_window():
    cast = Cast()
    (limiter, _) = cast.limiters
    one = bucket(limiter, amount=100, calendar="day", unit="cost")
    begun_at = cast.clock()
    assert await passes(limiter, one, takes=100)
    cast.clock.advance(20)

    one.settle(100, 250, begun_at)
    assert await passes(limiter, one, takes=10)
    await limiter.sweep(0.0)

    assert one.remaining_count(cast.clock()) == 90


async def test_what_comes_back_while_the_next_window_is_asked_for_stays_in_its_own():
    cast = Cast()
    (limiter, _) = cast.limiters
    one = bucket(limiter, amount=100, calendar="day", unit="cost")
    begun_at = cast.clock()
    assert await passes(limiter, one, takes=90)
    cast.clock.advance(20)

    asking = asyncio.ensure_future(passes(limiter, one, takes=10))
    await settle_down(3)  # the question is on its way
    assert not asking.done()
    one.settle(90, 0, begun_at)

    assert await asking
    await limiter.sweep(0.0)
    await one.refresh()
    assert one.remaining_count(cast.clock()) == 90


async def test_what_is_left_and_when_it_is_full_again_is_shown():
    cast = Cast()
    (limiter, _) = cast.limiters
    one = bucket(limiter, amount=10, calendar="day")
    assert await count_passes(limiter, one, 4) == 4
    cast.clock.advance(4)

    assert one.remaining_count(cast.clock()) == 6
    assert one.full_after_s(cast.clock(), one.remaining_count(cast.clock())) == pytest.approx(6)
    cast.clock.advance(6)
    assert one.remaining_count(cast.clock()) == 10


async def test_many_workers_pass_the_limit_once_whatever_the_moment():
    cast = Cast(8)
    limit = rule(amount=1000, calendar="minute")
    passed = 0
    for _ in range(90):
        cast.clock.advance(0.1)  # 9 s, all within the minute
        passed += sum(await asyncio.gather(*[count_passes(each, bucket(each, limit), 5) for each in cast.limiters]))
        for each in cast.limiters:
            await each.sweep(0.25)

    assert passed == 1000
