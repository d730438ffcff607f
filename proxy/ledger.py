"""
Corrections of the ledger: what someone decides about money after the fact. The only writer of `adjust` rows; all others come with
their usage records (`adapters/usage_store.py`).

Rules: nothing is changed, a correction is one more row with its reason; who made it stands in the console's log of changes. It changes
what was spent according to the ledger, and not what a budget has left: that counts usage.
Source: docs/design/0011-ledger.md
"""

from __future__ import annotations

import hashlib
import uuid
from typing import Final

from django.db import transaction

from apikeys.public import ApiKey, Workspace
from common.databases import database_of
from common.errors import DomainError
from common.ids import create_uuid7, timestamp
from proxy.choices import LedgerKind
from proxy.models import LedgerEntry, UsageRecord

_REASON_MAX_LENGTH: Final = 200
_AMOUNT_MAX_NANO_USD: Final = 10**15  # a million dollars, as for one answer


class LedgerError(DomainError):
    """A correction that is refused; its text says what to change."""


def adjust(
    workspace: Workspace, key: ApiKey, model: str, amount_nano_usd: int, reason: str, request_id: uuid.UUID | None = None
) -> LedgerEntry:
    """
    Add a correction to what `key` spent on `model`; a negative amount gives money back. Without `request_id` it is of now.

    Errors: LedgerError without a reason, for nothing or more than a million dollars, for a key of another workspace, and for a request
    that has no record or is another key's.
    """
    reason = reason.strip()
    if not 0 < abs(amount_nano_usd) <= _AMOUNT_MAX_NANO_USD:
        raise LedgerError("A correction is an amount other than 0, of a million dollars at most.")
    if not reason or len(reason) > _REASON_MAX_LENGTH:
        raise LedgerError(f"Say why, in {_REASON_MAX_LENGTH} characters at most: a correction without a reason helps nobody later.")
    if key.workspace_id != workspace.pk:
        raise LedgerError(f"The API key {key} is not one of the workspace {workspace}.")
    if request_id is not None:
        _check_is_of(request_id, key)
    about = request_id or create_uuid7()
    ts = timestamp(about)
    alias = database_of(workspace.pk)
    with transaction.atomic(using=alias):
        # Of two at once the second has the first one's number, and is refused by the key: nothing is lost or doubled in silence.
        count = LedgerEntry.objects.using(alias).filter(ts=ts, request_id=about, kind=LedgerKind.ADJUST).count()
        return LedgerEntry.objects.using(alias).create(
            id=entry_id(about, LedgerKind.ADJUST, count + 1),
            ts=ts,
            request_id=about,
            kind=LedgerKind.ADJUST,
            workspace=workspace,
            key=key,
            model=model,
            spent_nano_usd=amount_nano_usd,
            reason=reason,
        )


def entry_id(request_id: uuid.UUID, kind: LedgerKind, number: int) -> uuid.UUID:
    """Return the id of a request's row of this kind: the same one each time, so that writing it again changes nothing."""
    return uuid.UUID(hashlib.md5(f"{request_id}{kind.value}{number}".encode(), usedforsecurity=False).hexdigest())


def _check_is_of(request_id: uuid.UUID, key: ApiKey) -> None:
    try:
        record = UsageRecord.objects.using(database_of(key.workspace_id)).get_by_id(request_id)
    except (ValueError, OverflowError, UsageRecord.DoesNotExist) as error:
        raise LedgerError(f"There is no record of the request {request_id}.") from error
    if record.key_id != key.pk:
        raise LedgerError(f"The request {request_id} was not made with the API key {key}.")
