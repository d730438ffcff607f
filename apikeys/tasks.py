"""Periodic work on this app's tables."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from apikeys.models import KeyChange

KEY_CHANGES_KEPT = dt.timedelta(days=1)
"""Longer than any worker's or Redis' copy of a key lives, so that no copy outlives the change that made it stale."""


def prune_key_changes() -> int:
    """Delete the part of the change feed that no copy can be older than; return how many rows that was."""
    return KeyChange.objects.filter(changed_at__lt=timezone.now() - KEY_CHANGES_KEPT).delete()[0]
