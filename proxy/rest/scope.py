"""Whose usage a caller may read: a key its workspace's, a person every workspace's."""

from __future__ import annotations

import uuid
from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from apikeys.public import ApiKey, Workspace
from common.databases import PRIMARY, database_to_read, has_shards
from common.rest.callers import KeyCaller, admit


def read_scope(request: Request, query: dict[str, Any], *, console: str) -> dict[str, Any]:
    """
    Return the filters that keep a query to what the caller may see, and to the workspace and the key that were asked for.

    Errors: NotAuthenticated, PermissionDenied; ValidationError for a workspace or a key that does not exist for the caller, and without
    a workspace where usage lies in shards: sums over several databases would be of no one moment.
    Cost: at most two queries.
    """
    caller = admit(request, permission="usage", console=console)
    scope: dict[str, Any] = {}
    if isinstance(caller, KeyCaller):
        scope["workspace_id"] = caller.workspace_id
    if slug := query.get("workspace"):
        workspace = Workspace.objects.filter(slug=slug).first()
        if workspace is None or scope.get("workspace_id", workspace.pk) != workspace.pk:
            raise ValidationError({"workspace": [f"There is no workspace {slug!r}."]})
        scope["workspace_id"] = workspace.pk
    if has_shards() and "workspace_id" not in scope:
        raise ValidationError({"workspace": ["Usage lies in several databases here. Name the workspace."]})
    if key := query.get("key"):
        scope["key_id__in"] = _find_keys(key, scope)
    return scope


def database_of_scope(scope: dict[str, Any]) -> str:
    """Return where the rows of a scope are read."""
    workspace_id = scope.get("workspace_id")
    return PRIMARY if workspace_id is None else database_to_read(workspace_id)


def _find_keys(key: str, scope: dict[str, Any]) -> list[uuid.UUID]:
    """Return the ids of a key that was named or given by its id; several workspaces may have one of that name."""
    try:
        wanted: dict[str, Any] = {"pk": uuid.UUID(key)}
    except ValueError:
        wanted = {"name": key}
    found = list(ApiKey.objects.filter(**wanted, **scope).values_list("pk", flat=True))
    if not found:
        raise ValidationError({"key": [f"There is no API key {key[:50]!r}."]})
    return found


def name_keys(key_ids: set[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Cost: one query."""
    return dict(ApiKey.objects.filter(pk__in=key_ids).values_list("pk", "name")) if key_ids else {}
