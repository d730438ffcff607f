"""
Clients of redis-py with a pool, for what runs in threads: 50 connections at most, and a wait before a broken one is tried again.

The data plane has a connection of its own, with a back-off of its own (`proxy/adapters/redis_connection.py`).
"""

from __future__ import annotations

from functools import cache
from typing import Final

import redis
from redis.backoff import AbstractBackoff
from redis.retry import Retry

POOL_MAX_COUNT: Final = 50
_STEP_S: Final = 0.05
_MOST_S: Final = 2.0


class GrowingBackoff(AbstractBackoff):
    """50 ms after the first failure, 100 after the second, and so on to 2 s."""

    def compute(self, failures: int) -> float:
        return min(_STEP_S * failures, _MOST_S)


@cache
def pooled_client(url: str, timeout_s: float, retries_count: int = 1) -> redis.Redis:
    """Return the client of this process; `timeout_s` bounds connecting, each answer, and the wait for a free connection."""
    pool = redis.BlockingConnectionPool.from_url(
        url,
        max_connections=POOL_MAX_COUNT,
        timeout=timeout_s,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(GrowingBackoff(), retries_count),
    )
    return redis.Redis(connection_pool=pool)
