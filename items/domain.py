"""
The only writers of items.

Rules: one transaction each; an item never leaves its workspace.
"""

from __future__ import annotations

from django.db import transaction

from items.errors import ItemError
from items.models import Item


def save_item(item: Item) -> Item:
    """Store a new or changed item. Errors: ValidationError; ItemError for another workspace than it was made in."""
    with transaction.atomic():
        stored = Item.objects.select_for_update().filter(pk=item.pk).values_list("workspace_id", flat=True).first()
        if stored is not None and stored != item.workspace_id:
            raise ItemError("An item stays in its workspace. Create another one there.")
        item.full_clean()
        item.save()
    return item


def delete_item(item: Item) -> None:
    with transaction.atomic():
        item.delete()
