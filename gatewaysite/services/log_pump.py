"""
Carry what the children write from their pipes into one file, and pick out the lines a person has to see.

Rules: one thread, big blocks, at most twenty rounds a second, so that 3 MB/s of log cost few per cent of a core. A line is never torn:
what follows the last line end of a block waits for the next one. The pump never touches the console, which may block for ever.
"""

from __future__ import annotations

import fcntl
import os
import re
import select
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from gatewaysite.services.log_file import RotatingFile

_BLOCK_BYTES = 1024 * 1024
_PIPE_BYTES = 1024 * 1024  # /proc/sys/fs/pipe-max-size allows it to everybody by default
_LINE_MAX_BYTES = 1024 * 1024
_PAUSE_S = 0.05

_JSON_ERROR = re.compile(rb'"level": ?"(?:error|critical)"')
_TEXT_ERROR = re.compile(rb"\b(?:ERROR|CRITICAL|FATAL)\b|^\w*(?:Error|Exception):|^Fatal Python error")
_TRACEBACK = b"Traceback (most recent call last)"


class ErrorLines:
    """Pick error lines out of the blocks of one child: JSON with level error or critical, tracebacks, and text that says ERROR."""

    def __init__(self) -> None:
        self._in_traceback = False

    def pick(self, block: bytes) -> list[bytes]:
        """Return the error lines of a block of whole lines. Cost: two searches when all lines are JSON and none is an error."""
        if not self._in_traceback and _is_json_only(block) and not _JSON_ERROR.search(block):
            return []
        return [line for line in block.splitlines() if self._is_error(line)]

    def _is_error(self, line: bytes) -> bool:
        if line.startswith(b"{"):
            self._in_traceback = False
            return _JSON_ERROR.search(line) is not None
        if _TRACEBACK in line:
            self._in_traceback = True
            return True
        if self._in_traceback:
            # The first line that is not indented names the exception and ends the traceback.
            self._in_traceback = line[:1].isspace() or not line
            return True
        return _TEXT_ERROR.search(line) is not None


class ErrorBoard:
    """
    Error lines on their way to the console: the pump adds, the main thread takes.

    Guarantee: holds at most `limit` lines between two takes; the rest is counted, so that a storm of errors cannot stop us.
    """

    def __init__(self, limit: int = 20) -> None:
        self._limit = limit
        self._lines: deque[str] = deque()
        self._skipped_count = 0
        self._lock = threading.Lock()

    def add(self, name: str, line: bytes) -> None:
        with self._lock:
            if len(self._lines) < self._limit:
                self._lines.append(f"{name}: {line[:2000].decode(errors='replace')}")
            else:
                self._skipped_count += 1

    def take(self) -> list[str]:
        """Return and forget the lines, the last one telling how many more there were."""
        with self._lock:
            lines, skipped = list(self._lines), self._skipped_count
            self._lines.clear()
            self._skipped_count = 0
        return [*lines, f"(and {skipped} more error lines)"] if skipped else lines


@dataclass
class _Source:
    name: str
    descriptor: int
    capacity_bytes: int
    rest: bytes = b""
    errors: ErrorLines = field(default_factory=ErrorLines)


class LogPump:
    """
    The thread between the children's pipes and the log file; it owns `file` and the read ends of the pipes.

    Guarantee: everything a child wrote before `close()` is in the file after it, whole lines only, none twice.
    """

    def __init__(self, file: RotatingFile, on_error: Callable[[str, bytes], None]) -> None:
        self._file = file
        self._on_error = on_error
        self._sources: list[_Source] = []
        self._lock = threading.Lock()
        self._wake_read, self._wake_write = os.pipe()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log-pump", daemon=True)
        self._thread.start()

    def open_pipe(self, name: str) -> int:
        """Return the write end of a new pipe for the child `name`; hand it to the child, then close it here."""
        read_end, write_end = os.pipe()
        with suppress(OSError):  # a smaller pipe only means more rounds
            fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        os.set_blocking(read_end, False)
        with self._lock:
            self._sources.append(_Source(name, read_end, fcntl.fcntl(read_end, fcntl.F_GETPIPE_SZ)))
        os.write(self._wake_write, b".")
        return write_end

    def close(self) -> None:
        """Carry what is in the pipes, then end. Call it after the children ended: what is written later is lost."""
        self._closing.set()
        os.write(self._wake_write, b".")
        self._thread.join()
        for source in self._sources:
            self._finish(source)
        self._sources.clear()
        os.close(self._wake_read)
        os.close(self._wake_write)
        self._file.close()

    def _run(self) -> None:
        while not self._closing.is_set():
            ready = self._wait()
            fullest_ratio = max((self._read(source) / source.capacity_bytes for source in ready), default=0.0)
            if fullest_ratio < 0.5:  # otherwise the writer would run into a full pipe during our pause
                self._closing.wait(_PAUSE_S)
        for source in self._snapshot():
            self._drain(source)

    def _drain(self, source: _Source) -> None:
        # No more than was in the pipe: a stray process that still writes must not keep us here.
        left_bytes = source.capacity_bytes
        while left_bytes > 0 and (read_bytes := self._read(source)):
            left_bytes -= read_bytes

    def _wait(self) -> list[_Source]:
        """Block until something is there to read; return the sources that have it."""
        sources = {source.descriptor: source for source in self._snapshot()}
        poll = select.poll()
        for descriptor in (*sources, self._wake_read):
            poll.register(descriptor, select.POLLIN)
        ready = {descriptor for descriptor, _ in poll.poll()}
        if self._wake_read in ready:
            os.read(self._wake_read, 4096)
        return [source for descriptor, source in sources.items() if descriptor in ready]

    def _snapshot(self) -> list[_Source]:
        with self._lock:
            return list(self._sources)

    def _read(self, source: _Source) -> int:
        """Carry one block and return its size; 0 when there is nothing or the child has closed its end."""
        try:
            block = os.read(source.descriptor, _BLOCK_BYTES)
        except BlockingIOError:
            return 0
        if not block:
            with self._lock:
                self._sources.remove(source)
            self._finish(source)
            return 0
        self._carry(source, source.rest + block)
        return len(block)

    def _carry(self, source: _Source, text: bytes) -> None:
        cut = text.rfind(b"\n") + 1
        if cut == 0 and len(text) > _LINE_MAX_BYTES:
            text += b"\n"
            cut = len(text)
        source.rest = text[cut:]
        if cut:
            self._emit(source, text[:cut])

    def _emit(self, source: _Source, lines: bytes) -> None:
        self._file.write(lines)
        for line in source.errors.pick(lines):
            self._on_error(source.name, line)

    def _finish(self, source: _Source) -> None:
        if source.rest:
            self._emit(source, source.rest + b"\n")
        os.close(source.descriptor)


def _is_json_only(block: bytes) -> bool:
    return block.startswith(b"{") and block.count(b"\n{") == block.count(b"\n") - 1
