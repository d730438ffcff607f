"""`manage.py signal_storage`: how signals are kept, and how to keep them in another way."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections, transaction

from common.databases import data_databases
from items.signal_hours import roll_up_anew
from items.signal_storage import is_timescale_available, move, storage_of


class Command(BaseCommand):
    help = (
        "Print how each database keeps signals. --to copies them into TimescaleDB's tables or back into ours: stop whatever sends signals "
        "first, they wait meanwhile. --roll-up-anew adds up all hours again, after rows were changed by hand."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to", choices=("timescaledb", "native"))
        parser.add_argument("--roll-up-anew", action="store_true")

    def handle(self, *args: Any, to: str | None, roll_up_anew: bool, **options: Any) -> None:
        for alias in data_databases():
            if to is not None:
                self._move(alias, to)
            if roll_up_anew:
                self._roll_up(alias)
            if to is None and not roll_up_anew:
                with connections[alias].cursor() as cursor:
                    self.stdout.write(f"{alias}\t{storage_of(cursor)}")

    def _move(self, alias: str, to: Any) -> None:
        with connections[alias].cursor() as cursor:
            if storage_of(cursor) == to:
                self.stdout.write(f"{alias}\t{to} already")
                return
            if to == "timescaledb" and not is_timescale_available(cursor):
                raise CommandError("This PostgreSQL has no extension timescaledb. Install it there first.")
        with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
            move(cursor, to, settings.GATEWAY_SIGNAL_RETENTION_DAYS)
        self._roll_up(alias)
        self.stdout.write(f"{alias}\t{to}")

    def _roll_up(self, alias: str) -> None:
        self.stdout.write(f"{alias}\t{roll_up_anew(using=alias)} spans rolled up")
        with connections[alias].cursor() as cursor:
            cursor.execute("ANALYZE items_signalhour, items_signalchannelhour")
