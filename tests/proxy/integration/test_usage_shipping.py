"""From the spool to PostgreSQL: rows and rollups exact, whatever fails, repeats or runs at once."""

from __future__ import annotations

import contextlib
import datetime as dt
import random
import threading
import uuid

import msgspec
import pytest
from django.db import OperationalError, connection, connections, transaction
from django.db.models import Count, Sum

from common.ids import timestamp
from proxy.adapters import spool_reader as module
from proxy.adapters.shipper import Shipper
from proxy.adapters.spool import SpoolWriter
from proxy.adapters.usage_store import store_records
from proxy.ledger_check import check_ledger
from proxy.models import LedgerEntry, UsageRecord, UsageRollup
from tests.proxy.spool_help import ended, spool_files, started

pytestmark = pytest.mark.django_db

SUMS = (
    "input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "output_tokens",
    "reasoning_tokens",
    "audio_input_tokens",
    "audio_output_tokens",
    "cost_nano_usd",
)


def _write(folder, requests_count, *, still_open_count=0, max_bytes=4000, seed=1):
    """Write a worker's spool and close it; return the lines that ended."""
    choose = random.Random(seed)
    writer = SpoolWriter(folder, max_bytes)
    writer.start()
    for number in range(still_open_count):
        writer.started(started(model=f"open {number}", reserved_nano_usd=100 + number, reserved_tokens=10))
    lines = []
    for _ in range(requests_count):
        first = started(model=choose.choice(["gpt", "claude"]), is_stream=choose.random() < 0.5)
        outcome, status = choose.choice([("ok", 200), ("ok", 200), ("error", 502), ("cancelled", 499)])
        counted = {name: choose.randrange(1000) for name in SUMS}
        counted["reserved_nano_usd"] = choose.randrange(2000)
        line = ended(first, outcome=outcome, status=status, latency_ms=choose.randrange(100) / 4, **counted)
        writer.started(first)
        writer.ended(line)
        lines.append(line)
    writer.stop()
    return lines


def _check_exact(lines, interrupted_count=0):
    """Check the table, each rollup and the ledger against the lines."""
    expected = {name: sum(getattr(line, name) for line in lines) for name in SUMS}
    stored = UsageRecord.objects.exclude(outcome="interrupted")
    assert {str(row.request_id) for row in stored} == {line.request_id for line in lines}
    assert stored.aggregate(**{name: Sum(name) for name in SUMS}) == expected
    assert UsageRecord.objects.filter(outcome="interrupted").count() == interrupted_count
    for period in ("minute", "hour", "day"):
        rollups = UsageRollup.objects.filter(period=period)
        sums = rollups.exclude(outcome="interrupted").aggregate(requests=Sum("requests_count"), **{name: Sum(name) for name in SUMS})
        assert sums == expected | {"requests": len(lines)}
        assert (rollups.filter(outcome="interrupted").aggregate(n=Sum("requests_count"))["n"] or 0) == interrupted_count
        groups = rollups.order_by().values("model", "outcome").annotate(n=Sum("requests_count")).values_list("model", "outcome", "n")
        rows = UsageRecord.objects.order_by().values("model", "outcome").annotate(n=Count("*")).values_list("model", "outcome", "n")
        assert sorted(groups) == sorted(rows)
    ledger = LedgerEntry.objects.aggregate(spent=Sum("spent_nano_usd"), held=Sum("reserved_nano_usd"))
    assert ledger == {"spent": expected["cost_nano_usd"], "held": 0}
    assert check_ledger() == []


def test_a_record_arrives_as_it_was_written(tmp_path):
    writer = SpoolWriter(tmp_path, 1 << 20)
    writer.start()
    first = started(is_stream=True, model='ü"\\', endpoint="responses", end_user="eve\t", tags=("team=a,b", 'x="\\'), reserved_tokens=9)
    line = ended(
        first,
        first_token_ms=12.5,
        latency_ms=99.125,
        cost_nano_usd=2**40,
        reserved_nano_usd=2**41,
        price_effective_at=1_767_225_600.25,
        cache="MISS",
        decision=msgspec.Raw(b'{"model": "\\u00fc\\n\\"", "attempts": []}'),
        **{name: number for number, name in enumerate(SUMS[:-1])},
    )
    writer.ended(line)

    assert Shipper(tmp_path, store_records).ship() == 1

    row = UsageRecord.objects.get_by_id(uuid.UUID(line.request_id))
    alike = set(line.__struct_fields__) - {
        "request_id",
        "workspace_id",
        "key_id",
        "decision",
        "tags",
        "price_effective_at",
        "reserved_tokens",
    }
    assert {name: getattr(row, name) for name in alike} == {name: getattr(line, name) for name in alike}
    assert (row.ts, row.tags) == (timestamp(uuid.UUID(line.request_id)), list(line.tags))
    assert (str(row.workspace_id), str(row.key_id)) == (line.workspace_id, line.key_id)
    assert row.price_effective_at == dt.datetime(2026, 1, 1, 0, 0, 0, 250_000, tzinfo=dt.UTC)
    assert row.decision == {"model": 'ü\n"', "attempts": []}
    writer.stop()


def test_rollups_add_up_to_the_records(tmp_path):
    lines = _write(tmp_path, 200, still_open_count=3)

    assert Shipper(tmp_path, store_records).ship() == 203

    _check_exact(lines, interrupted_count=3)
    assert spool_files(tmp_path) == []


def test_a_shipper_restarted_in_the_middle_stores_everything_once(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BATCH_BYTES", 3000)
    lines = _write(tmp_path, 120, still_open_count=2, max_bytes=30_000)
    calls_count = 0

    def killed_sometimes(batch):
        nonlocal calls_count
        calls_count += 1
        if calls_count % 3 == 1:
            raise KeyboardInterrupt  # before it was stored
        store_records(batch)
        if calls_count % 3 == 2:
            raise KeyboardInterrupt  # after it was stored, before anybody heard of it

    for _ in range(200):
        with contextlib.suppress(KeyboardInterrupt):
            Shipper(tmp_path, killed_sometimes).ship()
            break

    # a shipper that starts anew begins each file anew, too: the last one runs through
    Shipper(tmp_path, store_records).ship()
    _check_exact(lines, interrupted_count=2)


def test_a_database_that_fails_in_between_loses_and_repeats_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BATCH_BYTES", 3000)
    lines = _write(tmp_path, 120, still_open_count=2, max_bytes=30_000)
    choose = random.Random(3)

    def fails_sometimes(batch):
        how = choose.choice(["before", "within", "after", "not", "not"])
        if how == "before":
            raise OperationalError
        with transaction.atomic():
            store_records(batch)
            if how == "within":
                raise OperationalError  # the transaction is undone
        if how == "after":
            raise OperationalError  # the answer to the commit is lost

    shipper, failures_count = Shipper(tmp_path, fails_sometimes), 0
    for _ in range(500):
        try:
            shipper.ship()
            break
        except OperationalError:
            failures_count += 1

    assert failures_count > 5
    _check_exact(lines, interrupted_count=2)
    assert spool_files(tmp_path) == []


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_is_cut_within_a_batch_loses_nothing(tmp_path):
    lines = _write(tmp_path, 50)
    is_cut = False

    def cut_once(batch):
        nonlocal is_cut
        if not is_cut:
            is_cut = True
            with transaction.atomic():
                store_records(batch[:10])
                _end_this_connection()
                store_records(batch)
        store_records(batch)

    shipper = Shipper(tmp_path, cut_once)
    with pytest.raises(OperationalError):
        shipper.ship()
    connections.close_all()
    shipper.ship()

    _check_exact(lines)


def _end_this_connection():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    thread = threading.Thread(target=_end_connection, args=(pid,))
    thread.start()
    thread.join()


def _end_connection(pid):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    connections.close_all()


@pytest.mark.django_db(transaction=True)
def test_two_shippers_at_once_store_each_record_once(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BATCH_BYTES", 5000)
    lines = _write(tmp_path, 150, still_open_count=3, max_bytes=8000) + _write(tmp_path, 150, max_bytes=8000, seed=2)
    errors = []

    def ship():
        try:
            Shipper(tmp_path, store_records).ship()
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ship) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    _check_exact(lines, interrupted_count=3)
    assert spool_files(tmp_path) == []


def test_counts_at_the_edge_of_what_a_record_can_hold_are_stored(tmp_path):
    writer = SpoolWriter(tmp_path, 1 << 20)
    writer.start()
    most = 2**31 - 1
    writer.ended(ended(input_tokens=most, cache_read_tokens=most, output_tokens=most, cost_nano_usd=2**62))
    writer.stop()

    assert Shipper(tmp_path, store_records).ship() == 1
    assert UsageRollup.objects.get(period="day").input_tokens == most


def test_a_line_that_a_damaged_disk_changed_stops_no_other(tmp_path):
    writer = SpoolWriter(tmp_path, 1 << 20)
    writer.start()
    good = [ended(), ended()]
    for line in (good[0], ended(request_id="damaged"), ended(status=40_000), ended(model="a\x00b"), good[1]):
        writer.ended(line)
    writer.stop()

    assert Shipper(tmp_path, store_records).ship() == 2
    assert {str(row.request_id) for row in UsageRecord.objects.all()} == {line.request_id for line in good}
