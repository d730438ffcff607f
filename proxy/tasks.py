"""
Background work of an installation: shipping usage on every host, and periodic jobs on the one that leads.

Rules: one thread, one loop, nothing here answers requests. Every job may be repeated and may be cut off anywhere.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections, transaction
from django.utils import timezone
from psycopg_pool import PoolTimeout

from apikeys.tasks import prune_key_changes
from common.databases import data_databases
from proxy.adapters.counter_release import CounterRelease
from proxy.adapters.partitions import drop_partitions, ensure_partitions
from proxy.adapters.shipper import Shipper
from proxy.adapters.usage_store import store_records
from proxy.ledger_check import report_mismatches
from proxy.models import MaintenanceLease, UsageRollup

log = structlog.get_logger(__name__)

SHIP_INTERVAL_S = 1.0
LEASE_S = 30.0
_MINUTE_ROLLUPS_DAYS = 7
_FAILURE_WAIT_MAX_S = 5.0
_JOB_RETRY_S = 60.0
DATABASE_ERRORS = (DatabaseError, InterfaceError, PoolTimeout)


@dataclass(frozen=True, slots=True)
class Job:
    """Something the leader does every `every_s` seconds."""

    name: str
    every_s: float
    run: Callable[[], object]


def take_lease(holder: uuid.UUID, name: str = "maintenance") -> bool:
    """Take or keep the leadership for `LEASE_S`; return whether it is ours. Guarantee: one holder at a time, by the database's rows."""
    now = timezone.now()
    expires_at = now + dt.timedelta(seconds=LEASE_S)
    with transaction.atomic():
        MaintenanceLease.objects.get_or_create(name=name, defaults={"holder": holder, "expires_at": expires_at})
        lease = MaintenanceLease.objects.select_for_update().get(name=name)
        if lease.holder != holder and lease.expires_at > now:
            return False
        lease.holder, lease.expires_at = holder, expires_at
        lease.save(update_fields=["holder", "expires_at"])
    return True


def prune_minute_rollups(keep_days: int = _MINUTE_ROLLUPS_DAYS) -> int:
    """Delete rollups by the minute that are older than any chart by the minute; those by the hour and day stay."""
    before = timezone.now() - dt.timedelta(days=keep_days)
    stale = UsageRollup.objects.filter(period="minute", starts_at__lt=before)
    return sum(stale.using(alias).delete()[0] for alias in data_databases())


def periodic_jobs(usage_retention_days: int) -> tuple[Job, ...]:
    return (
        Job("partitions", 3600, ensure_partitions),
        Job("retention", 3600, lambda: drop_partitions(usage_retention_days)),
        Job("minute_rollups", 3600, prune_minute_rollups),
        Job("key_changes", 3600, prune_key_changes),
        Job("ledger_check", 86_400, report_mismatches),
    )


class Maintenance:
    """The loop of one maintenance process; `stopping` ends it after the step it is in."""

    def __init__(self, spool_folder: Path, jobs: tuple[Job, ...], stopping: threading.Event) -> None:
        self._shipper = Shipper(spool_folder, store_records, CounterRelease(settings.REDIS_URL))
        self._jobs = jobs
        self._stopping = stopping
        self._holder = uuid.uuid4()
        self._due_at = dict.fromkeys((job.name for job in jobs), 0.0)
        self._ask_lease_at = 0.0
        self._is_leader = False
        self._failures_count = 0

    def run(self) -> None:
        """Work until `stopping` is set, then ship what is left."""
        while not self._stopping.is_set():
            shipped = self._step(self._shipper.ship)
            self._step(self._lead)
            connections.close_all()
            if self._failures_count:
                self._stopping.wait(min(0.25 * 2**self._failures_count, _FAILURE_WAIT_MAX_S))
            elif not shipped:
                self._stopping.wait(SHIP_INTERVAL_S)
        self._step(self._shipper.ship)
        connections.close_all()

    def _step(self, step: Callable[[], object]) -> object:
        """Run one step; an outage of the database is waited out, anything else is logged and tried again."""
        try:
            result = step()
        except DATABASE_ERRORS as error:
            if not self._failures_count:
                log.error("maintenance_waits", reason=type(error).__name__)
            self._failures_count = min(self._failures_count + 1, 8)
            return None
        except Exception:
            log.exception("maintenance_failed")
            self._failures_count = min(self._failures_count + 1, 8)
            return None
        if self._failures_count:
            log.info("maintenance_resumes")
        self._failures_count = 0
        return result

    def _lead(self) -> None:
        now = time.monotonic()
        if now >= self._ask_lease_at:
            self._is_leader = take_lease(self._holder)
            self._ask_lease_at = now + LEASE_S / 3
        if not self._is_leader:
            return
        for job in self._jobs:
            if self._due_at[job.name] <= now:
                self._due_at[job.name] = now + self._run_job(job)

    @staticmethod
    def _run_job(job: Job) -> float:
        """Run a job and return in how many seconds it is due again: sooner after a failure, which must not keep the others from running."""
        try:
            job.run()
        except Exception:
            log.exception("job_failed", job=job.name)
            return min(_JOB_RETRY_S, job.every_s)
        return job.every_s
