"""The scripts that count in Valkey: exact, in the server's own time, and the same as the fake that other tests use."""

from __future__ import annotations

import asyncio
import calendar as civil
import datetime as dt
import os
import uuid
from contextlib import asynccontextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.adapters.redis_connection import RedisAddress, RedisConnection
from proxy.adapters.shared_counter import BOUNDS, RedisCounter
from proxy.limiter import Ask, CounterUnavailable, Grant, Unknown, WindowShape
from proxy.limiter.calendar import window_bounds
from proxy.testing import ManualClock, MemoryCounter


@asynccontextmanager
async def connected(**options):
    redis = RedisConnection(RedisAddress.parse(os.environ["REDIS_URL"]), timeout_s=10.0)
    await redis.start()
    try:
        yield redis, RedisCounter(redis, **options)
    finally:
        await redis.stop()


def _shape(
    amount: int = 10, window_s: int = 36_000, size: int | None = None, calendar: str = "", *, is_budget: bool = False
) -> WindowShape:
    return WindowShape(uuid.uuid4().hex.encode(), amount, window_s, size or amount, calendar, is_budget)


# --- the calendar -------------------------------------------------------------------------------------------------------------------


async def test_the_calendar_of_the_script_is_the_calendar():
    moments = [dt.datetime(year, month, 1, tzinfo=dt.UTC) for year in (1970, 1999, 2000, 2024, 2026, 2100, 2400) for month in range(1, 13)]
    moments += [at + dt.timedelta(days=civil.monthrange(at.year, at.month)[1], microseconds=-1) for at in moments]
    moments += [dt.datetime(2026, 3, 29, 0, 0, tzinfo=dt.UTC) + dt.timedelta(hours=hours) for hours in range(0, 400, 7)]
    script = (
        BOUNDS
        + b"local first, past = bounds(ARGV[1], tonumber(ARGV[2]))\nreturn {string.format('%.0f', first), string.format('%.0f', past)}"
    )

    async with connected() as (redis, _):
        for at in moments:
            for calendar in ("minute", "hour", "day", "week", "month"):
                answer = await redis.run_script(script, [b"k"], [calendar, round(at.timestamp() * 1e6)])

                begin, end = window_bounds(calendar, at.timestamp())
                assert [int(each) for each in answer] == [round(begin * 1e6), round(end * 1e6)], (calendar, at)


@pytest.mark.parametrize("calendar", ["minute", "hour", "day", "week", "month"])
async def test_a_calendars_window_is_the_servers_own(calendar):
    shape = _shape(calendar=calendar)
    async with connected() as (redis, counter):
        grant = await counter.take(shape, Ask([3]))
        seconds, micros = (int(part) for part in await redis.call(b"TIME"))
        now_s = seconds + micros / 1e6

        begin, end = window_bounds(calendar, now_s - 1)
        if now_s - 1 < end < now_s + 1:  # the clock struck in between
            begin, end = window_bounds(calendar, now_s)
        assert grant.window_at_us == round(begin * 1e6)
        assert grant.reset_after_s == pytest.approx(end - now_s, abs=1)
        refused = await counter.take(shape, Ask([8, 1], generation=grant.generation, window_at_us=grant.window_at_us))
        assert (refused.admitted_count, refused.remaining_count) == (1, -1)
        assert refused.retry_after_s == refused.reset_after_s


async def test_what_was_of_another_window_is_not_charged_to_this_one():
    shape = _shape(calendar="month")
    async with connected() as (_, counter):
        grant = await counter.take(shape, Ask([5]))

        later = await counter.take(shape, Ask([], charge_count=3, window_at_us=grant.window_at_us - 1))
        now = await counter.take(shape, Ask([], charge_count=3, window_at_us=grant.window_at_us))

    assert (later.remaining_count, now.remaining_count) == (5, 2)


# --- granting -----------------------------------------------------------------------------------------------------------------------


async def test_a_grant_says_what_is_left():
    shape = _shape()
    async with connected() as (redis, counter):
        first = await counter.take(shape, Ask([1, 1, 1]))
        second = await counter.take(shape, Ask([1] * 9))
        back = await counter.take(shape, Ask([], charge_count=-4))
        lives_ms = await redis.call(b"PTTL", shape.key)

    assert (first.admitted_count, first.remaining_count, first.retry_after_s) == (3, 7, 0)
    assert first.reset_after_s == pytest.approx(3 * 3600, abs=1)
    assert (second.admitted_count, second.remaining_count) == (7, 0)
    assert second.retry_after_s == pytest.approx(3600, abs=60)
    assert (back.admitted_count, back.remaining_count) == (0, 4)
    assert 0 < lives_ms <= 6 * 3_600_000 + 1000


async def test_the_last_one_is_granted_whole_and_the_lease_ahead_never_more_than_is_left():
    async with connected() as (_, counter):
        shape = _shape(amount=100)
        ahead = await counter.take(shape, Ask([60], ahead_count=70))
        assert (ahead.admitted_count, ahead.ahead_count, ahead.remaining_count) == (1, 40, 0)

        shape = _shape(amount=100)
        last = await counter.take(shape, Ask([60, 60, 1], ahead_count=70))
        assert (last.admitted_count, last.ahead_count, last.remaining_count) == (2, 0, -20)
        assert last.retry_after_s == pytest.approx(21 * 360, abs=1)


async def test_asking_for_nothing_changes_nothing():
    shape = _shape()
    async with connected() as (redis, counter):
        grant = await counter.take(shape, Ask([]))

        assert grant.remaining_count == 10
        assert await redis.call(b"EXISTS", shape.key) == 0


@pytest.mark.parametrize("amount", [10**12, 9 * 10**12])
async def test_a_limit_of_a_million_million_a_second_is_counted_exactly(amount):
    shape = _shape(amount=amount, window_s=1, size=9 * 10**15)
    async with connected() as (redis, counter):
        begun = await counter.take(shape, Ask([8 * 10**15]))
        at_us = await _time_us(redis)
        for _ in range(200):
            await counter.take(shape, Ask([123_456_789_012]))
        end = await counter.take(shape, Ask([]))
        passed_us = await _time_us(redis) - at_us

    refilled = end.remaining_count - begun.remaining_count + 200 * 123_456_789_012
    assert 0 < refilled <= (passed_us + 2000) * amount // 10**6


async def _time_us(redis) -> int:
    seconds, micros = await redis.call(b"TIME")
    return int(seconds) * 10**6 + int(micros)


async def test_many_small_steps_lose_nothing():
    shape = _shape(amount=3, window_s=10**9, size=10**9)
    async with connected() as (_, counter):
        for _ in range(500):
            grant = await counter.take(shape, Ask([7]))

    assert grant.remaining_count == 10**9 - 3500


async def test_a_key_lives_no_longer_than_it_matters_and_a_budget_an_hour_longer():
    async with connected() as (redis, counter):
        shape, budget = _shape(amount=10, window_s=10), _shape(amount=10, window_s=60, is_budget=True)
        await counter.take(shape, Ask([10]))
        await counter.restore(budget, 5, 0.0, "g")

        assert 0 < await redis.call(b"PTTL", shape.key) <= 11_000
        assert 3_600_000 < await redis.call(b"PTTL", budget.key) <= 3_630_000


async def test_a_key_of_another_kind_is_an_outage_and_no_crash():
    shape = _shape()
    async with connected() as (redis, counter):
        await redis.call(b"LPUSH", shape.key, b"x")

        with pytest.raises(CounterUnavailable):
            await counter.take(shape, Ask([1]))
        with pytest.raises(CounterUnavailable):
            await counter.hold(shape.key, 1, "m", 0, 1, 0)


# --- budgets ------------------------------------------------------------------------------------------------------------------------


async def test_the_counter_of_a_budget_that_is_not_there_is_unknown_and_nothing_is_taken():
    shape = _shape(amount=100, window_s=1000, size=50, is_budget=True)
    async with connected() as (redis, counter):
        answer = await counter.take(shape, Ask([1], charge_count=5))

        assert isinstance(answer, Unknown)
        assert answer.since_s == pytest.approx(await _time_us(redis) / 1e6 - 500, abs=2)
        assert await redis.call(b"EXISTS", shape.key) == 0


async def test_a_counter_is_made_once_however_many_make_it():
    shape = _shape(amount=100, calendar="month", is_budget=True)
    async with connected() as (_, counter):
        since_s = (await counter.take(shape, Ask([]))).since_s
        await asyncio.gather(*[counter.restore(shape, 40, since_s, f"g{number}") for number in range(20)])

        grant = await counter.take(shape, Ask([1]))

    assert grant.remaining_count == 59
    assert grant.generation.startswith("g")


async def test_books_of_a_window_that_is_over_make_no_counter():
    shape = _shape(amount=100, calendar="day", is_budget=True)
    async with connected() as (_, counter):
        since_s = (await counter.take(shape, Ask([]))).since_s
        await counter.restore(shape, 40, since_s - 86_400, "g")

        assert isinstance(await counter.take(shape, Ask([])), Unknown)


async def test_a_charge_meant_for_an_older_counter_is_dropped_and_the_request_is_served():
    shape = _shape(amount=100, is_budget=True)
    async with connected() as (_, counter):
        await counter.restore(shape, 50, 0.0, "new")

        grant = await counter.take(shape, Ask([10], charge_count=-40, generation="old"))
        fresh = await counter.take(shape, Ask([], charge_count=-4, generation="new"))

    assert (grant.admitted_count, grant.remaining_count, grant.generation) == (1, 40, "new")
    assert fresh.remaining_count == 44


async def test_a_budget_that_was_overspent_begins_empty_and_a_rolling_one_recovers_within_its_window():
    rolling, month = _shape(amount=100, is_budget=True), _shape(amount=100, calendar="month", is_budget=True)
    async with connected() as (_, counter):
        await counter.restore(rolling, 10_000, 0.0, "g")
        await counter.restore(month, 10_000, (await counter.take(month, Ask([]))).since_s, "g")

        assert (await counter.take(rolling, Ask([1]))).remaining_count == 0
        assert (await counter.take(month, Ask([1]))).remaining_count == -9900


# --- slots --------------------------------------------------------------------------------------------------------------------------


async def test_slots_are_shared_and_what_a_member_says_replaces_what_it_said():
    key = uuid.uuid4().hex.encode()
    async with connected() as (redis, counter):
        first = await counter.hold(key, 10, "a", 0, 6, 0)
        second = await counter.hold(key, 10, "b", 0, 3, 5)
        third = await counter.hold(key, 10, "a", 6, 2, 0)
        freed = await counter.hold(key, 10, "a", 1, 0, 0)
        again = await counter.hold(key, 10, "b", 4, 9, 9)
        await counter.hold(key, 10, "a", 0, 0, 0)
        await counter.hold(key, 10, "b", 0, 0, 0)

        assert [(grant.admitted_count, grant.ahead_count, grant.remaining_count) for grant in (first, second, third, freed, again)] == [
            (6, 0, 4),
            (3, 1, 0),
            (0, 0, 0),
            (0, 0, 5),
            (5, 0, 0),
        ]
        assert await redis.call(b"EXISTS", key) == 0


async def test_slots_of_a_silent_member_are_free_in_time():
    key = uuid.uuid4().hex.encode()
    async with connected(slots_expire_s=0.2) as (redis, counter):
        await counter.hold(key, 10, "dead", 0, 10, 0)
        assert (await counter.hold(key, 10, "living", 0, 1, 0)).admitted_count == 0
        await asyncio.sleep(0.25)

        assert (await counter.hold(key, 10, "living", 0, 10, 0)).admitted_count == 10
        assert await redis.call(b"HLEN", key) == 1


# --- the fake -----------------------------------------------------------------------------------------------------------------------

_ASKS = st.lists(
    st.tuples(st.lists(st.integers(1, 40), max_size=5), st.integers(0, 50), st.integers(-60, 60), st.sampled_from(["", "own", "other"])),
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(asks=_ASKS, size=st.sampled_from([1, 30, 100]), calendar=st.sampled_from(["", "month"]), spent=st.sampled_from([None, 0, 20, 1000]))
def test_the_fake_answers_as_the_server_does(asks, size, calendar, spent):
    async def compare() -> None:
        shape = _shape(amount=size, window_s=10**9, calendar=calendar, is_budget=spent is not None)
        async with connected() as (redis, counter):
            clock = ManualClock(await _time_us(redis) / 1e6)
            fake = MemoryCounter(clock)
            generation = "-"
            if spent is not None:
                since_s = (await counter.take(shape, Ask([]))).since_s
                generation = "g"
                for each in (counter, fake):
                    await each.restore(shape, spent, since_s, generation)
            for wants, ahead, charge, word in asks:
                ask = Ask(wants, ahead, charge, {"": "", "own": generation, "other": "x"}[word])
                assert _numbers(await counter.take(shape, ask)) == _numbers(await fake.take(shape, ask))

    asyncio.run(compare())


def _numbers(grant: Grant) -> tuple[int, int, int, str, bool]:
    return grant.admitted_count, grant.ahead_count, grant.remaining_count, grant.generation, grant.retry_after_s > 0
