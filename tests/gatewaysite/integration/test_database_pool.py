"""The pool of connections in a process: what it bounds, what a session begins with, and what a restart of PostgreSQL leaves of it."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from django.db import OperationalError
from psycopg.errors import QueryCanceled

from gatewaysite.pool_metrics import PoolMetrics
from gatewaysite.postgresql.base import open_pools
from tests.database_help import LIMITS, connected, own_postgres, place_of


@pytest.fixture(autouse=True)
def _may_use_databases(django_db_blocker):
    with django_db_blocker.unblock():
        yield


@pytest.fixture(scope="module")
def postgres():
    with own_postgres() as data_dir:
        yield data_dir


def _ask(wrapper, query):
    with wrapper.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


def test_session_says_who_it_is_and_begins_with_its_limits(postgres):
    with connected(place_of(postgres), kind="gateway") as wrapper:
        assert _ask(wrapper, "SELECT current_setting('application_name')") == "gatewaysite-gateway"
        assert _ask(wrapper, "SHOW statement_timeout") == "10s"
        assert _ask(wrapper, "SHOW idle_in_transaction_session_timeout") == "1min"
        assert _ask(wrapper, "SHOW timezone") == "UTC"


def test_statement_that_takes_too_long_is_stopped_and_its_connection_stays_usable(postgres):
    with connected(place_of(postgres), replace(LIMITS, statement_timeout_s=0.1)) as wrapper:
        with pytest.raises(OperationalError) as raised, wrapper.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(10)")

        assert isinstance(raised.value.__cause__, QueryCanceled)
        assert _ask(wrapper, "SELECT 1") == 1


def test_who_finds_no_connection_is_told_so_in_time_and_it_is_counted(postgres):
    with connected(place_of(postgres), replace(LIMITS, max_count=1, timeout_s=0.1)) as wrapper:
        metrics = PoolMetrics(lambda: {"alone": open_pools()[wrapper.alias]})
        wrapper.ensure_connection()
        failures = []

        def ask():
            other = wrapper.copy(wrapper.alias)
            try:
                other.ensure_connection()
            except OperationalError as error:
                failures.append(type(error.__cause__).__name__)

        waiting = threading.Thread(target=ask)
        waiting.start()
        waiting.join(10)
        metrics.refresh()

        assert failures == ["PoolTimeout"]
        assert wrapper.pool.get_stats()["requests_errors"] == 1


def test_connections_that_ended_while_they_waited_are_not_handed_out(postgres):
    with connected(place_of(postgres), replace(LIMITS, min_count=3)) as wrapper:
        first = _ask(wrapper, "SELECT pg_backend_pid()")
        wrapper.pool.wait(10)
        wrapper.close()  # gives it back
        with connected(place_of(postgres), kind="killer") as killer:
            killed = _ask(
                killer,
                "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE application_name = 'gatewaysite-gateway'",
            )

        second = _ask(wrapper, "SELECT pg_backend_pid()")

        assert killed >= 3
        assert second != first
