"""
The usage spool: on this machine's disk before the answer's last byte is sent, in PostgreSQL a moment later.

A worker appends to a file of its own, one `write` a line, and holds a lock on it for as long as it lives: a file without a lock is
an orphan that `shipper.py` adopts. When a file is full the worker starts the next one, writes the requests that are still open to it
again, and closes the old one with a last line.

Guarantee: survives kill -9, and outages of both stores. The operating system's cache is not flushed on each line: a power cut may
take the last seconds.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from proxy.wire.spool import Closed, Ended, Line, Started, dump_line

SUFFIX = ".spool"


class SpoolWriter:
    """
    This worker's end of the spool.

    Cost: a write of some 300 bytes for each line, no flush.
    Errors: OSError when the disk takes no more; nothing half-written is ever taken for a line.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._open: dict[str, Started] = {}
        self._count = 0
        self._descriptor = -1
        self._size = 0

    def start(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._descriptor = self._create()

    def stop(self) -> None:
        """Close the file. What is still open in it counts as interrupted."""
        if self._descriptor < 0:
            return
        if not self._open:
            self._write(Closed())
        os.close(self._descriptor)
        self._descriptor = -1

    def started(self, line: Started) -> None:
        self._write(line)
        self._open[line.request_id] = line

    def ended(self, line: Ended) -> None:
        self._write(line)
        self._open.pop(line.request_id, None)
        if self._size >= self._max_bytes:
            self._rotate()

    @property
    def open_count(self) -> int:
        return len(self._open)

    def _create(self) -> int:
        self._count += 1
        name = f"{time.time_ns():020d}-{os.getpid()}-{self._count}"
        draft = self._folder / f".{name}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        draft.rename(self._folder / f"{name}{SUFFIX}")  # only now can the shipper see it, and it is locked
        self._size = 0
        return descriptor

    def _write(self, line: Line) -> None:
        data = dump_line(line)
        written = os.write(self._descriptor, data)
        if written != len(data):
            os.write(self._descriptor, b"\n")  # the shipper drops the torn line, and the next one stands alone
            raise OSError("the spool's disk is full")
        self._size += written

    def _rotate(self) -> None:
        previous = self._descriptor
        self._descriptor = self._create()
        for line in self._open.values():
            self._write(line)
        os.write(previous, dump_line(Closed()))
        os.close(previous)
