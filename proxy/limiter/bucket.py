"""
What all buckets have in common: a bucket is one counter of one limit, as this worker sees it.

A request takes its units out of what the worker has leased, without leaving the process; when that is not enough it waits for the shared
counter. All that wait at one moment share one question, first come first served.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from proxy.limiter.ports import CounterUnavailable, SharedCounter, SpendHistory, Subject
from proxy.snapshot import LimitRule

LEASE_IDLE_S: Final = 0.25
_TRIES_COUNT: Final = 3
UNITS: Final = ("requests", "concurrency", "input_tokens", "output_tokens", "tokens", "cost")
"""In this order `Counts` holds what a request takes."""
REQUESTS, CONCURRENCY, INPUT_TOKENS, OUTPUT_TOKENS, TOKENS, COST = range(6)

Counts = tuple[int, int, int, int, int, int]
ONE_REQUEST: Final[Counts] = (1, 1, 0, 0, 0, 0)


@dataclass(slots=True)
class Surroundings:
    """
    What all buckets of a worker share. `share` is the worker's part of each limit while the shared counter is away.

    `listed` are the buckets that hold or owe something, for whoever looks after them. `clock` is monotonic, `wall_s` is unix time.
    """

    counter: SharedCounter
    clock: Callable[[], float]
    wall_s: Callable[[], float]
    share: float
    history: SpendHistory | None
    member: str
    listed: list[Bucket] = field(default_factory=list)
    slot_buckets_count: int = 0


class Bucket(ABC):
    """One counter of one limit."""

    __slots__ = (
        "_around",
        "_is_talking",
        "_refused_until",
        "_retry_at",
        "_waiting",
        "form",
        "is_enforced",
        "is_listed",
        "key",
        "rule",
        "size_count",
        "subject",
        "unit",
        "used_at",
    )

    def __init__(self, rule: LimitRule, key: bytes, subject: Subject, around: Surroundings) -> None:
        self.rule = rule
        self.key = key
        self.subject = subject
        self.unit = UNITS.index(rule.unit)
        self.is_enforced = rule.is_enforced
        self.size_count = rule.amount if rule.calendar else rule.burst
        self.used_at = around.clock()
        self.is_listed = False
        self._around = around
        self._waiting: deque[tuple[int, asyncio.Future[float]]] = deque()
        self._is_talking = False
        self._refused_until = 0.0
        self._retry_at = 0.0
        described = msgspec.json.encode(self._describe_rule())[:-1].replace(b"%", b"%%")
        self.form = described + b',"remaining":%d,"reserved":%d}'
        """What `describe` returns as JSON, to be filled with its two numbers."""

    # --- what a request does with it ------------------------------------------------------------------------------------------------

    @abstractmethod
    def take_leased(self, count: int, now: float) -> bool:
        """Take the units from what is leased, all of them or none. Cost: 0.2 us."""

    @abstractmethod
    def settle(self, reserved_count: int, used_count: int, taken_at: float) -> None:
        """Give back what was taken at `taken_at` and not used, or owe what was used beyond it."""

    @abstractmethod
    def give_back(self, count: int, leased_since: float) -> None:
        """Put units back that a request took and did not use at all; they were leased at `leased_since` or later."""

    def ask(self, count: int, now: float) -> float | asyncio.Future[float]:
        """
        Take units that are not leased. Return the time to wait before one is there, 0.0 when they were taken: at once where this
        worker knows, else as a future.
        """
        if now < self._refused_until:
            return max(self._retry_at - now, 1e-3)
        if self._is_alone(now):
            return self._decide_alone(count, now)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[float] = loop.create_future()
        self._waiting.append((count, future))
        if not self._is_talking:
            self._is_talking = True
            loop.create_task(self._talk()).add_done_callback(report_failure)
        return future

    # --- what it shows --------------------------------------------------------------------------------------------------------------

    @abstractmethod
    def remaining_count(self, now: float) -> int:
        """Return how many units would pass now, as far as this worker knows; never below 0."""

    @abstractmethod
    def full_after_s(self, now: float, remaining_count: int) -> float:
        """Return the time until all units are there again, as far as this worker knows; `remaining_count` is that of `now`."""

    @abstractmethod
    def one_after_s(self, now: float) -> float:
        """Return the time until one unit is there, as far as this worker knows; 0.0 when one is."""

    @property
    @abstractmethod
    def reserved_count(self) -> int:
        """What this worker's requests in flight hold back."""

    def describe(self, now: float) -> dict[str, Any]:
        """Return what a decision shows of this limit. Units: those of the limit; `window` is `60s`, `month`, or nothing."""
        return self._describe_rule() | {"remaining": self.remaining_count(now), "reserved": self.reserved_count}

    def _describe_rule(self) -> dict[str, Any]:
        rule = self.rule
        return {
            "name": rule.name,
            "scope": rule.scope,
            "unit": rule.unit,
            "mode": "enforce" if rule.is_enforced else "shadow",
            "limit": self.size_count,
            "window": "" if self.unit == CONCURRENCY else rule.calendar or f"{rule.window_s}s",
        }

    # --- what looks after it --------------------------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def is_idle(self) -> bool:
        """Whether it holds and owes nothing, so that it may be forgotten."""

    @abstractmethod
    def is_due(self, now: float, idle_s: float) -> bool:
        """Tell whether `sync` has something to say."""

    def note_return(self) -> None:  # noqa: B027  # most have nothing to say then
        """Hear that the shared counter is back; it may have forgotten everything."""

    async def sync(self, idle_s: float) -> None:
        """Tell the shared counter what is owed, and give back what is leased and was not used for `idle_s`."""
        if self._is_talking:
            return  # what is owed goes along, and what is left is there the next time
        self._is_talking = True
        try:
            await self._sync(idle_s)
        except CounterUnavailable:
            pass  # it was noted as far as it matters
        finally:
            self._is_talking = False
            self._talk_on()

    async def refresh(self) -> None:
        """Ask the shared counter what is left, charging nothing, so that what is shown is not a guess."""
        if not self._is_alone(self._around.clock()):
            await self.sync(0.0)

    # --- how it talks with the shared counter ---------------------------------------------------------------------------------------

    @abstractmethod
    def _is_alone(self, now: float) -> bool:
        """Tell whether this worker must decide by itself."""

    @abstractmethod
    def _decide_alone(self, count: int, now: float) -> float:
        """Take units, or return how long to wait, within this worker's share of the limit."""

    @abstractmethod
    async def _answer_waiting(self) -> None:
        """Ask the shared counter for those who wait and tell them. Errors: CounterUnavailable."""

    @abstractmethod
    async def _sync(self, idle_s: float) -> None:
        """Errors: CounterUnavailable."""

    async def _talk(self) -> None:
        try:
            await asyncio.sleep(0)  # let the other requests of this tick join
            failures_count = 0
            while self._waiting:
                try:
                    await self._answer_waiting()
                    failures_count = 0
                except CounterUnavailable:
                    failures_count += 1
                    # One answer that did not come does not mean that others get none: who decides alone passes what they pass, too.
                    if failures_count >= _TRIES_COUNT or not self._around.counter.is_available:
                        self._decide_waiting_alone()
        finally:
            self._is_talking = False
            self._decide_waiting_alone()  # after a bug, or a cancelled task: nobody may wait for ever

    def _talk_on(self) -> None:
        if self._waiting and not self._is_talking:
            self._is_talking = True
            asyncio.get_running_loop().create_task(self._talk()).add_done_callback(report_failure)

    def _decide_waiting_alone(self) -> None:
        now = self._around.clock()
        while self._waiting:
            count, future = self._waiting.popleft()
            if not future.done():
                future.set_result(0.0 if self.take_leased(count, now) else self._decide_alone(count, now))

    def _admit(self, admitted_count: int, asked_count: int, retry_after_s: float, now: float) -> None:
        """Tell those who were asked for; who came after the question waits for the next answer."""
        if admitted_count < asked_count:
            self._retry_at = now + retry_after_s
            # Units come back sooner than they refill, from requests that another limit refused or that used less than they reserved.
            self._refused_until = min(self._retry_at, now + LEASE_IDLE_S)
        for number in range(asked_count):
            count, future = self._waiting.popleft()
            if number < admitted_count:
                if future.done():  # its request was cancelled
                    self.give_back(count, now)
                else:
                    future.set_result(0.0)
            elif not future.done():
                future.set_result(0.0 if self.take_leased(count, now) else max(retry_after_s, 1e-3))

    def _list(self) -> None:
        if not self.is_listed:
            self.is_listed = True
            self._around.listed.append(self)


def report_failure(task: asyncio.Task[None]) -> None:
    """Tell the loop's exception handler what a task of ours failed of."""
    if not task.cancelled() and (error := task.exception()) is not None:
        task.get_loop().call_exception_handler({"message": "taking from a limit failed", "exception": error, "task": task})
