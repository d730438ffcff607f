"""Named reads. Every one of items begins with their workspace, as their indexes do."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from django.contrib.postgres.search import SearchQuery
from django.db import models

from common.databases import database_of, database_to_read
from items.choices import PRIORITY_RANKS, Status

if TYPE_CHECKING:
    from items.models import Item  # noqa: F401  # the string below names it

CLOSED: Final = (Status.DONE, Status.ARCHIVED)
"""What is no longer worked on, and never overdue."""

_LOOKUPS: Final = {
    "category": "category__in",
    "status": "status__in",
    "assignee_ids": "assignee_id__in",
    "tags": "tags__overlap",
    "tags_all": "tags__contains",
    "created_after": "created_at__gte",
    "created_before": "created_at__lt",
    "updated_after": "updated_at__gte",
    "updated_before": "updated_at__lt",
    "due_after": "due_at__gte",
    "due_before": "due_at__lt",
}


class ItemQuerySet(models.QuerySet["Item"]):
    def of_workspace(self, workspace_id: uuid.UUID) -> ItemQuerySet:
        """Items of one tenant, from where its reads go to: what another workspace owns is never in here."""
        return self.using(database_to_read(workspace_id)).filter(workspace_id=workspace_id)

    def to_write(self, workspace_id: uuid.UUID) -> ItemQuerySet:
        """Items of one tenant, from where they are written."""
        return self.using(database_of(workspace_id)).filter(workspace_id=workspace_id)

    def open(self) -> ItemQuerySet:
        return self.exclude(status__in=CLOSED)

    def overdue(self, now: dt.datetime) -> ItemQuerySet:
        return self.open().filter(due_at__lt=now)

    def matching(self, filters: Mapping[str, Any]) -> ItemQuerySet:
        """
        Keep what fits all filters; those that are absent hold for everything.

        Shapes: `category`, `priority`, `status`, `assignee_ids`, `tags` (any of them), `tags_all` are sequences; `created_after` and
        the other times are aware, `after` includes its moment and `before` does not; `is_assigned` a truth value; `q` words to search
        for in title and description, as people write them to a search engine.
        """
        found = self.filter(**{lookup: filters[name] for name, lookup in _LOOKUPS.items() if name in filters})
        if "priority" in filters:  # by rank, or an index by rank would be walked past all others
            found = found.filter(priority_rank__in=[PRIORITY_RANKS[word] for word in filters["priority"]])
        if "is_assigned" in filters:
            found = found.filter(assignee_id__isnull=not filters["is_assigned"])
        if "q" in filters:
            found = found.filter(search=SearchQuery(filters["q"], config="english", search_type="websearch"))
        return found
