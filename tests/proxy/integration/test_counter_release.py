"""A worker dies with requests open: its records say so, and budgets hold nothing back for it any more."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import asynccontextmanager

import pytest
import redis
from django.conf import settings
from django.db import OperationalError

from apikeys.hotpath import Principal
from apikeys.models import ApiKey
from proxy.adapters import counter_release as module
from proxy.adapters.counter_release import CounterRelease
from proxy.adapters.django_store import DjangoStore
from proxy.adapters.redis_connection import RedisAddress, RedisConnection
from proxy.adapters.shared_counter import RedisCounter
from proxy.adapters.shipper import Shipper
from proxy.adapters.snapshot_builder import build_snapshot
from proxy.adapters.spend_history import DjangoSpendHistory
from proxy.adapters.spool import SpoolWriter
from proxy.adapters.usage_store import store_records
from proxy.estimates import Estimate
from proxy.limiter import Limiter
from proxy.models import LedgerEntry
from proxy.stages.reserve import Caller, LimitPlans, budget_keys, reserve
from tests.proxy.integration.rows_help import make_key, make_limit, make_price, make_route
from tests.proxy.spool_help import ended, spool_files, started

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def api_key() -> ApiKey:
    """A key with a budget for the day among limits of every other kind."""
    make_price("gpt-upstream")
    make_route("gpt")
    make_limit("installation", scope="global", unit="tokens", amount=10**9, window_s=86_400)
    make_limit("team", scope="tag", tag="team", unit="cost", amount=10**6, window_s=1, calendar="month")
    make_limit("elsewhere", scope="workspace", unit="cost", amount=10**6, window_s=86_400, model="claude")
    per_key = [make_limit("day", unit="cost", amount=10**6, window_s=1, calendar="day"), make_limit("pace", unit="requests", amount=100)]
    return make_key(limits=per_key).api_key


@pytest.fixture
def valkey():
    client = redis.Redis.from_url(settings.REDIS_URL)
    yield client
    client.close()


def _caller(api_key: ApiKey, **changes) -> Caller:
    limit_ids = tuple(str(limit.pk) for limit in api_key.limits.all())
    principal = Principal(str(api_key.pk), str(api_key.workspace_id), (), (), limit_ids, False, None, 0)
    return Caller(**({"principal": principal, "client_ip": "192.0.2.1", "model": "gpt"} | changes))


def _line(api_key: ApiKey, **changes):
    return ended(workspace_id=str(api_key.workspace_id), key_id=str(api_key.pk), outcome="interrupted", **changes)


def test_the_counters_of_all_budgets_that_bound_a_request_are_forgotten_and_no_others(api_key, valkey):
    snapshot, other = build_snapshot(), make_key("other").api_key
    mine, others = _caller(api_key, tags=("team=a",)), _caller(other, tags=("team=b",))
    keys, others_keys = set(budget_keys(mine, snapshot)), set(budget_keys(others, snapshot))
    pace = f"gw:{{{api_key.workspace_id}}}:limit:pace".encode()
    for key in (*keys, *others_keys, pace):
        valkey.set(key, "something 1 1")

    assert CounterRelease(settings.REDIS_URL)([_line(api_key, tags=("team=a",))])

    assert len(keys) == 3  # the key's day, the team's month, the installation's tokens
    assert [key for key in keys if valkey.exists(key)] == []
    assert all(valkey.exists(key) for key in others_keys - keys)
    assert valkey.exists(pace)


def test_a_request_of_a_key_that_is_gone_forgets_nothing():
    assert CounterRelease(settings.REDIS_URL)([ended(outcome="interrupted")])


def test_without_redis_it_cannot_be_done_now(api_key):
    assert not CounterRelease("unix:///nowhere")([_line(api_key)])


def test_a_database_that_is_away_is_told_to_whoever_ships(api_key, monkeypatch):
    def fail():
        raise OperationalError("away")

    monkeypatch.setattr(module, "build_snapshot", fail)

    with pytest.raises(OperationalError):
        CounterRelease(settings.REDIS_URL)([_line(api_key)])


@asynccontextmanager
async def _worker(folder):
    """Yield the plans of a worker's limiter, with real books and a real counter."""
    store, connection = DjangoStore(), RedisConnection(RedisAddress.parse(os.environ["REDIS_URL"]), timeout_s=10.0)
    await connection.start()
    try:
        history = DjangoSpendHistory(store, folder)
        yield LimitPlans(Limiter(RedisCounter(connection), time.monotonic, history=history))
    finally:
        await connection.stop()
        store.close()


def test_a_budget_is_what_the_books_say_after_a_worker_died(api_key, tmp_path):
    """What was answered is spent, what was open when the worker died is not, and nothing has to wait for the next day."""
    snapshot, caller = build_snapshot(), _caller(api_key)
    writer = SpoolWriter(tmp_path, 1 << 20)
    writer.start()
    budget = next(rule for rule in snapshot.limits if rule.name == "day")

    def line(reserved_nano_usd):
        values = {"workspace_id": str(api_key.workspace_id), "key_id": str(api_key.pk), "reserved_nano_usd": reserved_nano_usd}
        return started(**values)

    async def serve_and_die():
        async with _worker(tmp_path) as plans:
            answered = await reserve(caller, Estimate(10, 10, 1000), snapshot, plans)
            first = line(1000)
            writer.started(first)
            await reserve(caller, Estimate(10, 10, 400_000), snapshot, plans)
            writer.started(line(400_000))
            answered.settle(None, 250)
            writer.ended(ended(first, cost_nano_usd=250))
            await plans.limiter.sweep(idle_s=0.0)  # and the rest dies with it

    async def remaining_count() -> int:
        async with _worker(tmp_path) as plans:
            bucket = next(bucket for bucket in plans.plan_for(caller, snapshot).buckets if bucket.rule == budget)
            for _ in range(2):  # the first finds that the counter is missing and makes it
                await bucket.refresh()
            return bucket.remaining_count(plans.limiter.clock())

    asyncio.run(serve_and_die())
    held = asyncio.run(remaining_count())
    writer.stop()
    Shipper(tmp_path, store_records, CounterRelease(settings.REDIS_URL)).ship()
    left = asyncio.run(remaining_count())

    assert held == 10**6 - 250 - 400_000
    assert left == 10**6 - 250
    assert spool_files(tmp_path) == []
    assert sum(row.spent_nano_usd for row in LedgerEntry.objects.all()) == 250
    assert sum(row.reserved_nano_usd for row in LedgerEntry.objects.all()) == 0
