"""One request and its answer on an HTTP/1.1 connection: uvicorn's, with a cheaper way out."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

if TYPE_CHECKING:
    from uvicorn._types import ASGISendEvent, HTTPResponseBodyEvent, HTTPResponseStartEvent

_NO_BODY = frozenset({204, 304})
_FRAMING = frozenset({b"content-length", b"connection", b"transfer-encoding"})


@lru_cache(maxsize=1024)
def _prefix(name: bytes) -> bytes:
    """Return the beginning of a header's line, nothing for one that says how the body is framed. Names repeat from answer to answer."""
    lowered = name.lower()
    return b"" if lowered in _FRAMING else b"\r\n" + lowered + b": "


class GuardedCycle(RequestResponseCycle):
    """
    Writes the head together with the first piece of the body, and checks all headers with one look instead of two searches each.

    Cost: one system call for a JSON answer instead of two.
    Guarantee: a line break in a header is an error before a byte is written, as in uvicorn.
    """

    _head = b""
    _has_body = True

    def take_body(self) -> bytes | None:
        """
        Return the whole body where it came with its head, None where some of it is still to come; `receive` then waits for the end.

        Cost: no coroutine and no message.
        """
        if self.more_body or self.disconnected or self.response_complete:
            return None
        body = bytes(self.body)
        self.body = bytearray()
        self.message_event.clear()
        self.flow.resume_reading()
        return body

    async def send(self, message: ASGISendEvent) -> None:
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if message["type"] == "http.response.start" and not self.response_started:
            self._begin(message)
        elif message["type"] == "http.response.body" and self.response_started and not self.response_complete:
            self._continue(message)
        else:
            raise RuntimeError(f"{message['type']!r} is out of turn.")

    def _begin(self, message: HTTPResponseStartEvent) -> None:
        status = message["status"]
        self._has_body = self.scope["method"] != "HEAD" and status not in _NO_BODY
        lines = [STATUS_LINE[status][:-2]]
        for name, value in [*self.default_headers, *message.get("headers", ())]:
            prefix = _prefix(name)
            lines.append(prefix + value if prefix else self._note_framing(name.lower(), value))
        if not self.keep_alive:
            lines.append(b"\r\nconnection: close")
        if self.chunked_encoding is None and self._has_body:
            self.chunked_encoding = True
            lines.append(b"\r\ntransfer-encoding: chunked")
        lines.append(b"\r\n\r\n")
        head = b"".join(lines)
        breaks = sum(map(bool, lines))
        if head.count(b"\n") != breaks or head.count(b"\r") != breaks or b"\0" in head:
            raise RuntimeError("A header holds a line break.")
        self.response_started = True
        self.waiting_for_100_continue = False
        self._head = head

    def _note_framing(self, name: bytes, value: bytes) -> bytes:
        """Take in a header about framing; return its line, empty where the line is ours to write."""
        if name == b"content-length":
            self.expected_content_length = int(value) if self._has_body else 0
            self.chunked_encoding = False
            return b"\r\ncontent-length: " + value
        if name == b"connection":
            self.keep_alive = self.keep_alive and b"close" not in value.lower()
        return b""

    def _continue(self, message: HTTPResponseBodyEvent) -> None:
        body = message.get("body", b"")
        is_last = not message.get("more_body", False)
        head, self._head = self._head, b""
        if not self._has_body:
            piece = head
        elif self.chunked_encoding:
            chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            piece = head + chunk + (b"0\r\n\r\n" if is_last else b"")
        else:
            self.expected_content_length -= len(body)
            if self.expected_content_length < 0 or (is_last and self.expected_content_length):
                raise RuntimeError("The body is not as long as its content-length says.")
            piece = head + body
        if piece:
            self.transport.write(piece)
        if is_last:
            self.response_complete = True
            self.message_event.set()
            if not self.keep_alive:
                self.transport.close()
            self.on_response()
