"""Named reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from items.choices import Status

if TYPE_CHECKING:
    from apikeys.models import Workspace
    from items.models import Item  # noqa: F401  # the string below names it


class ItemQuerySet(models.QuerySet["Item"]):
    def visible_to(self, workspace: Workspace) -> ItemQuerySet:
        """Items of one tenant: what another workspace owns is never in here."""
        return self.filter(workspace=workspace)

    def open(self) -> ItemQuerySet:
        return self.exclude(status__in=[Status.DONE, Status.ARCHIVED])
