"""
Which database Django asks where no `using` says it.

Rules: inside a `reading` scope the lists and reports of its workspace go to the scope's database, and nothing else does. Rows that
shards hold are never looked for in the primary database: who forgets to say which workspace they are of is told so.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Model

from common.databases import PRIMARY, WORKSPACE, database_of, has_shards, is_console_page, is_read_only, is_sharded, scope_database


class WorkspaceUnknown(RuntimeError):
    """A query for rows of shards that does not say whose. It is a bug of ours: the caller must pass `using=database_of(workspace_id)`."""


class WorkspaceRouter:
    """Django's `DATABASE_ROUTERS`."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str:
        """Errors: WorkspaceUnknown."""
        if not _is_sharded(model):
            return PRIMARY
        return scope_database() or _database_of_hint(hints) or _refuse(model)

    def db_for_write(self, model: type[Model], **hints: Any) -> str:
        """Errors: WorkspaceUnknown, for a query; to hand an object an account says nothing of where it will be stored."""
        if not _is_sharded(model):
            return PRIMARY
        return _database_of_hint(hints) or (PRIMARY if "instance" in hints or is_console_page() else _refuse(model))

    def allow_relation(self, first: Model, second: Model, **hints: Any) -> bool:
        return True  # no constraint leads out of a shard; names come by a second query

    def allow_migrate(self, alias: str, app_label: str, **hints: Any) -> bool:
        """Shards have all tables, most of them empty: a migration is the same everywhere. A replica has what its primary has."""
        return not is_read_only(alias)


def _database_of_hint(hints: dict[str, Any]) -> str | None:
    """Return where what Django hints at has its rows: of a workspace, or of something that names one."""
    if not has_shards():
        return PRIMARY
    instance = hints.get("instance")
    if instance is None:
        return None
    workspace_id = instance.pk if instance._meta.label_lower == WORKSPACE else getattr(instance, "workspace_id", None)  # noqa: SLF001  # public
    return None if workspace_id is None else database_of(workspace_id)


def _refuse(model: type[Model]) -> str:
    raise WorkspaceUnknown(f"Say whose rows of {model.__name__} are meant: using=database_of(workspace_id).")


def _is_sharded(model: type[Model]) -> bool:
    return is_sharded(model._meta.app_label, model._meta.model_name)  # noqa: SLF001  # Django's public name
