"""
What a workspace's people work on beside inference.

Rules: `domain.py` is the only writer; an item never leaves its workspace.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from common.models import IdentifiedModel
from items.choices import Priority, Status
from items.querysets import ItemQuerySet


class Item(IdentifiedModel):
    """One piece of work."""

    workspace = models.ForeignKey("apikeys.Workspace", on_delete=models.CASCADE, related_name="items")
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    category = models.CharField(max_length=64, blank=True)
    priority = models.CharField(max_length=16, choices=Priority.choices, default=Priority.MEDIUM)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.NEW)
    tags = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    assignee = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="assigned_items")
    due_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ItemQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["workspace", "status", "-id"], name="item_workspace_status_idx"),  # the list of one status
            GinIndex(fields=["tags"], name="item_tags_idx"),  # any or all of some tags
        ]

    def __str__(self) -> str:
        return self.title
