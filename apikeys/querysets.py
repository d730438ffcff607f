"""Named reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils import timezone

if TYPE_CHECKING:
    from apikeys.models import ApiKey, ApiKeySecret  # noqa: F401  # the string below names it


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def active(self) -> ApiKeyQuerySet:
        """Keys that may be used now: not revoked, not expired, in an active workspace."""
        now = timezone.now()
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None, workspace__is_active=True)


class ApiKeySecretQuerySet(models.QuerySet["ApiKeySecret"]):
    def usable(self) -> ApiKeySecretQuerySet:
        """Secrets that still open their key: not revoked, not past the end of a rotation's overlap."""
        now = timezone.now()
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None)
