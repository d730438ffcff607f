"""What the limiter needs of the outside: a counter that all workers share, and what was spent according to the books."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from proxy.snapshot import LimitRule


class CounterUnavailable(Exception):
    """The shared counter gave no answer. What was asked may or may not have happened."""


@dataclass(frozen=True, slots=True)
class WindowShape:
    """
    What the shared counter must know of a counter. `size_count` may be used at once: the burst, with a calendar the amount.

    `is_budget`: the counter is a copy of the books. Where it is missing nothing is assumed: the answer is `Unknown`.
    """

    key: bytes
    amount: int
    window_s: int
    size_count: int
    calendar: str = ""
    is_budget: bool = False


class Ask(msgspec.Struct, frozen=True):
    """
    One question. First `charge_count` is added to what was used (less than 0: given back), then each of `wants` is granted in turn for
    as long as one unit is left, then up to `ahead_count` of what is still left.

    The charge is dropped unless the counter is still of `generation` and in the window that began at `window_at_us` (empty, 0: of any).
    """

    wants: list[int]
    ahead_count: int = 0
    charge_count: float = 0
    generation: str = ""
    window_at_us: int = 0


class Grant(msgspec.Struct, frozen=True):
    """
    An answer. `remaining_count` is below 0 when the last request took more than was left.

    `retry_after_s`: until one unit is left, 0 when nothing was refused. `reset_after_s`: until all is there again, or the calendar's
    window ends. `window_at_us` is when that began, by the counter's clock.
    """

    admitted_count: int
    ahead_count: int
    remaining_count: int
    retry_after_s: float
    reset_after_s: float
    generation: str = ""
    window_at_us: int = 0


class Unknown(msgspec.Struct, frozen=True):
    """The counter of a budget is not there: whoever reads the books must look from `since_s` on, unix seconds by the counter's clock."""

    since_s: float


class SlotGrant(msgspec.Struct, frozen=True):
    """An answer about slots; units are requests in flight."""

    admitted_count: int
    ahead_count: int
    remaining_count: int


class SharedCounter(Protocol):
    """The counters that all workers share. Errors of every method: CounterUnavailable."""

    @property
    def is_available(self) -> bool:
        """Whether asking makes sense; False answers at once what a question would find out late."""

    async def take(self, shape: WindowShape, ask: Ask, on_late: Callable[[Grant], None] | None = None) -> Grant | Unknown:
        """`on_late` is told what was granted after all when that comes after CounterUnavailable was raised."""

    async def restore(self, shape: WindowShape, spent_count: int, since_s: float, generation: str) -> None:
        """Make the counter of a budget anew, unless it is there again or its window is over."""

    async def hold(self, key: bytes, limit_count: int, member: str, held_count: int, want_count: int, ahead_count: int) -> SlotGrant:
        """
        Say that `member` holds so many slots, and take more of what no living member holds.

        A member that says nothing for `SLOTS_EXPIRE_S` holds nothing.
        """


SLOTS_EXPIRE_S = 30.0


@dataclass(frozen=True, slots=True)
class Subject:
    """
    Whose use a counter counts. What is empty does not narrow; a `model` may end in `*`.

    `tag` is `name=value`, or `name` for a tag without a value.
    """

    workspace_id: str = ""
    key_id: str = ""
    client_ip: str = ""
    end_user: str = ""
    tag: str = ""
    model: str = ""


class SpendHistory(Protocol):
    """What the books say: the ledger, and what is on its way there."""

    async def spent(self, rule: LimitRule, subject: Subject, since_at: dt.datetime) -> int:
        """
        Return what requests that began at `since_at` or later used or hold back, in units of `rule` (tokens, nano-dollars).

        Errors: StoreUnavailable.
        """
