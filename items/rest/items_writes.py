"""From a checked body to the domain: accounts by their names, and the errors of rows as the caller counts them."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rest_framework.exceptions import NotFound, ValidationError

from common.rest.preconditions import PreconditionFailed
from common.rest.queries import StrictSerializer
from common.rest.rows import RowError, RowsRefused, row_errors
from items import domain
from items.errors import ItemChanged, ItemMissing
from items.models import Item
from items.rest.items_queries import find_accounts, known_accounts
from items.rest.items_serializers import ItemChange, NewFields

_ROWS: Final = "items"
_MISSING: Final = "There is no item with this id."
_CHANGED: Final = "It changed since you read it. Read it again and repeat what is still needed."


def with_account(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields with the assignee's id in the place of the name. Errors: ValidationError. Cost: one query where one is named."""
    if "assignee" not in fields:
        return dict(fields)
    name = fields["assignee"]
    return _rename(fields, find_accounts([name], "assignee") if name is not None else {})


def _rename(fields: Mapping[str, Any], ids: Mapping[str, int]) -> dict[str, Any]:
    changed = dict(fields)
    if "assignee" in changed:
        name = changed.pop("assignee")
        changed["assignee_id"] = None if name is None else ids[name]
    return changed


def change(workspace_id: uuid.UUID, wanted: domain.Change) -> Item:
    """Errors: NotFound, PreconditionFailed."""
    try:
        return domain.change_item(workspace_id, wanted)
    except ItemMissing:
        raise no_item(wanted.item_id) from None
    except ItemChanged:
        raise PreconditionFailed from None


def delete(workspace_id: uuid.UUID, item_id: uuid.UUID, seen: frozenset[int] | None) -> None:
    """Errors: NotFound, PreconditionFailed."""
    try:
        domain.delete_item(workspace_id, item_id, seen)
    except ItemMissing:
        raise no_item(item_id) from None
    except ItemChanged:
        raise PreconditionFailed from None


def no_item(item_id: uuid.UUID) -> NotFound:
    """The same for an item that is none and for one of another workspace."""
    return NotFound(f"There is no item with the id {str(item_id)!r}.")


def create_many(workspace_id: uuid.UUID, rows: Sequence[Any]) -> list[Item]:
    """Errors: RowsRefused. Cost: one query, and one where somebody is assigned."""
    checked, errors = _check_rows(NewFields(), rows)
    ids = _find_assignees(checked, errors)
    if errors:
        raise RowsRefused(errors, field=_ROWS)
    return domain.create_items(workspace_id, [_rename(fields, ids) for fields in checked.values()])


def change_many(workspace_id: uuid.UUID, rows: Sequence[Any]) -> list[Item]:
    """
    Change several items, all or none.

    Errors: RowsRefused, with 400 when a row is wrong in itself, else 404 when an item is not there, else 412 when one has another version.
    Cost: two queries, and one where somebody is assigned.
    """
    checked, errors = _check_rows(ItemChange(partial=True), rows)
    errors += _misnamed(checked)
    ids = _find_assignees(checked, errors)
    if errors:
        raise RowsRefused(errors, field=_ROWS)
    try:
        return domain.change_items(workspace_id, [_as_change(_rename(fields, ids)) for fields in checked.values()])
    except domain.ChangesRefused as refused:
        missing = [RowError(index, "id", _MISSING) for index in refused.missing]
        changed = [RowError(index, "version", _CHANGED) for index in refused.changed]
        raise RowsRefused(missing + changed, field=_ROWS, status=404 if missing else 412) from None


def _as_change(fields: dict[str, Any]) -> domain.Change:
    item_id, version = fields.pop("id"), fields.pop("version", None)
    return domain.Change(item_id, fields, None if version is None else frozenset({version}))


def _check_rows(serializer: StrictSerializer, rows: Sequence[Any]) -> tuple[dict[int, dict[str, Any]], list[RowError]]:
    """Return the rows that are right in themselves by their index, and what is wrong with the others."""
    checked: dict[int, dict[str, Any]] = {}
    errors: list[RowError] = []
    for index, row in enumerate(rows):
        try:
            checked[index] = serializer.run_validation(row)
        except ValidationError as error:
            errors += row_errors(index, error.detail)
    return checked, errors


def _misnamed(checked: dict[int, dict[str, Any]]) -> list[RowError]:
    counted = Counter(fields["id"] for fields in checked.values() if "id" in fields)
    errors = [RowError(index, "id", "Name the item.") for index, fields in checked.items() if "id" not in fields]
    twice = [index for index, fields in checked.items() if counted.get(fields.get("id", ""), 0) > 1]
    return errors + [RowError(index, "id", "This item is named more than once.") for index in twice]


def _find_assignees(checked: dict[int, dict[str, Any]], errors: list[RowError]) -> dict[str, int]:
    """Return the ids of the accounts that are named, and add an error for each row that names none that exists."""
    named = {index: fields["assignee"] for index, fields in checked.items() if fields.get("assignee") is not None}
    ids = known_accounts(list(dict.fromkeys(named.values())))
    errors += [RowError(index, "assignee", f"There is no account {name!r}.") for index, name in named.items() if name not in ids]
    return ids
