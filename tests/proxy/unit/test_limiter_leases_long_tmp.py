"""Leases: taken ahead, given back, and never a way to more than the limit."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.limiter import LEASE_IDLE_S, CounterUnavailable, Limiter
from proxy.snapshot import LimitRule
from proxy.testing import ManualClock, MemoryCounter
from tests.proxy.limit_help import bucket, count_passes, passes, rule

WIDE, NARROW = rule("wide", 10, 3600), rule("narrow", 1, 3600)


def _limiters(count: int) -> tuple[ManualClock, list[Limiter]]:
    clock = ManualClock()
    counter = MemoryCounter(clock)
    return clock, [Limiter(counter, clock, wall_s=clock) for _ in range(count)]


async def _most_leased(limit: LimitRule, takes: int) -> int:
    clock, (limiter,) = _limiters(1)
    one = bucket(limiter, limit)
    most = 0
    for _ in range(500):
        clock.advance(0.0005)
        assert await passes(limiter, one, takes=takes)
        most = max(most, one.balance)
    return most


async def test_a_busy_worker_leases_ahead_what_it_uses_in_100_ms_but_never_more_than_a_fiftieth_of_the_burst():
    assert 50 <= await _most_leased(rule(amount=10_000, burst=5000), 1) <= 100


@pytest.mark.parametrize("unit", ["cost", "input_tokens"])
async def test_a_budget_is_leased_ahead_by_the_same_rule(unit):
    assert 150_000 <= await _most_leased(rule(amount=1_000_000_000, window_s=86_400, unit=unit), 1000) <= 200_000
    assert 1_000_000 <= await _most_leased(rule(amount=100_000_000, window_s=86_400, unit=unit), 10_000) <= 2_000_000


@pytest.mark.parametrize("burst", [1, 10, 49])
@pytest.mark.parametrize("unit", ["requests", "cost"])
async def test_a_small_limit_is_never_leased_ahead(burst, unit):
    assert await _most_leased(rule(amount=10_000, burst=burst, unit=unit), 1) == 0


async def test_what_is_not_used_goes_back_after_a_moment():
    clock, (limiter, other) = _limiters(2)
    mine = [bucket(limiter, WIDE), bucket(limiter, NARROW)]
    await asyncio.gather(*[passes(limiter, *mine) for _ in range(10)])
    assert mine[0].balance == 9

    clock.advance(LEASE_IDLE_S / 2)
    mine[0].used_at = clock()
    await limiter.sweep(LEASE_IDLE_S)
    assert 0 < mine[0].balance + await _remaining(other, WIDE) <= 9
    clock.advance(LEASE_IDLE_S)
    await limiter.sweep(LEASE_IDLE_S)

    assert mine[0].balance == 0
    assert await count_passes(other, bucket(other, WIDE), 20) >= 8


async def _remaining(limiter: Limiter, limit: LimitRule) -> int:
    one = bucket(limiter, limit)
    await one.refresh()
    return one.remaining_count(limiter.clock())


async def test_what_is_more_than_a_lease_may_be_goes_back_without_waiting_for_a_pause():
    clock, (limiter, other) = _limiters(2)
    limit = rule(amount=10_000, window_s=3600, unit="cost")
    one = bucket(limiter, limit)
    assert await passes(limiter, one, takes=4000)

    one.settle(4000, 1000, clock())
    await limiter.sweep(LEASE_IDLE_S)

    assert one.balance == 200
    assert await _remaining(other, limit) == 8800


async def test_a_stopping_worker_gives_all_back_and_pays_its_debts():
    clock, (limiter, other) = _limiters(2)
    spent = rule("spent", 1000, 3600, unit="cost")
    limiter.start()
    await asyncio.gather(*[passes(limiter, bucket(limiter, WIDE), bucket(limiter, NARROW)) for _ in range(10)])
    one = bucket(limiter, spent)
    assert await passes(limiter, one, takes=10)
    one.settle(10, 400, clock())

    await limiter.stop()

    assert await count_passes(other, bucket(other, WIDE), 20) == 9
    assert await _remaining(other, spent) == 600


async def test_a_counter_that_is_away_does_not_stop_the_worker_from_stopping():
    clock = ManualClock()
    counter = MemoryCounter(clock)
    limiter = Limiter(counter, clock, wall_s=clock)
    limiter.start()
    await asyncio.gather(*[passes(limiter, bucket(limiter, WIDE), bucket(limiter, NARROW)) for _ in range(10)])
    counter.error = CounterUnavailable()

    await limiter.stop()

    assert bucket(limiter, WIDE).balance == 0


async def test_a_unit_given_back_late_does_not_pass_twice():
    clock, (limiter, second, third) = _limiters(3)
    wide = rule("wide", 10, 1)
    mine = [bucket(limiter, wide), bucket(limiter, NARROW)]
    await asyncio.gather(*[passes(limiter, *mine) for _ in range(10)])  # 10 charged: one passed, 9 are in the lease

    clock.advance(0.5)
    passed = await count_passes(second, bucket(second, wide), 20)  # what refilled since then
    await limiter.sweep(LEASE_IDLE_S)
    passed += await count_passes(third, bucket(third, wide), 20)

    assert 5 <= passed <= 10


async def test_units_given_back_pass_long_before_the_next_one_is_refilled():
    clock, (limiter,) = _limiters(1)
    wide, narrow = bucket(limiter, rule("wide", 20, 3600)), bucket(limiter, rule("narrow", 2, 3600))
    crowd = await asyncio.gather(*(limiter.take([wide, narrow]) for _ in range(40)))
    assert sum(not refusals for refusals in crowd) == 2

    clock.advance(LEASE_IDLE_S)
    await limiter.sweep(LEASE_IDLE_S)
    later = [await limiter.take([wide]) for _ in range(20)]

    # The eighteen that the narrow limit refused; one is refilled every three minutes, and that is what the others are told.
    assert sum(not refusals for refusals in later) == 18
    assert 170 < later[-1][0].retry_after_s <= 180
    assert 170 < (await limiter.take([wide]))[0].retry_after_s <= 180


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
    rule, st.just("wide"), st.sampled_from([1, 5, 10, 100, 1000, 20_000]), st.sampled_from([1, 60]), st.sampled_from([1, 2, 10, 200, 1000])
)
_NARROW = st.builds(rule, st.just("narrow"), st.just(3), st.just(1), st.sampled_from([1, 5, 1000]))


@settings(max_examples=2500, deadline=None)
@given(wide=_RULES, narrow=_NARROW, steps=_STEPS)
def test_no_window_passes_more_than_the_limit_and_the_leases_at_its_begin(wide, narrow, steps):
    asyncio.run(_check_windows(wide, narrow, steps))


@settings(max_examples=2500, deadline=None)
@given(wide=_RULES, narrow=_NARROW, steps=_STEPS)
def test_no_window_passes_more_than_the_limit_when_leases_are_given_back_however_late(wide, narrow, steps):
    asyncio.run(_check_windows(wide, narrow, steps, is_lease_used=False))


async def _check_windows(wide: LimitRule, narrow: LimitRule, steps, *, is_lease_used: bool = True) -> None:
    clock, limiters = _limiters(3)
    wides = [bucket(limiter, wide) for limiter in limiters]
    narrows = [bucket(limiter, narrow) for limiter in limiters]
    history: list[tuple[float, int, int]] = []  # when, how many passed, how many were leased before

    for worker, requests_count, is_narrow, pause_s, is_swept in steps:
        if not is_lease_used:
            await limiters[worker].sweep(0.0)
        leased = sum(each.balance for each in wides) if is_lease_used else 0
        asked = [wides[worker], narrows[worker]] if is_narrow else [wides[worker]]
        passed = sum(await asyncio.gather(*[passes(limiters[worker], *asked) for _ in range(requests_count)]))
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
