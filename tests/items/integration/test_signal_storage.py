"""Moving signals from one way of keeping them to another: all of it that this PostgreSQL can do."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from apikeys.public import Workspace, create_workspace
from items import signal_store
from items.models import Signal
from items.signal_hourly import HoursQuestion, sum_hours
from items.signal_hours import roll_up, roll_up_anew
from items.signal_storage import is_timescale_available, move, storage_of
from items.tasks import make_signal_days
from tests.items.signal_help import a_signal, ago, store

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Workspace:
    workspace = create_workspace("acme", "Acme")
    signal_store.create_channel(workspace.pk, "momentum")
    return workspace


def _shape() -> dict[str, list[tuple[object, ...]]]:
    """Return what the tables, indexes and views of signals are, days aside."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN ('items_signal', 'items_signalhour', 'items_latesignalhour', "
            "'items_signalchannelhour', 'items_signalhorizon') ORDER BY 1"
        )
        indexes = cursor.fetchall()
        cursor.execute("SELECT viewname, definition FROM pg_views WHERE viewname LIKE 'signals_hourly%%' ORDER BY 1")
        views = cursor.fetchall()
        cursor.execute(
            "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns "
            "WHERE table_name IN ('items_signal', 'items_signalhour', 'items_latesignalhour') ORDER BY table_name, ordinal_position"
        )
        return {"indexes": indexes, "views": views, "columns": cursor.fetchall()}


def _move_to_native() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        move(cursor, "native", 90)


def test_a_move_keeps_every_row_and_makes_the_same_tables(acme):
    store(acme, *(a_signal(timestamp=ago(days=days)) for days in (0, 1, 1, 40)))
    make_signal_days()
    roll_up()
    before, rows = _shape(), list(Signal.objects.order_by("id").values())
    question = HoursQuestion(acme.pk, timezone.now() - dt.timedelta(days=80), timezone.now())
    hours = sum_hours(question).rows

    _move_to_native()

    assert _shape() == before
    assert list(Signal.objects.order_by("id").values()) == rows
    assert sum_hours(question).rows == hours
    roll_up_anew()
    assert sum_hours(question).rows == hours


def test_rows_lie_in_their_days_after_a_move_and_new_days_can_be_made(acme):
    store(acme, a_signal(timestamp=ago(days=40)), a_signal())

    _move_to_native()

    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT tableoid::regclass::text FROM items_signal ORDER BY 1")
        tables = [row[0] for row in cursor.fetchall()]
    today = timezone.now()
    assert tables == sorted(f"items_signal_{day:%Y%m%d}" for day in (today, today - dt.timedelta(days=40)))
    assert make_signal_days() > 0
    assert store(acme, a_signal()).accepted_count == 1


def test_the_command_says_how_signals_are_kept(acme, capsys):
    call_command("signal_storage")
    call_command("signal_storage", "--to", "native")
    call_command("signal_storage", "--roll-up-anew")

    with connection.cursor() as cursor:
        assert storage_of(cursor) == "native"
    said = capsys.readouterr().out.splitlines()
    assert said[:2] == ["default\tnative", "default\tnative already"]
    assert said[2].endswith("spans rolled up")


def test_the_command_refuses_what_the_server_has_not():
    with connection.cursor() as cursor:
        if is_timescale_available(cursor):
            pytest.skip("this PostgreSQL has timescaledb")

    with pytest.raises(CommandError, match="no extension timescaledb"):
        call_command("signal_storage", "--to", "timescaledb")
