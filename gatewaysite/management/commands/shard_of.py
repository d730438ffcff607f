"""`manage.py shard_of`: in which shard a workspace's items, signals and usage lie, or would lie with another number of shards."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apikeys.public import Workspace
from common.databases import data_databases, has_shards, place_of


class Command(BaseCommand):
    help = "Print the shard of each workspace, as `slug id shard`, tab separated."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slugs", nargs="*", help="workspaces (default: all)")
        parser.add_argument("--count", type=int, default=0, help="for so many shards (default: those of DATABASE_SHARD_URLS)")

    def handle(self, *args: Any, slugs: list[str], count: int, **options: Any) -> None:
        count = count or (len(data_databases()) if has_shards() else 0)
        if count < 1:
            raise CommandError("There are no shards. Say with --count how many there would be.")
        workspaces = Workspace.objects.order_by("slug").values_list("slug", "pk")
        for slug, identity in workspaces.filter(slug__in=slugs) if slugs else workspaces:
            self.stdout.write(f"{slug}\t{identity}\t{place_of(identity, count) + 1}")
