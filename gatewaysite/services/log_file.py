"""A log file that never grows beyond its share of the disk. It knows bytes, not what they mean."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

MAX_BYTES = 20 * 1024 * 1024
MAX_FILES = 5


class RotatingFile:
    """
    Append blocks of whole lines to `path`; at `max_bytes` it becomes `<path>.1`, that `<path>.2`, and the oldest of `files` goes.

    Guarantee: a block is never split over two files. A full disk loses blocks but never raises; the next block that fits is preceded
    by a line that says how much is missing.
    """

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES, files: int = MAX_FILES) -> None:
        self.path = path
        self._max_bytes = max_bytes
        self._files = files
        self._lost_bytes = 0
        self._open()

    def write(self, block: bytes) -> None:
        """Append one block. Cost: one system call."""
        try:
            if self._size and self._size + len(block) > self._max_bytes:
                with suppress(OSError):  # too long a file is better than a lost line
                    self._rotate()
            if self._lost_bytes:
                self._append(b"\n(%d bytes of log are missing here: they could not be written)\n" % self._lost_bytes)
                self._lost_bytes = 0
            self._append(block)
        except OSError:
            self._lost_bytes += len(block)

    def close(self) -> None:
        os.close(self._descriptor)

    def _open(self) -> None:
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._size = os.fstat(self._descriptor).st_size

    def _append(self, block: bytes) -> None:
        view = memoryview(block)
        while view:
            written = os.write(self._descriptor, view)
            self._size += written
            view = view[written:]

    def _rotate(self) -> None:
        for number in range(self._files - 1, 0, -1):
            older = self._numbered(number - 1)
            if older.exists():
                older.replace(self._numbered(number))
        full = self._descriptor
        self._open()  # first, so that a failure leaves the old file open
        os.close(full)

    def _numbered(self, number: int) -> Path:
        return self.path if number == 0 else self.path.with_name(f"{self.path.name}.{number}")


def read_tail(path: Path, max_bytes: int = 4096, *, since_byte: int = 0) -> str:
    """
    Return the last whole lines of a file, at most `max_bytes` and none before `since_byte`; empty when it cannot be read.

    A file shorter than `since_byte` was rotated since; then all of it counts.
    """
    try:
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            start = since_byte if since_byte <= end else 0
            file.seek(max(start, end - max_bytes))
            tail = file.read()
    except OSError:
        return ""
    if end - max_bytes > start:
        tail = tail.partition(b"\n")[2]
    return tail.decode(errors="replace").strip()
