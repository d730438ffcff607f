"""What was taken was settled or refunded, to the last unit, whatever the order; and never more than the limit passes."""

from __future__ import annotations

import asyncio
import datetime as dt

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition
from hypothesis.stateful import rule as step

from proxy.estimates import Estimate
from proxy.limiter import Limiter, Plan, Reservation, count_units
from proxy.testing import ManualClock, MemoryCounter, MemoryHistory
from tests.proxy.limit_help import bucket, rule, settle_down

NOON = dt.datetime(2026, 3, 31, 12, 0, 0, tzinfo=dt.UTC).timestamp()
_COUNTS = st.sampled_from([0, 1, 7, 100, 3000])


class Books(MemoryHistory):
    """Books that are kept: what was used, and what running requests hold back."""

    def __init__(self, spending):
        super().__init__()
        self._spending = spending

    async def spent(self, limit, subject, since_at):
        await super().spent(limit, subject, since_at)
        used, held = self._spending.used[limit.unit], self._spending.held
        return used + (held if limit.unit == "cost" else 2 * held)


class Spending(RuleBasedStateMachine):
    """Three workers spend one budget of the day, with counters of cost and of tokens and a second limit that sometimes refuses."""

    @initialize(amount=st.sampled_from([10, 1000, 20_000, 1_000_000]))
    def begin(self, amount):
        self.loop = asyncio.new_event_loop()
        self.clock = ManualClock(NOON)
        self.counter = MemoryCounter(self.clock)
        self.history = Books(self)
        self.amount = amount
        self.limiters = [Limiter(self.counter, self.clock, 1 / 3, history=self.history, wall_s=self.clock) for _ in range(3)]
        cost, tokens = rule("cost", amount, calendar="day", unit="cost"), rule("tokens", amount, calendar="day", unit="tokens")
        pace = rule("pace", 5, 1)
        self.metered = [[bucket(each, cost), bucket(each, tokens)] for each in self.limiters]
        self.paced = [bucket(each, pace) for each in self.limiters]
        self.running = []
        self.used = {"cost": 0, "tokens": 0}
        self.loop.run_until_complete(self._meet())
        self.largest = 0
        self.is_exact = True

    async def _meet(self):
        """Everybody knows the counters, so that an outage is only that."""
        for both in self.metered:
            for one in both:
                await one.refresh()

    @property
    def held(self):
        return sum(reservation.estimate.cost_nano_usd for reservation in self.running)

    @step(worker=st.integers(0, 2), crowd=st.integers(1, 30), count=_COUNTS, is_paced=st.booleans())
    def take(self, worker, crowd, count, is_paced):
        estimate = Estimate(count, count, count)
        buckets = [*self.metered[worker], *([self.paced[worker]] if is_paced else [])]

        async def take_one():
            refusals = await self.limiters[worker].take(buckets, count_units(estimate))
            if not refusals:
                self.running.append(Reservation(Plan(buckets), estimate, count_units(estimate), self.clock))
                self.largest = max(self.largest, count)

        async def take_all():
            await asyncio.gather(*[take_one() for _ in range(crowd)])

        self.loop.run_until_complete(take_all())

    @precondition(lambda self: getattr(self, "running", None))
    @step(at=st.integers(0, 10_000), part=st.sampled_from([0.0, 0.1, 1.0, 1.0, 2.5]))
    def settle(self, at, part):
        reservation = self.running.pop(at % len(self.running))
        count = reservation.estimate.cost_nano_usd
        used = Estimate(int(count * part), int(count * part), int(count * part))
        reservation.settle(used, used.cost_nano_usd)
        reservation.refund()  # does nothing any more
        self.used["cost"] += used.cost_nano_usd
        self.used["tokens"] += used.total_tokens
        self.is_exact = self.is_exact and part <= 1

    @precondition(lambda self: getattr(self, "running", None))
    @step(at=st.integers(0, 10_000), is_cancelled=st.booleans())
    def give_up(self, at, is_cancelled):
        reservation = self.running.pop(at % len(self.running))
        if is_cancelled:
            reservation.cancel()
        else:
            reservation.refund()
        reservation.settle(Estimate(9, 9, 9), 9)  # does nothing any more

    @step(seconds=st.sampled_from([0.0, 0.01, 0.3, 2.0]), idle_s=st.sampled_from([0.0, 0.25]))
    def look_after(self, seconds, idle_s):
        self.clock.advance(seconds)
        self._sweep(idle_s)

    @step()
    def outage(self):
        self.counter.is_available = not self.counter.is_available
        self.is_exact = False

    @step()
    def slowness(self):
        self.counter.is_slow = not self.counter.is_slow
        self.counter.deliver_late()
        self.is_exact = False

    @invariant()
    def never_more_than_the_limit_and_one_request(self):
        if not getattr(self, "is_exact", False):
            return
        assert self.used["cost"] + self.held <= self.amount + max(0, self.largest - 1)
        assert self.used["tokens"] + 2 * self.held <= self.amount + max(0, 2 * self.largest - 1)

    def _sweep(self, idle_s):
        async def sweep():
            for each in self.limiters:
                await each.sweep(idle_s)
            await settle_down()

        self.loop.run_until_complete(sweep())

    def teardown(self):
        if not hasattr(self, "running"):
            return
        self.counter.is_available, self.counter.is_slow = True, False
        self.counter.deliver_late()
        while self.running:
            self.running.pop().refund()
        self._sweep(0.0)
        self.loop.close()
        levels = {key.split(b":")[4].decode(): level for key, (_, level, _) in self.counter.windows.items()}
        assert {unit: levels.get(unit, 0) for unit in self.used} == self.used


Spending.TestCase.settings = settings(max_examples=2500, stateful_step_count=40, deadline=None)
TestSpending = Spending.TestCase
