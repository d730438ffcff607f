"""
Making every database of an installation ready: the primary one, and the shards, each of which remembers which one it is.

Rules: where a workspace's rows are follows from the number and the order of the shards alone, so a shard that is called in another place
would hide rows and take new ones beside them. It is refused; docs/howto/databases.md says how rows are moved.
"""

from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.db import connections, transaction
from django.db.migrations.executor import MigrationExecutor

from apikeys.public import Workspace
from common.databases import data_databases, database_of, has_shards, written_databases
from common.errors import DomainError
from items.models import Channel, Item
from items.tasks import make_signal_days
from proxy.adapters.partitions import ensure_partitions

_TABLE = "proxy_usagerecord"


class ShardMisplaced(DomainError):
    """DATABASE_SHARD_URLS names the shards in another order or number than their rows were spread by."""


def prepare_databases() -> list[str]:
    """
    Bring each database to this version, check the places of shards, and make the days ahead; return the aliases that had to change.

    Errors: ShardMisplaced, before anything is changed; those of the databases.
    Cost: two queries a database when there is nothing to do.
    """
    if has_shards():
        _check_places()
    changed = [alias for alias in written_databases() if _migrate(alias)]
    if has_shards():
        _note_places()
    ensure_partitions()
    make_signal_days()
    return changed


def delete_rows_of_workspace(instance: Workspace, **signal: Any) -> None:
    """Receive Django's `pre_delete`: what cascades within the primary database, done where the rows are."""
    if not has_shards():
        return
    alias = database_of(instance.pk)
    with transaction.atomic(using=alias):
        for model in (Item, Channel):
            model.objects.using(alias).filter(workspace_id=instance.pk).delete()


def _migrate(alias: str) -> bool:
    """Apply what is missing; to ask first is quicker than the command, which ends with work for every app even where nothing is."""
    executor = MigrationExecutor(connections[alias])
    if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return False
    call_command("migrate", database=alias, interactive=False, verbosity=0)
    return True


def _places() -> dict[str, str]:
    aliases = data_databases()
    return {alias: f"gatewaysite shard {number} of {len(aliases)}" for number, alias in enumerate(aliases, 1)}


def _check_places() -> None:
    for alias, place in _places().items():
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT obj_description(to_regclass(%s), 'pg_class')", [_TABLE])
            (found,) = cursor.fetchone()
        if found not in (None, place):
            number = alias.rpartition("_")[2]
            raise ShardMisplaced(
                f"The {number}. database of DATABASE_SHARD_URLS is {found!r}, not {place!r}. Name all shards in their order. To change "
                "their number, move rows first: docs/howto/databases.md."
            )


def _note_places() -> None:
    for alias, place in _places().items():
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT obj_description(to_regclass(%s), 'pg_class')", [_TABLE])
            if cursor.fetchone()[0] is None:
                cursor.execute(f"COMMENT ON TABLE {_TABLE} IS '{place}'")  # a constant, which takes no parameters
