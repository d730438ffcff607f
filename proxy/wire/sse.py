"""
Server-sent events: cutting a byte stream into events without losing or moving a byte.

Rules: no I/O. An event ends with an empty line, written `\\n\\n` or `\\r\\n\\r\\n`; a piece of the network may hold a part of one or
many. What `feed` returns, joined, is what came in up to the last complete event.
"""

from __future__ import annotations

import re

EVENT_LIMIT_BYTES = 8 * 1024 * 1024
_END = re.compile(rb"\r?\n\r?\n")
DONE = b"[DONE]"


class SseSplitter:
    """
    Cut what arrives into whole events, each with its closing empty line.

    Errors: ValueError once an unfinished event exceeds `limit_bytes`.
    """

    __slots__ = ("_limit_bytes", "_rest")

    def __init__(self, limit_bytes: int = EVENT_LIMIT_BYTES) -> None:
        self._rest = b""
        self._limit_bytes = limit_bytes

    def feed_block(self, data: bytes) -> bytes:
        """Return all complete events in `data` as one block, uncut: the cheap form, for streams nobody looks into."""
        if not self._rest and data.endswith(b"\n\n"):
            return data
        data = self._rest + data
        end = 0
        if (at := data.rfind(b"\n\n")) >= 0:
            end = at + 2
        if (at := data.rfind(b"\n\r\n")) >= 0:
            end = max(end, at + 3)
        self._rest = data[end:]
        if len(self._rest) > self._limit_bytes:
            raise ValueError("an event is too long")
        return data[:end]

    @property
    def has_rest(self) -> bool:
        """Tell whether an event has begun and not ended."""
        return bool(self._rest.strip())


def split_events(block: bytes) -> list[bytes]:
    """Cut a block of complete events into events, each with its closing empty line."""
    events = []
    start = 0
    for match in _END.finditer(block):
        events.append(block[start : match.end()])
        start = match.end()
    if start < len(block):
        events.append(block[start:])
    return events


def event_data(event: bytes) -> bytes | None:
    """Return the data of an event, its lines joined; None for one without data, such as a comment."""
    if event.startswith(b"data: ") and event.count(b"\n") == 2 and b"\r" not in event:
        return event[6:-2]
    lines = []
    for line in event.splitlines():
        if line.startswith(b"data:"):
            value = line[5:]
            lines.append(value[1:] if value.startswith(b" ") else value)
    return b"\n".join(lines) if lines else None
