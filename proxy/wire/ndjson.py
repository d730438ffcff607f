"""
Newline-delimited JSON: cutting a byte stream into lines. Ollama streams this way.

Rules: no I/O. A line ends with LF, a CR in front of it is no part of it, and lines without content say nothing. Where the network cut
the stream changes nothing. Everything stays bytes.
Source: https://github.com/ndjson/ndjson-spec
"""

from __future__ import annotations

from proxy.wire.sse import LINE_LIMIT_BYTES


class NdjsonDecoder:
    """
    Read a stream line by line.

    Errors: ValueError for a line above `line_limit_bytes`, finished or not; what came before it in the same call is lost.
    Cost: linear in the bytes.
    """

    __slots__ = ("_line_limit_bytes", "_rest")

    def __init__(self, line_limit_bytes: int = LINE_LIMIT_BYTES) -> None:
        self._line_limit_bytes = line_limit_bytes
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that `data` completes, without their ends."""
        rest = self._rest
        if rest:
            rest += data
            if b"\n" not in data:
                self._check(len(rest))
                return []
            data = bytes(rest)
            rest.clear()
        lines = data.split(b"\n")
        if lines[-1]:
            rest += lines[-1]
            self._check(len(rest))
        del lines[-1]
        return self._take(lines)

    def close(self) -> list[bytes]:
        """Return the last line if the stream ended, cleanly, without its line end; of a stream that was cut off it is torn."""
        line = bytes(self._rest)
        self._rest.clear()
        return self._take([line])

    def _take(self, lines: list[bytes]) -> list[bytes]:
        taken = []
        for line in lines:
            self._check(len(line))
            if line := line.strip(b" \t\r"):
                taken.append(line)
        return taken

    def _check(self, line_bytes: int) -> None:
        if line_bytes > self._line_limit_bytes:
            raise ValueError("a line is too long")
