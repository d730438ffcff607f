"""Leases: taken ahead, given back, and never a way to more than the limit."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.limiter import LEASE_IDLE_S, Bucket, CounterUnavailable, Limiter
from proxy.snapshot import LimitRule
from proxy.testing import ManualClock, MemoryCounter


def _rule(name: str, amount: int, window_s: int, burst: int) -> LimitRule:
    return LimitRule(name, name, "key", "requests", amount, window_s, burst)


async def _passes(limiter: Limiter, *buckets: Bucket) -> bool:
    return not await limiter.take(buckets)


async def _use(limiter: Limiter, bucket: Bucket, clock: ManualClock, requests_count: int) -> None:
    for _ in range(requests_count):
        clock.advance(0.0005)
        assert await _passes(limiter, bucket)


async def test_a_busy_worker_leases_ahead_what_it_uses_in_100_ms_but_never_more_than_a_fiftieth_of_the_burst():
    clock = ManualClock()
    limiter = Limiter(MemoryCounter(clock), clock)
    bucket = limiter.bucket(_rule("limit", 10_000, 1, 5000), "t", "s")

    most = 0
    for _ in range(500):
        await _use(limiter, bucket, clock, 1)
        most = max(most, bucket.leased_count)

    assert 50 <= most <= 100


@pytest.mark.parametrize("burst", [1, 10, 99])
async def test_a_small_limit_is_never_leased_ahead(burst):
    clock = ManualClock()
    limiter = Limiter(MemoryCounter(clock), clock)
    bucket = limiter.bucket(_rule("limit", 10_000, 1, burst), "t", "s")

    await _use(limiter, bucket, clock, 300)

    assert bucket.leased_count == 0


async def test_what_is_not_used_goes_back_after_a_moment():
    clock = ManualClock()
    counter = MemoryCounter(clock)
    limiter, other = Limiter(counter, clock), Limiter(counter, clock)
    wide, narrow = _rule("wide", 10, 3600, 10), _rule("narrow", 1, 3600, 1)
    mine = [limiter.bucket(wide, "t", "s"), limiter.bucket(narrow, "t", "s")]
    await asyncio.gather(*[_passes(limiter, *mine) for _ in range(10)])
    assert mine[0].leased_count == 9

    clock.advance(LEASE_IDLE_S / 2)
    await limiter.sweep(LEASE_IDLE_S)
    assert mine[0].leased_count == 9
    clock.advance(LEASE_IDLE_S / 2)
    await limiter.sweep(LEASE_IDLE_S)

    assert mine[0].leased_count == 0
    theirs = other.bucket(wide, "t", "s")
    assert sum(await asyncio.gather(*[_passes(other, theirs) for _ in range(20)])) >= 8


async def test_a_stopping_worker_gives_all_back_at_once():
    clock = ManualClock()
    counter = MemoryCounter(clock)
    limiter, other = Limiter(counter, clock), Limiter(counter, clock)
    wide, narrow = _rule("wide", 10, 3600, 10), _rule("narrow", 1, 3600, 1)
    limiter.start()
    await asyncio.gather(*[_passes(limiter, limiter.bucket(wide, "t", "s"), limiter.bucket(narrow, "t", "s")) for _ in range(10)])

    await limiter.stop()

    theirs = other.bucket(wide, "t", "s")
    assert sum(await asyncio.gather(*[_passes(other, theirs) for _ in range(20)])) == 9


async def test_a_counter_that_is_away_does_not_stop_the_worker_from_stopping():
    class Away(MemoryCounter):
        async def take(self, *arguments):
            raise CounterUnavailable

    clock = ManualClock()
    limiter = Limiter(Away(clock), clock)
    limiter.start()
    bucket = limiter.bucket(_rule("limit", 10, 1, 10), "t", "s")
    bucket.leased_count = 5

    await limiter.stop()

    assert bucket.leased_count == 0


async def test_a_unit_given_back_late_does_not_pass_twice():
    clock = ManualClock()
    counter = MemoryCounter(clock)
    limiter, second, third = [Limiter(counter, clock) for _ in range(3)]
    wide, narrow = _rule("wide", 10, 1, 10), _rule("narrow", 1, 3600, 1)
    mine = [limiter.bucket(wide, "t", "s"), limiter.bucket(narrow, "t", "s")]
    await asyncio.gather(*[_passes(limiter, *mine) for _ in range(10)])  # 10 charged: one passed, 9 are in the lease

    clock.advance(0.5)
    passed = sum(await asyncio.gather(*[_passes(second, second.bucket(wide, "t", "s")) for _ in range(20)]))  # what refilled since then
    await limiter.sweep(LEASE_IDLE_S)
    passed += sum(await asyncio.gather(*[_passes(third, third.bucket(wide, "t", "s")) for _ in range(20)]))

    assert 5 <= passed <= 10


_STEPS = st.lists(
    st.tuples(
        st.integers(0, 2),  # which worker
        st.integers(1, 40),  # how many requests at once
        st.booleans(),  # whether a second limit binds them, too
        st.sampled_from([0.0, 0.0003, 0.01, 0.2, 0.3, 1.0, 7.0]),  # how long nothing happens after that
        st.booleans(),  # whether the worker looks after its leases then
    ),
    min_size=1,
    max_size=40,
)
_RULES = st.builds(
    _rule, st.just("wide"), st.sampled_from([1, 5, 10, 100, 1000, 20_000]), st.sampled_from([1, 60]), st.sampled_from([1, 2, 10, 200, 1000])
)
_NARROW = st.builds(_rule, st.just("narrow"), st.just(3), st.just(1), st.sampled_from([1, 5, 1000]))


@settings(max_examples=150, deadline=None)
@given(wide=_RULES, narrow=_NARROW, steps=_STEPS)
def test_no_window_passes_more_than_the_limit_and_the_leases_at_its_begin(wide, narrow, steps):
    asyncio.run(_check_windows(wide, narrow, steps))


@settings(max_examples=150, deadline=None)
@given(wide=_RULES, narrow=_NARROW, steps=_STEPS)
def test_no_window_passes_more_than_the_limit_when_leases_are_given_back_however_late(wide, narrow, steps):
    asyncio.run(_check_windows(wide, narrow, steps, is_lease_used=False))


async def _check_windows(wide: LimitRule, narrow: LimitRule, steps, *, is_lease_used: bool = True) -> None:
    clock = ManualClock()
    counter = MemoryCounter(clock)
    limiters = [Limiter(counter, clock) for _ in range(3)]
    wides = [limiter.bucket(wide, "t", "s") for limiter in limiters]
    narrows = [limiter.bucket(narrow, "t", "s") for limiter in limiters]
    history: list[tuple[float, int, int]] = []  # when, how many passed, how many were leased before

    for worker, requests_count, is_narrow, pause_s, is_swept in steps:
        if not is_lease_used:
            await limiters[worker].sweep(0.0)
        leased = sum(bucket.leased_count for bucket in wides) if is_lease_used else 0
        asked = [wides[worker], narrows[worker]] if is_narrow else [wides[worker]]
        passed = sum(await asyncio.gather(*[_passes(limiters[worker], *asked) for _ in range(requests_count)]))
        history.append((clock(), passed, leased))
        clock.advance(pause_s)
        if is_swept:
            await limiters[worker].sweep(LEASE_IDLE_S)

    rate = wide.amount / wide.window_s
    for first, (begin, _, leased) in enumerate(history):
        total = 0
        for at, passed, _ in history[first:]:
            total += passed
            assert total <= wide.burst + rate * (at - begin) + leased + 1e-3, (begin, at, history)
