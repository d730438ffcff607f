"""
Every list of the REST API as it is really asked: which questions, for whom, and with which values.

Rules: the busiest workspace is asked about, because its pages are the ones that become slow, with values that some row of it has. A list
that is not here is not watched; a test compares with the routes.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote_plus, urlsplit

from django.contrib.auth import get_user_model
from django.db import connections

from apikeys.public import Permission, Workspace
from common.databases import data_databases
from common.rest.callers import KeyCaller

ITEMS: Final = "items_item"
SIGNALS: Final = "items_signal"
LATEST: Final = "items_latestsignal"
CHANNELS: Final = "items_channel"
RECORDS: Final = "proxy_usagerecord"
LEDGER: Final = "proxy_ledgerentry"
KEYS: Final = "apikeys_apikey"

_BUSIEST: Final = """
SELECT (s.most_common_vals::text::uuid[])[1] FROM pg_stats s JOIN pg_class c ON c.relname = s.tablename AND s.schemaname = current_schema()
LEFT JOIN pg_inherits above ON above.inhrelid = c.oid
WHERE c.relnamespace = current_schema()::regnamespace AND coalesce(above.inhparent, c.oid) = to_regclass(%s)
    AND s.attname = 'workspace_id' AND s.most_common_vals IS NOT NULL
ORDER BY c.reltuples DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class List:
    """One way to ask for a list. `query` takes values of a row of `table`; `is_console`: asked by a person, of all workspaces."""

    path: str
    query: str
    table: str
    is_console: bool = False


def _ways(path: str, table: str, *queries: str, is_console: bool = False) -> tuple[List, ...]:
    return tuple(List(path, query, table, is_console) for query in queries)


LISTS: Final[tuple[List, ...]] = (
    *_ways(
        "/api/items",
        ITEMS,
        "",
        "ordering=created_at",
        "ordering=-updated_at",
        "ordering=due_at",
        "ordering=-due_at",
        "ordering=-priority",
        "ordering=title",
        "status={status}",
        "status={status}&ordering=-priority",
        "category={category}",
        "priority={priority}",
        "is_assigned=true",
        "tags={tag}",
        "tags_all={tag}",
        "q={word}",
        "created_after=30d",
        "due_before=now&ordering=due_at",
    ),
    *_ways(
        "/api/signals",
        SIGNALS,
        "",
        "from=24h",
        "from=30d&to=7d",
        "symbol={symbol}",
        "channel={channel}",
        "action={action}",
        "action=buy,close",
        "channel={channel}&symbol={symbol}",
        "symbol={symbol}&action={action}",
        "symbol={symbol}&from=24h",
        "channel={channel}&external_id={external_id}",
    ),
    *_ways("/api/signals/latest", LATEST, "", "symbols={symbol}"),
    *_ways("/api/signals/channels", CHANNELS, ""),
    *_ways("/api/usage/records", RECORDS, "", "model={model}", "outcome=error", "status={status}", "key={key_id}"),
    *_ways("/api/usage/records", RECORDS, "", "outcome=error", is_console=True),
    *_ways("/api/ledger", LEDGER, "", "kind=settle", "model={model}", "key={key_id}"),
    *_ways("/api/ledger", LEDGER, "", is_console=True),
    *_ways("/api/keys", KEYS, "", "workspace={workspace}", "status=active", "status=revoked", "name={name}", is_console=True),
)


@dataclass(frozen=True, slots=True)
class Question:
    """A list with everything filled in."""

    path: str
    caller: Any

    @property
    def name(self) -> str:
        parts = urlsplit(self.path)
        query = parts.query if len(parts.query) <= 80 else f"{parts.query[:77]}..."
        who = "" if isinstance(self.caller, KeyCaller) else " (console)"
        return f"{parts.path}{'?' if query else ''}{query}{who}"


def questions(lists: Sequence[List] = LISTS) -> Iterator[Question]:
    """
    Yield the questions whose table has rows; an empty list needs no index.

    Cost: a few small queries for each table.
    """
    values: dict[str, dict[str, Any] | None] = {}
    for one in lists:
        if one.table not in values:
            values[one.table] = _sample(one.table)
        sample = values[one.table]
        if sample is not None:
            filled = one.query.format_map({name: quote_plus(str(value)) for name, value in sample.items()})
            caller = _person() if one.is_console else _program(sample["workspace_id"])
            yield Question(f"{one.path}?{filled}" if filled else one.path, caller)


def _program(workspace_id: str) -> KeyCaller:
    everything = frozenset(permission.value for permission in Permission)
    return KeyCaller(uuid.UUID(int=0), uuid.UUID(workspace_id), everything, None)


def _person() -> Any:
    return get_user_model()(username="index_report", is_staff=True, is_superuser=True)  # never stored


def _sample(table: str) -> dict[str, Any] | None:
    """Return the values of a row of the busiest workspace, None where there is none."""
    for alias in data_databases():
        with connections[alias].cursor() as cursor:
            cursor.execute(_BUSIEST, [table])
            found = cursor.fetchone()
            if found is None:  # never analysed, or each workspace has a row or two
                cursor.execute(f"SELECT workspace_id FROM {table} LIMIT 1")  # noqa: S608  # one of the names above
                found = cursor.fetchone()
            row = _row(cursor, table, found[0]) if found else None
        if row is not None:
            return row
    return None


def _row(cursor: Any, table: str, workspace_id: uuid.UUID) -> dict[str, Any] | None:
    cursor.execute(f"SELECT row_to_json(t)::jsonb FROM {table} t WHERE workspace_id = %s LIMIT 1", [workspace_id])  # noqa: S608  # as above
    found = cursor.fetchone()
    if found is None:
        return None
    row: dict[str, Any] = json.loads(found[0]) if isinstance(found[0], str) else found[0]
    return row | {
        "workspace": Workspace.objects.filter(pk=workspace_id).values_list("slug", flat=True).first() or "",
        "tag": next(iter(row.get("tags") or []), "none"),
        "word": str(row.get("title", "")).partition(" ")[0],
        "channel": _channel(cursor, row.get("channel_id")),
    }


def _channel(cursor: Any, channel_id: str | None) -> str:
    cursor.execute("SELECT name FROM items_channel WHERE id = %s", [channel_id])
    found = cursor.fetchone()
    return str(found[0]) if found else "none"
