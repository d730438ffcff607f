"""Columns and field types that several apps share."""

from __future__ import annotations

from django.db import models

from common.ids import create_uuid7


class IdentifiedModel(models.Model):
    """A row whose UUIDv7 exists before it is stored, so that what is derived from it (encryption, events) can be made first."""

    id = models.UUIDField(primary_key=True, default=create_uuid7, editable=False)

    class Meta:
        abstract = True
