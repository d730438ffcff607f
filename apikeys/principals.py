"""Who stands behind an API key, read from its rows: the one place that says when a key is valid. Read by both planes."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Q, Value
from django.utils import timezone

from apikeys.hotpath import Principal
from apikeys.models import ApiKey, ApiKeySecret, KeyChangeCounter


def find_principal(digest: bytes) -> Principal | None:
    """Return who a digest is, None for one that is unknown, revoked, expired, or of an inactive workspace. Cost: one query."""
    now = timezone.now()
    secret = (
        ApiKeySecret.objects.usable()
        .filter(Q(api_key__expires_at=None) | Q(api_key__expires_at__gt=now), digest=digest, api_key__revoked_at=None)
        .filter(api_key__workspace__is_active=True)
        .select_related("api_key__workspace")
        .annotate(
            limit_ids=ArrayAgg("api_key__limits", filter=Q(api_key__limits__isnull=False), default=Value([])),
            as_of=KeyChangeCounter.objects.values("value")[:1],
        )
        .first()
    )
    if secret is None:
        return None
    key = secret.api_key
    ends = [at.timestamp() for at in (secret.expires_at, key.expires_at) if at is not None]
    limit_ids, as_of = secret.limit_ids, secret.as_of  # type: ignore[attr-defined]  # annotated above
    return _principal(key, limit_ids, min(ends) if ends else None, as_of)


def find_principal_of_key(key_id: uuid.UUID) -> Principal | None:
    """
    Return who a key is, for someone of the console who may act for it; None for one that nobody could use.

    Cost: three queries.
    """
    key = ApiKey.objects.active().filter(pk=key_id).first()
    if key is None:
        return None
    counter = KeyChangeCounter.objects.first()
    limit_ids = list(key.limits.values_list("pk", flat=True))
    return _principal(key, limit_ids, key.expires_at.timestamp() if key.expires_at else None, counter.value if counter else 0)


def _principal(key: ApiKey, limit_ids: Iterable[uuid.UUID], expires_at: float | None, as_of: int | None) -> Principal:
    return Principal(
        key_id=str(key.pk),
        workspace_id=str(key.workspace_id),
        allowed_models=tuple(key.allowed_models),
        allowed_networks=tuple(key.allowed_networks),
        limit_ids=tuple(str(limit_id) for limit_id in limit_ids),
        is_keepalive_enabled=key.is_keepalive_enabled,
        expires_at=expires_at,
        as_of=as_of or 0,
        permissions=tuple(key.permissions),
    )
