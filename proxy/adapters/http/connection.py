"""
One upstream connection: an asyncio protocol that carries one exchange at a time.

Rules:
- a message is complete when its framing says so: length, last chunk, or, without either, a clean end of the stream;
- bytes that nobody asked for, before a request or behind an answer, end the connection: the next exchange would take them for its own;
- one timer handle per connection, moved forward when it fires early: neither an exchange nor a chunk costs a timer;
- a failure is named where it is seen: the phase, what happened, and the timer that ran out.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from proxy.adapters.http.response import Response, TimerName
from proxy.adapters.http.upload import Upload
from proxy.ports import FailureKind, Phase, Timeouts, UpstreamFailure

if TYPE_CHECKING:
    from proxy.adapters.http.pool import Origin

_HEAD_BYTES = 32 * 1024
_BUFFER_BYTES = 64 * 1024
_BARREN_BYTES = 64 * 1024
_ONE_WRITE_BYTES = 64 * 1024
_SLICE_BYTES = 128 * 1024
_STALE_S = 1.0
_TIMER_SLACK_S = 0.002  # uvloop's clock has milliseconds
_NEVER = float("inf")


class _NoTransport(asyncio.Transport):
    """Stands where the transport of a connection will be."""

    def is_closing(self) -> bool:
        return True

    def abort(self) -> None:
        pass


_NO_TRANSPORT = _NoTransport()


class Connection(asyncio.Protocol):
    """
    Sends requests and parses answers on one transport.

    Only `Origin`, `Response` and `HttpClient` use it. Its chunks belong to the response in progress and move there at the end.
    """

    __slots__ = (
        "barren_bytes",
        "chunks",
        "coding",
        "deadline",
        "ended_by",
        "has_answer",
        "head_bytes",
        "headers",
        "is_complete",
        "is_head_done",
        "is_head_request",
        "is_read_paused",
        "is_reusable",
        "is_write_paused",
        "loop",
        "on_body",
        "origin",
        "outgoing",
        "parser",
        "response",
        "sent_at",
        "status",
        "timer",
        "timer_at",
        "transport",
        "upload",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, origin: Origin) -> None:
        self.loop = loop
        self.origin = origin
        self.transport: asyncio.Transport = _NO_TRANSPORT
        self.response: Response | None = None
        self.chunks: list[bytes] = []
        self.on_body = self.chunks.append  # the parser fills the list itself: no Python frame for a piece of body
        self.parser = HttpResponseParser(self)
        self.outgoing: memoryview | None = None
        self.upload: Upload | None = None
        """The streamed body of the exchange in progress."""
        self.is_read_paused = False
        self.is_write_paused = False
        self.timer: asyncio.TimerHandle | None = None
        self.timer_at = _NEVER
        self.deadline = _NEVER
        self.sent_at = 0.0
        self.ended_by: FailureKind = "reset"
        """What ended a connection that had no exchange."""
        self._reset(is_head_request=False)

    @property
    def is_open(self) -> bool:
        return not self.transport.is_closing()

    def is_stale(self, failure: UpstreamFailure) -> bool:
        """
        Say whether `failure` of a reused connection only means that the upstream had closed it while it was idle.

        That shows within a round trip and before any byte of an answer; an upstream that dies later may have done the work.
        """
        return failure.kind in ("eof", "reset") and not self.has_answer and self.loop.time() - self.sent_at < _STALE_S

    # Sending

    async def exchange(self, head: bytes, body: bytes | Upload, *, is_head_request: bool, timeouts: Timeouts, total_at: float) -> Response:
        """
        Send one request and wait for the head of the answer.

        Errors: UpstreamFailure, phase `send` or `head`; what a streamed body raised. A cancelled call closes the connection.
        """
        self._reset(is_head_request=is_head_request)
        self.sent_at = now = self.loop.time()
        self.response = response = Response(self, timeouts, now, total_at)
        response.waiter = self.loop.create_future()
        self._send(head, body, response)
        self.watch(response.due_at())
        try:
            await response.waiter
        except BaseException:
            response.abort()
            raise
        finally:
            response.waiter = None
        # With a head the answer goes to the caller, and a failure that came in the same moment waits behind its bytes.
        if response.failure is not None and not response.status:
            raise response.failure
        return response

    def _reset(self, *, is_head_request: bool) -> None:
        self.is_head_request = is_head_request
        self.is_head_done = False
        self.is_complete = False
        self.is_reusable = False
        self.has_answer = False
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.head_bytes = 0
        self.barren_bytes = 0
        self.coding = b""

    def _send(self, head: bytes, body: bytes | Upload, response: Response) -> None:
        if isinstance(body, Upload):
            self.transport.write(head)
            self.upload = body
            body.start(self, response)
            return
        if len(body) <= _ONE_WRITE_BYTES:
            self.transport.write(head + body)
            return
        self.transport.write(head)
        self.outgoing = memoryview(body)
        self._send_more(response)

    def _send_more(self, response: Response) -> None:
        """Write as much of a large body as the transport takes; the idle timer then bounds the wait for it to take more."""
        while self.outgoing is not None and not self.is_write_paused and self.is_open:
            piece = self.outgoing[:_SLICE_BYTES]
            self.outgoing = self.outgoing[_SLICE_BYTES:] if len(self.outgoing) > _SLICE_BYTES else None
            self.transport.write(piece)
        now = self.loop.time()
        if self.outgoing is None:
            response.first_token_at = now + response.first_token_s
        if not self.is_head_done:
            response.wait_until = response.first_token_at if self.outgoing is None else now + response.idle_s

    def _stop_upload(self) -> None:
        if self.upload is not None:
            self.is_reusable = self.is_reusable and self.upload.is_sent
            self.upload.stop()
            self.upload = None

    @property
    def _is_sending(self) -> bool:
        return self.outgoing is not None or (self.upload is not None and not self.upload.is_sent)

    def pause_writing(self) -> None:
        self.is_write_paused = True

    def resume_writing(self) -> None:
        self.is_write_paused = False
        if self.upload is not None:
            self.upload.resume()
            return
        response = self.response
        # An upstream that answers an error wants no more of the body.
        if self.outgoing is not None and response is not None and response.status < 400:
            self._send_more(response)
            self.watch(response.due_at())

    # Receiving

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        response = self.response
        if response is None:
            self.ended_by = "protocol"
            self.discard()
            return
        self.has_answer = True
        had_head = self.is_head_done
        try:
            self.parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            if not self._survives(error, response, len(data), had_head=had_head):
                return
        else:
            if not had_head and not self._take_head(response, len(data)):
                return
        if self.is_complete:
            self._finish(response)
            return
        if self.chunks:
            self.barren_bytes = 0
            response.size_bytes += len(data)
            if response.size_bytes > _BUFFER_BYTES and not self.is_read_paused:
                self._pause()
        elif had_head:
            # Not counted as buffered: with nothing to read, no read would ever end the pause.
            self._count_barren(len(data))
            return
        response.wake()

    def eof_received(self) -> None:
        response = self.response
        if response is None:
            self.ended_by = "eof"
            self.origin.forget(self)
        elif self._ends_with_stream() and self._is_clean_end():
            self.is_reusable = False
            self._finish(response)
        else:
            self.fail("eof", "the upstream closed before the end")

    def connection_lost(self, exc: Exception | None) -> None:
        if self.timer is not None:
            self.timer.cancel()
        self.origin.forget(self)
        self.origin.connections.discard(self)
        if isinstance(exc, ssl.SSLError):
            self.fail("tls", str(exc))
        elif exc is not None:
            self.fail("reset", str(exc))
        else:
            self.fail("eof", "the upstream closed before the end")
        del self.parser  # it holds our methods: without this each connection is a cycle for the collector

    def _take_head(self, response: Response, data_bytes: int) -> bool:
        """Hand the head to the response when it is there and small enough; False while there is nothing to go on with."""
        self.head_bytes += data_bytes
        if not self.is_head_done:
            if self.head_bytes > _HEAD_BYTES:
                self.fail("too_large", f"the head has more than {_HEAD_BYTES} bytes")
            return False
        # The bytes of the body that came with it do not count.
        if self.head_bytes > _HEAD_BYTES and sum(len(name) + len(value) + 4 for name, value in self.headers) > _HEAD_BYTES:
            self.is_head_done = False
            self.fail("too_large", f"the head has more than {_HEAD_BYTES} bytes")
            return False
        response.status = self.status
        response.headers = self.headers
        if self.upload is not None and self.status >= 400:
            self._stop_upload()  # an upstream that answers an error wants no more of it
        return True

    def _survives(self, error: Exception, response: Response, data_bytes: int, *, had_head: bool) -> bool:
        """Deal with bytes that are no HTTP; True if they came behind a complete answer, which they cannot spoil."""
        if self.is_head_done and not had_head and not self._take_head(response, data_bytes):
            return False
        if self.is_complete:
            self.is_reusable = False
            return True
        self.fail("protocol", str(error.__context__ or error))
        return False

    def _count_barren(self, data_bytes: int) -> None:
        """Bound what the parser swallows without a byte of body: endless chunk extensions and trailers."""
        self.barren_bytes += data_bytes
        if self.barren_bytes > _BARREN_BYTES:
            self.fail("too_large", f"more than {_BARREN_BYTES} bytes of framing")

    def _ends_with_stream(self) -> bool:
        return self.is_head_done and not self.coding and not any(name == b"content-length" for name, _ in self.headers)

    def _is_clean_end(self) -> bool:
        """Say whether an end of the stream is the upstream's own: under TLS anybody on the way can close the connection."""
        tls: ssl.SSLObject | None = self.transport.get_extra_info("ssl_object")
        if tls is None:
            return True
        try:
            tls.unwrap()  # asyncio, unlike uvloop, calls every end an end; this works only when the farewell of TLS was received
        except ssl.SSLError:
            return False
        return True

    # What the parser calls, beside `on_body`

    def on_message_begin(self) -> None:
        if self.is_complete:
            raise HttpParserError("bytes behind the answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.is_head_done:
            return  # a trailer
        name = name.lower()
        if name == b"transfer-encoding":
            self.coding += value.lower()
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        status = self.parser.get_status_code()
        if status < 200:
            self._skip_interim(status)
            return
        if self.coding and self.coding != b"chunked":
            raise HttpParserError("a transfer coding that nobody asked for")
        self.status = status
        self.is_head_done = True
        self.is_reusable = self.parser.should_keep_alive()
        self.is_complete = self.is_head_request

    def on_message_complete(self) -> None:
        if self.is_head_done:
            self.is_complete = True

    def _skip_interim(self, status: int) -> None:
        if status == 101 or status < 100:
            raise HttpParserError(f"status {status} to a request that did not ask for it")
        self.headers.clear()
        self.coding = b""

    # The end of an exchange

    def _finish(self, response: Response) -> None:
        """Give the complete answer to its reader, and the connection to the pool if the upstream is in step with us."""
        self.response = None
        if self.upload is not None:
            self._stop_upload()
        is_in_step = self.is_reusable and self.outgoing is None and not self.transport.get_write_buffer_size()
        if self.is_head_request:
            is_in_step = is_in_step and not self.chunks
            self.chunks.clear()
            self.parser = HttpResponseParser(self)  # the old one still waits for the body that the head announces
        response.detach(None)
        if self.is_read_paused:
            self.resume()
        if is_in_step and self.origin.keep(self):
            self.watch(self.loop.time() + self.origin.idle_keep_s)
        else:
            self.discard()

    def fail(self, kind: FailureKind, detail: str, timer: TimerName | None = None) -> None:
        """End the exchange, if there is one, with a failure, and the connection with it."""
        self.end(UpstreamFailure(self._phase(), kind, is_sent=True, timer=timer, detail=detail))

    def end(self, failure: Exception) -> None:
        """As `fail`, with a failure that has its name already."""
        response = self.response
        if response is not None:
            self.response = None
            response.detach(failure)
        self.discard()

    def discard(self) -> None:
        """Close the connection now. May be called any number of times."""
        self.outgoing = None
        self._stop_upload()
        self.origin.forget(self)
        self.transport.abort()

    def _phase(self) -> Phase:
        if self.is_head_done:
            return "body"
        return "send" if self._is_sending else "head"

    # Back-pressure and timers

    def _pause(self) -> None:
        self.is_read_paused = True
        self.transport.pause_reading()

    def resume(self) -> None:
        self.is_read_paused = False
        if self.is_open:
            self.transport.resume_reading()

    def watch(self, at: float) -> None:
        """Look at this connection at the loop's time `at` and not before; costs a timer only if none fires earlier."""
        self.deadline = at
        if at < self.timer_at:
            if self.timer is not None:
                self.timer.cancel()
            self.timer_at = at
            self.timer = self.loop.call_at(at, self._look)

    def _look(self) -> None:
        self.timer = None
        self.timer_at = _NEVER
        response = self.response
        is_starved = self.upload is not None and self.upload.is_starved
        due_at = self.deadline if response is None else response.total_at if is_starved else response.due_at()
        if self.loop.time() < due_at - _TIMER_SLACK_S:
            self.watch(due_at)
        elif response is None:
            self.discard()
        elif is_starved:
            self.fail("timeout", "the body of the request was waited for", "total")
        else:
            self.fail("timeout", "", response.timer_name(is_sending=self._is_sending))
