"""
The pools of database connections of one worker, in the numbers that all workers of a host share.

Rules: each worker tells of its own pools, every second, because the one that is scraped cannot see the others'.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from prometheus_client import Counter, Gauge

from proxy import telemetry

INTERVAL_S: Final = 1.0
_GAUGES: Final[Mapping[str, Gauge]] = {
    "pool_size": telemetry.DATABASE_POOL_SIZE,
    "pool_available": telemetry.DATABASE_POOL_AVAILABLE,
    "requests_waiting": telemetry.DATABASE_POOL_WAITING,
}
_COUNTERS: Final[Mapping[str, tuple[Counter, float]]] = {
    "requests_num": (telemetry.DATABASE_POOL_REQUESTS, 1.0),
    "requests_wait_ms": (telemetry.DATABASE_POOL_WAIT_SECONDS, 0.001),
    "requests_errors": (telemetry.DATABASE_POOL_TIMEOUTS, 1.0),
}


class _Pool(Protocol):
    def get_stats(self) -> Mapping[str, float]: ...


class PoolMetrics:
    """`pools` returns what is open now, by the alias of its database."""

    def __init__(self, pools: Callable[[], Mapping[str, Any]]) -> None:
        self._pools = pools
        self._told: dict[tuple[str, str], float] = {}

    def refresh(self) -> None:
        """Cost: 20 us a pool."""
        for alias, pool in self._pools().items():
            self._tell(alias, pool)

    def _tell(self, alias: str, pool: _Pool) -> None:
        stats = pool.get_stats()
        for name, gauge in _GAUGES.items():
            gauge.labels(alias).set(stats.get(name, 0))
        for name, (counter, unit) in _COUNTERS.items():
            total, told = stats.get(name, 0), self._told.get((alias, name), 0)
            self._told[alias, name] = total
            counter.labels(alias).inc((total - told if total >= told else total) * unit)  # a new pool begins at 0

    async def run(self) -> None:
        """Tell until cancelled."""
        while True:
            self.refresh()
            await asyncio.sleep(INTERVAL_S)
