"""What is read and shown of a key over REST."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Prefetch, QuerySet
from rest_framework import serializers

from apikeys.choices import Permission
from apikeys.models import ApiKey, ApiKeySecret
from common.rest.orders import Order, PageQuery
from common.rest.queries import StrictSerializer

_OVERLAP_MAX_S = 30 * 86_400


NEWEST_FIRST = Order("-id", "id")


class KeyQuery(PageQuery):
    order = NEWEST_FIRST
    workspace = serializers.SlugField(required=False, help_text="Of people only: whose keys. A key sees those of its own workspace.")
    name = serializers.CharField(required=False, max_length=200)
    status = serializers.ChoiceField(choices=("active", "expired", "revoked"), required=False)


class KeyChanges(StrictSerializer):
    """What of a key can be changed."""

    name = serializers.CharField(max_length=200, required=False)
    allowed_models = serializers.ListField(
        child=serializers.CharField(max_length=200),
        help_text="`*` at the end matches any ending. Empty: all.",
        required=False,
        max_length=200,
    )
    allowed_networks = serializers.ListField(
        child=serializers.CharField(max_length=43), help_text="Such as 10.0.0.0/8. Empty: any.", required=False, max_length=200
    )
    permissions = serializers.ListField(
        child=serializers.ChoiceField(choices=Permission.choices), required=False, max_length=len(Permission.choices)
    )
    limits = serializers.ListField(
        child=serializers.SlugField(max_length=63),
        help_text="Names of limits of scope key; the caller's own are always added.",
        required=False,
        max_length=200,
    )
    expires_at = serializers.DateTimeField(required=False, allow_null=True)
    is_keepalive_enabled = serializers.BooleanField(required=False)


class NewKey(KeyChanges):
    name = serializers.CharField(max_length=200)
    workspace = serializers.SlugField(required=False, help_text="Of people only, who have to name one: its slug.")


class Rotation(StrictSerializer):
    overlap_s = serializers.IntegerField(
        min_value=0, max_value=_OVERLAP_MAX_S, default=0, help_text="How long the earlier secrets stay usable."
    )


class NoFields(StrictSerializer):
    """An empty object."""


class SecretOut(serializers.Serializer[Any]):
    hint = serializers.CharField(help_text="The readable part.")
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)


class KeyOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    object = serializers.CharField(help_text="`api_key`")
    workspace = serializers.CharField()
    name = serializers.CharField()
    status = serializers.ChoiceField(choices=("active", "revoked", "expired", "workspace inactive"))
    allowed_models = serializers.ListField(child=serializers.CharField())
    allowed_networks = serializers.ListField(child=serializers.CharField())
    permissions = serializers.ListField(child=serializers.CharField())
    limits = serializers.ListField(child=serializers.CharField())
    is_keepalive_enabled = serializers.BooleanField()
    expires_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    secrets = SecretOut(many=True, help_text="Those that are usable now.")


class KeyWithSecretOut(KeyOut):
    api_key = serializers.CharField(help_text="The secret. It is shown this once.")


class KeyPageOut(serializers.Serializer[Any]):
    object = serializers.CharField(help_text="`list`")
    data = KeyOut(many=True)  # type: ignore[assignment]  # a field, which DRF takes out of the class
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


def with_parts(keys: QuerySet[ApiKey]) -> QuerySet[ApiKey]:
    """Read with each key what is shown of it. Cost: two queries more, whatever the number of keys."""
    usable = ApiKeySecret.objects.usable().order_by("-created_at", "-id")
    return keys.select_related("workspace").prefetch_related("limits", Prefetch("secrets", usable, to_attr="usable_secrets"))


def describe_keys(keys: Iterable[ApiKey]) -> list[dict[str, Any]]:
    return [describe_key(key, key.usable_secrets) for key in keys]  # type: ignore[attr-defined]  # of with_parts


def describe_key(key: ApiKey, secrets: Sequence[ApiKeySecret]) -> dict[str, Any]:
    shown = [] if key.revoked_at else secrets
    return {
        "id": key.pk,
        "object": "api_key",
        "workspace": key.workspace.slug,
        "name": key.name,
        "status": key.find_status(),
        "allowed_models": key.allowed_models,
        "allowed_networks": key.allowed_networks,
        "permissions": key.permissions,
        "limits": sorted(limit.name for limit in key.limits.all()),
        "is_keepalive_enabled": key.is_keepalive_enabled,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "created_at": key.created_at,
        "secrets": [{"hint": str(secret), "created_at": secret.created_at, "expires_at": secret.expires_at} for secret in shown],
    }
