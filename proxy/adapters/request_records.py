"""
Records of requests, read one at a time: from the spool of this host as long as they are not shipped, then from PostgreSQL.

Rules: reads only. The time in the id says where to look: only in files that were written to since, and in one partition of the table.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from common.databases import data_databases
from common.ids import find_timestamp
from proxy.adapters.spool import SUFFIX
from proxy.models import UsageRecord
from proxy.wire.spool import Ended, Started, parse_line

Found = Ended | Started | None
_SPOOLED_S: Final = 24 * 3600.0
"""Older requests are not looked for in files: a spool that old means days without PostgreSQL."""
_READ_MAX_BYTES: Final = 64 * 1024 * 1024
"""Where so much waits for PostgreSQL, the rest of it is not looked through for one request."""
_CLOCK_STEP_S: Final = 5.0


class RecordReader:
    """The `RequestRecords` of a real installation. `run` runs a blocking read in the store's threads."""

    def __init__(self, spool_folder: Path, run: Callable[[Callable[[], Found]], Awaitable[Found]]) -> None:
        self._spool_folder = spool_folder
        self._run = run

    async def find(self, request_id: uuid.UUID) -> Ended | Started | None:
        """Cost: as `find_record`."""
        return await self._run(lambda: find_record(self._spool_folder, request_id))


def find_record(spool_folder: Path, request_id: uuid.UUID) -> Ended | Started | None:
    """
    Return how a request ended, or that it runs; None for an id that nobody has.

    Cost: a young request one pass over what this host has not shipped, 64 MiB at most, and one query a database when its end is not there.
    """
    began_at = find_timestamp(request_id)
    if began_at is None:
        return None
    began_s = began_at.timestamp()
    spooled = _find_in_files(spool_folder, str(request_id), began_s) if time.time() - began_s < _SPOOLED_S else None
    if isinstance(spooled, Ended):
        return spooled
    row = find_row(request_id)
    return spooled if row is None else as_line(row)


def _find_in_files(folder: Path, request_id: str, began_s: float) -> Ended | Started | None:
    """Return the last line that a request has in a file, the one of its end if there is one."""
    needle = request_id.encode()
    found: Ended | Started | None = None
    for data in _read_files(folder, began_s):
        if needle not in data:
            continue
        for line in data.splitlines():
            if needle in line and (parsed := _parse(line, request_id)) is not None:
                if isinstance(parsed, Ended):
                    return parsed
                found = parsed
    return found


def _read_files(folder: Path, since_s: float) -> Iterator[bytes]:
    """Yield the files that were written to since a moment, the newest first."""
    left_bytes = _READ_MAX_BYTES
    for path in sorted(folder.glob(f"*{SUFFIX}"), reverse=True):
        try:
            stat = path.stat()
            if stat.st_mtime < since_s - _CLOCK_STEP_S:
                continue
            left_bytes -= stat.st_size
            if left_bytes < 0:
                return
            yield path.read_bytes()
        except FileNotFoundError:
            continue  # shipped meanwhile


def _parse(line: bytes, request_id: str) -> Ended | Started | None:
    try:
        parsed = parse_line(line)
    except ValueError:
        return None
    return parsed if isinstance(parsed, Ended | Started) and parsed.request_id == request_id else None


def find_row(request_id: uuid.UUID) -> UsageRecord | None:
    """
    Return the record of a request, None where there is none.

    Cost: one index scan; with shards one in each until it is found, because an id does not say whose it is.
    """
    found = (UsageRecord.objects.using(alias).find_by_id(request_id) for alias in data_databases())
    return next((row for row in found if row is not None), None)


def as_line(row: UsageRecord, *, has_decision: bool = True) -> Ended:
    """Return a stored record as the line it was; without the decision where that was not read."""
    return Ended(
        request_id=str(row.request_id),
        workspace_id=str(row.workspace_id),
        key_id=str(row.key_id),
        model=row.model,
        revision=row.revision,
        is_stream=row.is_stream,
        backend=row.backend,
        provider=row.provider,
        upstream_model=row.upstream_model,
        status=row.status,
        outcome=row.outcome,
        error_code=row.error_code,
        input_tokens=row.input_tokens,
        cache_read_tokens=row.cache_read_tokens,
        output_tokens=row.output_tokens,
        cost_nano_usd=row.cost_nano_usd,
        usage_source=row.usage_source,
        attempts_count=row.attempts_count,
        latency_ms=row.latency_ms,
        first_token_ms=row.first_token_ms,
        cache_write_5m_tokens=row.cache_write_5m_tokens,
        cache_write_1h_tokens=row.cache_write_1h_tokens,
        reasoning_tokens=row.reasoning_tokens,
        audio_input_tokens=row.audio_input_tokens,
        audio_output_tokens=row.audio_output_tokens,
        reserved_nano_usd=row.reserved_nano_usd,
        price_effective_at=row.price_effective_at.timestamp() if row.price_effective_at else None,
        endpoint=row.endpoint,
        cache=row.cache,
        end_user=row.end_user,
        tags=tuple(row.tags),
        decision=msgspec.Raw(msgspec.json.encode(row.decision) if has_decision else b"null"),
    )
