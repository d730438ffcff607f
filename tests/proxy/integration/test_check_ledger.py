"""Records, ledger and rollups add up, and a difference anywhere is found, named and reported."""

from __future__ import annotations

import datetime as dt
import io
import uuid

import pytest
import structlog
from django.core.management import call_command
from django.db import connection
from django.db.models import F

from common.ids import create_uuid7, timestamp
from proxy.adapters.usage_store import store_records
from proxy.ledger_check import OddRequest, check_ledger, odd_requests, report_mismatches
from proxy.models import LedgerEntry, UsageRecord, UsageRollup, UsageTagRollup
from tests.proxy.spool_help import ended

pytestmark = pytest.mark.django_db

NOTHING = {"input_tokens": 0, "cache_read_tokens": 0, "output_tokens": 0, "cost_nano_usd": 0}


def _aged(days: int) -> str:
    return str(uuid.UUID(int=create_uuid7().int - (days * 86_400_000 << 80)))


def _stored(**changes):
    line = ended(**({"reserved_nano_usd": 100, "tags": ("team=a", "env=x", "team=a")} | changes))
    store_records([line])
    return line


def _found() -> set[tuple[str, tuple[tuple[str, int], ...]]]:
    return {(found.what, tuple(sorted(found.told.items()))) for found in check_ledger()}


@pytest.fixture
def line():
    """One request among others of every kind."""
    _stored(outcome="refused", reserved_nano_usd=0, **NOTHING)
    _stored(outcome="interrupted", **NOTHING)
    _stored(cost_nano_usd=0)
    _stored(tags=())
    return _stored()


def test_an_empty_installation_adds_up():
    assert check_ledger() == []


def test_what_was_stored_adds_up(line):
    assert check_ledger() == []


def test_a_correction_is_no_difference(line):
    LedgerEntry.objects.create(
        id=create_uuid7(),
        ts=timestamp(uuid.UUID(line.request_id)),
        request_id=line.request_id,
        kind="adjust",
        workspace_id=line.workspace_id,
        key_id=line.key_id,
        spent_nano_usd=-5,
    )

    assert check_ledger() == []


def test_a_ledger_row_that_is_gone_is_found_with_its_request(line):
    LedgerEntry.objects.filter(request_id=line.request_id, kind="settle").delete()

    (cost, held, tokens) = check_ledger()

    assert (cost.what, cost.told) == ("cost_nano_usd", {"records": 14, "ledger": 7, "days": 14, "hours": 14})
    assert (held.what, held.told) == ("held_nano_usd", {"wanted": 0, "ledger": 100})
    assert (tokens.what, tokens.told) == ("tokens", {"records": 24, "ledger": 16, "days": 24, "hours": 24})
    assert (str(cost.workspace_id), str(cost.key_id), cost.day) == (line.workspace_id, line.key_id, dt.datetime.now(dt.UTC).date())
    assert odd_requests(cost) == [OddRequest(uuid.UUID(line.request_id), 7, 0, 100)]


def test_a_record_that_was_changed_or_removed_is_found(line):
    UsageRecord.objects.filter(request_id=line.request_id).update(cost_nano_usd=8)
    assert ("cost_nano_usd", (("days", 14), ("hours", 14), ("ledger", 14), ("records", 15))) in _found()

    UsageRecord.objects.filter(request_id=line.request_id).delete()
    assert ("requests", (("days", 5), ("hours", 5), ("records", 4))) in _found()


@pytest.mark.parametrize(("period", "told"), [("day", (("days", 15), ("hours", 14))), ("hour", (("days", 14), ("hours", 15)))])
def test_a_rollup_that_drifted_is_found(line, period, told):
    UsageRollup.objects.filter(period=period, outcome="ok").update(cost_nano_usd=F("cost_nano_usd") + 1)

    assert _found() == {("cost_nano_usd", (*told, ("ledger", 14), ("records", 14)))}


def test_tags_that_drifted_are_found(line):
    UsageTagRollup.objects.filter(tag="team=a").update(cost_nano_usd=F("cost_nano_usd") - 1)

    assert _found() == {("tagged_nano_usd", (("records", 14), ("tags", 13)))}


def test_it_looks_as_far_back_as_told_and_as_records_are_kept():
    old, older = _stored(request_id=_aged(5)), _stored(request_id=_aged(9))
    LedgerEntry.objects.all().delete()

    days_ago = {(dt.datetime.now(dt.UTC).date() - found.day).days for found in check_ledger(dt.date(2020, 1, 1))}
    UsageRecord.objects.filter(request_id=older.request_id).delete()  # as retention does with its whole day
    kept = {(dt.datetime.now(dt.UTC).date() - found.day).days for found in check_ledger(dt.date(2020, 1, 1))}

    assert check_ledger() == []
    assert days_ago == {5, 9}
    assert kept == {5}
    assert old.request_id != older.request_id


def test_the_time_zone_of_the_session_changes_nothing(line):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL timezone = 'Pacific/Auckland'")

    assert check_ledger() == []


# --- command and job --------------------------------------------------------------------------------------------------------------


def test_the_command_says_that_everything_adds_up(line):
    out = io.StringIO()

    call_command("check_ledger", stdout=out)

    assert out.getvalue() == "Everything adds up.\n"


def test_the_command_prints_what_differs_and_fails(line):
    LedgerEntry.objects.filter(request_id=line.request_id, kind="settle").update(spent_nano_usd=6)
    out, err = io.StringIO(), io.StringIO()

    with pytest.raises(SystemExit) as ended_with:
        call_command("check_ledger", "--since", "2026-01-01", stdout=out, stderr=err)

    first, second = out.getvalue().splitlines()
    assert ended_with.value.code == 1
    assert first.endswith(f"key {line.key_id}: cost_nano_usd days 14, hours 14, ledger 13, records 14")
    assert second == f"  request {line.request_id}: recorded 7, spent 6, still held 0"
    assert err.getvalue() == "1 sums do not add up.\n"


def test_the_daily_job_logs_each_difference(line):
    UsageRollup.objects.filter(period="day").update(requests_count=0)

    with structlog.testing.capture_logs() as logs:
        report_mismatches()

    assert [(entry["event"], entry["log_level"], entry["what"], entry["days"]) for entry in logs] == [
        ("ledger_mismatch", "error", "requests", 0)
    ]
