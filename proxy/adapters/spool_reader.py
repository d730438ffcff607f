"""
Reading the spool files of this host, as far as they are written, without keeping their writers from writing.

Rules: a reader remembers how far it came and goes on from there; reading a batch changes nothing until the reader takes it over
(`SpoolFile.advance`), so that a batch which could not be used is read again.
"""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog

from proxy.wire.spool import Closed, Ended, Started, parse_line

log = structlog.get_logger(__name__)

BATCH_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Batch:
    """What stands in a file behind what was read before: who ended, and how far the file is read with it."""

    ended: list[Ended]
    offset: int
    rest: bytes
    open: dict[str, Started]
    is_closed: bool


@dataclass(slots=True)
class SpoolFile:
    """How far one spool file was read. `open` has the requests that started in it and did not end yet, by id."""

    path: Path
    offset: int = 0
    rest: bytes = b""
    open: dict[str, Started] = field(default_factory=dict)
    is_closed: bool = False

    def read_batch(self) -> Batch | None:
        """
        Return what came since the last `advance`, a megabyte at most; None when nothing did. A line that is none is logged and left out.

        Errors: FileNotFoundError when all of it was stored meanwhile.
        """
        with self.path.open("rb") as stream:
            stream.seek(self.offset)
            data = stream.read(BATCH_BYTES)
        if not data:
            return None
        *lines, rest = (self.rest + data).split(b"\n")
        ended: list[Ended] = []
        still_open = dict(self.open)
        is_closed = self.is_closed
        for raw in filter(None, lines):
            try:
                line = parse_line(raw)
            except (ValueError, RecursionError):
                log.error("spool_line_dropped", file=self.path.name, size_bytes=len(raw))
                continue
            if isinstance(line, Started):
                still_open[line.request_id] = line
            elif isinstance(line, Ended):
                still_open.pop(line.request_id, None)
                ended.append(line)
            else:
                is_closed = isinstance(line, Closed)
        return Batch(ended, self.offset + len(data), rest, still_open, is_closed)

    def advance(self, batch: Batch) -> None:
        """Take a batch for read."""
        self.offset, self.rest, self.open, self.is_closed = batch.offset, batch.rest, batch.open, batch.is_closed

    def is_orphan(self) -> bool:
        """Tell whether its writer is dead: nobody holds it. Errors: FileNotFoundError."""
        descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(descriptor)
        return True
