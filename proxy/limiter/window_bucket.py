"""
Buckets of requests, tokens and money: so much in a window, rolling or of the calendar.

`balance` is what this worker may still hand out (leased) or, below 0, what it owes: what requests used beyond their estimates, and what
passed while the shared counter was away. What requests give back becomes part of the lease.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import secrets
from typing import Final

from proxy.errors import StoreUnavailable
from proxy.limiter.bucket import REQUESTS, Bucket, Surroundings
from proxy.limiter.local_share import LocalShare
from proxy.limiter.ports import Ask, CounterUnavailable, Grant, Subject, Unknown, WindowShape
from proxy.snapshot import LimitRule

BUDGET_WINDOW_MIN_S: Final = 60
_DEMAND_WINDOW_S: Final = 0.1
_LEASED_REQUESTS_MAX_COUNT: Final = 1000
_HISTORY_PATIENCE_S: Final = 1.0
_HISTORY_RETRY_S: Final = 1.0
_UNKNOWNS_MAX_COUNT: Final = 3
_NEVER: Final = float("inf")


def is_budget(rule: LimitRule) -> bool:
    """Tell whether the counter is a copy of the books: of tokens or money, over a minute or more. Addresses are not in the books."""
    is_counted = rule.unit not in {"requests", "concurrency"} and rule.scope != "ip"
    return is_counted and bool(rule.calendar or rule.window_s >= BUDGET_WINDOW_MIN_S)


class WindowBucket(Bucket):
    """One counter of so much in a window."""

    __slots__ = (
        "_began_at",
        "_ends_at",
        "_generation",
        "_history_failed",
        "_known_at",
        "_known_remaining",
        "_lease_max_count",
        "_leased_since",
        "_local",
        "_local_until",
        "_overdrawn_count",
        "_rate_per_s",
        "_reserved_count",
        "_reset_at",
        "_taken_count",
        "_unknowns_count",
        "_window_at_us",
        "balance",
        "shape",
    )

    def __init__(self, rule: LimitRule, key: bytes, subject: Subject, around: Surroundings) -> None:
        super().__init__(rule, key, subject, around)
        now = self.used_at
        self.shape = WindowShape(key, rule.amount, rule.window_s, self.size_count, rule.calendar, is_budget(rule))
        self.balance = 0
        self._rate_per_s = 0.0 if rule.calendar else rule.amount / rule.window_s
        self._lease_max_count = self._find_lease_max_count()
        self._leased_since = now
        self._taken_count = 0
        self._reserved_count = 0
        self._generation = ""
        self._window_at_us = 0
        self._began_at = 0.0
        self._ends_at = _NEVER
        self._known_at = now
        self._known_remaining = self.size_count
        self._overdrawn_count = 0
        self._reset_at = now
        self._local: LocalShare | None = None
        self._local_until = 0.0
        self._history_failed = False
        self._unknowns_count = 0

    def _find_lease_max_count(self) -> int:
        share = self.size_count // 50
        if self.unit == REQUESTS:
            share = min(share, _LEASED_REQUESTS_MAX_COUNT)
        if self._rate_per_s and not self.shape.is_budget:
            share = min(share, int(self._rate_per_s * 0.05))
        return share

    # --- what a request does with it ------------------------------------------------------------------------------------------------

    def take_leased(self, count: int, now: float) -> bool:
        if count > self.balance - self._overdrawn_count or now >= self._ends_at:
            return not count  # nothing is always there, also of a limit that is used up
        self.balance -= count
        self._taken_count += count
        self._reserved_count += count
        self.used_at = now
        return True

    def settle(self, reserved_count: int, used_count: int, taken_at: float) -> None:
        self._reserved_count -= reserved_count
        if reserved_count == used_count or taken_at < self._began_at:
            return  # what another window counted is that window's
        unused_count = reserved_count - used_count
        if self._local is not None:
            self._local.give_back(_paid(unused_count, self.balance))
        self.balance += unused_count
        self._taken_count -= unused_count
        self._list()

    def give_back(self, count: int, leased_since: float) -> None:
        self._reserved_count -= count
        if not count or leased_since < self._began_at:
            return
        if self._local is not None:
            self._local.give_back(_paid(count, self.balance))
        self._leased_since = min(self._leased_since, leased_since) if self.balance > 0 else leased_since
        self.balance += count
        self._taken_count -= count
        self._list()

    @property
    def _usable_count(self) -> int:
        """What of the lease may pass: who took more than was left has nothing to hand on when it gives that back."""
        return max(0, self.balance - self._overdrawn_count)

    @property
    def leased_since(self) -> float:
        """When the oldest unit of the lease was taken from the shared counter."""
        return self._leased_since

    # --- what it shows --------------------------------------------------------------------------------------------------------------

    def remaining_count(self, now: float) -> int:
        # Written out: each request asks every limit for it.
        if self._local is not None or now >= self._ends_at:
            remaining = int(self._remaining(now) + 1e-6)
        else:
            remaining = int(self._known_remaining + (now - self._known_at) * self._rate_per_s + self.balance + 1e-6)
        size_count = self.size_count
        return remaining if 0 <= remaining <= size_count else 0 if remaining < 0 else size_count

    def _remaining(self, now: float) -> float:
        if self._local is not None:
            return self._local.available_count + self._usable_count
        if now >= self._ends_at:
            return self.size_count
        return self._known_remaining + (now - self._known_at) * self._rate_per_s + self.balance

    def full_after_s(self, now: float, remaining_count: int) -> float:
        if self._rate_per_s:
            return (self.size_count - remaining_count) / self._rate_per_s
        return max(0.0, self._reset_at - now)

    def one_after_s(self, now: float) -> float:
        if (remaining := self._remaining(now)) >= 1:
            return 0.0
        return (1 - remaining) / self._rate_per_s if self._rate_per_s else max(0.0, self._reset_at - now)

    @property
    def reserved_count(self) -> int:
        return 0 if self.unit == REQUESTS else self._reserved_count  # a request that was counted stays so

    # --- what looks after it --------------------------------------------------------------------------------------------------------

    @property
    def is_idle(self) -> bool:
        return not self.balance and not self._is_talking

    def is_due(self, now: float, idle_s: float) -> bool:
        balance = self.balance
        return balance < 0 or balance > self._lease_max_count or (balance > 0 and now - self.used_at >= idle_s)

    async def _sync(self, idle_s: float) -> None:
        now = self._around.clock()
        returned_count = self.balance
        if returned_count > 0 and now - self.used_at < idle_s:
            returned_count = max(0, returned_count - self._lease_max_count)
        answer = await self._put([], 0, returned_count, now)
        if isinstance(answer, Unknown):
            await self._learn(answer)
            if not self._history_failed:
                await self._put([], 0, 0, now)

    # --- how it talks with the shared counter ---------------------------------------------------------------------------------------

    async def _put(self, wants: list[int], ahead_count: int, returned_count: int, now: float) -> Grant | Unknown:
        """Ask one question, giving `returned_count` of the balance back (below 0: charging it). Errors: CounterUnavailable."""
        charge_count: float = -returned_count
        if returned_count > 0 and self.unit == REQUESTS:
            # What the limit refilled since these were leased may have passed already, and would pass a second time.
            charge_count = -max(0.0, returned_count - (now - self._leased_since) * self._rate_per_s)
        self.balance -= returned_count
        ask = Ask(wants, ahead_count, charge_count, self._generation, self._window_at_us)
        try:
            answer = await self._around.counter.take(self.shape, ask, lambda grant: self._take_back(grant, ask))
        except CounterUnavailable:
            if returned_count < 0:
                self.balance += returned_count  # a debt stays one; a lease that was given back may have arrived
            raise
        if isinstance(answer, Unknown):
            self._generation = ""
            if self._around.history is None:
                self.balance += min(0, returned_count)  # else it is in the books
        else:
            self._note(answer)
        return answer

    def _take_back(self, grant: Grant, ask: Ask) -> None:
        """Undo what a question did whose answer came after nobody waited for it any more."""
        if self._generation not in {"", grant.generation} or self._window_at_us not in {0, grant.window_at_us}:
            return  # of a counter, or a window, that is gone
        is_charged = ask.generation in {"", grant.generation} and ask.window_at_us in {0, grant.window_at_us}
        if ask.charge_count > 0 and is_charged:
            self.balance += int(ask.charge_count)  # it was kept as a debt
        self.balance += sum(ask.wants[: grant.admitted_count]) + grant.ahead_count
        self._leased_since = self._around.clock()
        self._list()

    def _note(self, grant: Grant) -> None:
        now = self._around.clock()
        self._local, self._history_failed, self._unknowns_count = None, False, 0
        self._known_at, self._known_remaining = now, grant.remaining_count
        self._overdrawn_count = max(0, -grant.remaining_count)
        self._taken_count = 0
        self._generation = grant.generation
        self._reset_at = now + grant.reset_after_s
        if self.rule.calendar:
            if self._window_at_us and grant.window_at_us != self._window_at_us:
                self._began_at = min(self._ends_at, now)
                self.balance = 0  # of the window that is over
            self._window_at_us = grant.window_at_us
            self._ends_at = self._reset_at

    async def _answer_waiting(self) -> None:
        now = self._around.clock()
        wants = [count for count, _ in self._waiting]
        ahead_count = max(0, min(self._lease_max_count, self._demand_count(now)) - sum(wants))
        answer = await self._put(wants, ahead_count, self.balance, now)
        if isinstance(answer, Unknown):
            await self._learn(answer)
            return
        now = self._around.clock()
        for count in wants[: answer.admitted_count]:
            self._taken_count += count
            self._reserved_count += count
        self.used_at = now
        self._admit(answer.admitted_count, len(wants), answer.retry_after_s, now)
        if answer.ahead_count:
            if self.balance <= 0:
                self._leased_since = now
            self.balance += answer.ahead_count
            self._list()

    def _demand_count(self, now: float) -> int:
        """Return what this worker lately used in 100 ms."""
        return int(self._taken_count / max(now - self._known_at, 1e-3) * _DEMAND_WINDOW_S)

    # --- a counter that is not there ------------------------------------------------------------------------------------------------

    async def _learn(self, unknown: Unknown) -> None:
        """
        Make the counter anew from the books. What this worker owed is in them.

        While they cannot be read requests go on within this worker's share, and the books are asked again each second.
        Errors: CounterUnavailable.
        """
        around = self._around
        self._unknowns_count += 1
        if self._unknowns_count > _UNKNOWNS_MAX_COUNT:
            self._unknowns_count = 0
            self._decide_waiting_alone()  # what is stored does not stay
            return
        if self._history_failed:  # nobody waits for books that did not open a second ago
            self._local_until = _NEVER
            self._decide_waiting_alone()
        try:
            spent_count = await self._read_history(unknown.since_s)
        except (StoreUnavailable, TimeoutError):
            self._history_failed = True
            self._local_until = around.clock() + _HISTORY_RETRY_S
            self._decide_waiting_alone()
            return
        except BaseException:
            self._local_until = 0.0
            raise
        self._history_failed, self._local_until = False, 0.0
        await around.counter.restore(self.shape, spent_count, unknown.since_s, secrets.token_hex(6))

    async def _read_history(self, since_s: float) -> int:
        history = self._around.history
        if history is None:
            return 0
        async with asyncio.timeout(_HISTORY_PATIENCE_S):
            return await history.spent(self.rule, self.subject, dt.datetime.fromtimestamp(since_s, dt.UTC))

    # --- alone ----------------------------------------------------------------------------------------------------------------------

    def _is_alone(self, now: float) -> bool:
        return now < self._local_until or not self._around.counter.is_available

    def _decide_alone(self, count: int, now: float) -> float:
        if self.take_leased(count, now):
            return 0.0
        local = self._local or self._begin_alone(now)
        if local.refill(now, self._around.wall_s()):
            self._begin_local_window(local, now)
        retry_after_s = local.take(count, now)
        if not retry_after_s:
            self.balance -= count
            self._taken_count += count
            self._reserved_count += count
            self.used_at = now
            self._list()
        return retry_after_s

    def _begin_alone(self, now: float) -> LocalShare:
        around = self._around
        if now >= self._ends_at:
            self.balance = 0
        remaining_count = self.remaining_count(now) - self._usable_count
        local = LocalShare(self.size_count * around.share, self._rate_per_s * around.share, remaining_count * around.share, now)
        if remaining_count == self.size_count:
            local.available_count = max(local.available_count, 1.0)  # nothing is known to be used: the smallest share passes one
        if self.rule.calendar:
            local.follow(self.rule.calendar, now, around.wall_s())
            self._begin_local_window(local, now, is_same=now < self._ends_at)
        self._local = local
        return local

    def _begin_local_window(self, local: LocalShare, now: float, *, is_same: bool = False) -> None:
        if not is_same:
            self._began_at = now
            self.balance = 0
        self._ends_at = local.ends_at
        self._window_at_us = round(local.window_began_at_s * 1e6)


def _paid(unused_count: int, balance: int) -> int:
    """Return how much of what comes back pays a debt, so that it may pass again here; the rest becomes lease. Overuse is below 0."""
    return min(unused_count, max(0, -balance))
