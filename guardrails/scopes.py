"""
Whom a policy's scope names: from the words of its document to the ids of workspaces and keys.

Rules: reads rows of the app that keeps keys by its models' names only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import models

from guardrails.errors import PolicyError
from guardrails.policy_document import Scope


@dataclass(frozen=True, slots=True)
class ResolvedScope:
    """Ids in ascending order, each once; none where the scope names none."""

    workspace_ids: tuple[UUID, ...]
    key_ids: tuple[UUID, ...]


def resolve_scope(scope: Scope) -> ResolvedScope:
    """
    Return the ids of the workspaces (named by slug or id) and keys (`workspace/name`, a name that only one key has, or an id).

    Errors: PolicyError for each name that nobody has, or more than one. Cost: a query for each kind that the scope names.
    """
    problems: list[str] = []
    workspaces = _resolve(scope.workspaces, _workspaces_by_name, "workspace", problems)
    keys = _resolve(scope.keys, _keys_by_name, "API key", problems)
    problems += [f"{each!r}: a * may stand only at the end." for each in (*scope.models, *scope.routes) if "*" in each[:-1]]
    problems += [f"Route {each!r} is no path: it starts with a /." for each in scope.routes if not each.startswith("/")]
    if problems:
        raise PolicyError(*problems)
    return ResolvedScope(workspaces, keys)


def _resolve(names: tuple[str, ...], known: Any, noun: str, problems: list[str]) -> tuple[UUID, ...]:
    if not names:
        return ()
    by_name: dict[str, set[UUID]] = known()
    found: set[UUID] = set()
    for name in names:
        ids = by_name.get(name, set())
        if not ids:
            problems.append(f"There is no {noun} {name!r}.")
        elif len(ids) > 1:
            problems.append(f"More than one {noun} is named {name!r}: write workspace/name.")
        found |= ids
    return tuple(sorted(found))


def _workspaces_by_name() -> dict[str, set[UUID]]:
    rows = apps.get_model("apikeys", "Workspace")._default_manager.values_list("pk", "slug")  # noqa: SLF001  # Django's public name
    return {name: {pk} for pk, slug in rows for name in (slug, str(pk))}


def _keys_by_name() -> dict[str, set[UUID]]:
    """A revoked key stays known, so that what names it can be published again, unless another one has its name now."""
    rows = apps.get_model("apikeys", "ApiKey")._default_manager.order_by(models.F("revoked_at").asc(nulls_first=True))  # noqa: SLF001  # as above
    found: dict[str, set[UUID]] = {}
    for pk, slug, name, revoked_at in rows.values_list("pk", "workspace__slug", "name", "revoked_at"):
        for called in (str(pk), f"{slug}/{name}", name):
            if revoked_at is None or called not in found:
                found.setdefault(called, set()).add(pk)
    return found
