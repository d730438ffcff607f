"""
Keys over REST. Whoever manages them with a key stays within that key's own rights (`rights.py`).

Rules: checks and the write are one transaction in which no other key changes; writes go through `domain.py` alone.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apikeys import domain
from apikeys.models import ApiKey, Limit
from apikeys.rest.authority import Authority, authority_of, get_key, get_limits
from apikeys.rest.serializers import (
    NEWEST_FIRST,
    KeyChanges,
    KeyOut,
    KeyPageOut,
    KeyQuery,
    KeyWithSecretOut,
    NewKey,
    NoFields,
    Rotation,
    describe_keys,
    with_parts,
)
from common.rest.callers import admit
from common.rest.orders import read_page
from common.rest.queries import read_body, read_query
from common.rest.views import ApiView, list_of

_VIEW, _ADD, _CHANGE = "apikeys.view_apikey", "apikeys.add_apikey", "apikeys.change_apikey"


class KeyList(ApiView):
    @extend_schema(operation_id="list_keys", parameters=[KeyQuery], responses=KeyPageOut)
    def get(self, request: Request) -> Response:
        """List the workspace's keys, the newest first. Permission: `keys`."""
        authority = authority_of(request, console=_VIEW)
        query = read_query(KeyQuery, request)
        keys = _filter(authority.visible_keys(), query)
        page = read_page(request, with_parts(keys), NEWEST_FIRST, query)
        return list_of(describe_keys(page.rows), next=page.next, previous=page.previous)

    @extend_schema(operation_id="create_key", request=NewKey, responses={201: KeyWithSecretOut})
    def post(self, request: Request) -> Response:
        """Make a key that may do no more than the caller; its secret is in this answer and never again. Permission: `keys`."""
        admit(request, permission="keys", console=_ADD)  # whoever may not learns nothing of what a body may hold
        body = read_body(NewKey, request)
        with domain.holding_keys():
            authority = authority_of(request, console=_ADD)
            key = ApiKey(
                workspace=authority.find_workspace(body.get("workspace")),
                name=body["name"],
                allowed_models=body.get("allowed_models", []),
                allowed_networks=body.get("allowed_networks", []),
                permissions=list(dict.fromkeys(body.get("permissions", authority.usual_permissions()))),
                is_keepalive_enabled=body.get("is_keepalive_enabled", True),
                expires_at=body.get("expires_at"),
            )
            limits = _with_own(authority, get_limits(body.get("limits", [])))
            domain.check_key(key)
            authority.check(key, limits)
            created = domain.add_key(key, limits=limits)
            authority.note(key, "Created over REST.", is_new=True)
        return Response(_describe(key) | {"api_key": created.secret.reveal()}, status=201)


class KeyDetail(ApiView):
    @extend_schema(operation_id="get_key", responses=KeyOut)
    def get(self, request: Request, key_id: uuid.UUID) -> Response:
        """Return one key. Permission: `keys`."""
        authority = authority_of(request, console=_VIEW)
        return Response(_describe(get_key(authority.visible_keys(), key_id)))

    @extend_schema(operation_id="update_key", request=KeyChanges, responses=KeyOut)
    def patch(self, request: Request, key_id: uuid.UUID) -> Response:
        """Change some of a key, which may do no more than the caller, neither before nor after. Permission: `keys`."""
        admit(request, permission="keys", console=_CHANGE)
        body = read_body(KeyChanges, request, is_partial=True)
        with domain.holding_keys():
            authority = authority_of(request, console=_CHANGE)
            key = _get_within(authority, key_id)
            limits = get_limits(body["limits"]) if "limits" in body else list(key.limits.all())
            limits = _with_own(authority, limits)
            for name in body.keys() - {"limits"}:
                setattr(key, name, body[name])
            domain.check_key(key)
            authority.check(key, limits)
            domain.save_key(key, limits=limits)
            authority.note(key, f"Changed over REST: {', '.join(sorted(body)) or 'nothing'}.")
        return Response(_describe(key))


class KeyRotation(ApiView):
    @extend_schema(operation_id="rotate_key", request=Rotation, responses=KeyWithSecretOut)
    def post(self, request: Request, key_id: uuid.UUID) -> Response:
        """Give a key a new secret; the earlier ones stay usable for `overlap_s`. Permission: `keys`."""
        admit(request, permission="keys", console=_CHANGE)
        overlap = dt.timedelta(seconds=read_body(Rotation, request)["overlap_s"])
        with domain.holding_keys():
            authority = authority_of(request, console=_CHANGE)
            key = _get_within(authority, key_id)
            created = domain.rotate_key(key, overlap=overlap)
            authority.note(key, "Rotated the secret over REST.")
        return Response(_describe(key) | {"api_key": created.secret.reveal()})


class KeyRevocation(ApiView):
    @extend_schema(operation_id="revoke_key", request=NoFields, responses=KeyOut)
    def post(self, request: Request, key_id: uuid.UUID) -> Response:
        """End a key and all its secrets for good; the caller's own, too. A second call changes nothing. Permission: `keys`."""
        admit(request, permission="keys", console=_CHANGE)
        read_body(NoFields, request)
        with domain.holding_keys():
            authority = authority_of(request, console=_CHANGE)
            key = _get_within(authority, key_id)
            domain.revoke_key(key)
            authority.note(key, "Revoked over REST.")
        return Response(_describe(key))


def _get_within(authority: Authority, key_id: uuid.UUID) -> ApiKey:
    """Return a key that may do no more than the caller. Errors: NotFound, BeyondRights."""
    key = get_key(authority.visible_keys(), key_id)
    authority.check(key, key.limits.all())
    return key


def _with_own(authority: Authority, limits: list[Limit]) -> list[Limit]:
    return list({limit.pk: limit for limit in (*limits, *authority.own_limits())}.values())


def _describe(key: ApiKey) -> dict[str, Any]:
    return describe_keys(with_parts(ApiKey.objects.filter(pk=key.pk)))[0]


def _filter(keys: QuerySet[ApiKey], query: dict[str, Any]) -> QuerySet[ApiKey]:
    if "workspace" in query:
        keys = keys.filter(workspace__slug=query["workspace"])
    if "name" in query:
        keys = keys.filter(name=query["name"])
    match query.get("status"):
        case "active":
            return keys.filter(pk__in=ApiKey.objects.active())
        case "expired":
            return keys.filter(revoked_at=None, expires_at__lte=timezone.now())
        case "revoked":
            return keys.filter(revoked_at__isnull=False)
    return keys
