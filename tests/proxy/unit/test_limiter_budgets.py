"""Budgets: limits of tokens and money whose counters are copies of the books."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest

from proxy.errors import StoreUnavailable
from proxy.limiter import CounterUnavailable, Limiter, Subject
from proxy.testing import ManualClock, MemoryCounter, MemoryHistory
from tests.proxy.limit_help import bucket, count_passes, passes, rule, settle_down

NOON = dt.datetime(2026, 3, 31, 12, 0, 0, tzinfo=dt.UTC)


class Cast:
    """Workers with a counter and the books, in which the limit `budget` has spent `spent_count`."""

    def __init__(self, spent_count=0, limiters_count=2):
        self.clock = ManualClock(NOON.timestamp())
        self.counter = MemoryCounter(self.clock)
        self.history = MemoryHistory({"budget": spent_count})
        share = 1 / limiters_count
        self.limiters = [Limiter(self.counter, self.clock, share, history=self.history, wall_s=self.clock) for _ in range(limiters_count)]

    def buckets(self, **changes):
        limit = rule("budget", **({"amount": 1000, "window_s": 3600, "unit": "cost"} | changes))
        return [bucket(each, limit) for each in self.limiters]

    async def remaining(self, one):
        await one.refresh()
        return one.remaining_count(self.clock())


# --- how much passes ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spent_count", [0, 400])
@pytest.mark.parametrize("window", [{"window_s": 86_400}, {"calendar": "month"}])
async def test_of_many_at_once_as_many_pass_as_there_is_money_for(spent_count, window):
    cast = Cast(spent_count, limiters_count=4)
    buckets = cast.buckets(**window)

    passed = await asyncio.gather(*[count_passes(each, one, 50, 100) for each, one in zip(cast.limiters, buckets, strict=True)])

    assert sum(passed) == (1000 - spent_count) // 100


async def test_the_last_one_may_take_more_than_is_left_and_nobody_after_it():
    cast = Cast(spent_count=950)
    (first, second) = cast.buckets()

    assert await count_passes(cast.limiters[0], first, 50, 100) == 1
    assert await count_passes(cast.limiters[1], second, 50, 1) == 0
    assert await cast.remaining(second) == 0


async def test_an_estimate_above_the_whole_budget_passes_alone():
    cast = Cast()
    (first, second) = cast.buckets(calendar="day")

    assert await count_passes(cast.limiters[0], first, 10, 5000) == 1
    first.settle(5000, 100, cast.clock())
    await cast.limiters[0].sweep(0.0)

    assert await count_passes(cast.limiters[1], second, 10, 5000) == 1


async def test_what_was_taken_beyond_the_budget_and_given_back_is_nobodys_lease():
    cast = Cast()
    (one, other) = cast.buckets(calendar="day")
    assert await passes(cast.limiters[0], one, takes=5000)
    one.give_back(5000, cast.clock())

    assert await count_passes(cast.limiters[0], one, 50, 100) == 10
    await cast.limiters[0].sweep(0.0)
    assert await count_passes(cast.limiters[1], other, 50, 100) == 0


async def test_alone_what_was_taken_beyond_the_budget_and_given_back_passes_once():
    cast = Cast()
    (one, _) = cast.buckets(calendar="day")
    assert await passes(cast.limiters[0], one, takes=5000)
    one.settle(5000, 100, cast.clock())
    cast.counter.is_available = False

    assert await count_passes(cast.limiters[0], one, 50, 100) == 9


async def test_one_after_the_other_spends_all_of_it_however_high_the_estimates():
    cast = Cast()
    (one, _) = cast.buckets(calendar="day")
    passed = 0
    while await passes(cast.limiters[0], one, takes=700):
        passed += 1
        one.settle(700, 100, cast.clock())

    assert passed == 10


async def test_what_was_used_beyond_the_estimate_is_charged_before_the_next_one_passes():
    cast = Cast()
    (first, second) = cast.buckets()
    assert await passes(cast.limiters[0], first, takes=10)
    first.settle(10, 990, cast.clock())
    assert not await passes(cast.limiters[0], first, takes=20) or first.balance == 0
    await cast.limiters[0].sweep(0.25)

    assert await cast.remaining(second) <= 10


async def test_a_request_that_costs_nothing_passes_a_budget_that_is_spent():
    cast = Cast(spent_count=1000)
    (one, _) = cast.buckets()
    assert not await passes(cast.limiters[0], one)

    assert await passes(cast.limiters[0], one, takes=0)


# --- a counter that is not there ------------------------------------------------------------------------------------------------------


async def test_a_calendars_counter_begins_with_what_the_books_say_since_the_window_began():
    cast = Cast(spent_count=300)
    (one, _) = cast.buckets(calendar="day")

    assert await passes(cast.limiters[0], one, takes=100)

    assert one.remaining_count(cast.clock()) == 600
    assert cast.history.asked == [("budget", Subject("w", "s"), NOON.replace(hour=0))]


async def test_a_rolling_counter_begins_with_what_its_window_spent_at_most():
    cast = Cast(spent_count=300)
    (one, _) = cast.buckets(burst=500)

    assert await passes(cast.limiters[0], one, takes=100)

    assert one.remaining_count(cast.clock()) == 100
    assert cast.history.asked == [("budget", Subject("w", "s"), NOON - dt.timedelta(seconds=1800))]


@pytest.mark.parametrize("changes", [{"unit": "requests"}, {"unit": "tokens", "window_s": 59}, {"scope": "ip"}, {"unit": "concurrency"}])
async def test_other_counters_begin_empty_without_the_books(changes):
    cast = Cast()
    (one, _) = cast.buckets(**changes)

    assert await passes(cast.limiters[0], one)

    assert cast.history.asked == []


async def test_two_workers_that_read_the_books_at_once_do_not_double_what_they_say():
    cast = Cast(spent_count=300)
    (first, second) = cast.buckets()

    await asyncio.gather(first.refresh(), second.refresh())

    assert len(cast.history.asked) == 2
    assert await cast.remaining(first) == await cast.remaining(second) == 700


async def test_a_forgotten_counter_is_made_anew_from_the_books():
    cast = Cast()
    (first, second) = cast.buckets(calendar="day")
    assert await count_passes(cast.limiters[0], first, 3, 100) == 3
    cast.history.spent_counts["budget"] = 300
    cast.counter.forget()

    assert await count_passes(cast.limiters[1], second, 50, 100) == 7
    assert await count_passes(cast.limiters[0], first, 50, 100) == 0


async def test_a_lease_of_a_forgotten_counter_is_not_given_back_to_the_new_one():
    cast = Cast()
    (first, second) = cast.buckets(calendar="day", amount=100_000)
    assert await passes(cast.limiters[0], first, takes=1000)
    first.settle(1000, 0, cast.clock())
    cast.history.spent_counts["budget"] = 90_000
    cast.counter.forget()
    assert await passes(cast.limiters[1], second, takes=100)

    await cast.limiters[0].sweep(0.0)

    assert await cast.remaining(second) == 9900
    assert first.balance == 0


async def test_what_was_reserved_before_is_settled_against_the_new_counter():
    cast = Cast()
    (first, second) = cast.buckets(calendar="day")
    assert await passes(cast.limiters[0], first, takes=600)
    cast.history.spent_counts["budget"] = 600  # its start line is in the books
    cast.counter.forget()
    assert await cast.remaining(second) == 400
    assert await cast.remaining(first) == 400

    first.settle(600, 100, cast.clock())
    await cast.limiters[0].sweep(0.0)

    assert await cast.remaining(second) == 900


async def test_a_counter_that_is_forgotten_again_and_again_stops_nobody():
    cast = Cast()

    class Forgetful(MemoryCounter):
        async def restore(self, *arguments):
            await super().restore(*arguments)
            self.forget()

    cast.counter = Forgetful(cast.clock)
    limiter = Limiter(cast.counter, cast.clock, 0.5, history=cast.history, wall_s=cast.clock)
    one = bucket(limiter, rule("budget", amount=1000, window_s=3600, unit="cost"))

    async with asyncio.timeout(5):
        assert await count_passes(limiter, one, 10, 100) == 5


# --- books that cannot be read --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [StoreUnavailable(), TimeoutError()])
async def test_without_the_books_requests_go_on_within_the_workers_share(error):
    cast = Cast()
    cast.history.error = error
    buckets = cast.buckets(calendar="day")

    passed = [await count_passes(each, one, 50, 100) for each, one in zip(cast.limiters, buckets, strict=True)]

    assert passed == [5, 5]
    assert len(cast.history.asked) == 2
    assert cast.counter.windows == {}


async def test_the_books_are_tried_again_each_second_and_nobody_waits_for_that():
    cast = Cast()
    (limiter, _), (one, _) = cast.limiters, cast.buckets(calendar="day")
    cast.history.error = StoreUnavailable()
    assert await passes(limiter, one, takes=100)
    cast.clock.advance(0.9)
    assert await passes(limiter, one, takes=100)
    assert len(cast.history.asked) == 1

    cast.history.opened = asyncio.Event()
    cast.clock.advance(0.2)
    async with asyncio.timeout(5):
        assert await passes(limiter, one, takes=100)
        assert await passes(limiter, one, takes=100)
    assert len(cast.history.asked) == 2

    cast.history.error = None
    cast.history.spent_counts["budget"] = 200  # what had begun when they were asked
    cast.history.opened.set()
    await settle_down(10)
    await limiter.sweep(0.25)
    assert await cast.remaining(one) == 600  # and the two that began since


async def test_books_that_never_answer_are_given_up(monkeypatch):
    monkeypatch.setattr("proxy.limiter.window_bucket._HISTORY_PATIENCE_S", 0.01)
    cast = Cast()
    cast.history.opened = asyncio.Event()
    (one, _) = cast.buckets()

    async with asyncio.timeout(5):
        assert await passes(cast.limiters[0], one, takes=100)


async def test_books_with_a_bug_stop_nobody_and_the_bug_is_reported():
    reports = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, report: reports.append(report["exception"]))
    cast = Cast()
    cast.history.error = RuntimeError("a bug")
    (one, _) = cast.buckets()

    async with asyncio.timeout(5):
        assert await count_passes(cast.limiters[0], one, 50, 100) == 5
    await settle_down()

    assert set(reports) == {cast.history.error}


async def test_a_counter_that_goes_away_while_the_books_are_read_stops_nobody():
    cast = Cast()

    class Leaving(MemoryCounter):
        async def restore(self, *arguments):
            raise CounterUnavailable

    cast.counter = Leaving(cast.clock)
    limiter = Limiter(cast.counter, cast.clock, 0.5, history=cast.history, wall_s=cast.clock)
    one = bucket(limiter, rule("budget", amount=1000, window_s=3600, unit="cost"))

    async with asyncio.timeout(5):
        assert await count_passes(limiter, one, 50, 100) == 5


async def test_the_counter_of_an_idle_budget_is_kept_so_that_the_books_are_not_read_each_time():
    cast = Cast()
    (one, _) = cast.buckets(window_s=60)
    await passes(cast.limiters[0], one)
    cast.clock.advance(600)
    await passes(cast.limiters[0], one)

    assert len(cast.history.asked) == 1


async def test_without_any_books_what_passed_alone_is_charged_to_the_counter_that_is_made():
    cast = Cast()
    limiter = Limiter(cast.counter, cast.clock, 0.5, wall_s=cast.clock)
    one = bucket(limiter, rule("budget", amount=1000, window_s=3600, unit="cost"))
    cast.counter.is_available = False
    assert await count_passes(limiter, one, 3, 100) == 3
    cast.counter.is_available = True

    await limiter.sweep(0.25)
    await limiter.sweep(0.25)

    assert await cast.remaining(one) == 700
