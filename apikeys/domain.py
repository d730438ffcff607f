"""
The only writers of workspaces, limits, API keys and the feed of their changes.

Rules: one transaction each. What concerns keys takes its number in the change feed *before* it touches a row, so that two writers
always meet at the feed's counter first and cannot lock each other out. Workspaces and limits are configuration: they are published.
A secret leaves here once, wrapped, and is stored only as its digest.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import ProtectedError, Q
from django.utils import timezone

from apikeys.choices import LimitScope
from apikeys.errors import ApiKeyError
from apikeys.hotpath import create_key_text, digest_key
from apikeys.models import ApiKey, ApiKeySecret, KeyChange, KeyChangeCounter, Limit, Workspace, default_permissions
from apikeys.signals import key_changed
from apikeys.validators import STAR_RULE, check_permissions, check_subject, check_window
from common.publishing import publishing
from common.secret import Secret

_KEY_FIELDS = ("name", "allowed_models", "allowed_networks", "permissions", "is_keepalive_enabled", "expires_at")


@dataclass(frozen=True, slots=True)
class CreatedKey:
    """A key and the one chance to see its secret."""

    api_key: ApiKey
    secret: Secret


# --- workspaces -----------------------------------------------------------------------------------------------------------------


def create_workspace(slug: str, name: str) -> Workspace:
    """Errors: ValidationError, also for a slug that is taken."""
    return save_workspace(Workspace(slug=slug, name=name))


def save_workspace(workspace: Workspace) -> Workspace:
    """
    Store a new or changed workspace.

    Errors: ValidationError.
    Guarantee: once committed, every worker forgets what it remembered of the workspace's keys, so a deactivation reaches them all.
    """
    with publishing(f"Save workspace {workspace.slug}"), _changing(f"workspace:{workspace.pk}"):
        workspace.full_clean()
        workspace.save()
    return workspace


def delete_workspace(workspace: Workspace) -> None:
    """
    Delete a workspace that never had a key, with its limits and items.

    Errors: ApiKeyError while it has keys, revoked ones included: usage records name them.
    """
    with publishing(f"Delete workspace {workspace.slug}"):
        try:
            workspace.delete()
        except ProtectedError as error:
            raise ApiKeyError(f"Workspace {workspace.slug} has API keys, and their usage is kept. Deactivate it instead.") from error


# --- limits ---------------------------------------------------------------------------------------------------------------------


def save_limit(limit: Limit) -> Limit:
    """Store a new or changed limit. Errors: ValidationError for a value or a combination that cannot bind."""
    with publishing(f"Save limit {limit.name}"):
        check_limit(limit)
        limit.save()
    return limit


def check_limit(limit: Limit) -> None:
    """
    Errors: ValidationError, at the field, unless the limit's values make sense together: unit and window, scope and whom it binds.

    Cost: at most three queries.
    """
    limit.full_clean()
    check_window(limit.unit, limit.window_s, limit.calendar, limit.burst)
    check_subject(limit.scope, limit.tag, has_workspace=limit.workspace_id is not None)
    if "*" in limit.model[:-1]:
        raise ValidationError({"model": STAR_RULE})
    if limit.scope != LimitScope.KEY and limit.api_keys.exists():
        raise ValidationError({"scope": "API keys name this limit, so its scope stays API key. Take it off them first."})


def delete_limit(limit: Limit) -> None:
    """Delete a limit; keys that named it lose it with the next revision."""
    with publishing(f"Delete limit {limit.name}"):
        limit.delete()


# --- keys -----------------------------------------------------------------------------------------------------------------------


def create_key(
    workspace: Workspace,
    name: str,
    *,
    allowed_models: Sequence[str] = (),
    allowed_networks: Sequence[str] = (),
    permissions: Sequence[str] | None = None,
    limits: Iterable[Limit] = (),
    expires_at: dt.datetime | None = None,
) -> CreatedKey:
    """
    Store a new key and return it with its secret, which nobody can ever read again; without `permissions` it has the usual ones.

    Errors: ValidationError, also for a name that the workspace already has; ApiKeyError for a limit that is not of scope key.
    """
    api_key = ApiKey(
        workspace=workspace,
        name=name,
        allowed_models=list(allowed_models),
        allowed_networks=list(allowed_networks),
        permissions=default_permissions() if permissions is None else list(permissions),
        expires_at=expires_at,
    )
    return add_key(api_key, limits=limits)


def add_key(api_key: ApiKey, *, limits: Iterable[Limit] = ()) -> CreatedKey:
    """Store a key that was built but never saved; otherwise `create_key`."""
    chosen = _check_key_limits(limits)
    with _changing(f"key:{api_key.pk}"):
        check_key(api_key)
        api_key.save(force_insert=True)
        api_key.limits.set(chosen)
        return CreatedKey(api_key, _create_secret(api_key))


def save_key(api_key: ApiKey, *, limits: Iterable[Limit] | None = None) -> ApiKey:
    """
    Store a changed name, allow-lists, end or limits (None leaves the limits alone).

    Errors: ValidationError; ApiKeyError for another workspace than it was made in, or a limit that is not of scope key.
    Guarantee: a copy read before a revocation does not undo it.
    """
    chosen = None if limits is None else _check_key_limits(limits)
    with _changing(f"key:{api_key.pk}"):
        stored = _lock_key(api_key)
        if stored.workspace_id != api_key.workspace_id:
            raise ApiKeyError("A key stays in its workspace: its usage is counted there. Create another key.")
        check_key(api_key)
        api_key.save(update_fields=_KEY_FIELDS)
        if chosen is not None:
            api_key.limits.set(chosen)
    return api_key


def rotate_key(api_key: ApiKey, *, overlap: dt.timedelta) -> CreatedKey:
    """
    Give the key a new secret, usable at once; the earlier ones stay usable for `overlap` and never longer than they already would.

    Errors: ApiKeyError for a revoked or expired key and a negative overlap.
    """
    if overlap < dt.timedelta(0):
        raise ApiKeyError("The overlap cannot be negative.")
    with _changing(f"key:{api_key.pk}"):
        stored = _lock_key(api_key)
        now = timezone.now()
        if stored.revoked_at:
            raise ApiKeyError("The key is revoked for good. Create another one.")
        if stored.expires_at and stored.expires_at <= now:
            raise ApiKeyError("The key has expired, so a new secret would not work. Change its end first.")
        ends_at = now + overlap
        earlier = stored.secrets.filter(Q(expires_at=None) | Q(expires_at__gt=ends_at), revoked_at=None)
        earlier.update(expires_at=ends_at)
        return CreatedKey(stored, _create_secret(stored))


def revoke_key(api_key: ApiKey) -> None:
    """End the key and all its secrets for good. A second call changes nothing."""
    with _changing(f"key:{api_key.pk}"):
        stored = _lock_key(api_key)
        api_key.revoked_at = stored.revoked_at or timezone.now()
        ApiKey.objects.filter(pk=api_key.pk).update(revoked_at=api_key.revoked_at)
        stored.secrets.filter(revoked_at=None).update(revoked_at=api_key.revoked_at)


def check_key(api_key: ApiKey) -> None:
    """Errors: ValidationError. Cost: at most three queries."""
    api_key.permissions = list(dict.fromkeys(api_key.permissions))
    api_key.full_clean()
    check_permissions(api_key.permissions)
    if any("*" in name[:-1] for name in api_key.allowed_models):
        raise ValidationError({"allowed_models": STAR_RULE})


def _check_key_limits(limits: Iterable[Limit]) -> list[Limit]:
    chosen = list(limits)
    wrong = [limit.name for limit in chosen if limit.scope != LimitScope.KEY]
    if wrong:
        raise ApiKeyError(f"A key can only name limits of scope API key; these are not: {', '.join(wrong)}.")
    return chosen


def _lock_key(api_key: ApiKey) -> ApiKey:
    return ApiKey.objects.select_for_update(of=("self",)).select_related("workspace").get(pk=api_key.pk)


def _create_secret(api_key: ApiKey) -> Secret:
    key, public_id = create_key_text()
    digest = digest_key(settings.GATEWAY_KEY_PEPPER.encode(), key.encode())
    ApiKeySecret.objects.create(api_key=api_key, public_id=public_id, digest=digest)
    return Secret(key)


# --- the change feed ------------------------------------------------------------------------------------------------------------


@contextmanager
def _changing(subject: str) -> Iterator[None]:
    """
    Run one write about keys in a transaction, with its entry in the change feed and the signal after the commit.

    Cost: three queries.
    """
    with transaction.atomic():
        number = _next_change_number()
        KeyChange.objects.create(number=number, subject=subject)
        transaction.on_commit(partial(key_changed.send_robust, sender=KeyChange, subject=subject, number=number))
        yield


@contextmanager
def holding_keys() -> Iterator[None]:
    """
    Let nobody else change a key until the block ends, which is one transaction: what was checked in it still holds when it writes.

    Cost: one query.
    """
    with transaction.atomic():
        _lock_counter()
        yield


def _lock_counter() -> KeyChangeCounter:
    """Return the counter, locked until the transaction ends; the first call ever makes its row."""
    counter = KeyChangeCounter.objects.select_for_update().first()
    if counter is None:
        KeyChangeCounter.objects.bulk_create([KeyChangeCounter()], ignore_conflicts=True)
        counter = KeyChangeCounter.objects.select_for_update().get()
    return counter


def _next_change_number() -> int:
    counter = _lock_counter()
    counter.value += 1
    counter.save(update_fields=["value"])
    return counter.value
