"""What a request holds back of every limit that binds it, until it is settled."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from proxy.estimates import FREE, Estimate
from proxy.limiter.bucket import INPUT_TOKENS, OUTPUT_TOKENS, REQUESTS, TOKENS, Bucket, Counts

_TOKEN_UNITS = frozenset({INPUT_TOKENS, OUTPUT_TOKENS, TOKENS})


class TokenUse(Protocol):
    """What an answer took, in LLM tokens."""

    @property
    def input_tokens(self) -> int: ...

    @property
    def output_tokens(self) -> int: ...


class Plan:
    """The buckets that bind a caller, and which of them (with their places) what is asked of."""

    __slots__ = ("buckets", "form", "metered", "requests", "tokens")

    def __init__(self, buckets: Sequence[Bucket]) -> None:
        self.buckets = tuple(buckets)
        self.metered = tuple(bucket for bucket in buckets if bucket.unit != REQUESTS)
        self.form = b"[%b]" % b",".join([bucket.form for bucket in self.buckets])
        enforced = [(at, bucket) for at, bucket in enumerate(buckets) if bucket.is_enforced]
        self.requests = tuple((at, bucket) for at, bucket in enforced if bucket.unit == REQUESTS)
        self.tokens = tuple((at, bucket) for at, bucket in enforced if bucket.unit in _TOKEN_UNITS)


_NO_PLAN = Plan(())
_NOTHING: Counts = (0, 0, 0, 0, 0, 0)


def count_units(estimate: Estimate) -> Counts:
    """Return what a request takes of each unit, in the order of `UNITS`."""
    return (1, 1, estimate.input_tokens, estimate.output_tokens, estimate.input_tokens + estimate.output_tokens, estimate.cost_nano_usd)


class Reservation:
    """
    What was taken, and what is left of the tightest limits, for the caller to see.

    Of `settle`, `refund` and `cancel` the first call counts and later ones do nothing. None of them waits or fails.
    Cost: 0.2 us a limit.
    """

    __slots__ = ("_clock", "_counts", "_is_over", "_looked", "_plan", "_shown", "_taken", "_taken_at", "estimate")

    def __init__(
        self,
        plan: Plan = _NO_PLAN,
        estimate: Estimate = FREE,
        counts: Counts = _NOTHING,
        clock: Callable[[], float] = time.monotonic,
        taken: tuple[Bucket, ...] | None = None,
    ) -> None:
        """`taken`: the buckets that gave their units; all of the plan unless a limit in shadow mode refused."""
        self.estimate = estimate
        self._plan = plan
        self._counts = counts
        self._clock = clock
        self._taken = plan.buckets if taken is None else taken
        self._taken_at = clock()
        self._is_over = False
        self._looked: tuple[float, list[int]] | None = None
        self._shown: tuple[tuple[int, int, float], tuple[int, int, float]] | None = None

    def settle(self, usage: TokenUse | None, cost_nano_usd: int) -> None:
        """
        Give back what was not used, or charge what was used beyond the estimate, and free the slots.

        Without `usage` the tokens stay as they were estimated.
        """
        counts = self._counts
        if usage is None:
            self._end((0, 0, counts[2], counts[3], counts[4], cost_nano_usd))
        else:
            input_tokens, output_tokens = usage.input_tokens, usage.output_tokens
            self._end((0, 0, input_tokens, output_tokens, input_tokens + output_tokens, cost_nano_usd))

    def refund(self) -> None:
        """Give back tokens, cost and slots: nothing was used. The request itself stays counted."""
        self._end(_NOTHING)

    def cancel(self) -> None:
        """Give back everything, as if the request had never been."""
        if self._is_over:
            return
        self._is_over = True
        for bucket in self._taken:
            bucket.give_back(self._counts[bucket.unit], self._taken_at)

    def _end(self, used: Counts) -> None:
        if self._is_over:
            return
        self._is_over = True
        plan, counts, taken_at = self._plan, self._counts, self._taken_at
        metered = plan.metered if self._taken is plan.buckets else [bucket for bucket in self._taken if bucket.unit != REQUESTS]
        for bucket in metered:
            unit = bucket.unit
            bucket.settle(counts[unit], used[unit], taken_at)

    # --- what the caller sees: of limits of requests, and of tokens; 0 where none binds ----------------------------------------------

    @property
    def limit_count(self) -> int:
        return self.show()[0][0]

    @property
    def remaining_count(self) -> int:
        return self.show()[0][1]

    @property
    def full_after_s(self) -> float:
        return self.show()[0][2]

    @property
    def tokens_limit_count(self) -> int:
        return self.show()[1][0]

    @property
    def tokens_remaining_count(self) -> int:
        return self.show()[1][1]

    @property
    def tokens_full_after_s(self) -> float:
        return self.show()[1][2]

    def describe(self) -> list[dict[str, Any]]:
        """Return each limit with its numbers, for the decision. Cost: 1 us a limit."""
        now = self._clock()
        return [bucket.describe(now) for bucket in self._plan.buckets]

    def dump(self) -> bytes:
        """Return what `describe` does as a JSON list. Cost: 0.3 us a limit."""
        _, remaining = self._look()
        numbers: list[int] = []
        for bucket, remaining_count in zip(self._plan.buckets, remaining, strict=True):
            numbers += (remaining_count, bucket.reserved_count)
        return self._plan.form % tuple(numbers)

    def _look(self) -> tuple[float, list[int]]:
        """Return what all limits have left, and when: of the first time that somebody asked."""
        looked = self._looked
        if looked is None:
            now = self._clock()
            looked = self._looked = (now, [bucket.remaining_count(now) for bucket in self._plan.buckets])
        return looked

    def show(self) -> tuple[tuple[int, int, float], tuple[int, int, float]]:
        """
        Return (limit, remaining, full after seconds) of requests and of tokens.

        All numbers are of the moment when the first of them was asked for.
        """
        shown = self._shown
        if shown is None:
            now, remaining = self._look()
            shown = self._shown = (_tightest(self._plan.requests, remaining, now), _tightest(self._plan.tokens, remaining, now))
        return shown


def _tightest(buckets: tuple[tuple[int, Bucket], ...], remaining: list[int], now: float) -> tuple[int, int, float]:
    tightest: Bucket | None = None
    least = 0
    for at, bucket in buckets:
        if remaining[at] < least or tightest is None:
            tightest, least = bucket, remaining[at]
    return (tightest.size_count, least, tightest.full_after_s(now, least)) if tightest is not None else (0, 0, 0.0)
