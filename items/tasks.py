"""
What signals need from time to time, whoever leads the maintenance: days made and dropped, hours rolled up.

Rules: each may be repeated and cut off anywhere; each works on every database that holds signals.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.db import connections
from django.utils import timezone

from common.databases import data_databases
from common.partitions import drop_partitions, ensure_partitions
from items.models import LatestSignal
from items.signal_hours import drop_hours, roll_up, roll_up_late
from items.signal_storage import storage_of

SIGNAL_TABLES: Final = ("items_signal",)
_KEYS_AT_ONCE_COUNT: Final = 20_000
_DELETE_KEYS: Final = """
DELETE FROM items_signalkey WHERE (channel_id, external_id) IN (
    SELECT channel_id, external_id FROM items_signalkey WHERE ts < %s ORDER BY ts LIMIT %s
)
"""


def make_signal_days() -> int:
    """Make the days of signals ahead, and those that rows wait for; return how many. TimescaleDB makes its own."""
    return sum(ensure_partitions(SIGNAL_TABLES, using=alias) for alias in data_databases() if has_days(alias))


def drop_signal_days() -> None:
    """
    Drop the signals whose time is over, what they were summed up to and what kept them from being stored twice.

    Cost: the keys go in transactions of 20,000.
    """
    retention_days: int = settings.GATEWAY_SIGNAL_RETENTION_DAYS
    before = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0) - dt.timedelta(days=retention_days)
    for alias in data_databases():
        if has_days(alias):
            drop_partitions(SIGNAL_TABLES, retention_days, using=alias)
        drop_hours(before, using=alias)
        LatestSignal.objects.using(alias).filter(ts__lt=before).delete()
        while _delete_keys(before, alias) == _KEYS_AT_ONCE_COUNT:
            pass


def _delete_keys(before: dt.datetime, alias: str) -> int:
    with connections[alias].cursor() as cursor:
        cursor.execute(_DELETE_KEYS, [before, _KEYS_AT_ONCE_COUNT])
        return int(cursor.rowcount)


def roll_up_signals() -> int:
    return sum(roll_up(using=alias) for alias in data_databases())


def roll_up_late_signals() -> int:
    return sum(roll_up_late(using=alias) for alias in data_databases())


def has_days(alias: str) -> bool:
    with connections[alias].cursor() as cursor:
        return storage_of(cursor) == "native"


JOBS: Final[tuple[tuple[str, float, Callable[[], object]], ...]] = (
    ("signal_days", 3600, make_signal_days),
    ("signal_retention", 3600, drop_signal_days),
    ("signal_hours", 3600, roll_up_signals),
    ("late_signal_hours", 60, roll_up_late_signals),
)
"""Name, how often in seconds, and what."""
