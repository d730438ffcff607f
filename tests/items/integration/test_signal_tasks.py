"""What is done about signals from time to time."""

from __future__ import annotations

import datetime as dt
import threading
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.db import connection, connections
from django.utils import timezone

from apikeys.public import Workspace, create_workspace
from gatewaysite.management.commands import maintenance
from items import signal_store
from items.models import LatestSignal, Signal, SignalKey
from items.tasks import JOBS, drop_signal_days, make_signal_days
from proxy.tasks import periodic_jobs
from tests.items.signal_help import a_signal, ago, store

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Workspace:
    return _make_workspace()


def _make_workspace() -> Workspace:
    workspace = create_workspace("acme", "Acme")
    signal_store.create_channel(workspace.pk, "momentum")
    return workspace


def _tables() -> dict[str, str]:
    """Return in which table each signal lies, by its external id."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT external_id, tableoid::regclass::text FROM items_signal")
        return dict(cursor.fetchall())


def test_days_are_made_ahead_and_where_rows_wait(acme):
    store(acme, a_signal(external_id="now"), a_signal(external_id="old", timestamp=ago(days=50)))

    made = make_signal_days()

    today = timezone.now()
    assert made == 10
    assert _tables() == {
        "now": f"items_signal_{today:%Y%m%d}",
        "old": f"items_signal_{today - dt.timedelta(days=50):%Y%m%d}",
    }
    assert make_signal_days() == 0


def test_a_made_day_has_the_indexes_of_its_table(acme):
    make_signal_days()

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_inherits JOIN pg_index ON indexrelid = inhparent "
            "WHERE indrelid = 'items_signal'::regclass AND inhrelid::regclass::text LIKE %s",
            [f"items_signal_{timezone.now():%Y%m%d}%"],
        )
        attached = cursor.fetchone()[0]
        cursor.execute("SELECT count(*) FROM pg_index WHERE indrelid = 'items_signal'::regclass")
        assert attached == cursor.fetchone()[0]


def test_what_is_past_its_time_goes_with_all_that_belongs_to_it(acme, settings):
    store(acme, a_signal(external_id="old", symbol="OLD", timestamp=ago(days=20)), a_signal(external_id="new", timestamp=ago(days=9)))
    make_signal_days()
    for _, _, run in JOBS:
        run()
    settings.GATEWAY_SIGNAL_RETENTION_DAYS = 10

    drop_signal_days()

    assert list(_tables()) == ["new"]
    assert list(SignalKey.objects.values_list("external_id", flat=True)) == ["new"]
    assert list(LatestSignal.objects.values_list("symbol", flat=True)) == ["BTC-USD"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(signal_count) FROM signals_hourly WHERE workspace_id = %s", [acme.pk])
        assert cursor.fetchone()[0] == 1


def test_every_job_runs_with_those_of_usage_under_a_name_of_its_own(acme):
    names = [name for name, _, _ in JOBS] + [job.name for job in periodic_jobs(90)]

    for _, every_s, run in JOBS:
        assert every_s >= 60
        run()

    assert len(set(names)) == len(names)


def test_the_maintenance_runs_them(monkeypatch):
    composed = []
    monkeypatch.setattr(maintenance, "Maintenance", lambda spool, jobs, stopping: SimpleNamespace(run=lambda: composed.extend(jobs)))
    monkeypatch.setattr(maintenance.os, "nice", lambda increment: None)
    monkeypatch.setattr(maintenance.signal, "signal", lambda number, handler: None)

    call_command("maintenance")

    assert {name for name, _, _ in JOBS} < {job.name for job in composed}


def test_the_command_lists_makes_and_drops_days(acme, settings, capsys):
    store(acme, a_signal(timestamp=ago(days=20)))
    call_command("partitions", "--ensure")
    call_command("partitions")
    listed = [line.split("\t") for line in capsys.readouterr().out.splitlines()[1:]]
    settings.GATEWAY_SIGNAL_RETENTION_DAYS = 10
    call_command("partitions", "--drop-expired")

    today = timezone.now().date()
    assert {row[1] for row in listed} == {"proxy_usagerecord", "proxy_ledgerentry", "items_signal"}
    assert ["default", "items_signal", str(today), "0"] in [row[:4] for row in listed]
    assert ["default", "items_signal", "default", "0"] in [row[:4] for row in listed]
    assert not Signal.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_days_are_made_while_rows_arrive_and_none_is_lost():
    workspace = _make_workspace()
    stopping, failures, stored = threading.Event(), [], []

    def write():
        try:
            while not stopping.is_set():
                stored.append(store(workspace, *(a_signal(timestamp=ago(days=days)) for days in (0, 1, 30))).accepted_count)
        except Exception as error:
            failures.append(repr(error))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    make_signal_days()
    stopping.wait(0.3)
    make_signal_days()
    stopping.set()
    for thread in threads:
        thread.join(30)
    make_signal_days()
    tables = set(_tables().values())
    count = Signal.objects.count()
    with connection.cursor() as cursor:  # the next test of this process makes its days itself
        for table in {table for table in tables if table != "items_signal_default"}:
            cursor.execute(f"DROP TABLE {table}")

    assert failures == []
    assert count == sum(stored) > 0
    assert "items_signal_default" not in tables


@pytest.mark.django_db(transaction=True)
def test_what_several_send_at_once_is_stored_once():
    workspace = _make_workspace()
    signals = [a_signal(symbol=f"S{number % 7}") for number in range(200)]
    failures, accepted = [], []

    def send(number):
        try:
            mixed = signals[number * 20 :] + signals[: number * 20]  # each begins elsewhere: who takes keys unsorted waits for ever
            accepted.extend(store(workspace, *mixed).accepted_count for _ in range(2))
        except Exception as error:
            failures.append(repr(error))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=send, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert failures == []
    assert sum(accepted) == len(signals) == Signal.objects.count() == SignalKey.objects.count()
    assert set(Signal.objects.values_list("id", flat=True)) == set(SignalKey.objects.values_list("signal_id", flat=True))
    assert LatestSignal.objects.count() == 7
