"""
From the spool to PostgreSQL, each request exactly once.

Rules: rows are inserted with `ON CONFLICT DO NOTHING` on (time, id) and a file is deleted only when all of it is stored, so every step
may be repeated. Files of live workers are followed; a file without a lock was left by a dead one: its open requests are stored as
`interrupted`, at no cost, and what the limits still hold back for them is let go.
Not here: reading the database, and anything of the request path.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from proxy.adapters.spool import SUFFIX
from proxy.adapters.spool_reader import SpoolFile
from proxy.choices import Outcome, UsageSource
from proxy.wire.spool import Ended, Started

log = structlog.get_logger(__name__)

StoreRecords = Callable[[Sequence[Ended]], None]
"""Stores records in one transaction, those that are there already left alone. Errors: any of the database's."""
ReleaseInterrupted = Callable[[Sequence[Ended]], bool]
"""Lets go what the limits hold back for requests of a dead worker; False: it cannot now, and wants to be asked again."""


def _release_nothing(lines: Sequence[Ended]) -> bool:
    return True


class Shipper:
    """
    Follow all files of a spool folder. Several may, such as one that ends and its successor: the database keeps one of each record.

    Guarantee: a record is stored once, whatever is killed and restarted; memory is bounded by one batch and the open requests.
    """

    def __init__(self, folder: Path, store: StoreRecords, release: ReleaseInterrupted = _release_nothing) -> None:
        self._folder = folder
        self._store = store
        self._release = release
        self._files: dict[Path, SpoolFile] = {}

    def ship(self) -> int:
        """
        Store everything that is in the spool now; return how many records that were.

        Errors: those of the database; nothing is lost, the next call continues before the failure.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        paths = sorted(self._folder.glob(f"*{SUFFIX}"))
        for gone in self._files.keys() - set(paths):
            del self._files[gone]
        return sum(self._ship_if_there(self._files.setdefault(path, SpoolFile(path))) for path in paths)

    def _ship_if_there(self, file: SpoolFile) -> int:
        try:
            return self._ship_file(file)
        except FileNotFoundError:
            return 0  # another shipper stored all of it and deleted it

    def _ship_file(self, file: SpoolFile) -> int:
        # Asked before reading: if nobody holds it now, what is read next is all there will ever be.
        is_orphan = file.is_orphan()
        count = 0
        while batch := file.read_batch():
            if batch.ended:
                self._store(batch.ended)
                count += len(batch.ended)
            file.advance(batch)
        if file.is_closed or is_orphan:
            count += self._finish(file)
        return count

    def _finish(self, file: SpoolFile) -> int:
        interrupted = [] if file.is_closed else [_interrupted(line) for line in file.open.values()]
        if interrupted:
            self._store(interrupted)
            if not self._release(interrupted):
                return 0  # the file stays and is finished again
            log.warning("requests_interrupted", count=len(interrupted))
        file.path.unlink(missing_ok=True)
        del self._files[file.path]
        return len(interrupted)


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
        cache_read_tokens=0,
        output_tokens=0,
        cost_nano_usd=0,
        usage_source=UsageSource.NONE.value,
        attempts_count=0,
        latency_ms=0.0,
        first_token_ms=None,
        reserved_nano_usd=line.reserved_nano_usd,
        endpoint=line.endpoint,
        end_user=line.end_user,
        tags=line.tags,
        reserved_tokens=line.reserved_tokens,
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
