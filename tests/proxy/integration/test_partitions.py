"""Days of the tables of usage and of the ledger."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.db import connection

from common.ids import timestamp
from proxy.adapters.partitions import TABLES, drop_partitions, ensure_partitions
from proxy.adapters.usage_store import store_records
from proxy.models import LedgerEntry, UsageRecord
from tests.proxy.spool_help import ended

pytestmark = pytest.mark.django_db


def _partitions_of(request_id: uuid.UUID) -> set[str]:
    """Return where the request's record and ledger rows lie."""
    names = set()
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT tableoid::regclass::text FROM {table} WHERE request_id = %s", [request_id])  # noqa: S608  # our names
            names |= {row[0] for row in cursor.fetchall()}
    return names


def test_ensure_partitions_makes_each_day_once():
    first = ensure_partitions()

    assert first == 9 * len(TABLES)
    assert ensure_partitions() == 0


def test_rows_waiting_in_the_default_partition_move_into_their_day():
    line = ended()
    store_records([line])
    request_id = uuid.UUID(line.request_id)
    before = _partitions_of(request_id)

    ensure_partitions()

    assert before == {f"{table}_default" for table in TABLES}
    assert _partitions_of(request_id) == {f"{table}_{timestamp(request_id):%Y%m%d}" for table in TABLES}
    assert UsageRecord.objects.get_by_id(request_id).cost_nano_usd == 7
    assert set(LedgerEntry.objects.values_list("kind", "spent_nano_usd")) == {("reserve", 0), ("settle", 7)}


def test_get_by_id_reads_one_partition(django_assert_num_queries):
    ensure_partitions()
    line = ended()
    store_records([line])

    with django_assert_num_queries(1):
        record = UsageRecord.objects.get_by_id(uuid.UUID(line.request_id))

    assert record.output_tokens == 3


def test_drop_partitions_drops_only_what_is_past_its_time():
    today = dt.datetime.now(dt.UTC).date()
    ensure_partitions(today - dt.timedelta(days=40), days_ahead=0)
    ensure_partitions(today)

    dropped = drop_partitions(retention_days=30)

    assert dropped == [today - dt.timedelta(days=41), today - dt.timedelta(days=40)]
    assert drop_partitions(retention_days=30) == []


def test_a_day_that_only_one_table_has_is_made_for_the_other():
    ensure_partitions()
    today = dt.datetime.now(dt.UTC).date()
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE proxy_ledgerentry_{today:%Y%m%d}")

    assert ensure_partitions() == 1
