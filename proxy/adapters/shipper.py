"""
From the spool to PostgreSQL, each request exactly once.

Rules: rows are inserted with `ON CONFLICT DO NOTHING` on (time, id) and a file is deleted only when all of it is stored, so every step
may be repeated. Files of live workers are followed; a file without a lock was left by a dead one: its open requests are stored as
`interrupted`.
Not here: reading the database, and anything of the request path.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from proxy.adapters.spool import SUFFIX
from proxy.choices import Outcome, UsageSource
from proxy.wire.spool import Closed, Ended, Started, parse_line

log = structlog.get_logger(__name__)

_READ_BYTES = 1 << 20

StoreRecords = Callable[[Sequence[Ended]], None]
"""Stores records in one transaction, those that are there already left alone. Errors: any of the database's."""


@dataclass
class _File:
    """How far one spool file was read."""

    path: Path
    offset: int = 0
    rest: bytes = b""
    open: dict[str, Started] = field(default_factory=dict)
    is_closed: bool = False


class Shipper:
    """
    Follow all files of a spool folder. Several may, such as one that ends and its successor: the database keeps one of each record.

    Guarantee: a record is stored once, whatever is killed and restarted; memory is bounded by one batch and the open requests.
    """

    def __init__(self, folder: Path, store: StoreRecords) -> None:
        self._folder = folder
        self._store = store
        self._files: dict[Path, _File] = {}

    def ship(self) -> int:
        """
        Store everything that is in the spool now; return how many records that were.

        Errors: those of the database; nothing is lost, the next call continues before the failure.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        paths = sorted(self._folder.glob(f"*{SUFFIX}"))
        for gone in self._files.keys() - set(paths):
            del self._files[gone]
        return sum(self._ship_if_there(self._files.setdefault(path, _File(path))) for path in paths)

    def _ship_if_there(self, file: _File) -> int:
        try:
            return self._ship_file(file)
        except FileNotFoundError:
            return 0  # another shipper stored all of it and deleted it

    def _ship_file(self, file: _File) -> int:
        # Asked before reading: if nobody holds it now, what is read next is all there will ever be.
        is_orphan = _is_unlocked(file.path)
        count = 0
        while batch := self._read_batch(file):
            records, offset, rest, still_open, is_closed = batch
            if records:
                self._store(records)
                count += len(records)
            file.offset, file.rest, file.open, file.is_closed = offset, rest, still_open, is_closed
        if file.is_closed or is_orphan:
            count += self._finish(file)
        return count

    def _finish(self, file: _File) -> int:
        interrupted = [] if file.is_closed else [_interrupted(line) for line in file.open.values()]
        if interrupted:
            self._store(interrupted)
            log.warning("requests_interrupted", count=len(interrupted))
        file.path.unlink(missing_ok=True)
        del self._files[file.path]
        return len(interrupted)

    @staticmethod
    def _read_batch(file: _File) -> tuple[list[Ended], int, bytes, dict[str, Started], bool] | None:
        with file.path.open("rb") as stream:
            stream.seek(file.offset)
            data = stream.read(_READ_BYTES)
        if not data:
            return None
        *lines, rest = (file.rest + data).split(b"\n")
        records: list[Ended] = []
        still_open = dict(file.open)
        is_closed = file.is_closed
        for raw in lines:
            if not raw:
                continue
            try:
                line = parse_line(raw)
            except ValueError:
                log.error("spool_line_dropped", file=file.path.name, size_bytes=len(raw))
                continue
            if isinstance(line, Started):
                still_open[line.request_id] = line
            elif isinstance(line, Ended):
                still_open.pop(line.request_id, None)
                records.append(line)
            else:
                is_closed = isinstance(line, Closed)
        return records, file.offset + len(data), rest, still_open, is_closed


def _is_unlocked(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _interrupted(line: Started) -> Ended:
    return Ended(
        request_id=line.request_id,
        workspace_id=line.workspace_id,
        key_id=line.key_id,
        model=line.model,
        revision=line.revision,
        is_stream=line.is_stream,
        backend="",
        provider="",
        upstream_model="",
        status=500,
        outcome=Outcome.INTERRUPTED.value,
        error_code="interrupted",
        input_tokens=0,
        cached_input_tokens=0,
        output_tokens=0,
        cost_nano_usd=0,
        usage_source=UsageSource.NONE.value,
        attempts_count=0,
        latency_ms=0.0,
        first_token_ms=None,
    )


def spool_depth(folder: Path) -> tuple[int, float]:
    """Return how many bytes wait in the spool and how old its oldest file is, in unix seconds (0 when empty)."""
    sizes = []
    oldest = 0.0
    for path in folder.glob(f"*{SUFFIX}"):
        try:
            stat = path.stat()
        except FileNotFoundError:
            continue
        sizes.append(stat.st_size)
        oldest = min(oldest or stat.st_mtime, stat.st_mtime)
    return sum(sizes), oldest
