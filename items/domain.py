"""
The only writers of items.

Rules: one transaction each; an item never leaves its workspace; every change raises its version, and whoever says which version they saw
writes over no other. The last thing of a transaction is to say that answers about items are out of date.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from common.databases import data_databases, database_of
from common.rest.freshness import note_change
from items.errors import ItemChanged, ItemError, ItemMissing
from items.models import Item

RESOURCE: Final = "items"
"""What answers about items are called where they are kept."""

CHANGEABLE: Final = frozenset(
    {"title", "description", "category", "priority", "status", "tags", "assignee_id", "due_at"},
)
_UNCHECKED: Final = frozenset({"workspace", "assignee"})
"""Not asked for in the database: callers found them there."""

_WRITTEN: Final = (*sorted(CHANGEABLE - {"assignee_id"}), "assignee", "version", "updated_at")

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one item. `seen`: versions that may be written over; None: any."""

    item_id: uuid.UUID
    fields: Fields
    seen: frozenset[int] | None = None


class ChangesRefused(ItemError):
    """Nothing was changed: some items are not there, or have another version. By place in the list of changes."""

    def __init__(self, missing: Sequence[int], changed: Sequence[int]) -> None:
        super().__init__("Some of the items are not there or were changed meanwhile.")
        self.missing = missing
        self.changed = changed


@contextmanager
def _writing(workspace_id: uuid.UUID) -> Iterator[None]:
    with transaction.atomic(using=database_of(workspace_id)):
        yield
        note_change(workspace_id, RESOURCE)


def create_items(workspace_id: uuid.UUID, rows: Sequence[Fields]) -> list[Item]:
    """Store new items, all or none. Errors: ValidationError. Cost: one query."""
    items = [_check(Item(workspace_id=workspace_id, **_only_changeable(fields))) for fields in rows]
    with _writing(workspace_id):
        return Item.objects.using(database_of(workspace_id)).bulk_create(items)


def change_item(workspace_id: uuid.UUID, change: Change) -> Item:
    """
    Change an item that nobody else changes meanwhile.

    Errors: ItemMissing; ItemChanged for a version that was not seen; ValidationError. Cost: two queries.
    """
    with _writing(workspace_id):
        item = _get_locked(workspace_id, change.item_id, change.seen)
        _apply(item, change.fields)
        item.save(update_fields=_WRITTEN, using=database_of(workspace_id))
    return item


def change_items(workspace_id: uuid.UUID, changes: Sequence[Change]) -> list[Item]:
    """
    Change several items, each named once, all or none; return them in the order of the changes.

    Errors: ChangesRefused; ValidationError. Cost: two queries.
    """
    with _writing(workspace_id):
        wanted = [change.item_id for change in changes]
        locked = Item.objects.to_write(workspace_id).filter(pk__in=wanted).order_by("pk").select_for_update()
        found = {item.pk: item for item in locked}  # locked in the order of their ids: two callers never wait for each other
        missing = [place for place, change in enumerate(changes) if change.item_id not in found]
        changed = [place for place, change in enumerate(changes) if _is_changed(found.get(change.item_id), change.seen)]
        if missing or changed:
            raise ChangesRefused(missing, changed)
        for change in changes:
            _apply(found[change.item_id], change.fields)
        _store(workspace_id, list(found.values()))
    return [found[item_id] for item_id in wanted]


def _store(workspace_id: uuid.UUID, items: list[Item]) -> None:
    """Update many rows with one statement: they exist and are locked, so none is inserted."""
    made_at = {item.pk: item.created_at for item in items}
    rows = Item.objects.using(database_of(workspace_id))
    rows.bulk_create(items, update_conflicts=True, unique_fields=["id"], update_fields=_WRITTEN)
    for item in items:
        item.created_at = made_at[item.pk]  # which Django takes for new and sets, on the object alone


def delete_item(workspace_id: uuid.UUID, item_id: uuid.UUID, seen: frozenset[int] | None = None) -> None:
    """Errors: ItemMissing; ItemChanged. Cost: two queries."""
    with _writing(workspace_id):
        _get_locked(workspace_id, item_id, seen)
        Item.objects.to_write(workspace_id).filter(pk=item_id).delete()


def save_item(item: Item, *, seen: frozenset[int] | None = None) -> Item:
    """
    Store a new or changed item as a whole.

    Errors: ValidationError; ItemChanged; ItemError for another workspace than it was made in.
    """
    with _writing(item.workspace_id):
        rows = Item.objects.using(database_of(item.workspace_id))
        stored = rows.select_for_update().filter(pk=item.pk).only("workspace_id", "version").first()
        if stored is not None and stored.workspace_id != item.workspace_id:
            raise ItemError("An item stays in its workspace. Create another one there.")
        if _is_changed(stored, seen):
            raise ItemChanged
        item.full_clean(validate_unique=False)  # its id was made, not chosen
        item.version = stored.version + 1 if stored is not None else 1
        item.save(using=database_of(item.workspace_id))
    return item


def unassign(account_id: int) -> None:
    """Take somebody off all items, as before an account is deleted. Cost: a scan of all items, and two queries for each workspace."""
    for workspace_id in _workspaces_of(account_id):
        with _writing(workspace_id):
            theirs = Item.objects.to_write(workspace_id).filter(assignee_id=account_id)
            theirs.update(assignee=None, version=F("version") + 1, updated_at=timezone.now())


def note_renamed(account_id: int) -> None:
    """Say that answers which name this account are out of date. Cost: a scan of all items."""
    for workspace_id in _workspaces_of(account_id):
        with _writing(workspace_id):
            pass


def _workspaces_of(account_id: int) -> list[uuid.UUID]:
    found: list[uuid.UUID] = []
    for alias in data_databases():
        items = Item.objects.using(alias).filter(assignee_id=account_id)
        found += items.order_by().values_list("workspace_id", flat=True).distinct()
    return found


def _get_locked(workspace_id: uuid.UUID, item_id: uuid.UUID, seen: frozenset[int] | None) -> Item:
    item = Item.objects.to_write(workspace_id).filter(pk=item_id).select_for_update().first()
    if item is None:
        raise ItemMissing("There is no such item.")
    if _is_changed(item, seen):
        raise ItemChanged
    return item


def _is_changed(item: Item | None, seen: frozenset[int] | None) -> bool:
    return item is not None and seen is not None and item.version not in seen


def _apply(item: Item, fields: Fields) -> None:
    for name, value in _only_changeable(fields).items():
        setattr(item, name, value)
    item.version += 1
    _check(item)


def _check(item: Item) -> Item:
    item.clean_fields(exclude=_UNCHECKED)
    item.clean()
    return item


def _only_changeable(fields: Fields) -> Fields:
    if unknown := fields.keys() - CHANGEABLE:
        raise ItemError(f"{min(unknown)} cannot be written.")
    return fields
