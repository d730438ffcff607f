"""Moments in configuration documents."""

from __future__ import annotations

import datetime as dt

ALWAYS = dt.datetime.fromtimestamp(0, dt.UTC)
"""From when on a price holds that has no beginning."""


def format_moment(moment: dt.datetime) -> str:
    """Return an aware time as ISO 8601 in UTC, such as `2026-01-31T00:00:00Z`."""
    return moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
