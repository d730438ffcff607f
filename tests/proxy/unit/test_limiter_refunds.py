"""What one limit gave and another refused is there for others again, however long the window of the first."""

from __future__ import annotations

import asyncio

from proxy.limiter import LEASE_IDLE_S, Limiter
from proxy.snapshot import LimitRule
from proxy.testing import ManualClock, MemoryCounter


async def test_units_given_back_pass_long_before_the_next_one_is_refilled():
    clock = ManualClock()
    limiter = Limiter(MemoryCounter(clock), clock)
    wide = limiter.bucket(LimitRule("wide", "wide", "workspace", "requests", 20, 3600, 20), "w", "")
    narrow = limiter.bucket(LimitRule("narrow", "narrow", "key", "requests", 2, 3600, 2), "w", "k")
    crowd = await asyncio.gather(*(limiter.take([wide, narrow]) for _ in range(40)))
    assert sum(not refusals for refusals in crowd) == 2

    clock.advance(LEASE_IDLE_S)
    await limiter.sweep(LEASE_IDLE_S)
    later = [await limiter.take([wide]) for _ in range(20)]

    # The eighteen that the narrow limit refused; one is refilled every three minutes, and that is what the others are told.
    assert sum(not refusals for refusals in later) == 18
    assert 170 < later[-1][0].retry_after_s <= 180
    assert 170 < (await limiter.take([wide]))[0].retry_after_s <= 180
