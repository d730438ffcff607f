"""`manage.py partitions`: the days of the tables that are partitioned by them, listed, made or dropped by hand."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import connections

from common.databases import data_databases
from common.partitions import list_partitions
from gatewaysite.env import read
from items.tasks import SIGNAL_TABLES, drop_signal_days, has_days, make_signal_days
from proxy.adapters.partitions import TABLES, drop_partitions, ensure_partitions


class Command(BaseCommand):
    help = "List the days of usage, ledger and signals. `manage.py maintenance` makes and drops them by itself, every hour."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--ensure", action="store_true", help="make the days ahead, and those that rows wait for")
        parser.add_argument("--drop-expired", action="store_true", help="drop the days whose retention is over, with all that is in them")

    def handle(self, *args: Any, ensure: bool, drop_expired: bool, **options: Any) -> None:
        if ensure:
            self.stdout.write(f"{ensure_partitions() + make_signal_days()} made")
        if drop_expired:
            days = drop_partitions(read("GATEWAY_USAGE_RETENTION_DAYS"))
            drop_signal_days()
            self.stdout.write(f"{len(days)} days of usage dropped, signals kept for {settings.GATEWAY_SIGNAL_RETENTION_DAYS} days")
        if not ensure and not drop_expired:
            self._list()

    def _list(self) -> None:
        for alias in data_databases():
            connections[alias].ensure_connection()
            tables = (*TABLES, *SIGNAL_TABLES) if has_days(alias) else TABLES
            for partition in list_partitions(tables, alias):
                day = partition.day or "default"
                self.stdout.write(f"{alias}\t{partition.table}\t{day}\t{partition.rows_count}\t{partition.size_bytes}")
