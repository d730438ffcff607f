"""What a stored record is to all tables: the record itself, its rollups, its tags, its ledger rows. Exact, and once."""

from __future__ import annotations

import datetime as dt
import uuid

import msgspec
import pytest
import structlog
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common.ids import timestamp
from proxy.adapters.usage_store import store_records
from proxy.models import LedgerEntry, UsageRecord, UsageRollup, UsageTagRollup
from tests.proxy.spool_help import ended, started

pytestmark = pytest.mark.django_db

NOTHING = {"input_tokens": 0, "cache_read_tokens": 0, "output_tokens": 0, "cost_nano_usd": 0, "usage_source": "none"}


def _record(line) -> UsageRecord:
    return UsageRecord.objects.get_by_id(uuid.UUID(line.request_id))


def _ledger(line) -> list[tuple]:
    rows = LedgerEntry.objects.filter(request_id=line.request_id).order_by("reserved_nano_usd").reverse()
    return [(row.kind, row.reserved_nano_usd, row.spent_nano_usd, row.tokens) for row in rows]


# --- records and rollups ----------------------------------------------------------------------------------------------------------


def test_a_record_stored_twice_counts_once_everywhere():
    lines = [ended(tags=("a",)), ended(tags=("a",)), ended(outcome="error", status=502, tags=("a",))]

    store_records(lines)
    store_records([*lines, lines[0]])

    assert UsageRecord.objects.count() == 3
    minutes = UsageRollup.objects.filter(period="minute", outcome="ok")
    assert sum(row.requests_count for row in minutes) == 2
    assert sum(row.cost_nano_usd for row in minutes) == 14
    assert {row.period for row in UsageRollup.objects.all()} == {"minute", "hour", "day"}
    assert sum(row.requests_count for row in UsageTagRollup.objects.all()) == 3
    assert (LedgerEntry.objects.count(), sum(row.spent_nano_usd for row in LedgerEntry.objects.all())) == (6, 21)


def test_an_answered_record_wins_over_its_interrupted_twin_in_one_batch():
    line = ended()
    twin = ended(request_id=line.request_id, outcome="interrupted", status=500, **NOTHING)

    store_records([twin, line])

    assert _record(line).outcome == "ok"
    assert {row[0] for row in _ledger(line)} == {"reserve", "settle"}


def test_rollups_have_every_class_of_usage():
    classes = {
        "input_tokens": 100,
        "cache_read_tokens": 10,
        "cache_write_5m_tokens": 11,
        "cache_write_1h_tokens": 12,
        "output_tokens": 50,
        "reasoning_tokens": 13,
        "audio_input_tokens": 14,
        "audio_output_tokens": 15,
    }
    first = ended(**classes)
    store_records([first, ended(**classes)])
    store_records([ended(**classes)])

    row = UsageRollup.objects.filter(period="day").first()

    assert row is not None
    assert {name: getattr(row, name) for name in classes} == {name: 3 * count for name, count in classes.items()}
    assert (row.requests_count, row.latency_ms_sum, row.starts_at.hour) == (3, 4.5, 0)


def test_a_refused_request_is_recorded_without_usage_tags_or_money():
    refused = {"outcome": "refused", "status": 429, "error_code": "rate_limit_exceeded", "backend": ""}
    line = ended(**refused, tags=("team=a",), reserved_nano_usd=100, **NOTHING)

    store_records([line])

    assert (_record(line).outcome, _record(line).tags) == ("refused", ["team=a"])
    assert UsageRollup.objects.get(period="day").requests_count == 1
    assert not UsageTagRollup.objects.exists()
    assert _ledger(line) == []


def test_an_answer_that_was_paid_for_and_then_refused_is_charged():
    line = ended(outcome="refused", status=400, error_code="content_filter", tags=("team=a",), reserved_nano_usd=100)

    store_records([line])

    assert _ledger(line) == [("reserve", 100, 0, 0), ("settle", -100, 7, 8)]
    assert UsageTagRollup.objects.get().cost_nano_usd == 7


def test_each_tag_of_a_record_has_its_sums_by_day():
    both, one = ended(tags=("team=a", "env=prod", "team=a")), ended(tags=("team=a",))

    store_records([both, one, ended()])

    sums = {row.tag: (row.requests_count, row.input_tokens, row.output_tokens, row.cost_nano_usd) for row in UsageTagRollup.objects.all()}
    assert sums == {"team=a": (2, 10, 6, 14), "env=prod": (1, 5, 3, 7)}


def test_storing_is_the_same_few_statements_however_many_lines():
    counts = []
    for lines_count in (1, 50):
        with CaptureQueriesContext(connection) as queries:
            store_records([ended(tags=("a",)) for _ in range(lines_count)])
        counts.append(len(queries))

    assert counts[0] == counts[1]


# --- the ledger -------------------------------------------------------------------------------------------------------------------


def test_an_answer_is_reserved_and_then_settled():
    line = ended(reserved_nano_usd=100, reserved_tokens=4000, price_effective_at=1_767_225_600.0)

    store_records([line])

    assert _ledger(line) == [("reserve", 100, 0, 4000), ("settle", -100, 7, 8)]
    rows = LedgerEntry.objects.filter(request_id=line.request_id)
    assert {(str(row.workspace_id), str(row.key_id), row.model, row.ts) for row in rows} == {
        (line.workspace_id, line.key_id, "gpt", timestamp(uuid.UUID(line.request_id)))
    }
    assert rows.get(kind="settle").price_effective_at == dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.mark.parametrize("outcome", ["error", "cancelled", "ok"])
def test_what_used_nothing_is_refunded(outcome):
    line = ended(outcome=outcome, reserved_nano_usd=100, reserved_tokens=4000, **NOTHING)

    store_records([line])

    assert _ledger(line) == [("reserve", 100, 0, 4000), ("refund", -100, 0, 0)]


def test_what_a_dead_worker_left_is_refunded_and_says_so():
    line = ended(outcome="interrupted", reserved_nano_usd=100, **NOTHING)

    store_records([line])

    assert LedgerEntry.objects.get(kind="refund").reason == "interrupted"
    assert _record(line).cost_nano_usd == 0


@pytest.mark.parametrize(
    ("changes", "rows"),
    [
        ({"cost_nano_usd": 7}, [("reserve", 0, 0, 0), ("settle", 0, 7, 8)]),  # nothing bound it, and it cost
        ({"cost_nano_usd": 0}, [("settle", 0, 0, 8)]),  # tokens of a model without a price
        (NOTHING, []),  # nothing moved
        ({"cost_nano_usd": 250, "reserved_nano_usd": 100}, [("reserve", 100, 0, 0), ("settle", -100, 250, 8)]),  # more than expected
        ({"cost_nano_usd": 0, "reserved_nano_usd": 9}, [("reserve", 9, 0, 0), ("settle", -9, 0, 8)]),
    ],
)
def test_the_ledger_has_what_moved_and_nothing_else(changes, rows):
    line = ended(**changes)

    store_records([line])

    assert sorted(_ledger(line)) == sorted(rows)


def test_ids_follow_from_the_request_so_that_a_shipment_repeated_by_hand_changes_nothing():
    line = ended(reserved_nano_usd=100)
    store_records([line])
    before = set(LedgerEntry.objects.values_list("id", flat=True))
    UsageRecord.objects.filter(request_id=line.request_id).delete()  # as if only its partition had been lost

    store_records([line])

    assert set(LedgerEntry.objects.values_list("id", flat=True)) == before


# --- what text a record may hold --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["a\tb\nc\r\\N\\t", "\\.", '{"}', "NULL", "", "ü€😀", "'", ","])
def test_text_is_stored_as_it_is_in_every_column(text):
    line = ended(
        started(end_user=text, tags=(text, "x", text + "y")),
        model=text,
        upstream_model=text,
        first_token_ms=1.25,
        is_stream=True,
        decision=msgspec.Raw(msgspec.json.encode({"said": [text]})),
    )

    store_records([line])

    record = _record(line)
    assert (record.model, record.upstream_model, record.end_user, record.tags) == (text, text, text, [text, "x", text + "y"])
    assert record.decision == {"said": [text]}
    assert (record.first_token_ms, record.is_stream, record.latency_ms) == (1.25, True, 1.5)


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        (b"null", None),
        (b'{"a": "x\\u0000y"}', {"a": "xy"}),
        (b'{"a": "\\\\u0000"}', {"a": "\\u0000"}),
        (b'{"a": "\\\\\\u0000"}', {"a": "\\"}),
        (b'{"a":\n\t1}', {"a": 1}),
    ],
)
def test_a_decision_is_kept_as_json(raw, stored):
    line = ended(decision=msgspec.Raw(raw))

    store_records([line])

    assert _record(line).decision == stored


def test_a_record_that_no_table_can_hold_is_dropped_and_the_others_are_stored():
    good = [ended() for _ in range(9)]
    bad = ended(cache="x" * 64)  # a line may be longer there than the column

    with structlog.testing.capture_logs() as logs:
        store_records([*good[:4], bad, *good[4:]])

    assert {str(pk) for pk in UsageRecord.objects.values_list("pk", flat=True)} == {line.request_id for line in good}
    assert [(entry["event"], entry["request_id"]) for entry in logs] == [("usage_record_dropped", bad.request_id)]
    assert LedgerEntry.objects.count() == 18


@pytest.mark.parametrize("moment", [-1.0, 1e300])
def test_a_moment_that_is_none_is_left_out(moment):
    line = ended(price_effective_at=moment)

    store_records([line])

    assert _record(line).price_effective_at is None
