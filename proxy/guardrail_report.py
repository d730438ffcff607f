"""
What a guardrail policy did, or in shadow would have done, to the requests that are recorded.

Rules: reads only, newest first, page by page, so that no report holds more than a page of records; it ends at a number of records or
after some seconds, and says how far it came.
"""

from __future__ import annotations

import datetime as dt
import heapq
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from django.db import connections, transaction
from django.db.models import Q

from common.databases import data_databases
from guardrails.public import Policy, PolicyVersion
from proxy.guardrail_counts import Fold, PolicyReport, Row
from proxy.models import UsageRecord
from proxy.snapshot import PublishedPolicy

ROWS_MAX_COUNT: Final = 20_000
_PAGE_ROWS_COUNT: Final = 2_000
_TIMEOUT_MS: Final = 5_000
_ELAPSED_MAX_S: Final = 5.0
_END: Final = dt.datetime.max.replace(tzinfo=dt.UTC)
_PATHS: Final = {"chat": "/v1/chat/completions", "count_tokens": "/v1/messages/count_tokens"}


def report_policy(policy: Policy, since: dt.datetime) -> PolicyReport:
    """
    Return what is recorded of the policy since then. Rules and versions: those that would block or blocked most first, the newest first.

    Errors: OperationalError for a page that takes more than five seconds. Cost: three queries and one for every 2,000 records of each
    database; 20,000 records at most, newest first, and no page is begun after five seconds.
    Guarantee: a request counts as looked at if something of it was noted, or if it passed the guard while a version was in force, as far
    as notes tell, and today's version (the latest, if none is) covers its key, the model's route and its path. A caller who is refused
    more than ten times a second is not recorded each time.
    """
    fold = Fold(policy.name, _coverage_of(policy), _Timeline(policy))
    is_partial, oldest_at = False, since
    for row in _newest(since):
        if row is None:
            is_partial = True
            break
        oldest_at = row.ts
        fold.take(row)
    return fold.report(oldest_at if is_partial else since, is_partial=is_partial)


# --- reading ---------------------------------------------------------------------------------------------------------------------


_COLUMNS: Final = ("ts", "request_id", "workspace_id", "key_id", "model", "endpoint", "decision__stages_ms__guard", "decision__verdicts")


def _newest(since: dt.datetime) -> Iterator[Row | None]:
    """Yield records of all databases, the newest first, and None in the end if there are more than were read."""
    budget = _Budget(ROWS_MAX_COUNT, time.monotonic() + _ELAPSED_MAX_S)
    for row in heapq.merge(*(_newest_in(alias, since, budget) for alias in data_databases()), key=_age):
        if budget.is_spent:  # one database was not read further: from here on rows would be missing
            break
        yield row
    if budget.is_spent:
        yield None


@dataclass(slots=True)
class _Budget:
    """What one report may read, in all databases together."""

    left_count: int
    ends_at: float
    is_spent: bool = False

    def take(self, count: int) -> bool:
        """Tell whether another page may be read after one of `count` rows."""
        self.left_count -= count
        self.is_spent = self.is_spent or self.left_count <= 0 or time.monotonic() > self.ends_at
        return not self.is_spent


def _age(row: Row) -> tuple[dt.timedelta, int]:
    return _END - row.ts, -row.request_id.int


def _newest_in(alias: str, since: dt.datetime, budget: _Budget) -> Iterator[Row]:
    records = UsageRecord.objects.using(alias).filter(ts__gte=since).order_by("-ts", "-request_id").values_list(*_COLUMNS)
    page = _read(records)
    while True:
        yield from page
        if len(page) < _PAGE_ROWS_COUNT or not budget.take(len(page)):
            return
        last = page[-1]
        page = _read(records.filter(Q(ts__lt=last.ts) | Q(request_id__lt=last.request_id), ts__lte=last.ts))


def _read(records: Any) -> list[Row]:
    with transaction.atomic(using=records.db):
        with connections[records.db].cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = %s", [_TIMEOUT_MS])
        return [Row(*values) for values in records[:_PAGE_ROWS_COUNT]]


def _coverage_of(policy: Policy) -> Callable[[Row], bool]:
    scope = _scope_of(policy)

    @lru_cache(maxsize=4096)
    def covers(workspace_id: uuid.UUID, key_id: uuid.UUID, model: str, endpoint: str) -> bool:
        route = _PATHS.get(endpoint, f"/v1/{endpoint}")
        return scope is not None and scope.holds_for(str(workspace_id), str(key_id), model, route)

    return lambda row: covers(row.workspace_id, row.key_id, row.model, row.endpoint)


def _scope_of(policy: Policy) -> PublishedPolicy | None:
    version = policy.published or policy.versions.order_by("-number").first()
    if version is None:
        return None
    scope = version.document.get("scope", {})
    return PublishedPolicy(
        name=policy.name,
        version=version.number,
        digest=version.digest,
        document=b"",
        workspace_ids=tuple(map(str, version.workspace_ids)),
        key_ids=tuple(map(str, version.key_ids)),
        models=tuple(scope.get("models", ())),
        routes=tuple(scope.get("routes", ())),
        attached_key_ids=tuple(str(each.api_key_id) for each in policy.key_policies.all()),
        is_attached_only=scope.get("is_attached_only", False),
    )


class _Timeline:
    """Which version a request of which nothing was noted most likely passed under. To be asked newest first."""

    def __init__(self, policy: Policy) -> None:
        rows = PolicyVersion.objects.filter(policy=policy).order_by("-number").values_list("number", "published_at", "document__mode")
        self._versions = [(str(number), published_at) for number, published_at, _ in rows]
        self.modes = {str(number): mode or "enforce" for number, _, mode in rows}
        self._current = "" if policy.published is None else str(policy.published.number)

    def note(self, version: str) -> None:
        self._current = version

    def version_at(self, moment: dt.datetime) -> str:
        """Return the version last noted after this moment, an earlier one if that was not published yet; empty if there was none."""
        began_at = dict(self._versions).get(self._current)
        if began_at is not None and began_at > moment:
            self._current = next((number for number, published_at in self._versions if published_at <= moment), "")
        return self._current
