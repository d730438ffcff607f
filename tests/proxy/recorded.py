"""Recorded traffic of real providers: `tests/data/wire/SOURCES.md` says where it comes from and what its columns are."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).parents[1] / "data" / "wire" / "recorded.jsonl.gz"


@cache
def recorded_exchanges() -> tuple[dict[str, Any], ...]:
    with gzip.open(RECORDED, "rt", encoding="utf-8") as lines:
        return tuple(json.loads(line) for line in lines)


def recorded_streams() -> dict[str, bytes]:
    """Return the server-sent event streams by `set/name`."""
    return {
        f"{exchange['set']}/{exchange['name']}": exchange["response"].encode()
        for exchange in recorded_exchanges()
        if (exchange["content_type"] or "").startswith("text/event-stream")
    }
