"""Limits as a worker enforces them: all of a request's or none, leases, shadow, refusals with the time to wait, outages."""

from __future__ import annotations

import asyncio

import pytest

from proxy.limiter import Bucket, CounterUnavailable, Limiter
from proxy.snapshot import LimitRule
from proxy.testing import ManualClock, MemoryCounter


def rule(name: str = "limit", amount: int = 10, window_s: int = 1, burst: int | None = None, **changes) -> LimitRule:
    return LimitRule(name, name, "key", "requests", amount, window_s, burst or amount, **changes)


class Flaky(MemoryCounter):
    """A counter that can be away."""

    error: BaseException | None = None

    async def take(self, *arguments):
        if self.error is not None:
            await asyncio.sleep(0)
            raise self.error
        return await super().take(*arguments)


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
    return Flaky(clock)


@pytest.fixture
def limiter(counter, clock):
    return Limiter(counter, clock)


async def passes(limiter: Limiter, *buckets: Bucket) -> bool:
    return not [refusal for refusal in await limiter.take(buckets) if refusal.rule.is_enforced]


async def count_passes(limiter: Limiter, bucket: Bucket, tries_count: int) -> int:
    """Return how many of as many requests at once pass."""
    return sum(await asyncio.gather(*[passes(limiter, bucket) for _ in range(tries_count)]))


async def test_exactly_the_burst_passes_at_once(limiter):
    bucket = limiter.bucket(rule(burst=7), "t", "s")

    assert await count_passes(limiter, bucket, 100) == 7


async def test_several_workers_together_pass_exactly_the_burst(counter, clock):
    limiters = [Limiter(counter, clock) for _ in range(4)]

    passed = await asyncio.gather(*[count_passes(each, each.bucket(rule(), "t", "s"), 50) for each in limiters])

    assert sum(passed) == 10


async def test_no_limits_refuse_nothing(limiter, counter):
    assert await limiter.take([]) == []
    assert counter.calls_count == 0


async def test_requests_of_one_tick_share_a_round_trip(limiter, counter):
    bucket = limiter.bucket(rule(), "t", "s")

    await count_passes(limiter, bucket, 100)

    assert counter.calls_count == 1


async def test_after_the_time_to_wait_a_request_passes_and_not_before(limiter, clock):
    bucket = limiter.bucket(rule(amount=3, window_s=60), "t", "s")
    assert await count_passes(limiter, bucket, 3) == 3

    (refusal,) = await limiter.take([bucket])
    assert refusal.retry_after_s == pytest.approx(20)
    clock.advance(refusal.retry_after_s - 0.001)
    assert not await passes(limiter, bucket)
    clock.advance(0.001)

    assert await passes(limiter, bucket)
    assert not await passes(limiter, bucket)


async def test_the_time_to_wait_shrinks_as_time_goes_by(limiter, clock):
    bucket = limiter.bucket(rule(amount=1, window_s=60), "t", "s")
    await passes(limiter, bucket)
    await limiter.take([bucket])
    clock.advance(45)

    (refusal,) = await limiter.take([bucket])

    assert refusal.retry_after_s == pytest.approx(15)


async def test_a_refused_caller_in_a_tight_loop_costs_no_round_trips(limiter, counter):
    bucket = limiter.bucket(rule(amount=1, window_s=60), "t", "s")
    await count_passes(limiter, bucket, 2)

    assert await count_passes(limiter, bucket, 1000) == 0
    assert counter.calls_count == 1


async def test_a_large_limit_costs_few_round_trips_and_stays_exact(limiter, counter, clock):
    bucket = limiter.bucket(rule(amount=10_000), "t", "s")
    passed = 0
    for _ in range(200):
        clock.advance(0.001)
        passed += await count_passes(limiter, bucket, 10)

    assert passed == 2000
    assert counter.calls_count < 50


async def test_one_limit_that_refuses_takes_nothing_out_of_the_others(limiter, counter, clock):
    wide, narrow = limiter.bucket(rule("wide", burst=5), "t", "s"), limiter.bucket(rule("narrow", amount=1, window_s=3600), "t", "s")
    assert await passes(limiter, wide, narrow)
    for _ in range(50):
        assert not await passes(limiter, wide, narrow)

    assert await count_passes(limiter, wide, 10) == 4


async def test_many_at_once_that_are_refused_take_nothing_out_of_the_others(limiter):
    wide, narrow = limiter.bucket(rule("wide", burst=5), "t", "s"), limiter.bucket(rule("narrow", amount=1, window_s=3600), "t", "s")

    passed = await asyncio.gather(*[passes(limiter, wide, narrow) for _ in range(20)])

    assert sum(passed) == 1
    assert await count_passes(limiter, wide, 10) == 4


async def test_the_refusals_name_every_limit_that_refused(limiter):
    first, second = (
        limiter.bucket(rule("first", amount=1, window_s=60), "t", "s"),
        limiter.bucket(rule("second", amount=1, window_s=90), "t", "s"),
    )
    await passes(limiter, first, second)

    refusals = await limiter.take([first, second])

    assert [(refusal.rule.name, round(refusal.retry_after_s)) for refusal in refusals] == [("first", 60), ("second", 90)]


async def test_a_shadow_limit_tells_and_stops_nothing(limiter):
    shadow = limiter.bucket(rule("shadow", amount=1, window_s=60, is_enforced=False), "t", "s")
    real = limiter.bucket(rule("real", burst=3), "t", "s")

    results = [await limiter.take([shadow, real]) for _ in range(4)]

    names = [[refusal.rule.name for refusal in refusals] for refusals in results]
    assert names == [[], ["shadow"], ["shadow"], ["shadow", "real"]]


async def test_a_cancelled_caller_neither_hangs_nor_keeps_its_unit(clock):
    counter = Slow(clock)
    limiter = Limiter(counter, clock)
    bucket = limiter.bucket(rule(burst=2, amount=1, window_s=3600), "t", "s")
    first, second = asyncio.ensure_future(passes(limiter, bucket)), asyncio.ensure_future(passes(limiter, bucket))
    for _ in range(5):
        await asyncio.sleep(0)

    first.cancel()
    counter.answers.set()

    assert await second
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await passes(limiter, bucket)
    assert not await passes(limiter, bucket)


async def test_a_caller_cancelled_after_its_unit_was_given_gives_it_back(limiter):
    bucket = limiter.bucket(rule(amount=1, window_s=3600), "t", "s")
    waiting = asyncio.ensure_future(passes(limiter, bucket))
    while bucket.remaining_count(limiter.clock()) != 0:
        await asyncio.sleep(0)

    waiting.cancel()
    await asyncio.wait([waiting])

    assert await passes(limiter, bucket)


async def test_a_caller_cancelled_while_one_of_two_limits_answered_charges_neither(clock):
    fast, slow = MemoryCounter(clock), Slow(clock)

    class Both:
        async def take(self, key, *arguments):
            return await (slow if b"slow" in key else fast).take(key, *arguments)

    limiter = Limiter(Both(), clock)
    quick, late = (
        limiter.bucket(rule("quick", amount=1, window_s=3600), "t", "s"),
        limiter.bucket(rule("slow", amount=1, window_s=3600), "t", "s"),
    )
    waiting = asyncio.ensure_future(passes(limiter, quick, late))
    for _ in range(5):
        await asyncio.sleep(0)

    waiting.cancel()
    await asyncio.wait([waiting])
    slow.answers.set()
    for _ in range(5):
        await asyncio.sleep(0)

    assert await passes(limiter, quick, late)


async def test_nobody_waits_for_ever_when_the_counter_breaks_in_an_unknown_way(limiter, counter):
    reports = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, report: reports.append(report["exception"]))
    counter.error = RuntimeError("a bug")
    bucket = limiter.bucket(rule(), "t", "s")

    async with asyncio.timeout(5):
        results = await asyncio.gather(*[passes(limiter, bucket) for _ in range(3)], return_exceptions=True)

    assert [type(result) for result in results] == [asyncio.CancelledError] * 3
    assert reports == [counter.error]
    counter.error = None
    assert await passes(limiter, bucket)


async def test_without_the_counter_each_worker_enforces_its_share(counter, clock):
    limiters = [Limiter(counter, clock, share=0.25) for _ in range(4)]
    buckets = [each.bucket(rule(amount=40, window_s=60), "t", "s") for each in limiters]
    counter.error = CounterUnavailable()

    passed = [await count_passes(limiter, bucket, 50) for limiter, bucket in zip(limiters, buckets, strict=True)]
    assert passed == [10, 10, 10, 10]
    clock.advance(60)

    passed = [await count_passes(limiter, bucket, 50) for limiter, bucket in zip(limiters, buckets, strict=True)]
    assert passed == [10, 10, 10, 10]


async def test_the_smallest_share_still_passes_something(counter, clock):
    limiter = Limiter(counter, clock, share=0.1)
    counter.error = CounterUnavailable()
    bucket = limiter.bucket(rule(amount=1, window_s=6), "t", "s")

    assert await count_passes(limiter, bucket, 10) == 1
    (refusal,) = await limiter.take([bucket])
    assert refusal.retry_after_s == pytest.approx(60)


async def test_the_counter_is_used_again_when_it_is_back(limiter, counter, clock):
    counter.error = CounterUnavailable()
    bucket = limiter.bucket(rule(), "t", "s")
    assert await count_passes(limiter, bucket, 20) == 10
    counter.error = None
    clock.advance(1)

    assert await count_passes(limiter, bucket, 20) == 10
    assert counter.calls_count == 1


async def test_another_subject_has_a_counter_of_its_own(limiter):
    one, other = limiter.bucket(rule(), "t", "one"), limiter.bucket(rule(), "t", "other")

    assert await count_passes(limiter, one, 20) == 10
    assert await count_passes(limiter, other, 20) == 10


async def test_a_raised_limit_lets_requests_pass_at_once(limiter):
    await count_passes(limiter, limiter.bucket(rule(amount=10, window_s=86_400), "t", "s"), 20)

    raised = limiter.bucket(rule(amount=1000, window_s=86_400), "t", "s")

    assert await count_passes(limiter, raised, 50) == 50


async def test_another_burst_keeps_what_was_counted(limiter):
    await count_passes(limiter, limiter.bucket(rule(burst=10), "t", "s"), 8)

    assert await count_passes(limiter, limiter.bucket(rule(burst=20), "t", "s"), 50) == 12


async def test_buckets_are_bounded_and_the_busy_one_stays(limiter, monkeypatch):
    monkeypatch.setattr("proxy.limiter._BUCKETS_MAX_COUNT", 10)
    busy = limiter.bucket(rule(), "global", "")
    for number in range(100):
        limiter.bucket(rule(), f"ip:{number}", "")
        assert limiter.bucket(rule(), "global", "") is busy

    assert len(limiter._buckets) == 10
