"""
Usage records and their rollups in PostgreSQL: the only writer of both.

Records come over COPY into a temporary table and from there into the partitioned one; what was new is added to the rollups of its
minute, hour and day in the same statement.

Guarantee: a record counts once in the table and once in each rollup, however often it is shipped.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.db import connection, transaction

from common.ids import timestamp
from proxy.wire.spool import Ended

_COLUMNS = (
    "request_id, ts, workspace_id, key_id, model, backend, provider, upstream_model, status, outcome, error_code, is_stream, "
    "input_tokens, cached_input_tokens, output_tokens, cost_nano_usd, usage_source, attempts_count, latency_ms, first_token_ms, revision"
)
_STAGE = "CREATE TEMPORARY TABLE IF NOT EXISTS usage_staging (LIKE proxy_usagerecord) ON COMMIT DROP; TRUNCATE usage_staging"
_STORE = f"""
WITH stored AS (
    INSERT INTO proxy_usagerecord ({_COLUMNS})
    SELECT DISTINCT ON (ts, request_id) {_COLUMNS} FROM usage_staging ORDER BY ts, request_id, (outcome = 'interrupted')
    ON CONFLICT DO NOTHING
    RETURNING *
), sums AS (
    SELECT period, date_trunc(period, ts, 'UTC') AS starts_at, workspace_id, key_id, model, backend, outcome, count(*) AS requests_count,
        sum(input_tokens) AS input_tokens, sum(cached_input_tokens) AS cached_input_tokens, sum(output_tokens) AS output_tokens,
        sum(cost_nano_usd) AS cost_nano_usd, sum(latency_ms) AS latency_ms_sum
    FROM stored CROSS JOIN (VALUES ('minute'), ('hour'), ('day')) AS periods (period)
    GROUP BY 1, 2, 3, 4, 5, 6, 7
    ORDER BY 1, 2, 3, 4, 5, 6, 7
)
INSERT INTO proxy_usagerollup AS rollup (period, starts_at, workspace_id, key_id, model, backend, outcome, requests_count,
    input_tokens, cached_input_tokens, output_tokens, cost_nano_usd, latency_ms_sum)
SELECT * FROM sums
ON CONFLICT (period, starts_at, workspace_id, key_id, model, backend, outcome) DO UPDATE SET
    requests_count = rollup.requests_count + excluded.requests_count,
    input_tokens = rollup.input_tokens + excluded.input_tokens,
    cached_input_tokens = rollup.cached_input_tokens + excluded.cached_input_tokens,
    output_tokens = rollup.output_tokens + excluded.output_tokens,
    cost_nano_usd = rollup.cost_nano_usd + excluded.cost_nano_usd,
    latency_ms_sum = rollup.latency_ms_sum + excluded.latency_ms_sum
"""


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _copy_line(line: Ended) -> str:
    """Return a record as a line of COPY's text format. psycopg would adapt value by value, for several times as long."""
    names = "\t".join(name.translate(_ESCAPES) for name in (line.model, line.backend, line.provider, line.upstream_model))
    first_token = "\\N" if line.first_token_ms is None else repr(line.first_token_ms)
    return (
        f"{line.request_id}\t{timestamp(uuid.UUID(line.request_id)).isoformat()}\t{line.workspace_id}\t{line.key_id}\t{names}\t{line.status}\t"
        f"{line.outcome}\t{line.error_code}\t{line.is_stream}\t{line.input_tokens}\t{line.cached_input_tokens}\t{line.output_tokens}\t"
        f"{line.cost_nano_usd}\t{line.usage_source}\t{line.attempts_count}\t{line.latency_ms!r}\t{first_token}\t{line.revision}\n"
    )


def store_records(lines: Sequence[Ended]) -> None:
    """
    Store records and add them to the rollups, in one transaction.

    Cost: four statements, whatever the number of lines.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_STAGE)
        with cursor.copy(f"COPY usage_staging ({_COLUMNS}) FROM STDIN") as copy:
            copy.write("".join(map(_copy_line, lines)))
        cursor.execute(_STORE)
