"""Limits as a worker enforces them: all of a request's or none, shadow, refusals with the time to wait, callers that leave."""

from __future__ import annotations

import asyncio

import pytest

from proxy.limiter import Limiter
from proxy.testing import ManualClock, MemoryCounter
from tests.proxy.limit_help import bucket, count_passes, passes, rule, settle_down


class Slow(MemoryCounter):
    """A counter that answers only when told."""

    def __init__(self, clock):
        super().__init__(clock)
        self.answers = asyncio.Event()

    async def take(self, *arguments):
        grant = await super().take(*arguments)
        await self.answers.wait()
        return grant


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def counter(clock):
    return MemoryCounter(clock)


@pytest.fixture
def limiter(counter, clock):
    return Limiter(counter, clock, wall_s=clock)


async def test_exactly_the_burst_passes_at_once(limiter):
    assert await count_passes(limiter, bucket(limiter, burst=7), 100) == 7


async def test_several_workers_together_pass_exactly_the_burst(counter, clock):
    limiters = [Limiter(counter, clock, wall_s=clock) for _ in range(4)]

    passed = await asyncio.gather(*[count_passes(each, bucket(each), 50) for each in limiters])

    assert sum(passed) == 10


async def test_no_limits_refuse_nothing(limiter, counter):
    assert await limiter.take([]) == []
    assert counter.calls_count == 0


async def test_requests_of_one_tick_share_a_round_trip(limiter, counter):
    await count_passes(limiter, bucket(limiter), 100)

    assert counter.calls_count == 1


async def test_after_the_time_to_wait_a_request_passes_and_not_before(limiter, clock):
    one = bucket(limiter, amount=3, window_s=60)
    assert await count_passes(limiter, one, 3) == 3

    (refusal,) = await limiter.take([one])
    assert refusal.retry_after_s == pytest.approx(20)
    clock.advance(refusal.retry_after_s - 0.001)
    assert not await passes(limiter, one)
    clock.advance(0.001)

    assert await passes(limiter, one)
    assert not await passes(limiter, one)


async def test_the_time_to_wait_shrinks_as_time_goes_by(limiter, clock):
    one = bucket(limiter, amount=1, window_s=60)
    await passes(limiter, one)
    await limiter.take([one])
    clock.advance(45)

    (refusal,) = await limiter.take([one])

    assert refusal.retry_after_s == pytest.approx(15)


async def test_a_refused_caller_in_a_tight_loop_costs_no_round_trips(limiter, counter):
    one = bucket(limiter, amount=1, window_s=60)
    await count_passes(limiter, one, 2)

    assert await count_passes(limiter, one, 1000) == 0
    assert counter.calls_count == 1


async def test_a_large_limit_costs_few_round_trips_and_stays_exact(limiter, counter, clock):
    one = bucket(limiter, amount=10_000)
    passed = 0
    for _ in range(200):
        clock.advance(0.001)
        passed += await count_passes(limiter, one, 10)

    assert passed == 2000
    assert counter.calls_count < 50


async def test_one_limit_that_refuses_takes_nothing_out_of_the_others(limiter):
    wide, narrow = bucket(limiter, rule("wide", burst=5)), bucket(limiter, rule("narrow", amount=1, window_s=3600))
    assert await passes(limiter, wide, narrow)
    for _ in range(50):
        assert not await passes(limiter, wide, narrow)

    assert await count_passes(limiter, wide, 10) == 4


@pytest.mark.parametrize("unit", ["tokens", "cost", "concurrency"])
async def test_a_refused_request_leaves_no_trace_in_limits_of_other_units(limiter, unit):
    narrow = bucket(limiter, rule("narrow", amount=1, window_s=3600))
    metered = bucket(limiter, rule("metered", amount=4, window_s=3600, unit=unit))
    assert await passes(limiter, narrow, takes=0)

    refused = await asyncio.gather(*[passes(limiter, metered, narrow) for _ in range(20)])

    assert not any(refused)
    assert metered.reserved_count == 0
    assert metered.remaining_count(limiter.clock()) == 4
    assert await passes(limiter, metered)


async def test_many_at_once_that_are_refused_take_nothing_out_of_the_others(limiter):
    wide, narrow = bucket(limiter, rule("wide", burst=5)), bucket(limiter, rule("narrow", amount=1, window_s=3600))

    passed = await asyncio.gather(*[passes(limiter, wide, narrow) for _ in range(20)])

    assert sum(passed) == 1
    assert await count_passes(limiter, wide, 10) == 4


async def test_the_refusals_name_every_limit_that_refused(limiter):
    first, second = bucket(limiter, rule("first", amount=1, window_s=60)), bucket(limiter, rule("second", amount=1, window_s=90))
    await passes(limiter, first, second)

    refusals = await limiter.take([first, second])

    assert [(refusal.rule.name, round(refusal.retry_after_s)) for refusal in refusals] == [("first", 60), ("second", 90)]


async def test_a_shadow_limit_tells_and_stops_nothing(limiter):
    shadow = bucket(limiter, rule("shadow", amount=1, window_s=60, is_enforced=False))
    real = bucket(limiter, rule("real", burst=3))

    results = [await limiter.take([shadow, real]) for _ in range(4)]

    names = [[refusal.rule.name for refusal in refusals] for refusals in results]
    assert names == [[], ["shadow"], ["shadow"], ["shadow", "real"]]


async def test_a_cancelled_caller_neither_hangs_nor_keeps_its_unit(clock):
    counter = Slow(clock)
    limiter = Limiter(counter, clock, wall_s=clock)
    one = bucket(limiter, burst=2, amount=1, window_s=3600)
    first, second = asyncio.ensure_future(passes(limiter, one)), asyncio.ensure_future(passes(limiter, one))
    await settle_down()

    first.cancel()
    counter.answers.set()

    assert await second
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await passes(limiter, one)
    assert not await passes(limiter, one)


@pytest.mark.parametrize("unit", ["requests", "tokens", "concurrency"])
async def test_a_caller_cancelled_after_its_unit_was_given_gives_it_back(limiter, unit):
    one = bucket(limiter, amount=1, window_s=3600, unit=unit)
    waiting = asyncio.ensure_future(passes(limiter, one))
    while one.remaining_count(limiter.clock()) != 0:
        await asyncio.sleep(0)

    waiting.cancel()
    await asyncio.wait([waiting])

    assert await passes(limiter, one)


async def test_a_caller_cancelled_while_one_of_two_limits_answered_charges_neither(clock):
    counter, answers = MemoryCounter(clock), asyncio.Event()

    class Both(MemoryCounter):
        async def take(self, shape, ask, on_late=None):
            grant = await counter.take(shape, ask)
            if b"slow" in shape.key:
                await answers.wait()
            return grant

    limiter = Limiter(Both(clock), clock, wall_s=clock)
    quick, late = bucket(limiter, rule("quick", amount=1, window_s=3600)), bucket(limiter, rule("slow", amount=1, window_s=3600))
    waiting = asyncio.ensure_future(passes(limiter, quick, late))
    await settle_down()

    waiting.cancel()
    await asyncio.wait([waiting])
    answers.set()
    await settle_down()

    assert await passes(limiter, quick, late)


@pytest.mark.parametrize("unit", ["requests", "concurrency"])
async def test_a_counter_that_breaks_in_an_unknown_way_stops_nobody_and_is_reported(limiter, counter, unit):
    reports = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, report: reports.append(report["exception"]))
    counter.error = RuntimeError("a bug")
    one = bucket(limiter, unit=unit)

    async with asyncio.timeout(5):
        assert await count_passes(limiter, one, 30) == 10

    await settle_down()
    assert set(reports) == {counter.error}


async def test_another_subject_has_a_counter_of_its_own(limiter):
    assert await count_passes(limiter, bucket(limiter, subject="one"), 20) == 10
    assert await count_passes(limiter, bucket(limiter, subject="other"), 20) == 10


@pytest.mark.parametrize("changes", [{"unit": "tokens"}, {"window_s": 60}, {"calendar": "day"}])
async def test_another_unit_or_window_is_another_counter(limiter, changes):
    assert await count_passes(limiter, bucket(limiter), 20) == 10

    assert await count_passes(limiter, bucket(limiter, **changes), 4) == 4


async def test_a_raised_limit_lets_requests_pass_at_once_and_keeps_what_was_counted(limiter):
    await count_passes(limiter, bucket(limiter, amount=10, window_s=86_400), 20)

    assert await count_passes(limiter, bucket(limiter, amount=1000, window_s=86_400), 2000) == 990


async def test_another_burst_keeps_what_was_counted(limiter):
    await count_passes(limiter, bucket(limiter, burst=10), 8)

    assert await count_passes(limiter, bucket(limiter, burst=20), 50) == 12


async def test_buckets_are_bounded_and_the_busy_one_stays(limiter, monkeypatch):
    monkeypatch.setattr("proxy.limiter.limiter._BUCKETS_MAX_COUNT", 10)
    busy = bucket(limiter)
    for number in range(100):
        bucket(limiter, subject=f"s{number}")
        assert bucket(limiter) is busy

    assert len(limiter._buckets) == 10


async def test_a_bucket_that_holds_something_is_not_forgotten(limiter, clock, monkeypatch):
    monkeypatch.setattr("proxy.limiter.limiter._BUCKETS_MAX_COUNT", 10)
    slots = bucket(limiter, rule("slots", unit="concurrency"))
    assert await passes(limiter, slots)

    for number in range(100):
        bucket(limiter, subject=f"s{number}")

    assert bucket(limiter, rule("slots", unit="concurrency")) is slots
    slots.give_back(1, clock())
    await settle_down(10)
    await limiter.sweep(0.0)
    for number in range(100):
        bucket(limiter, subject=f"t{number}")
    assert bucket(limiter, rule("slots", unit="concurrency")) is not slots


async def test_a_forgotten_bucket_that_a_request_still_uses_gives_everything_back(limiter, clock, counter, monkeypatch):
    monkeypatch.setattr("proxy.limiter.limiter._BUCKETS_MAX_COUNT", 1)
    limit = rule("tokens", amount=10, window_s=3600, unit="tokens", scope="ip")
    mine = bucket(limiter, limit)
    assert await passes(limiter, mine, takes=5)
    bucket(limiter, subject="another")
    again = bucket(limiter, limit)
    assert again is not mine

    mine.settle(10, 2, clock())
    await limiter.sweep(0.0)

    await again.refresh()
    assert again.remaining_count(clock()) == 8
