"""
Server-sent events: cutting a byte stream into events without losing or moving a byte, reading them, and writing them.

Rules: no I/O. As the WHATWG says: a line ends with LF, CR LF or a bare CR, an event with an empty line, and one byte order mark in front
of the stream is none of it. A piece of the network may hold a part of one or many; where it was cut changes nothing. Everything stays
bytes: what is no UTF-8 is the business of whoever makes text of it.
Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from __future__ import annotations

import msgspec

LINE_LIMIT_BYTES = 1024 * 1024
EVENT_LIMIT_BYTES = 4 * 1024 * 1024
DONE = b"[DONE]"

_BOM = b"\xef\xbb\xbf"
_EMPTY_LINES = frozenset({b"\n", b"\r\n", b"\r"})
_RETRY_DIGITS = 9


class SseEvent(msgspec.Struct, frozen=True, gc=False):
    """
    One event. `event` is empty where the stream names none, `data` has its lines joined by LF, `id` is the last one the stream gave.

    `is_complete` is false for an event whose closing empty line never came: only `SseDecoder.close` returns such a one.
    """

    event: bytes
    data: bytes
    id: bytes = b""
    is_complete: bool = True


class SseSplitter:
    """
    Cut what arrives into whole events, each with its closing empty line: for streams that are passed on as they came.

    Errors: ValueError once an unfinished line exceeds `line_limit_bytes`, or an unfinished event `event_limit_bytes`.
    Cost: linear in the bytes, whatever the pieces; a block of whole LF events is returned as it is.
    """

    __slots__ = ("_event_limit_bytes", "_is_begun", "_is_idle", "_line_limit_bytes", "_line_start", "_rest", "_seen_bytes")

    def __init__(self, line_limit_bytes: int = LINE_LIMIT_BYTES, event_limit_bytes: int = EVENT_LIMIT_BYTES) -> None:
        self._line_limit_bytes = line_limit_bytes
        self._event_limit_bytes = event_limit_bytes
        self._rest = bytearray()
        self._seen_bytes = 0  # so much of the rest was searched for the beginning of its last line
        self._line_start = 0
        self._is_begun = False
        self._is_idle = False  # begun, and nothing rests

    def feed_block(self, data: bytes) -> bytes:
        """Return all complete events in `data` as one block, uncut: the cheap form, for streams nobody looks into."""
        if self._is_idle and data.endswith(b"\n\n"):
            return data
        return self._feed(data)

    @property
    def has_rest(self) -> bool:
        """Tell whether an event has begun and not ended."""
        return bool(self._rest.strip())

    def take_rest(self) -> bytes:
        """Return the bytes of the unfinished event and forget them."""
        rest = bytes(self._rest)
        self._keep(b"")
        return rest

    def _feed(self, data: bytes) -> bytes:
        if self._is_idle:
            if data.endswith(b"\r\n\r\n"):
                return data
            end = _end_of_events(data, 0)
            block = data[:end]
            self._keep(data[end:])
        else:
            rest = self._rest
            searched = max(len(rest) - 2, 0)  # an empty line may have begun in the last two bytes
            rest += data
            if not self._is_begun:
                if not self._drop_mark():
                    return b""
                searched = 0
            end = _end_of_events(rest, searched)
            block = b""
            if end:
                whole = bytes(rest)
                block = whole[:end]
                self._keep(whole[end:])
        if len(self._rest) > self._line_limit_bytes or len(self._rest) > self._event_limit_bytes:
            self._check_limits()
        return block

    def _keep(self, rest: bytes) -> None:
        self._rest[:] = rest
        self._is_idle = not rest
        self._seen_bytes = self._line_start = 0

    def _drop_mark(self) -> bool:
        """Take the byte order mark away; return whether the stream has begun, which its first bytes alone may not tell."""
        rest = self._rest
        if len(rest) < len(_BOM) and _BOM.startswith(rest):
            return False
        if rest.startswith(_BOM):
            del rest[: len(_BOM)]
        self._is_begun = True
        return True

    def _check_limits(self) -> None:
        rest = self._rest
        if len(rest) > self._event_limit_bytes:
            raise ValueError("an event is too long")
        ended_at = max(rest.rfind(b"\n", self._seen_bytes), rest.rfind(b"\r", self._seen_bytes))
        if ended_at >= 0:
            self._line_start = ended_at + 1
        self._seen_bytes = len(rest)
        if len(rest) - self._line_start > self._line_limit_bytes:
            raise ValueError("a line is too long")


class SseDecoder:
    """
    Read a stream event by event.

    An event without a `data` field is none, as the WHATWG has it; comments and unknown fields say nothing. `retry_ms` is the last
    reconnection time that the stream gave, None until it did.
    Errors: ValueError for a line or an event above its limit, finished or not; what came before it in the same call is lost.
    Cost: linear in the bytes.
    """

    __slots__ = ("_event_limit_bytes", "_id", "_line_limit_bytes", "_splitter", "retry_ms")

    def __init__(self, line_limit_bytes: int = LINE_LIMIT_BYTES, event_limit_bytes: int = EVENT_LIMIT_BYTES) -> None:
        self._line_limit_bytes = line_limit_bytes
        self._event_limit_bytes = event_limit_bytes
        self._splitter = SseSplitter(line_limit_bytes, event_limit_bytes)
        self._id = b""
        self.retry_ms: int | None = None

    def feed(self, data: bytes) -> list[SseEvent]:
        """Return the events that `data` completes."""
        block = self._splitter.feed_block(data)
        return self._read(block) if block else []

    def close(self) -> list[SseEvent]:
        """
        Return what the end of the stream leaves: the event whose empty line is missing, with `is_complete` false, or nothing.

        Call it after a *clean* end only: of a stream that was cut off this is a torn event, which the WHATWG throws away.
        """
        rest = _with_line_feeds(self._splitter.take_rest())
        events = self._read(rest)
        if events and not rest.endswith(b"\n\n"):
            last = events.pop()
            events.append(SseEvent(last.event, last.data, last.id, is_complete=False))
        return events

    def _read(self, block: bytes) -> list[SseEvent]:
        """Read a block; behind its last empty line there is no event, or an unfinished one."""
        is_large = len(block) > self._line_limit_bytes or len(block) > self._event_limit_bytes
        if block.startswith(b"data: ") and block.find(b"\n") == len(block) - 2 and b"\r" not in block and not is_large:
            return [SseEvent(b"", block[6:-2], self._id)]  # what most providers send, one at a time
        block = _with_line_feeds(block)
        events: list[SseEvent] = []
        for lines in block.split(b"\n\n"):
            if is_large:
                self._check_limits(lines)
            if lines.startswith(b"data: ") and b"\n" not in lines:
                events.append(SseEvent(b"", lines[6:], self._id))
            elif lines and (event := self._read_event(lines)) is not None:
                events.append(event)
        return events

    def _read_event(self, lines: bytes) -> SseEvent | None:
        event = b""
        data: list[bytes] = []
        for line in lines.split(b"\n"):
            name, _, value = line.partition(b":")
            if value.startswith(b" "):
                value = value[1:]
            if name == b"data":
                data.append(value)
            elif name == b"event":
                event = value
            elif name == b"id" and b"\0" not in value:
                self._id = value
            elif name == b"retry" and value.isdigit() and len(value) <= _RETRY_DIGITS:
                self.retry_ms = int(value)
        if not data:
            return None
        return SseEvent(event, data[0] if len(data) == 1 else b"\n".join(data), self._id)

    def _check_limits(self, lines: bytes) -> None:
        if len(lines) > self._line_limit_bytes and max(map(len, lines.split(b"\n"))) > self._line_limit_bytes:
            raise ValueError("a line is too long")
        if len(lines) > self._event_limit_bytes:
            raise ValueError("an event is too long")


def split_events(block: bytes) -> list[bytes]:
    """Cut a block of complete events into events, each with its closing empty line."""
    if b"\r" not in block:
        if block.find(b"\n\n") == len(block) - 2:
            return [block]
        events = [lines + b"\n\n" for lines in block.split(b"\n\n")]
        last = events.pop()[:-2]
        if last:
            events.append(last)
        return events
    events = []
    start = end = 0
    for line in block.splitlines(keepends=True):
        end += len(line)
        if line in _EMPTY_LINES:
            events.append(block[start:end])
            start = end
    if start < end:
        events.append(block[start:])
    return events


def event_data(event: bytes) -> bytes | None:
    """Return the data of an event, its lines joined; None for one without data, such as a comment."""
    if event.startswith(b"data: ") and event.find(b"\n") == len(event) - 2 and b"\r" not in event:
        return event[6:-2]
    lines = []
    for line in event.splitlines():
        if line.startswith(b"data:"):
            value = line[5:]
            lines.append(value[1:] if value.startswith(b" ") else value)
        elif line == b"data":
            lines.append(b"")
    return b"\n".join(lines) if lines else None


def encode_event(data: bytes, event: bytes = b"") -> bytes:
    """
    Return an event as it is sent, its closing empty line included. Line ends within `data` arrive as LF.

    Errors: ValueError for an event's name that holds a line end.
    """
    if b"\n" in data or b"\r" in data:
        data = _with_line_feeds(data).replace(b"\n", b"\ndata: ")
    if not event:
        return b"data: " + data + b"\n\n"
    if b"\n" in event or b"\r" in event:
        raise ValueError("an event's name is one line")
    return b"event: " + event + b"\ndata: " + data + b"\n\n"


def _with_line_feeds(block: bytes) -> bytes:
    if b"\r" not in block:
        return block
    lines = b"\n".join(block.splitlines())
    return lines + b"\n" if block.endswith((b"\n", b"\r")) else lines


def _end_of_events(data: bytes | bytearray, start: int) -> int:
    """
    Return where the last empty line from `start` on ends, 0 without one.

    A CR behind an LF as the very last byte is taken for half of a CR LF and waits for the next piece; a CR behind a CR is an empty
    line whatever follows, and an LF that does follow is then an empty line of its own, which is nothing.
    """
    at = data.rfind(b"\n\n", start)
    end = at + 2 if at >= 0 else 0
    if data.find(b"\r", start) < 0:
        return end
    for pair, last in ((b"\n\r", len(data) - 1), (b"\r\r", len(data))):
        if (at := data.rfind(pair, start, last)) >= 0:
            end = max(end, at + (3 if data[at + 2 : at + 3] == b"\n" else 2))
    return end
