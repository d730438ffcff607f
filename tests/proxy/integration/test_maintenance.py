"""Background work: one leader by its row, usage shipped on every host, and nothing that fails keeps the rest from running."""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connections
from django.utils import timezone

from proxy import tasks
from proxy.adapters.spool import SpoolWriter
from proxy.adapters.usage_store import store_records
from proxy.models import MaintenanceLease, UsageRecord, UsageRollup
from proxy.tasks import LEASE_S, Job, Maintenance, periodic_jobs, prune_minute_rollups, take_lease
from tests.proxy.integration.worker_help import wait_for
from tests.proxy.spool_help import ended, spool_files, started

ONE, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)


# --- the lease --------------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_first_who_asks_leads_and_keeps_leading():
    assert take_lease(ONE)
    assert not take_lease(OTHER)
    assert take_lease(ONE)
    assert MaintenanceLease.objects.get().holder == ONE


@pytest.mark.django_db
def test_a_lease_that_ended_can_be_taken_by_another():
    assert take_lease(ONE)
    MaintenanceLease.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))

    assert take_lease(OTHER)
    assert not take_lease(ONE)


@pytest.mark.django_db
def test_keeping_the_lease_makes_it_longer():
    take_lease(ONE)
    MaintenanceLease.objects.update(expires_at=timezone.now() + dt.timedelta(seconds=1))

    take_lease(ONE)

    assert MaintenanceLease.objects.get().expires_at > timezone.now() + dt.timedelta(seconds=LEASE_S - 5)


@pytest.mark.django_db
def test_leases_of_other_names_are_apart():
    assert take_lease(ONE, "one")
    assert take_lease(OTHER, "other")


@pytest.mark.django_db(transaction=True)
def test_many_who_ask_at_once_end_in_one_leader():
    barrier, leaders = threading.Barrier(8), []

    def ask():
        holder = uuid.uuid4()
        try:
            barrier.wait()
            if take_lease(holder):
                leaders.append(holder)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [MaintenanceLease.objects.get().holder] == leaders


# --- the loop ---------------------------------------------------------------------------------------------------------------------


@contextmanager
def running_maintenance(folder, *jobs: Job):
    stopping = threading.Event()
    thread = threading.Thread(target=Maintenance(folder, jobs, stopping).run)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(30)
        assert not thread.is_alive()


def _write(folder, requests_count) -> SpoolWriter:
    writer = SpoolWriter(folder, 1 << 20)
    writer.start()
    _add(writer, requests_count)
    return writer


def _add(writer: SpoolWriter, requests_count: int) -> None:
    for _ in range(requests_count):
        line = started()
        writer.started(line)
        writer.ended(ended(line))


@pytest.mark.django_db(transaction=True)
def test_it_ships_what_comes_and_what_is_left_when_it_stops(tmp_path):
    writer = _write(tmp_path, 3)
    with running_maintenance(tmp_path):
        wait_for(lambda: UsageRecord.objects.count() == 3)
        _add(writer, 2)
        wait_for(lambda: UsageRecord.objects.count() == 5)
        _add(writer, 4)
    writer.stop()

    assert UsageRecord.objects.count() == 9


@pytest.mark.django_db(transaction=True)
def test_an_outage_is_waited_out_and_nothing_is_lost(tmp_path, monkeypatch):
    failures = iter([OperationalError("away")] * 3)

    def fails_at_first(lines):
        if (error := next(failures, None)) is not None:
            raise error
        store_records(lines)

    monkeypatch.setattr(tasks, "store_records", fails_at_first)
    monkeypatch.setattr(tasks, "_FAILURE_WAIT_MAX_S", 0.05)
    writer = _write(tmp_path, 3)

    with running_maintenance(tmp_path):
        wait_for(lambda: UsageRecord.objects.count() == 3)
    writer.stop()


@pytest.mark.django_db(transaction=True)
def test_jobs_run_when_they_are_due_and_only_on_the_leader(tmp_path):
    runs = []
    with running_maintenance(
        tmp_path, Job("often", 0.0, lambda: runs.append("often")), Job("rarely", 3600.0, lambda: runs.append("rarely"))
    ):
        wait_for(lambda: runs.count("often") >= 3)
        others = []
        with running_maintenance(tmp_path / "another host", Job("job", 0.0, lambda: others.append("job"))):
            wait_for(lambda: runs.count("often") >= 6)

    assert runs.count("rarely") == 1
    assert others == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", [ValueError("a bug"), OperationalError("this table only")])
def test_a_job_that_fails_keeps_neither_the_others_nor_shipping_from_running(tmp_path, error, monkeypatch):
    monkeypatch.setattr(tasks, "_JOB_RETRY_S", 0.0)
    runs = []

    def fail():
        runs.append("failing")
        raise error

    writer = _write(tmp_path, 1)
    with running_maintenance(tmp_path, Job("failing", 3600.0, fail), Job("other", 0.0, lambda: runs.append("other"))):
        wait_for(lambda: runs.count("other") >= 2)
        wait_for(lambda: runs.count("failing") >= 2)  # sooner than its hour
        wait_for(lambda: UsageRecord.objects.count() == 1)
    writer.stop()


@pytest.mark.django_db(transaction=True)
def test_it_stops_at_once_while_it_waits_out_an_outage(tmp_path, monkeypatch):
    def fail(*arguments):
        raise OperationalError("away")

    monkeypatch.setattr(tasks, "store_records", fail)
    monkeypatch.setattr(tasks, "take_lease", fail)
    writer = _write(tmp_path, 1)
    with running_maintenance(tmp_path):
        pass  # leaving the block checks that its thread ends
    writer.stop()

    assert len(spool_files(tmp_path)) == 1


# --- the jobs ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_every_periodic_job_runs_and_runs_again():
    jobs = periodic_jobs(usage_retention_days=90)

    assert len({job.name for job in jobs}) == len(jobs)
    for _ in range(2):
        for job in jobs:
            job.run()


@pytest.mark.django_db
def test_old_rollups_by_the_minute_go_and_all_others_stay():
    store_records([ended()])
    old = timezone.now() - dt.timedelta(days=8)
    for row in list(UsageRollup.objects.all()):
        row.pk, row.starts_at = None, old
        row.save()

    assert prune_minute_rollups() == 1
    assert sorted(UsageRollup.objects.filter(starts_at=old).values_list("period", flat=True)) == ["day", "hour"]
    assert UsageRollup.objects.filter(period="minute").count() == 1
