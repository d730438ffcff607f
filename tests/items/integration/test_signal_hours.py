"""Signals by the hour: whatever comes late and whenever the rollup runs, the numbers are those of the rows."""

from __future__ import annotations

import datetime as dt
import itertools
import random
import threading
import uuid

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from apikeys.public import Workspace, create_workspace
from items import signal_hours, signal_store
from items.signal_hourly import GROUPS, HoursQuestion, sum_hours
from items.signal_hours import roll_up, roll_up_anew, roll_up_late
from items.signal_storage import ROLLUPS, is_timescale_available, storage_of
from items.tasks import make_signal_days
from tests.items.signal_help import a_signal, store

_HOUR = dt.timedelta(hours=1)
_NOON = timezone.now().replace(minute=0, second=0, microsecond=0)
_CHANNELS = ("momentum", "news")
_MISMATCHES = """
WITH said AS (
    SELECT bucket, symbol, channel_id, action, signal_count, avg_confidence FROM signals_hourly WHERE workspace_id = %(workspace_id)s
), meant AS (
    SELECT date_trunc('hour', ts, 'UTC') AS bucket, symbol, channel_id, action, count(*) AS signal_count,
        (sum(confidence::numeric) / NULLIF(count(confidence), 0))::double precision AS avg_confidence
    FROM items_signal WHERE workspace_id = %(workspace_id)s GROUP BY 1, 2, 3, 4
), said_by_channel AS (
    SELECT bucket, channel, action, signal_count FROM signals_hourly_by_channel WHERE workspace_id = %(workspace_id)s
), meant_by_channel AS (
    SELECT date_trunc('hour', ts, 'UTC') AS bucket, name, action, count(*) AS signal_count
    FROM items_signal JOIN items_channel ON items_channel.id = channel_id
    WHERE items_signal.workspace_id = %(workspace_id)s GROUP BY 1, 2, 3
)
SELECT (SELECT count(*) FROM ((TABLE said EXCEPT ALL TABLE meant) UNION ALL (TABLE meant EXCEPT ALL TABLE said)) differ)
    + (SELECT count(*) FROM (
        (TABLE said_by_channel EXCEPT ALL TABLE meant_by_channel) UNION ALL (TABLE meant_by_channel EXCEPT ALL TABLE said_by_channel)
    ) differ)
"""


@pytest.fixture
def acme(db) -> Workspace:
    return _make_workspace()


def _make_workspace() -> Workspace:
    workspace = create_workspace(f"w-{uuid.uuid4().hex[:8]}", "Acme")
    for name in _CHANNELS:
        signal_store.create_channel(workspace.pk, name)
    return workspace


def _count_mismatches(workspace: Workspace) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_MISMATCHES, {"workspace_id": workspace.pk})
        return cursor.fetchone()[0]


def _count_notes(workspace: Workspace) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM items_latesignalhour WHERE workspace_id = %s", [workspace.pk])
        return cursor.fetchone()[0]


def _random_signal(chance: random.Random, span: dt.timedelta = dt.timedelta(days=3)) -> dict[str, object]:
    return a_signal(
        channel=chance.choice(_CHANNELS),
        symbol=chance.choice(("BTC", "ETH")),
        action=chance.choice(("buy", "sell")),
        confidence=chance.choice((None, 0.1, 0.2, 0.7, chance.random())),
        timestamp=(timezone.now() - span * chance.random()).isoformat(),
    )


def _raw_hours(workspace: Workspace, question: HoursQuestion) -> dict[tuple[object, ...], int]:
    columns = ["channel_id" if name == "channel" else name for name in question.group_by]
    shown = ", ".join(["date_trunc('hour', ts, 'UTC')", *columns])
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {shown}, count(*) FROM items_signal WHERE workspace_id = %s AND ts >= %s AND ts < %s "  # noqa: S608  # our own names
            f"{'AND symbol = ANY(%s)' if question.symbols else ''} GROUP BY {', '.join(str(n) for n in range(1, len(columns) + 2))}",
            [workspace.pk, question.since, question.until, *([list(question.symbols)] if question.symbols else [])],
        )
        return {tuple(row[:-1]): row[-1] for row in cursor.fetchall()}


def _summed(question: HoursQuestion) -> dict[tuple[object, ...], int]:
    report = sum_hours(question)
    assert not report.has_more
    return {tuple(row.values())[:-2]: row["signal_count"] for row in report.rows}


def _break_off(now: dt.datetime) -> None:
    """Do what a rollup does first and nothing after it, as one whose process was killed."""
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(signal_hours, "_advance", lambda using: (_ for _ in ()).throw(KeyboardInterrupt))
        roll_up(now)


def _break_off_late() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signal_hours, "_redo_late", lambda using: 0)
        roll_up_late()


@pytest.mark.parametrize("seed", range(5))
def test_the_numbers_are_those_of_the_rows_whatever_comes_late(acme, seed):
    chance = random.Random(seed)
    moves = [
        lambda: store(acme, *(_random_signal(chance) for _ in range(chance.randrange(1, 12)))),
        lambda: roll_up(timezone.now() - chance.random() * dt.timedelta(hours=40)),
        roll_up_late,
        lambda: _break_off(timezone.now() - chance.random() * dt.timedelta(hours=40)),
        _break_off_late,
        make_signal_days,
    ]

    for _ in range(30):
        chance.choices(moves, (6, 2, 2, 1, 1, 1))[0]()
        assert _count_mismatches(acme) == 0
        question = HoursQuestion(
            acme.pk,
            _NOON - chance.randrange(1, 80) * _HOUR,
            _NOON + _HOUR,
            group_by=tuple(name for name in GROUPS if chance.random() < 0.5),
            symbols=chance.choice(((), ("BTC",), ("BTC", "ETH"))),
            limit=10_000,
        )
        assert _summed(question) == _raw_hours(acme, question)

    roll_up()
    assert (_count_mismatches(acme), _count_notes(acme)) == (0, 0)


def test_an_hour_that_was_rolled_up_is_read_from_the_rollup(acme):
    store(acme, *(a_signal(timestamp=(_NOON - 5 * _HOUR).isoformat()) for _ in range(3)))
    roll_up()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE items_signalhour SET signal_count = 77 WHERE workspace_id = %s", [acme.pk])

    report = sum_hours(HoursQuestion(acme.pk, _NOON - 9 * _HOUR, _NOON))

    assert [row["signal_count"] for row in report.rows] == [77]


def test_a_rollup_of_rows_that_were_changed_by_hand_is_made_anew(acme):
    store(acme, *(a_signal(timestamp=(_NOON - number * _HOUR).isoformat()) for number in range(60)))
    roll_up()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM items_signal WHERE workspace_id = %s AND ts < %s", [acme.pk, _NOON - 30 * _HOUR])
    changed = _count_mismatches(acme)

    roll_up_anew()

    assert (changed > 0, _count_mismatches(acme)) == (True, 0)


def test_several_late_rows_of_an_hour_leave_one_note(acme):
    roll_up()
    for _ in range(3):
        store(acme, *(a_signal(timestamp=(_NOON - 9 * _HOUR).isoformat()) for _ in range(4)))

    assert _count_notes(acme) == 1
    assert roll_up_late() == 1
    assert (_count_notes(acme), _count_mismatches(acme)) == (0, 0)


def test_rows_of_the_running_hour_are_not_late(acme):
    roll_up()
    store(acme, a_signal())

    assert (_count_notes(acme), _count_mismatches(acme)) == (0, 0)


@pytest.mark.parametrize("limit", [1, 3, 10])
def test_a_long_answer_has_the_newest_hours(acme, limit):
    hours = (0, 1, 7, 8, 30, 50, 51)
    store(acme, *(a_signal(symbol=symbol, timestamp=(_NOON - hour * _HOUR).isoformat()) for hour in hours for symbol in ("A", "B")))
    expected = [(_NOON - hour * _HOUR, symbol) for hour in hours for symbol in ("A", "B")]

    report = sum_hours(HoursQuestion(acme.pk, _NOON - 80 * _HOUR, _NOON + _HOUR, group_by=("symbol",), limit=limit))

    assert [(row["bucket"], row["symbol"]) for row in report.rows] == expected[:limit]
    assert report.has_more


@pytest.mark.django_db(transaction=True)
def test_the_numbers_hold_at_every_moment_while_rows_come_and_hours_are_rolled_up(request):
    workspace = _make_workspace()
    request.addfinalizer(_forget_everything)
    stopping, failures, looks = threading.Event(), [], itertools.count()

    def run(work):
        try:
            while not stopping.is_set():
                work()
        except Exception as error:
            failures.append(repr(error))
        finally:
            connections.close_all()

    def write(chance):
        with transaction.atomic():  # open for a while, as one of a slow client
            store(workspace, *(_random_signal(chance) for _ in range(20)))
            stopping.wait(chance.random() * 0.02)

    def look():
        if found := _count_mismatches(workspace):
            failures.append(f"{found} numbers differ")
        next(looks)

    chance = random.Random(1)
    works = [
        lambda: write(chance),
        lambda: write(random),
        lambda: roll_up(timezone.now() - dt.timedelta(hours=random.random() * 60)),
        roll_up_late,
        look,
    ]
    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    stopping.wait(4)
    stopping.set()
    for thread in threads:
        thread.join(30)

    assert failures == []
    assert next(looks) > 3
    roll_up()
    assert (_count_mismatches(workspace), _count_notes(workspace)) == (0, 0)


def _forget_everything() -> None:
    with connection.cursor() as cursor:
        for table in (*ROLLUPS, "items_latesignalhour"):
            cursor.execute(f"TRUNCATE {table}")


@pytest.mark.django_db
def test_this_database_keeps_signals_as_the_extension_allows():
    """Runs with the suite on either kind of server; on one without the extension what is special to it is counted as skipped."""
    with connection.cursor() as cursor:
        is_available, storage = is_timescale_available(cursor), storage_of(cursor)
    if not is_available:
        assert storage == "native"
        pytest.skip("this PostgreSQL has no timescaledb: the suite ran for native partitions only")
    assert storage == "timescaledb"
