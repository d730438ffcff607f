"""
When somebody who keeps failing is left alone for a while.

Rules: one breaker for each slow rule of a worker; what an open breaker answers is the rule's fail mode.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

FAILURES_COUNT = 5
PAUSE_S = 30.0


@dataclass(slots=True, eq=False)
class Breaker:
    """Opens after `failures_count` failures in a row; after `pause_s` one call tries again, and closes it or opens it anew."""

    clock: Callable[[], float] = time.monotonic
    failures_count: int = FAILURES_COUNT
    pause_s: float = PAUSE_S
    _failed: int = 0
    _opened_at: float | None = None
    _is_trying: bool = False

    @property
    def is_open(self) -> bool:
        return self._opened_at is not None

    def enter(self) -> bool:
        """Return whether a call may be made; who gets True must report with `succeeded`, `failed` or `abandoned`."""
        if self._opened_at is None:
            return True
        if self._is_trying or self.clock() - self._opened_at < self.pause_s:
            return False
        self._is_trying = True
        return True

    def succeeded(self) -> None:
        self._failed, self._opened_at, self._is_trying = 0, None, False

    def failed(self) -> None:
        self._failed += 1
        self._is_trying = False
        if self._opened_at is not None or self._failed >= self.failures_count:
            self._opened_at = self.clock()

    def abandoned(self) -> None:
        """The call was cancelled before it could say anything."""
        self._is_trying = False
