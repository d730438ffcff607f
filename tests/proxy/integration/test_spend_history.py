"""What the books say that someone used: to the token and the nano-dollar, whatever is stored, on its way or still running."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import random
import time
import uuid

import pytest
from django.db import OperationalError, connection

from common.ids import create_uuid7, timestamp
from proxy.adapters import spend_history as module
from proxy.adapters.django_store import DjangoStore
from proxy.adapters.shipper import Shipper
from proxy.adapters.spend_history import DjangoSpendHistory
from proxy.adapters.spool import SpoolWriter
from proxy.adapters.usage_store import store_records
from proxy.errors import StoreUnavailable
from proxy.limiter import Subject
from proxy.models import UsageRollup
from proxy.snapshot import LimitRule
from proxy.wire.spool import Ended
from tests.proxy.integration.query_count import counted_queries
from tests.proxy.spool_help import ended, started

pytestmark = pytest.mark.django_db(transaction=True)  # the history reads in threads of the store

WORKSPACES = [str(uuid.UUID(int=number)) for number in (1, 2)]
KEYS = [str(uuid.UUID(int=number)) for number in (11, 12, 13)]
RULE = LimitRule("id", "budget", "key", "cost", 10**9, 86_400, 10**9)
LONG_AGO = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
def store():
    made = DjangoStore()
    yield made
    made.close()


@pytest.fixture
def history(store, tmp_path):
    return DjangoSpendHistory(store, tmp_path)


def _spent(history, subject=None, since_at=LONG_AGO, *, unit="cost", **changes) -> int:
    rule = dataclasses.replace(RULE, unit=unit, **changes)
    return asyncio.run(history.spent(rule, subject or Subject(), since_at))


def _id_at(at: dt.datetime) -> str:
    return str(uuid.UUID(int=(int(at.timestamp() * 1000) << 80) | (create_uuid7().int & (1 << 80) - 1)))


def _writer(folder, max_bytes=1 << 30) -> SpoolWriter:
    writer = SpoolWriter(folder, max_bytes)
    writer.start()
    return writer


# --- what is stored ---------------------------------------------------------------------------------------------------------------


def _line(choose: random.Random, at: dt.datetime) -> Ended:
    return ended(
        request_id=_id_at(at),
        workspace_id=choose.choice(WORKSPACES),
        key_id=choose.choice(KEYS),
        model=choose.choice(["gpt-4o", "gpt-4o-mini", "claude"]),
        end_user=choose.choice(["", "eve", "mallory"]),
        tags=tuple(choose.sample(["team=a", "team=ab", "env"], choose.randrange(3))),
        outcome=choose.choice(["ok", "ok", "error"]),
        input_tokens=choose.randrange(1000),
        output_tokens=choose.randrange(1000),
        cost_nano_usd=choose.randrange(10**6),
    )


SUBJECTS = [
    Subject(),
    Subject(model="gpt-4o"),
    Subject(model="gpt-4o*"),
    Subject(WORKSPACES[0]),
    Subject(WORKSPACES[1], model="claude"),
    Subject(WORKSPACES[0], KEYS[0]),
    Subject(WORKSPACES[0], KEYS[1], model="gpt*"),
    Subject(WORKSPACES[0], end_user="eve"),
    Subject(WORKSPACES[0], tag="team=a"),
    Subject(WORKSPACES[1], tag="env", model="gpt-4o"),
    Subject(WORKSPACES[0], tag="unheard of"),
]


def _sum(lines, subject: Subject, since_at: dt.datetime, unit: str) -> int:
    """What the history must say, line by line."""

    def counts(line):
        names_model = line.model.startswith(subject.model[:-1]) if subject.model.endswith("*") else subject.model in {"", line.model}
        return (
            timestamp(uuid.UUID(line.request_id)) >= since_at
            and subject.workspace_id in {"", line.workspace_id}
            and subject.key_id in {"", line.key_id}
            and subject.end_user in {"", line.end_user}
            and (not subject.tag or subject.tag in line.tags)
            and names_model
        )

    units = {
        "cost": lambda line: line.cost_nano_usd,
        "input_tokens": lambda line: line.input_tokens,
        "output_tokens": lambda line: line.output_tokens,
        "tokens": lambda line: line.input_tokens + line.output_tokens,
    }
    return sum(units[unit](line) for line in lines if counts(line))


@pytest.mark.parametrize("seed", range(2))
def test_it_is_the_sum_of_the_records_for_every_subject_unit_and_window(seed, history):
    choose, now_at = random.Random(seed), dt.datetime.now(dt.UTC)
    ages_s = [0, 1, 59, 61, 3599, 3601, 86_399, 86_401, 10 * 86_400, 40 * 86_400]
    lines = [_line(choose, now_at - dt.timedelta(seconds=choose.choice(ages_s) + choose.random() * 7200)) for _ in range(400)]
    store_records(lines)
    begins = [
        now_at.replace(second=0, microsecond=0),
        now_at.replace(minute=0, second=0, microsecond=0),
        now_at.replace(hour=0, minute=0, second=0, microsecond=0),
        now_at.replace(day=1, hour=0, minute=0, second=0, microsecond=0),
        *(now_at - dt.timedelta(seconds=age_s, milliseconds=choose.randrange(1000)) for age_s in ages_s),
        min(timestamp(uuid.UUID(line.request_id)) for line in lines),
    ]

    for subject in SUBJECTS:
        for since_at in begins:
            unit = choose.choice(["cost", "tokens", "input_tokens", "output_tokens"])
            found = _spent(history, subject, since_at, unit=unit)
            assert found == _sum(lines, subject, since_at, unit), (subject, since_at, unit)


def test_a_window_that_is_older_than_rollups_by_the_minute_is_exact_without_them(history):
    since_at = dt.datetime.now(dt.UTC).replace(microsecond=0) - dt.timedelta(days=8, minutes=17)
    before = ended(request_id=_id_at(since_at - dt.timedelta(minutes=1)))
    lines = [ended(request_id=_id_at(since_at + dt.timedelta(minutes=minutes)), cost_nano_usd=10**minutes) for minutes in range(6)]
    store_records([before, *lines])
    UsageRollup.objects.filter(period="minute").delete()

    assert _spent(history, since_at=since_at) == 111_111


def test_a_month_costs_one_query_that_reads_rollups(history):
    store_records([ended()])

    with counted_queries() as queries:
        _spent(history, Subject(WORKSPACES[0]), dt.datetime.now(dt.UTC) - dt.timedelta(days=30))

    reading = [query for query in queries if "proxy_usage" in query]
    assert len(reading) == 1
    assert reading[0].count("proxy_usagerollup") == 2  # hours and days; minutes are no longer kept for that long


def test_a_rule_of_a_workspace_counts_that_workspace_also_where_its_counter_is_the_installations(history):
    store_records([ended(workspace_id=WORKSPACES[0], cost_nano_usd=1), ended(workspace_id=WORKSPACES[1], cost_nano_usd=10)])

    assert _spent(history, workspace_id=WORKSPACES[1], scope="global") == 10


def test_addresses_are_not_in_the_books(history):
    store_records([ended()])

    assert _spent(history, Subject(client_ip="192.0.2.1"), scope="ip") == 0


def test_units_that_are_no_use_are_refused(history):
    with pytest.raises(ValueError, match="requests"):
        _spent(history, unit="requests")


# --- what is on its way -----------------------------------------------------------------------------------------------------------


def test_what_ended_counts_before_it_is_stored_and_once_after(history, tmp_path):
    writer = _writer(tmp_path)
    for _ in range(3):
        line = started(reserved_nano_usd=100)
        writer.started(line)
        writer.ended(ended(line, cost_nano_usd=7))
    before = _spent(history)

    Shipper(tmp_path, store_records).ship()

    assert (before, _spent(history)) == (21, 21)
    writer.stop()


def test_what_runs_counts_with_what_is_held_back_for_it(history, tmp_path):
    writer = _writer(tmp_path)
    line = started(reserved_nano_usd=100, reserved_tokens=50, reserved_input_tokens=20)
    writer.started(line)

    units = ("cost", "tokens", "input_tokens", "output_tokens")
    running = [_spent(history, unit=unit) for unit in units]
    writer.ended(ended(line, cost_nano_usd=7, input_tokens=5, output_tokens=3))

    assert running == [100, 50, 20, 30]
    assert [_spent(history, unit=unit) for unit in units] == [7, 8, 5, 3]
    writer.stop()


def test_what_a_dead_worker_held_back_counts_no_more_and_neither_when_it_is_stored(history, tmp_path):
    writer = _writer(tmp_path)
    writer.started(started(reserved_nano_usd=100))
    writer.stop()
    before = _spent(history)

    Shipper(tmp_path, store_records).ship()

    assert (before, _spent(history)) == (0, 0)


def test_only_the_subjects_own_waiting_requests_count(history, tmp_path):
    writer = _writer(tmp_path)
    choose, now_at = random.Random(5), dt.datetime.now(dt.UTC)
    lines = [_line(choose, now_at - dt.timedelta(seconds=choose.randrange(100))) for _ in range(200)]
    for line in lines:
        writer.ended(line)
    since_at = now_at - dt.timedelta(seconds=50)

    assert [_spent(history, subject, since_at) for subject in SUBJECTS] == [_sum(lines, subject, since_at, "cost") for subject in SUBJECTS]
    writer.stop()


def test_the_sum_never_moves_while_everything_is_written_shipped_rotated_and_asked_at_once(history, tmp_path):
    """Each request costs what was reserved for it, so that the right answer does not depend on how far it came."""
    writer, shipper = _writer(tmp_path, max_bytes=3000), Shipper(tmp_path, store_records)
    choose, total, running = random.Random(1), 0, []
    for _ in range(60):
        for _ in range(choose.randrange(5)):
            line = started(reserved_nano_usd=choose.randrange(1000))
            writer.started(line)
            running.append(line)
            total += line.reserved_nano_usd
        for line in choose.sample(running, choose.randrange(len(running) + 1)):
            running.remove(line)
            writer.ended(ended(line, cost_nano_usd=line.reserved_nano_usd))
        if choose.random() < 0.3:
            shipper.ship()
        assert _spent(history) == total

    writer.stop()


def test_what_is_stored_is_not_kept_in_memory(history, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_PRUNE_EVERY_S", 0.0)
    writer = _writer(tmp_path)
    for _ in range(5):
        writer.ended(ended(cost_nano_usd=1))
    Shipper(tmp_path, store_records).ship()
    writer.ended(ended(cost_nano_usd=1))

    assert _spent(history) == 6
    assert history._tail.waiting_count == 1
    writer.stop()


# --- when the books do not open ---------------------------------------------------------------------------------------------------


def test_a_database_that_is_away_is_no_sum(history, monkeypatch):
    def fail(*_):
        raise OperationalError("away")

    monkeypatch.setattr(module, "_read_books", fail)

    with pytest.raises(StoreUnavailable):
        _spent(history)


def test_a_sum_that_takes_too_long_is_given_up(history, monkeypatch):
    monkeypatch.setattr(module, "_STATEMENT_TIMEOUT_MS", 100)
    store_records([ended()])
    began_at = time.monotonic()
    with connection.cursor() as blocker, pytest.raises(StoreUnavailable):
        blocker.execute("BEGIN; LOCK TABLE proxy_usagerecord")
        try:
            _spent(history)
        finally:
            blocker.execute("ROLLBACK")

    assert time.monotonic() - began_at < 20


def test_a_spool_that_no_memory_holds_is_no_sum_until_it_is_shipped(history, tmp_path, monkeypatch):
    monkeypatch.setattr("proxy.adapters.spool_tail._KEPT_MAX_COUNT", 3)
    monkeypatch.setattr("proxy.adapters.spool_reader.BATCH_BYTES", 500)
    writer = _writer(tmp_path)
    for _ in range(6):
        writer.ended(ended(cost_nano_usd=1))
    with pytest.raises(StoreUnavailable):
        _spent(history)

    Shipper(tmp_path, store_records).ship()
    sums = []
    for _ in range(5):  # each look reads on as far as there is room
        try:
            sums.append(_spent(history))
        except StoreUnavailable:
            continue

    assert sums
    assert set(sums) == {6}
    writer.stop()
