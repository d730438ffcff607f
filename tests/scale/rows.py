"""
Millions of rows, made by PostgreSQL itself: items, signals, usage and its ledger of three workspaces, one of them with eight of ten rows.

Indexes are dropped before and made after with the very script that `manage.py index_report --sql` prints, which is so tried on big tables.
"""

from __future__ import annotations

import itertools
import time
from typing import Any

from django.db import connection

from apikeys.models import ApiKey, Workspace
from apikeys.public import create_key, create_workspace
from gatewaysite.index_report.scripts import write_script
from items.models import Channel

DAYS_COUNT = 30
_PARTITIONED = ("items_signal", "proxy_usagerecord", "proxy_ledgerentry")
_FILLED = ("items_item", "items_signal", "items_signalkey", "items_latestsignal", "items_channel", "proxy_usagerecord", "proxy_ledgerentry")
_UUID7 = "(lpad(to_hex((extract(epoch FROM {ts}) * 1000)::bigint), 12, '0') || '7' || substr(h, 1, 3) || '8' || substr(h, 4, 15))::uuid"
_TS = "date_trunc('milliseconds', now() - n * interval '%(days)s days' / %(count)s)"
_ROWS = f"(SELECT n, {_TS} AS ts, md5(n::text) AS h FROM generate_series(1, %(count)s) AS n) AS numbers"

ITEMS = f"""
INSERT INTO items_item
    (id, workspace_id, title, description, category, priority, status, tags, due_at, assignee_id, version, created_at, updated_at)
SELECT {_UUID7.format(ts="ts")}, (%(workspaces)s::uuid[])[1 + n %% 10],
    (ARRAY['Check', 'Call', 'Review', 'Send', 'Close'])[1 + n %% 5] || ' ' || substr(h, 1, 8) || ' for customer ' || n %% 5000,
    repeat('Invoice, contract and open questions. ', 3) || substr(h, 9, 8), 'category ' || n %% 40,
    (ARRAY['low', 'medium', 'medium', 'medium', 'high', 'critical'])[1 + n %% 6],
    (ARRAY['new', 'in_progress', 'review', 'done', 'done', 'done', 'archived'])[1 + n %% 7],
    ARRAY['t' || n %% 200, 'u' || n %% 13], CASE WHEN n %% 3 = 0 THEN ts + interval '20 days' END,
    CASE WHEN n %% 4 = 0 THEN 1 + n %% 50 END,
    1, ts, ts + interval '1 hour'
FROM {_ROWS}
"""
SIGNALS = f"""
INSERT INTO items_signal (id, ts, workspace_id, channel_id, symbol, action, price, confidence, external_id, payload, created_at)
SELECT {_UUID7.format(ts="ts")}, ts, (%(workspaces)s::uuid[])[1 + n %% 10], (%(channels)s::uuid[])[1 + n %% 10],
    'SYM' || (n / 7) %% 300, (ARRAY['buy', 'sell', 'hold', 'close'])[1 + (n / 3) %% 4], (n %% 100000) / 100.0, (n %% 100) / 100.0, n::text,
    jsonb_build_object('source', 'desk', 'number', n), ts
FROM {_ROWS}
"""
SIGNAL_KEYS = (
    "INSERT INTO items_signalkey (channel_id, external_id, signal_id, ts) SELECT channel_id, external_id, id, ts FROM items_signal"
)
LATEST = """
INSERT INTO items_latestsignal (id, workspace_id, symbol, signal_id, ts)
SELECT DISTINCT ON (workspace_id, symbol) gen_random_uuid(), workspace_id, symbol, id, ts FROM items_signal
ORDER BY workspace_id, symbol, ts DESC
"""
RECORDS = f"""
INSERT INTO proxy_usagerecord (request_id, ts, workspace_id, key_id, model, backend, provider, upstream_model, status, outcome, error_code,
    is_stream, input_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, output_tokens, reasoning_tokens,
    audio_input_tokens, audio_output_tokens, cost_nano_usd, reserved_nano_usd, usage_source, attempts_count, latency_ms, revision, endpoint,
    cache, end_user, tags)
SELECT {_UUID7.format(ts="ts")}, ts, (%(workspaces)s::uuid[])[1 + n %% 10], (%(keys)s::uuid[])[1 + n %% 10], 'model-' || (n / 5) %% 12,
    'openai', 'openai', 'gpt', CASE WHEN n %% 97 = 0 THEN 502 ELSE 200 END, CASE WHEN n %% 97 = 0 THEN 'error' ELSE 'ok' END,
    CASE WHEN n %% 97 = 0 THEN 'upstream_error' ELSE '' END, false, 100, 0, 0, 0, 50, 0, 0, 0, 1000, 2000, 'provider', 1, 12.5, 1,
    'chat', '', '', ARRAY['team=' || n %% 20]
FROM {_ROWS}
"""
LEDGER = """
INSERT INTO proxy_ledgerentry (id, ts, request_id, kind, workspace_id, key_id, model, reserved_nano_usd, spent_nano_usd, tokens, reason)
SELECT md5(request_id::text || kind || '1')::uuid, ts, request_id, kind, workspace_id, key_id, model, 0, 1000, 150, ''
FROM proxy_usagerecord CROSS JOIN (VALUES ('reserve'), ('settle')) AS movements (kind)
"""


def fill(*, count: int, signals_count: int) -> None:
    """
    Store `count` items and usage records with twice as many ledger rows, and `signals_count` signals, over the last 30 days.

    Cost: two minutes and 2 GB for a million of each.
    """
    empty()
    workspaces = [create_workspace(f"scale-{number}", f"Scale {number}") for number in range(3)]
    shares = [workspaces[number].pk for number in (0, 0, 0, 0, 0, 0, 0, 0, 1, 2)]
    channels = [Channel.objects.create(workspace_id=workspace, name=f"channel-{number}").pk for number, workspace in enumerate(shares)]
    keys = [create_key(workspace, f"key-{number}").api_key.pk for number, workspace in enumerate(workspaces)]
    owners = {workspace.pk: key for workspace, key in zip(workspaces, keys, strict=True)}
    values = {"workspaces": shares, "channels": channels, "keys": [owners[workspace] for workspace in shares], "days": DAYS_COUNT}
    _make_days()
    _timed("indexes dropped", lambda: run_script(write_script(connection, is_drop=True)))
    _timed(f"{count:,} items", lambda: _execute(ITEMS, values | {"count": count}))
    _timed(f"{signals_count:,} signals", lambda: _execute(SIGNALS, values | {"count": signals_count}))
    _timed("their keys", lambda: _execute(SIGNAL_KEYS))
    _timed("the latest of each symbol", lambda: _execute(LATEST))
    _timed(f"{count:,} usage records", lambda: _execute(RECORDS, values | {"count": count}))
    _timed("their ledger rows", lambda: _execute(LEDGER))
    _timed("indexes made", lambda: run_script(write_script(connection)))
    _timed("analysed", lambda: _execute(f"VACUUM ANALYZE {', '.join(_FILLED)}"))


def empty() -> None:
    """Remove every row and every day that `fill` makes."""
    _execute(f"TRUNCATE {', '.join(_FILLED)}")
    for table in _PARTITIONED:
        for name in _days_of(table):
            _execute(f"DROP TABLE {name}")
    ApiKey.objects.filter(workspace__slug__startswith="scale-").delete()
    Workspace.objects.filter(slug__startswith="scale-").delete()


def run_script(script: str) -> None:
    """Run SQL as psql would, statement by statement."""
    for statement in script.split(";\n"):
        if lines := [line for line in statement.splitlines() if line and not line.startswith("--")]:
            _execute("\n".join(lines).replace("%", "%%"))


def _make_days() -> None:
    for table in _PARTITIONED:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT to_char(day, 'YYYYMMDD') FROM generate_series(now() - interval '32 days', now() + interval '1 day', '1 day') day"
            )
            days = [row[0] for row in cursor.fetchall()]
        for first, past in itertools.pairwise(days):
            _execute(f"CREATE TABLE {table}_{first} PARTITION OF {table} FOR VALUES FROM ('{first} 00:00+00') TO ('{past} 00:00+00')")


def _days_of(table: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", [table])
        return [row[0] for row in cursor.fetchall() if not row[0].endswith("_default")]


def _execute(sql: str, values: dict[str, Any] | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values or {})


def _timed(what: str, work: Any) -> None:
    began = time.monotonic()
    work()
    print(f"{what}: {time.monotonic() - began:.1f} s", flush=True)
