"""
The days of the tables that grow with every request.

Rules: usage and ledger have the same days, so that one can be checked against the other for as long as either is kept.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from common import partitions
from common.databases import data_databases

TABLES: Final = ("proxy_usagerecord", "proxy_ledgerentry")


def ensure_partitions(today: dt.date | None = None, days_ahead: int = partitions.DAYS_AHEAD) -> int:
    """Make the days of all databases that hold usage, as `common.partitions` does; return how many partitions were made."""
    return sum(partitions.ensure_partitions(TABLES, today, days_ahead, using=alias) for alias in data_databases())


def drop_partitions(retention_days: int, today: dt.date | None = None) -> list[dt.date]:
    """Drop the days of all databases that ended more than `retention_days` ago; return them."""
    return sorted({day for alias in data_databases() for day in partitions.drop_partitions(TABLES, retention_days, today, using=alias)})
