"""Lines of a spool, and what lies in its folder."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

from common.ids import create_uuid7
from proxy.adapters.spool import SUFFIX
from proxy.wire.spool import Ended, Line, Started, parse_line


def started(request_id: str | None = None, **changes: Any) -> Started:
    values: dict[str, Any] = {
        "request_id": request_id or str(create_uuid7()),
        "workspace_id": str(uuid.UUID(int=1)),
        "key_id": str(uuid.UUID(int=2)),
        "model": "gpt",
        "revision": 1,
        "is_stream": False,
    }
    return Started(**(values | changes))


def ended(line: Started | None = None, **changes: Any) -> Ended:
    """Return how the request of `line` ended."""
    line = line or started()
    alike = set(line.__struct_fields__) & set(Ended.__struct_fields__)
    values: dict[str, Any] = {name: getattr(line, name) for name in alike} | {
        "backend": "main",
        "provider": "openai",
        "upstream_model": "gpt-2026",
        "status": 200,
        "outcome": "ok",
        "error_code": "",
        "input_tokens": 5,
        "cache_read_tokens": 1,
        "output_tokens": 3,
        "cost_nano_usd": 7,
        "usage_source": "provider",
        "attempts_count": 1,
        "latency_ms": 1.5,
        "first_token_ms": None,
    }
    return Ended(**(values | changes))


def spool_files(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{SUFFIX}"))


def read_lines(path: Path) -> list[Line]:
    """Return the whole lines of a file; what is none is left out."""
    lines = []
    for raw in path.read_bytes().split(b"\n")[:-1]:
        try:
            lines.append(parse_line(raw))
        except ValueError:
            continue
    return lines
