"""
A version for the stored list prices, computed from the rows themselves: nothing has to remember what was loaded, and a row that
was changed by hand shows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

from django.db import connection

VERSION_LENGTH = 12

RATES: Final = ("input", "cached_input", "output", "cache_write_5m", "cache_write_1h", "reasoning", "audio_input", "audio_output")
"""The classes of usage in the order in which lists and files have their prices; all but input and output may have none."""

ListPrice = tuple[str, str, int, int, int | None, int, int | None, int | None, int | None, int | None, int | None]
"""provider, upstream model, effective at (unix seconds), then the prices of `RATES` in nano-dollars per million tokens."""


def rate_column(name: str) -> str:
    """Return the column of `proxy_price` (and the field of `Price`) for one of `RATES`."""
    return f"{name}_nano_usd_per_mtok"


# COLLATE "C" sorts by bytes, as Python sorts what it hashes.
_DIGEST_SQL = f"""
SELECT md5(string_agg(concat_ws('|', provider, upstream_model, extract(epoch FROM effective_at)::bigint,
                                {", ".join(f"coalesce({rate_column(name)}::text, '')" for name in RATES)}), E'\\n'
           ORDER BY provider COLLATE "C", upstream_model COLLATE "C", effective_at))
FROM proxy_price WHERE source = 'snapshot'
"""  # noqa: S608  # our own names


def stored_price_list_version() -> str | None:
    """Return the version of the list prices in the table, None when it holds none. Cost: one query, a few ms."""
    with connection.cursor() as cursor:
        cursor.execute(_DIGEST_SQL)
        row = cursor.fetchone()
    return row[0][:VERSION_LENGTH] if row and row[0] else None


def price_list_version(prices: Iterable[ListPrice]) -> str:
    """Return the version that the table has once it holds exactly `prices`."""
    lines = ("|".join("" if value is None else str(value) for value in price) for price in sorted(prices, key=lambda price: price[:3]))
    return hashlib.md5("\n".join(lines).encode(), usedforsecurity=False).hexdigest()[:VERSION_LENGTH]
