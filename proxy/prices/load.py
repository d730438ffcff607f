"""
Put the published list prices that ship with the product into the table: the only writer of prices with source `snapshot`.

Rules: the table has exactly the list afterwards. Nothing is remembered about it: its version is computed from the rows themselves,
and is part of every configuration revision, so that workers reload when it changes.
Source: docs/design/0004-prices.md
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from django.db import connection

from common.ids import create_uuid7
from common.publishing import publishing
from proxy.prices.digest import RATES, ListPrice, price_list_version, rate_column, stored_price_list_version

LIST_PATH: Final = Path(__file__).with_name("list_prices.json")

_COLUMNS: Final = tuple(map(rate_column, RATES))
_STORED, _LISTED = (", ".join(f"{row}.{column}" for column in _COLUMNS) for row in ("proxy_price", "excluded"))
_REPLACE_SQL = f"""
WITH list AS (
    SELECT id, provider, model, to_timestamp(begins_s) AS begins, {", ".join(RATES)}
    FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::bigint[], {", ".join("%s::bigint[]" for _ in RATES)})
         AS list (id, provider, model, begins_s, {", ".join(RATES)})
), gone AS (
    DELETE FROM proxy_price AS price
    WHERE source = 'snapshot' AND NOT EXISTS (
        SELECT 1 FROM list
        WHERE list.provider = price.provider AND list.model = price.upstream_model
          AND list.begins = price.effective_at AND price.backend_id IS NULL
    )
)
INSERT INTO proxy_price (id, provider, upstream_model, backend_id, source, effective_at, {", ".join(_COLUMNS)})
SELECT id, provider, model, NULL, 'snapshot', begins, {", ".join(RATES)} FROM list
ON CONFLICT (provider, upstream_model, backend_id, source, effective_at) DO UPDATE
SET {", ".join(f"{column} = excluded.{column}" for column in _COLUMNS)}
WHERE ({_STORED}) IS DISTINCT FROM ({_LISTED})
"""  # noqa: S608  # our own names


@dataclass(frozen=True, slots=True)
class LoadedList:
    """What `load_list_prices` found: the list's version and size, and whether the table had another one."""

    version: str
    prices_count: int
    is_changed: bool


def read_list_prices() -> list[ListPrice]:
    """Return the shipped list; a price without a first day begins at unix time 0. Cost: reads a file of 300 KB, 5 ms."""
    document: dict[str, Any] = json.loads(LIST_PATH.read_text(encoding="utf-8"))
    return [_list_price(provider, *row) for provider, rows in document["prices"].items() for row in rows]


def _list_price(provider: str, model: str, first_day: str | None, *rates: int | None) -> ListPrice:
    """A row ends with its last price that is one."""
    silent = [None] * (len(RATES) - len(rates))
    return cast(ListPrice, (provider, model, _unix_s(first_day), *rates, *silent))


def load_list_prices() -> LoadedList:
    """
    Make the list prices in the table those that ship with the product.

    Cost: one query when they are there already, else one statement more and a revision.
    """
    prices = read_list_prices()
    version = price_list_version(prices)
    if stored_price_list_version() == version:
        return LoadedList(version, len(prices), is_changed=False)
    with publishing(f"Load the list prices {version}"), connection.cursor() as cursor:
        columns = [list(column) for column in zip(*prices, strict=True)]
        cursor.execute(_REPLACE_SQL, [[create_uuid7() for _ in prices], *columns])
    return LoadedList(version, len(prices), is_changed=True)


def _unix_s(first_day: str | None) -> int:
    return 0 if first_day is None else int(dt.datetime.fromisoformat(first_day).replace(tzinfo=dt.UTC).timestamp())
