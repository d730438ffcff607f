"""Days of the usage table."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.db import connection

from common.ids import create_uuid7, timestamp
from proxy.adapters.partitions import drop_partitions, ensure_partitions
from proxy.adapters.usage_store import store_records
from proxy.models import UsageRecord, UsageRollup
from proxy.wire.spool import Ended

pytestmark = pytest.mark.django_db


def ended(request_id: uuid.UUID | None = None, **changes) -> Ended:
    values = {
        "request_id": str(request_id or create_uuid7()),
        "workspace_id": str(uuid.UUID(int=1)),
        "key_id": str(uuid.UUID(int=2)),
        "model": "m",
        "revision": 1,
        "is_stream": False,
        "backend": "b",
        "provider": "openai",
        "upstream_model": "u",
        "status": 200,
        "outcome": "ok",
        "error_code": "",
        "input_tokens": 3,
        "cached_input_tokens": 1,
        "output_tokens": 5,
        "cost_nano_usd": 7,
        "usage_source": "upstream",
        "attempts_count": 1,
        "latency_ms": 1.5,
        "first_token_ms": None,
    }
    return Ended(**(values | changes))


def _partition_of(request_id: uuid.UUID) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM proxy_usagerecord WHERE request_id = %s", [request_id])
        return cursor.fetchone()[0]


def test_ensure_partitions_makes_each_day_once():
    first = ensure_partitions()

    assert first == 9
    assert ensure_partitions() == 0


def test_rows_waiting_in_the_default_partition_move_into_their_day():
    line = ended()
    store_records([line])
    request_id = uuid.UUID(line.request_id)
    before = _partition_of(request_id)

    ensure_partitions()

    assert before == "proxy_usagerecord_default"
    assert _partition_of(request_id) == f"proxy_usagerecord_{timestamp(request_id):%Y%m%d}"
    assert UsageRecord.objects.get_by_id(request_id).cost_nano_usd == 7


def test_get_by_id_reads_one_partition(django_assert_num_queries):
    ensure_partitions()
    line = ended()
    store_records([line])

    with django_assert_num_queries(1):
        record = UsageRecord.objects.get_by_id(uuid.UUID(line.request_id))

    assert record.output_tokens == 5


def test_drop_partitions_drops_only_what_is_past_its_time():
    today = dt.datetime.now(dt.UTC).date()
    ensure_partitions(today - dt.timedelta(days=40), days_ahead=0)
    ensure_partitions(today)

    dropped = drop_partitions(retention_days=30)

    assert dropped == [today - dt.timedelta(days=41), today - dt.timedelta(days=40)]


def test_store_records_twice_counts_once_in_the_table_and_the_rollups():
    lines = [ended(), ended(), ended(outcome="error", status=502)]

    store_records(lines)
    store_records(lines)

    assert UsageRecord.objects.count() == 3
    minutes = UsageRollup.objects.filter(period="minute", outcome="ok")
    assert sum(row.requests_count for row in minutes) == 2
    assert sum(row.cost_nano_usd for row in minutes) == 14
    assert {row.period for row in UsageRollup.objects.all()} == {"minute", "hour", "day"}


def test_an_answered_record_wins_over_its_interrupted_twin_in_one_batch():
    line = ended()
    twin = ended(uuid.UUID(line.request_id), outcome="interrupted", status=500)

    store_records([twin, line])

    assert UsageRecord.objects.get_by_id(uuid.UUID(line.request_id)).outcome == "ok"


def test_names_with_tabs_line_breaks_and_backslashes_are_stored_as_they_are():
    name = "a\tb\nc\r\\N\\t"
    line = ended(model=name, upstream_model="\\.", first_token_ms=1.25, is_stream=True)

    store_records([line])

    record = UsageRecord.objects.get_by_id(uuid.UUID(line.request_id))
    assert (record.model, record.upstream_model) == (name, "\\.")
    assert (record.first_token_ms, record.is_stream, record.latency_ms) == (1.25, True, 1.5)
