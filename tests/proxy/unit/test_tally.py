"""Counts arrive in the metrics, once and in the right bucket."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.openmetrics.exposition import generate_latest

from proxy import tally
from proxy.tally import CounterTally, HistogramTally


def _samples(registry: CollectorRegistry) -> dict:
    return {
        (sample.name, tuple(sample.labels.items())): sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if not sample.name.endswith("_created")
    }


def test_counts_wait_inside_a_loop_and_arrive_with_a_flush():
    registry = CollectorRegistry()
    counter = CounterTally(Counter("c", "C", registry=registry))

    async def count() -> float:
        counter.inc()
        counter.inc(2)
        before = _samples(registry)["c_total", ()]
        tally.flush()
        return before

    assert asyncio.run(count()) == 0
    assert _samples(registry)["c_total", ()] == 3


async def test_counts_arrive_by_themselves():
    registry = CollectorRegistry()
    CounterTally(Counter("c", "C", registry=registry)).inc()

    await asyncio.sleep(tally.FLUSH_S * 3)

    assert _samples(registry)["c_total", ()] == 1


def test_counts_outside_a_loop_arrive_at_once():
    registry = CollectorRegistry()

    CounterTally(Counter("c", "C", registry=registry)).inc()

    assert _samples(registry)["c_total", ()] == 1


@pytest.mark.parametrize("values", [[0.0, 0.1, 0.10001, 1.0, 7.0], [0.5] * 3, [100.0]])
def test_a_histogram_equals_one_that_observed_each_value_itself(values):
    expected, actual = CollectorRegistry(), CollectorRegistry()
    plain = Histogram("h", "H", buckets=(0.1, 1, 5), registry=expected)
    tallied = HistogramTally(Histogram("h", "H", buckets=(0.1, 1, 5), registry=actual))

    for value in values:
        plain.observe(value)
        tallied.observe(value)

    assert _samples(actual) == pytest.approx(_samples(expected))
    assert generate_latest(actual)


async def test_a_count_during_a_flush_is_not_lost():
    registry = CollectorRegistry()
    counter = CounterTally(Counter("c", "C", registry=registry))

    for _ in range(3):
        counter.inc()
        tally.flush()

    assert _samples(registry)["c_total", ()] == 3
