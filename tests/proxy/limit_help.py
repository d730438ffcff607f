"""Limits and those who run into them, for the suites of the limiter."""

from __future__ import annotations

import asyncio
from typing import Any

from proxy.estimates import Estimate
from proxy.limiter import Bucket, Counts, Limiter, Subject, count_units
from proxy.snapshot import LimitRule

TOKENS = ("tokens", "input_tokens", "output_tokens")


def rule(
    name: str = "limit", amount: int = 10, window_s: int = 1, burst: int | None = None, *, unit: str = "requests", **changes: Any
) -> LimitRule:
    return LimitRule(name, name, changes.pop("scope", "key"), unit, amount, window_s, burst or amount, **changes)


def bucket(limiter: Limiter, limit: LimitRule | None = None, subject: str = "s", **changes: Any) -> Bucket:
    """Return the counter of a limit, given or made of `changes`, for a key called `subject`."""
    return limiter.bucket(limit or rule(**changes), "w", Subject("w", subject))


def units(count: int) -> Counts:
    """Return the counts of a request that takes `count` input tokens, as many output tokens, and as many nano-dollars."""
    return count_units(Estimate(count, count, count))


async def passes(limiter: Limiter, *buckets: Bucket, takes: int = 1) -> bool:
    return not [refusal for refusal in await limiter.take(buckets, units(takes)) if refusal.rule.is_enforced]


async def count_passes(limiter: Limiter, one: Bucket, tries_count: int, takes: int = 1) -> int:
    """Return how many of as many requests at once pass."""
    return sum(await asyncio.gather(*[passes(limiter, one, takes=takes) for _ in range(tries_count)]))


async def settle_down(ticks_count: int = 5) -> None:
    """Let what was begun in the background come to its end."""
    for _ in range(ticks_count):
        await asyncio.sleep(0)
