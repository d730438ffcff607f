"""A worker's own part of a limit: what holds while it must decide alone."""

from __future__ import annotations

from proxy.limiter.calendar import window_bounds


class LocalShare:
    """
    A token bucket, or a calendar's window, within this process. Units: those of the limit; times by the worker's clock.

    It begins with `available_count`, not with all of `size_count`: what was used before the shared counter went away stays used.
    """

    __slots__ = ("_at", "_calendar", "available_count", "ends_at", "rate_per_s", "size_count", "window_began_at_s")

    def __init__(self, size_count: float, rate_per_s: float, available_count: float, now: float) -> None:
        self.size_count = max(1.0, size_count)
        self.rate_per_s = rate_per_s
        self.available_count = min(available_count, self.size_count)
        self.ends_at = float("inf")
        self.window_began_at_s = 0.0
        self._calendar = ""
        self._at = now

    def follow(self, calendar: str, now: float, wall_s: float) -> None:
        """Refill at the calendar's boundaries instead of evenly."""
        begin_s, end_s = window_bounds(calendar, wall_s)
        self._calendar = calendar
        self.window_began_at_s = begin_s
        self.ends_at = now + (end_s - wall_s)

    def refill(self, now: float, wall_s: float) -> bool:
        """Add what came in since the last time; tell whether another window began."""
        if self._calendar:
            if now < self.ends_at:
                return False
            self.available_count = self.size_count
            self.follow(self._calendar, now, wall_s)
            return True
        self.available_count = min(self.size_count, self.available_count + max(0.0, now - self._at) * self.rate_per_s)
        self._at = now
        return False

    def take(self, count: int, now: float) -> float:
        """
        Take units, after `refill`; return the time to wait, 0.0 when they were taken.

        Who asks for more than there ever is passes when all is there, and leaves a debt.
        """
        needed = min(float(count), self.size_count)
        if self.available_count + 1e-9 >= needed:
            self.available_count -= count
            return 0.0
        if self._calendar:
            return max(self.ends_at - now, 1e-3)
        return max((needed - self.available_count) / self.rate_per_s, 1e-3)

    def give_back(self, count: float) -> None:
        """Less than 0: more was used than was taken."""
        self.available_count = min(self.size_count, self.available_count + count)
