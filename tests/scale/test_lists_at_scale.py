"""
The lists of the REST API over millions of rows: `make test-scale`, with SCALE=10 for ten million signals. Prints its figures.
"""

from __future__ import annotations

import os
import statistics

import pytest
from django.db import connection

from gatewaysite.index_report.catalog import read_catalog
from gatewaysite.index_report.lists import SIGNALS, questions
from gatewaysite.index_report.plans import ask
from gatewaysite.index_report.report import make_report
from gatewaysite.index_report.tables import describe
from tests.scale.rows import empty, fill

pytestmark = [pytest.mark.django_db, pytest.mark.scale, pytest.mark.timeout(7200)]

MILLION = 1_000_000
PAGE_MAX_MS = 200
PAGE_MAX_QUERIES = 10
CALLS_COUNT = 40


@pytest.fixture(scope="module", autouse=True)
def _filled(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        fill(count=MILLION, signals_count=MILLION * int(os.environ.get("SCALE", "1")))
        yield
        empty()


def test_no_list_reads_a_big_table_through():
    report = make_report(["default"])

    print(f"\n{describe(report)}")
    assert read_catalog(connection).rows_of(SIGNALS) >= MILLION * 0.99
    assert report.faults == []


def test_every_page_takes_few_milliseconds_and_queries():
    slow = []
    print(f"\n{'list':<100} {'p50 ms':>8} {'p95 ms':>8} {'queries':>8}")
    for question in questions():
        answers = [ask(question) for _ in range(CALLS_COUNT)]
        times = sorted(answer.duration_ms for answer in answers)
        p95, queries = times[int(CALLS_COUNT * 0.95) - 1], len(answers[-1].queries)
        print(f"{question.name:<100} {statistics.median(times):>8.1f} {p95:>8.1f} {queries:>8}")
        if p95 > PAGE_MAX_MS or queries > PAGE_MAX_QUERIES:
            slow.append((question.name, p95, queries))

    assert slow == []
