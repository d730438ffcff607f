"""What a request holds back: settled once, shown in headers and decisions."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from proxy.estimates import FREE, Estimate
from proxy.limiter import Limiter, Plan, Reservation, count_units
from proxy.testing import ManualClock, MemoryCounter
from tests.proxy.limit_help import bucket, rule, settle_down

ESTIMATE = Estimate(100, 400, 5000)


@dataclass(frozen=True)
class Used:
    input_tokens: int
    output_tokens: int


class Cast:
    """One worker with a limit of each unit, `amount` of each, and a reservation on all of them."""

    UNITS = ("requests", "concurrency", "input_tokens", "output_tokens", "tokens", "cost")

    def __init__(self, amount=10_000, **changes):
        self.clock = ManualClock()
        self.counter = MemoryCounter(self.clock)
        self.limiter = Limiter(self.counter, self.clock, wall_s=self.clock)
        window = {} if changes.get("calendar") else {"window_s": 86_400}
        self.buckets = [bucket(self.limiter, rule(unit, amount, unit=unit, **window, **changes)) for unit in self.UNITS]

    async def reserve(self, estimate=ESTIMATE):
        counts = count_units(estimate)
        assert await self.limiter.take(self.buckets, counts) == []
        return Reservation(Plan(self.buckets), estimate, counts, self.clock)

    async def taken(self):
        """Return what is taken of each limit, by the shared counter."""
        await settle_down(10)
        await self.limiter.sweep(0.0)
        for one in self.buckets:
            await one.refresh()
        return [one.size_count - one.remaining_count(self.clock()) for one in self.buckets]


async def test_a_request_takes_its_estimate_of_every_unit():
    cast = Cast()
    await cast.reserve()

    assert await cast.taken() == [1, 1, 100, 400, 500, 5000]


async def test_what_was_not_used_comes_back_and_the_slot_is_free():
    cast = Cast()
    reservation = await cast.reserve()

    reservation.settle(Used(90, 10), 300)

    assert await cast.taken() == [1, 0, 90, 10, 100, 300]


async def test_what_was_used_beyond_the_estimate_is_charged():
    cast = Cast()
    reservation = await cast.reserve()

    reservation.settle(Used(150, 3000), 9000)

    assert await cast.taken() == [1, 0, 150, 3000, 3150, 9000]


async def test_without_usage_the_tokens_stay_as_they_were_estimated():
    cast = Cast()
    reservation = await cast.reserve()

    reservation.settle(None, 700)

    assert await cast.taken() == [1, 0, 100, 400, 500, 700]


async def test_a_refund_gives_all_back_but_the_request():
    cast = Cast()
    reservation = await cast.reserve()

    reservation.refund()

    assert await cast.taken() == [1, 0, 0, 0, 0, 0]


async def test_a_cancelled_reservation_never_was():
    cast = Cast(calendar="month")
    reservation = await cast.reserve()

    reservation.cancel()

    assert await cast.taken() == [0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("first", ["settle", "refund", "cancel"])
async def test_only_the_first_end_counts(first):
    cast = Cast(calendar="month")
    reservation, other = await cast.reserve(), await cast.reserve()
    end = {
        "settle": lambda: reservation.settle(Used(1, 2), 3),
        "refund": reservation.refund,
        "cancel": reservation.cancel,
    }
    end[first]()
    after = await cast.taken()

    for again in end.values():
        again()

    assert await cast.taken() == after
    other.cancel()


async def test_a_limit_in_shadow_mode_that_refused_gets_nothing_back():
    cast = Cast()
    shadow = bucket(cast.limiter, rule("shadow", 1, 86_400, unit="cost", is_enforced=False))
    counts = count_units(ESTIMATE)
    assert await cast.limiter.take([shadow], counts) == []
    real = cast.buckets[-1]
    (refusal,) = await cast.limiter.take([shadow, real], counts)
    assert refusal.bucket is shadow

    reservation = Reservation(Plan([shadow, real]), ESTIMATE, counts, cast.clock, taken=(real,))
    reservation.settle(Used(0, 0), 0)

    assert (await cast.taken())[-1] == 0
    assert shadow.balance == 0


async def test_a_free_request_takes_and_gives_only_itself():
    cast = Cast()
    reservation = await cast.reserve(FREE)
    reservation.refund()

    assert await cast.taken() == [1, 0, 0, 0, 0, 0]


async def test_headers_show_the_tightest_limit_of_requests_and_of_tokens():
    cast = Cast(amount=1000)
    tight = bucket(cast.limiter, rule("tight", 3, 60))
    shadow = bucket(cast.limiter, rule("shadow", 2, 60, is_enforced=False))
    cast.buckets += [tight, shadow]

    shown = await cast.reserve()

    assert (shown.limit_count, shown.remaining_count, shown.full_after_s) == (3, 2, 20)
    assert (shown.tokens_limit_count, shown.tokens_remaining_count, shown.tokens_full_after_s) == (1000, 500, 43_200)


def test_without_limits_nothing_is_shown():
    shown = Reservation()

    assert (shown.limit_count, shown.remaining_count, shown.full_after_s) == (0, 0, 0)
    assert (shown.tokens_limit_count, shown.tokens_remaining_count, shown.tokens_full_after_s) == (0, 0, 0)
    assert shown.describe() == []
    assert shown.estimate == FREE
    shown.settle(None, 5)


async def test_a_decision_shows_every_limit_with_its_numbers():
    cast = Cast(amount=10_000)
    cast.buckets = [
        cast.buckets[1],
        bucket(cast.limiter, rule("shadow", 50, calendar="day", is_enforced=False)),
        bucket(cast.limiter, rule("money", 100_000, calendar="month", unit="cost")),
    ]

    described = (await cast.reserve()).describe()

    assert described == [
        {
            "name": "concurrency",
            "scope": "key",
            "unit": "concurrency",
            "mode": "enforce",
            "limit": 10_000,
            "window": "",
            "remaining": 9999,
            "reserved": 1,
        },
        {
            "name": "shadow",
            "scope": "key",
            "unit": "requests",
            "mode": "shadow",
            "limit": 50,
            "window": "day",
            "remaining": 49,
            "reserved": 0,
        },
        {
            "name": "money",
            "scope": "key",
            "unit": "cost",
            "mode": "enforce",
            "limit": 100_000,
            "window": "month",
            "remaining": 95_000,
            "reserved": 5000,
        },
    ]
