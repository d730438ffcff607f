"""
Whether the money adds up: usage records, ledger and rollups must tell the same story of each day and key.

Rules: reads rows, writes none; all sums are of one moment, so shipping may go on. Corrections (`adjust`) stand in the ledger alone and
are left out.
Source: docs/design/0011-ledger.md
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from dataclasses import dataclass
from typing import Any, Final

import structlog
from django.db import connections, transaction
from django.utils import timezone

from common.databases import data_databases, database_of

log = structlog.get_logger(__name__)

_TIMEOUT_MS: Final = 900_000
_DAYS_BACK: Final = 1
_REQUESTS_MAX_COUNT: Final = 20

# One scan of each table; `tags` are compared by what each record adds to them.
_SUMS_SQL: Final = """
WITH span AS (
    SELECT greatest(%(since)s, date_trunc('day', (SELECT min(ts) FROM proxy_usagerecord), 'UTC')) AS begins
), records AS (
    SELECT date_trunc('day', ts, 'UTC') AS day, workspace_id, key_id, count(*) AS requests, sum(cost_nano_usd) AS cost,
        sum(input_tokens::bigint + output_tokens) AS tokens,
        sum(cost_nano_usd * CASE WHEN cardinality(tags) < 2 THEN cardinality(tags)
            ELSE (SELECT count(DISTINCT tag) FROM unnest(tags) AS tag) END) AS tagged
    FROM proxy_usagerecord WHERE ts >= (SELECT begins FROM span) GROUP BY 1, 2, 3
), ledger AS (
    SELECT date_trunc('day', ts, 'UTC') AS day, workspace_id, key_id, sum(spent_nano_usd) AS cost, sum(reserved_nano_usd) AS held,
        sum(tokens) FILTER (WHERE kind = 'settle') AS tokens
    FROM proxy_ledgerentry WHERE ts >= (SELECT begins FROM span) AND kind <> 'adjust' GROUP BY 1, 2, 3
), days AS (
    SELECT starts_at AS day, workspace_id, key_id, sum(requests_count) AS requests, sum(cost_nano_usd) AS cost,
        sum(input_tokens + output_tokens) AS tokens
    FROM proxy_usagerollup WHERE period = 'day' AND starts_at >= (SELECT begins FROM span) GROUP BY 1, 2, 3
), hours AS (
    SELECT date_trunc('day', starts_at, 'UTC') AS day, workspace_id, key_id, sum(requests_count) AS requests, sum(cost_nano_usd) AS cost,
        sum(input_tokens + output_tokens) AS tokens
    FROM proxy_usagerollup WHERE period = 'hour' AND starts_at >= (SELECT begins FROM span) GROUP BY 1, 2, 3
), tagged AS (
    SELECT starts_at AS day, workspace_id, key_id, sum(cost_nano_usd) AS cost
    FROM proxy_usagetagrollup WHERE starts_at >= (SELECT begins FROM span) GROUP BY 1, 2, 3
), sides AS (
    SELECT day, workspace_id, key_id,
        ARRAY[coalesce(records.requests, 0), coalesce(days.requests, 0), coalesce(hours.requests, 0)] AS requests,
        ARRAY[coalesce(records.cost, 0), coalesce(ledger.cost, 0), coalesce(days.cost, 0), coalesce(hours.cost, 0)] AS cost_nano_usd,
        ARRAY[coalesce(records.tokens, 0), coalesce(ledger.tokens, 0), coalesce(days.tokens, 0), coalesce(hours.tokens, 0)] AS tokens,
        ARRAY[coalesce(records.tagged, 0), coalesce(tagged.cost, 0)] AS tagged_nano_usd,
        ARRAY[0, coalesce(ledger.held, 0)] AS held_nano_usd
    FROM records FULL JOIN ledger USING (day, workspace_id, key_id) FULL JOIN days USING (day, workspace_id, key_id)
        FULL JOIN hours USING (day, workspace_id, key_id) FULL JOIN tagged USING (day, workspace_id, key_id)
)
SELECT day, workspace_id, key_id, what, told
FROM sides CROSS JOIN LATERAL (VALUES
    ('requests', requests, '{records,days,hours}'::text[]),
    ('cost_nano_usd', cost_nano_usd, '{records,ledger,days,hours}'),
    ('tokens', tokens, '{records,ledger,days,hours}'),
    ('tagged_nano_usd', tagged_nano_usd, '{records,tags}'),
    ('held_nano_usd', held_nano_usd, '{wanted,ledger}')
) AS compared (what, numbers, names)
CROSS JOIN LATERAL (
    SELECT jsonb_object_agg(name, number::bigint) AS told, count(DISTINCT number) AS kinds
    FROM unnest(names, numbers) AS side (name, number)
) AS differing
WHERE kinds > 1
ORDER BY 1, 2, 3, 4
"""

_REQUESTS_SQL: Final = """
SELECT request_id, coalesce(record.cost_nano_usd, 0), coalesce(entries.spent, 0), coalesce(entries.held, 0)
FROM (
    SELECT request_id, cost_nano_usd FROM proxy_usagerecord WHERE ts >= %(begins)s AND ts < %(ends)s AND key_id = %(key)s
) AS record FULL JOIN (
    SELECT request_id, sum(spent_nano_usd) AS spent, sum(reserved_nano_usd) AS held
    FROM proxy_ledgerentry WHERE ts >= %(begins)s AND ts < %(ends)s AND key_id = %(key)s AND kind <> 'adjust' GROUP BY 1
) AS entries USING (request_id)
WHERE coalesce(record.cost_nano_usd, 0) <> coalesce(entries.spent, 0) OR coalesce(entries.held, 0) <> 0
ORDER BY 1 LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A sum of one key's day that is not the same everywhere; `told` has it by where it stands. Units: by the name of `what`."""

    day: dt.date
    workspace_id: uuid.UUID
    key_id: uuid.UUID
    what: str
    told: dict[str, int]

    def __str__(self) -> str:
        sides = ", ".join(f"{name} {number}" for name, number in self.told.items())
        return f"{self.day} workspace {self.workspace_id} key {self.key_id}: {self.what} {sides}"


@dataclass(frozen=True, slots=True)
class OddRequest:
    """A request whose ledger rows do not add up to its record. Units: nano-dollars."""

    request_id: uuid.UUID
    cost_nano_usd: int
    spent_nano_usd: int
    held_nano_usd: int


def check_ledger(since: dt.date | None = None) -> list[Mismatch]:
    """
    Return what does not add up since the beginning of a day (UTC), yesterday unless told, and no further back than records are kept.

    Cost: one query a database that reads all rows of that time: four to six seconds for a million requests, a quarter of an hour at most.
    """
    began = since or timezone.now().astimezone(dt.UTC).date() - dt.timedelta(days=_DAYS_BACK)
    rows = [row for alias in data_databases() for row in _compare(alias, dt.datetime.combine(began, dt.time(), dt.UTC))]
    return [Mismatch(day.astimezone(dt.UTC).date(), workspace, key, what, _dict(told)) for day, workspace, key, what, told in rows]


def _compare(alias: str, since: dt.datetime) -> list[Any]:
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = %s", [_TIMEOUT_MS])
        cursor.execute(_SUMS_SQL, {"since": since})
        rows: list[Any] = cursor.fetchall()
        return rows


def odd_requests(mismatch: Mismatch) -> list[OddRequest]:
    """Return the first twenty requests of the key's day whose ledger rows are not those of their record. Cost: one query."""
    begins = dt.datetime.combine(mismatch.day, dt.time(), dt.UTC)
    bounds: dict[str, Any] = {"begins": begins, "ends": begins + dt.timedelta(days=1), "key": mismatch.key_id, "most": _REQUESTS_MAX_COUNT}
    with connections[database_of(mismatch.workspace_id)].cursor() as cursor:
        cursor.execute(_REQUESTS_SQL, bounds)
        return [OddRequest(row[0], *map(int, row[1:])) for row in cursor.fetchall()]


def report_mismatches() -> None:
    """Log `ledger_mismatch` for each sum since yesterday that does not add up: the daily job."""
    for found in check_ledger():
        log.error(
            "ledger_mismatch", day=str(found.day), workspace=str(found.workspace_id), key=str(found.key_id), what=found.what, **found.told
        )


def _dict(told: object) -> dict[str, int]:
    """Return JSON as psycopg gives it to a cursor of Django's: as text."""
    values: dict[str, int] = json.loads(told) if isinstance(told, str) else told  # type: ignore[assignment]  # one or the other
    return values
