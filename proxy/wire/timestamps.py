"""Times as providers write them."""

from __future__ import annotations

import datetime as dt


def parse_timestamp_s(text: str | None) -> int:
    """Return the unix seconds of an RFC 3339 time, 0 for none and for what is no time with its zone."""
    if not text:
        return 0
    try:
        moment = dt.datetime.fromisoformat(text)
        return 0 if moment.tzinfo is None else max(int(moment.timestamp()), 0)
    except (ValueError, OverflowError):
        return 0
