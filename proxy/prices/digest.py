"""
A version for the stored list prices, computed from the rows themselves: nothing has to remember what was loaded, and a row that
was changed by hand shows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from django.db import connection

VERSION_LENGTH = 12

ListPrice = tuple[str, str, int, int, int | None, int]
"""provider, upstream model, effective at (unix seconds), then input, cached input and output in nano-dollars per million tokens."""

# COLLATE "C" sorts by bytes, as Python sorts what it hashes.
_DIGEST_SQL = """
SELECT md5(string_agg(concat_ws('|', provider, upstream_model, extract(epoch FROM effective_at)::bigint, input_nano_usd_per_mtok,
                                coalesce(cached_input_nano_usd_per_mtok::text, ''), output_nano_usd_per_mtok), E'\\n'
           ORDER BY provider COLLATE "C", upstream_model COLLATE "C", effective_at))
FROM proxy_price WHERE source = 'snapshot'
"""


def stored_price_list_version() -> str | None:
    """Return the version of the list prices in the table, None when it holds none. Cost: one query, a few ms."""
    with connection.cursor() as cursor:
        cursor.execute(_DIGEST_SQL)
        row = cursor.fetchone()
    return row[0][:VERSION_LENGTH] if row and row[0] else None


def price_list_version(prices: Iterable[ListPrice]) -> str:
    """Return the version that the table has once it holds exactly `prices`."""
    lines = (
        f"{provider}|{model}|{effective_at_s}|{input_}|{'' if cached is None else cached}|{output}"
        for provider, model, effective_at_s, input_, cached, output in sorted(prices, key=lambda price: price[:3])
    )
    return hashlib.md5("\n".join(lines).encode(), usedforsecurity=False).hexdigest()[:VERSION_LENGTH]
