"""
On whose authority keys are managed: a key's, bounded by its own rights, or a person's, bounded by what the console lets them do.

Rules: both see what they may see and nothing else exists for them; what is refused says which field goes too far.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

import structlog
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.db.models import QuerySet
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.request import Request

from apikeys.choices import LimitScope, Permission
from apikeys.models import ApiKey, Limit, Workspace, default_permissions
from apikeys.rest.rights import Rights, find_excess
from common.rest.callers import BeyondRights, KeyCaller, admit

if TYPE_CHECKING:
    from django.contrib.auth.models import User

log = structlog.get_logger(__name__)


class Authority(Protocol):
    """Who manages keys. Used inside `holding_keys`, so that what was checked holds when it is written."""

    def visible_keys(self) -> QuerySet[ApiKey]: ...

    def find_workspace(self, slug: str | None) -> Workspace:
        """Return the workspace of a new key. Errors: ValidationError."""

    def usual_permissions(self) -> list[str]:
        """Return what a new key may do unless it is told."""

    def own_limits(self) -> list[Limit]:
        """Return the limits that every key gets which this authority makes."""

    def check(self, key: ApiKey, limits: Iterable[Limit]) -> None:
        """Errors: BeyondRights unless the key, bound by these limits, may do no more than this authority."""

    def note(self, key: ApiKey, what: str, *, is_new: bool = False) -> None:
        """Leave a trace of what was done."""


class KeyAuthority:
    """A key with the permission `keys`. Its rights are read anew, and end when the secret it was shown with ends."""

    def __init__(self, caller: KeyCaller) -> None:
        """Errors: PermissionDenied for a key that lost its right since the request came in."""
        self._key = ApiKey.objects.select_related("workspace").get(pk=caller.key_id)
        if self._key.find_status() != "active" or Permission.KEYS not in self._key.permissions:
            raise PermissionDenied
        self._limits = list(self._key.limits.all())
        ends = [at_s for at_s in (caller.expires_at, _end_of(self._key)) if at_s is not None]
        self._rights = _rights_of(self._key, self._limits, min(ends, default=None))

    def visible_keys(self) -> QuerySet[ApiKey]:
        return ApiKey.objects.filter(workspace_id=self._key.workspace_id)

    def find_workspace(self, slug: str | None) -> Workspace:
        if slug not in {None, self._key.workspace.slug}:
            raise _no_workspace(slug)
        return self._key.workspace

    def usual_permissions(self) -> list[str]:
        return [permission for permission in default_permissions() if permission in self._key.permissions]

    def own_limits(self) -> list[Limit]:
        return self._limits

    def check(self, key: ApiKey, limits: Iterable[Limit]) -> None:
        excess = find_excess(_rights_of(key, limits, _end_of(key)), self._rights)
        if excess is not None:
            raise BeyondRights(excess.message, param=excess.field)

    def note(self, key: ApiKey, what: str, *, is_new: bool = False) -> None:
        log.info("api_key_managed", what=what, key_id=str(key.pk), by_key_id=str(self._key.pk), workspace_id=str(key.workspace_id))


class PersonAuthority:
    """Somebody signed in to the console; which of its pages they may use was checked on the way in."""

    def __init__(self, user: User) -> None:
        self._user = user

    def visible_keys(self) -> QuerySet[ApiKey]:
        return ApiKey.objects.all()

    def find_workspace(self, slug: str | None) -> Workspace:
        if slug is None:
            raise ValidationError({"workspace": ["Name the workspace of the key."]})
        workspace = Workspace.objects.filter(slug=slug).first()
        if workspace is None:
            raise _no_workspace(slug)
        return workspace

    def usual_permissions(self) -> list[str]:
        return default_permissions()

    def own_limits(self) -> list[Limit]:
        return []

    def check(self, key: ApiKey, limits: Iterable[Limit]) -> None:
        pass

    def note(self, key: ApiKey, what: str, *, is_new: bool = False) -> None:
        LogEntry.objects.log_actions(self._user.pk, [key], ADDITION if is_new else CHANGE, what, single_object=True)


def authority_of(request: Request, *, console: str) -> Authority:
    """Errors: NotAuthenticated, PermissionDenied without the permission `keys`, or Django's permission `console`."""
    caller = admit(request, permission="keys", console=console)
    return KeyAuthority(caller) if isinstance(caller, KeyCaller) else PersonAuthority(caller)


def get_key(keys: QuerySet[ApiKey], key_id: uuid.UUID) -> ApiKey:
    """Errors: NotFound, the same for a key that is none and for one of somebody else."""
    key = keys.select_related("workspace").filter(pk=key_id).first()
    if key is None:
        raise NotFound(f"There is no API key with the id {str(key_id)!r}.")
    return key


def get_limits(names: Iterable[str]) -> list[Limit]:
    """Errors: ValidationError for a name that no limit of scope key has."""
    wanted = list(dict.fromkeys(names))
    found = {limit.name: limit for limit in Limit.objects.filter(name__in=wanted, scope=LimitScope.KEY)}
    if missing := [name for name in wanted if name not in found]:
        raise ValidationError({"limits": [f"There is no limit {missing[0]!r} of scope key."]})
    return list(found.values())


def _no_workspace(slug: str | None) -> ValidationError:
    return ValidationError({"workspace": [f"There is no workspace {slug!r}."]})


def _end_of(key: ApiKey) -> float | None:
    return key.expires_at.timestamp() if key.expires_at else None


def _rights_of(key: ApiKey, limits: Iterable[Limit], expires_at: float | None) -> Rights:
    return Rights(
        models=tuple(key.allowed_models),
        networks=tuple(key.allowed_networks),
        permissions=frozenset(key.permissions),
        limit_ids=frozenset(str(limit.pk) for limit in limits),
        expires_at=expires_at,
    )
