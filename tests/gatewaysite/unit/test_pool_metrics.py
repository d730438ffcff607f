"""The numbers of connection pools."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from gatewaysite.pool_metrics import PoolMetrics


class _Pool:
    def __init__(self, **stats):
        self.stats = stats

    def get_stats(self):
        return self.stats


def _value(name, alias):
    return REGISTRY.get_sample_value(name, {"database": alias}) or 0


@pytest.fixture
def pools():
    return {}


@pytest.fixture
def metrics(pools):
    return PoolMetrics(lambda: pools)


def test_every_pool_tells_what_it_holds_by_its_alias(pools, metrics):
    pools["a"] = _Pool(pool_size=5, pool_available=2, requests_waiting=1)
    pools["b"] = _Pool(pool_size=1)

    metrics.refresh()

    names = ("database_pool_size", "database_pool_available", "database_pool_waiting")
    assert [_value(name, "a") for name in names] == [5, 2, 1]
    assert [_value(name, "b") for name in names] == [1, 0, 0]


def test_counts_rise_by_what_happened_since_they_were_told_and_start_again_with_a_new_pool(pools, metrics):
    before = {
        name: _value(name, "c")
        for name in ("database_pool_requests_total", "database_pool_wait_seconds_total", "database_pool_timeouts_total")
    }

    pools["c"] = _Pool(requests_num=10, requests_wait_ms=1500, requests_errors=1)
    metrics.refresh()
    metrics.refresh()
    pools["c"] = _Pool(requests_num=4, requests_wait_ms=500)
    metrics.refresh()

    assert {name: _value(name, "c") - value for name, value in before.items()} == {
        "database_pool_requests_total": 14,
        "database_pool_wait_seconds_total": 2.0,
        "database_pool_timeouts_total": 1,
    }
