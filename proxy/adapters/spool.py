"""
The usage spool: on this machine's disk before the answer's last byte is sent, in PostgreSQL a moment later.

A worker appends to a file of its own, one `write` a line, and holds a lock on it for as long as it lives: a file without a lock is
an orphan that `shipper.py` adopts. When a file is full the worker starts the next one, writes the requests that are still open to it
again, and closes the old one with a last line.

Guarantee: survives kill -9, and outages of both stores. The operating system's cache is not flushed on each line: a power cut may
take the last seconds.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from pathlib import Path

import structlog

from proxy.wire.spool import Closed, Ended, Line, Started, dump_line

log = structlog.get_logger(__name__)

SUFFIX = ".spool"
_TORN_END = b"!\n"  # makes no line of what was cut off, even where only its last byte was, and lets the next line stand alone


class _File:
    """One spool file, locked for as long as it is open."""

    def __init__(self, folder: Path, name: str) -> None:
        self._path = folder / f"{name}{SUFFIX}"
        self._is_torn = False
        self.size_bytes = 0
        draft = folder / f".{name}"
        self._descriptor = os.open(draft, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        draft.rename(self._path)  # only now can the shipper see it, and it is locked

    def write(self, line: Line) -> None:
        """Errors: OSError."""
        data = dump_line(line)
        if self._is_torn:
            data = _TORN_END + data
        written = os.write(self._descriptor, data)
        self._is_torn = written != len(data)
        if self._is_torn:
            raise OSError(errno.ENOSPC, "the spool's disk is full")
        self.size_bytes += written

    def close(self) -> None:
        os.close(self._descriptor)

    def discard(self) -> None:
        self._path.unlink(missing_ok=True)
        self.close()


class SpoolWriter:
    """
    This worker's end of the spool.

    Cost: a write of some 300 bytes for each line, no flush.
    Errors: OSError when the disk takes no more; nothing half-written is ever taken for a line.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._full_at_bytes = max_bytes
        self._open: dict[str, Started] = {}
        self._count = 0
        self._file: _File | None = None

    def start(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = self._create()

    def stop(self) -> None:
        """Close the file. What is still open in it counts as interrupted."""
        if self._file is None:
            return
        if not self._open:
            with contextlib.suppress(OSError):  # then the shipper finds an orphan, with nothing open in it
                self._file.write(Closed())
        self._file.close()
        self._file = None

    def started(self, line: Started) -> None:
        self._current().write(line)
        self._open[line.request_id] = line

    def ended(self, line: Ended) -> None:
        file = self._current()
        file.write(line)
        self._open.pop(line.request_id, None)
        if file.size_bytes >= self._full_at_bytes:
            self._rotate(file)

    @property
    def open_count(self) -> int:
        return len(self._open)

    def _current(self) -> _File:
        if self._file is None:
            raise OSError(errno.EBADF, "the spool is closed")
        return self._file

    def _create(self) -> _File:
        self._count += 1
        return _File(self._folder, f"{time.time_ns():020d}-{os.getpid()}-{self._count}")

    def _rotate(self, full: _File) -> None:
        """
        Go on in a new file. Where the disk has no room for one, stay in this one for as many bytes more: its lines are safe.

        The old file is closed by its last line only when the new one holds all that is open, and then before anything else is written:
        so no request is open in the one and ended in the other.
        """
        following: _File | None = None
        try:
            following = self._create()
            for line in self._open.values():
                following.write(line)
            full.write(Closed())
        except OSError as error:
            log.error("spool_not_rotated", reason=str(error))
            self._full_at_bytes = full.size_bytes + self._max_bytes
            if following is not None:
                following.discard()
            return
        full.close()
        self._file = following
        self._full_at_bytes = self._max_bytes
