"""One `up` per data folder: the second one would let two Valkeys write the same append-only file."""

from __future__ import annotations

import fcntl
import os
from types import TracebackType
from typing import Self

from gatewaysite.services.errors import LockHeldError
from gatewaysite.services.paths import DataDir


class DataLock:
    """
    An exclusive lock on `<data>/lock`, held from `acquire()` to `release()`.

    Guarantee: the kernel gives it back when this process ends, however it ends; children do not inherit it.
    """

    def __init__(self, data_dir: DataDir) -> None:
        self._data_dir = data_dir
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """
        Take the lock and write our pid into the file.

        Errors: LockHeldError naming the holder; at once, there is no waiting.
        """
        descriptor = os.open(self._data_dir.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
            os.close(descriptor)
            raise self._held(int(holder) if holder.isdigit() else None) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back; without one does nothing. The file stays: removing it would let two holders lock two files."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _held(self, pid: int | None) -> LockHeldError:
        who = f"process {pid}" if pid is not None else "another process"
        return LockHeldError(
            f"{self._data_dir.root} is in use by {who}. Stop that one (Ctrl-C, or `kill {pid if pid is not None else 'PID'}`), "
            "or give this one a folder of its own with --data-dir.",
            pid,
        )

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()
