"""
Usage records, their rollups and their ledger rows in PostgreSQL: the only writer of all of them, save of corrections (`proxy/ledger.py`).

Records come over COPY into a temporary table and from there, in one statement, into the partitioned one; what was new is added to the
rollups of its minute, hour and day, to those of its tags, and to the ledger.

Guarantee: a record counts once in each of these tables, however often it is shipped, and in all of them or in none.
Source: docs/design/0005-usage.md, docs/design/0011-ledger.md
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import structlog
from django.db import DataError, InterfaceError, OperationalError, connections, transaction
from psycopg_pool import PoolTimeout

from common.databases import PRIMARY, database_of, has_shards
from common.ids import timestamp
from proxy.wire.spool import Ended

log = structlog.get_logger(__name__)

_TOKENS: Final = (
    "input_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, output_tokens, reasoning_tokens, "
    "audio_input_tokens, audio_output_tokens"
)
_TEXTS: Final = "model, backend, provider, upstream_model, outcome, error_code, usage_source, endpoint, cache, end_user"
_COLUMNS: Final = (
    f"request_id, ts, workspace_id, key_id, {_TEXTS}, tags, decision, {_TOKENS}, status, is_stream, cost_nano_usd, reserved_nano_usd, "
    "price_effective_at, attempts_count, latency_ms, first_token_ms, revision"
)
_SUMMED: Final = tuple(f"{_TOKENS}, cost_nano_usd, latency_ms".split(", "))
_SUMS: Final = tuple("latency_ms_sum" if name == "latency_ms" else name for name in _SUMMED)
_ROLLUP_KEY: Final = "period, starts_at, workspace_id, key_id, model, backend, outcome"
_TAG_KEY: Final = "starts_at, workspace_id, key_id, tag, model"
_TAG_SUMS: Final = ("input_tokens", "output_tokens", "cost_nano_usd")


def _sum(columns: Sequence[str]) -> str:
    return ", ".join(f"sum({name})" for name in columns)


def _add(columns: Sequence[str]) -> str:
    return ", ".join(f"{name} = rollup.{name} + excluded.{name}" for name in ("requests_count", *columns))


_STAGE: Final = """
SET LOCAL work_mem = '64MB';
CREATE TEMPORARY TABLE IF NOT EXISTS usage_staging (LIKE proxy_usagerecord, reserved_tokens bigint NOT NULL) ON COMMIT DROP;
TRUNCATE usage_staging
"""
# Two shippers at once wait for each other only in the order of these keys, which is why every part of it is sorted.
_STORE: Final = f"""
WITH batch AS MATERIALIZED (
    SELECT DISTINCT ON (ts, request_id) * FROM usage_staging ORDER BY ts, request_id, (outcome = 'interrupted')
), stored AS (
    INSERT INTO proxy_usagerecord ({_COLUMNS}) SELECT {_COLUMNS} FROM batch ORDER BY ts, request_id
    ON CONFLICT DO NOTHING
    RETURNING ts, request_id
), added AS MATERIALIZED (
    SELECT batch.*, cost_nano_usd > 0 OR input_tokens > 0 OR output_tokens > 0 AS is_used
    FROM batch JOIN stored USING (ts, request_id)
), minutes AS (
    SELECT date_trunc('minute', ts, 'UTC') AS minute, workspace_id, key_id, model, backend, outcome, count(*) AS requests_count,
        {", ".join(f"sum({column}) AS {name}" for column, name in zip(_SUMMED, _SUMS, strict=True))}
    FROM added
    GROUP BY 1, 2, 3, 4, 5, 6
), periods AS (
    INSERT INTO proxy_usagerollup AS rollup ({_ROLLUP_KEY}, requests_count, {", ".join(_SUMS)})
    SELECT period, date_trunc(period, minute, 'UTC'), workspace_id, key_id, model, backend, outcome, sum(requests_count), {_sum(_SUMS)}
    FROM minutes CROSS JOIN (VALUES ('minute'), ('hour'), ('day')) AS periods (period)
    GROUP BY 1, 2, 3, 4, 5, 6, 7
    ORDER BY 1, 2, 3, 4, 5, 6, 7
    ON CONFLICT ({_ROLLUP_KEY}) DO UPDATE SET {_add(_SUMS)}
), tags AS (
    INSERT INTO proxy_usagetagrollup AS rollup ({_TAG_KEY}, requests_count, {", ".join(_TAG_SUMS)})
    SELECT date_trunc('day', ts, 'UTC'), workspace_id, key_id, tag, model, count(*), {_sum(_TAG_SUMS)}
    FROM added CROSS JOIN LATERAL (SELECT DISTINCT unnest(tags) AS tag) AS each_tag
    WHERE outcome <> 'refused' OR is_used
    GROUP BY 1, 2, 3, 4, 5
    ORDER BY 1, 2, 3, 4, 5
    ON CONFLICT ({_TAG_KEY}) DO UPDATE SET {_add(_TAG_SUMS)}
)
INSERT INTO proxy_ledgerentry
    (id, ts, request_id, kind, workspace_id, key_id, model, reserved_nano_usd, spent_nano_usd, tokens, price_effective_at, reason)
SELECT md5(request_id::text || kind || '1')::uuid, ts, request_id, kind, workspace_id, key_id, model, held, spent, moved, price_at, reason
FROM added CROSS JOIN LATERAL (VALUES
    ('reserve', reserved_nano_usd, 0, reserved_tokens, NULL, '', reserved_nano_usd > 0 OR cost_nano_usd > 0),
    ('settle', -reserved_nano_usd, cost_nano_usd, input_tokens::bigint + output_tokens, price_effective_at, '', is_used),
    ('refund', -reserved_nano_usd, 0, 0, NULL, CASE outcome WHEN 'interrupted' THEN outcome ELSE '' END,
        reserved_nano_usd > 0 AND NOT is_used)
) AS movements (kind, held, spent, moved, price_at, reason, is_due)
WHERE is_due AND (outcome <> 'refused' OR is_used)
ON CONFLICT DO NOTHING
"""

_SPECIAL: Final = re.compile(r"[\\\n\r]")
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_QUOTES: Final = str.maketrans({"\\": "\\\\", '"': '\\"'})
_ESCAPED_NUL: Final = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
_MOMENT_MAX_S: Final = 2.0**37  # within what a date can be


def _copy_line(line: Ended) -> str:
    """Return a record as a line of COPY's text format. psycopg would adapt value by value, for several times as long."""
    texts = (
        line.model,
        line.backend,
        line.provider,
        line.upstream_model,
        line.outcome,
        line.error_code,
        line.usage_source,
        line.endpoint,
        line.cache,
        line.end_user,
    )
    joined = "\t".join(texts)
    if _SPECIAL.search(joined) or joined.count("\t") >= len(texts):
        joined = "\t".join(map(_escaped, texts))
    first_token = "\\N" if line.first_token_ms is None else repr(line.first_token_ms)
    return (
        f"{line.request_id}\t{timestamp(uuid.UUID(line.request_id)).isoformat()}\t{line.workspace_id}\t{line.key_id}\t{joined}\t"
        f"{_array(line.tags)}\t{_json(bytes(line.decision))}\t{line.input_tokens}\t{line.cache_read_tokens}\t{line.cache_write_5m_tokens}\t"
        f"{line.cache_write_1h_tokens}\t{line.output_tokens}\t{line.reasoning_tokens}\t{line.audio_input_tokens}\t"
        f"{line.audio_output_tokens}\t{line.status}\t{line.is_stream}\t{line.cost_nano_usd}\t{line.reserved_nano_usd}\t"
        f"{_moment(line.price_effective_at)}\t{line.attempts_count}\t{line.latency_ms!r}\t{first_token}\t{line.revision}\t"
        f"{line.reserved_tokens}\n"
    )


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES)


def _array(tags: tuple[str, ...]) -> str:
    if not tags:
        return "{}"
    return _escaped("{" + ",".join(f'"{tag.translate(_QUOTES)}"' for tag in tags) + "}")


def _json(raw: bytes) -> str:
    """JSON as PostgreSQL takes it: a NUL, which its text cannot hold, goes."""
    if raw == b"null":
        return "\\N"
    text = raw.decode(errors="replace")
    return _escaped(_ESCAPED_NUL.sub(r"\1", text) if "\\u0000" in text else text)


@lru_cache(maxsize=1024)
def _moment(at_s: float | None) -> str:
    if at_s is None or not 0 <= at_s < _MOMENT_MAX_S:
        return "\\N"
    return dt.datetime.fromtimestamp(at_s, dt.UTC).isoformat()


def store_records(lines: Sequence[Ended]) -> None:
    """
    Store records with their ledger rows and add them to the rollups: in each database what it has of them, in one transaction there.

    A record that no table can hold, which only a damaged disk makes, is logged and left out: it does not stop the others.
    Errors: those of the database; of several, those that can be reached have stored their part, and may be given it again.
    Cost: four statements a database, whatever the number of lines; some 50 us a line.
    """
    failure: Exception | None = None
    for alias, its_lines in _by_database(lines).items():
        try:
            _store_in(alias, its_lines)
        except (OperationalError, InterfaceError, PoolTimeout) as error:
            failure = failure or error
    if failure is not None:
        raise failure


def _by_database(lines: Sequence[Ended]) -> dict[str, Sequence[Ended]]:
    if not has_shards():
        return {PRIMARY: lines}
    parts: dict[str, list[Ended]] = {}
    for line in lines:
        parts.setdefault(database_of(line.workspace_id), []).append(line)
    return dict(parts)


def _store_in(alias: str, lines: Sequence[Ended]) -> None:
    try:
        with transaction.atomic(using=alias):
            _store(alias, lines)
    except DataError as error:
        if len(lines) == 1:
            log.error("usage_record_dropped", request_id=lines[0].request_id, reason=str(error).splitlines()[0])
            return
        half = len(lines) // 2
        _store_in(alias, lines[:half])
        _store_in(alias, lines[half:])


def _store(alias: str, lines: Sequence[Ended]) -> None:
    connection = connections[alias]
    with connection.cursor() as cursor:
        cursor.execute(_STAGE)
        with connection.wrap_database_errors, cursor.copy(f"COPY usage_staging ({_COLUMNS}, reserved_tokens) FROM STDIN") as copy:
            copy.write("".join(map(_copy_line, lines)))
        cursor.execute(_STORE)
