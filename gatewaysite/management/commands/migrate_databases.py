"""`manage.py migrate_databases`: bring the primary database and all shards to this version."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from common.databases import written_databases
from gatewaysite.shards import ShardMisplaced, prepare_databases


class Command(BaseCommand):
    help = "Apply missing migrations to the primary database and to every shard, and make the days of usage. May run at any time, twice."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            changed = prepare_databases()
        except ShardMisplaced as error:
            raise CommandError(str(error)) from error
        for alias in written_databases():
            self.stdout.write(f"{alias}: {'brought to this version' if alias in changed else 'up to date'}")
