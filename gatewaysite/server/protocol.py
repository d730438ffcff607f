"""
HTTP/1.1 connections with limits: uvicorn's protocol on httptools, with everything a stranger may send bounded in size and time.

What httptools (llhttp 0.9) refuses by itself: Content-Length beside Transfer-Encoding, two lengths, lengths that are no number,
NUL and other control characters, obsolete folding, bare line feeds, space before a colon, bad chunk sizes.
What is refused here besides: see `_check_head`. Trailer fields are read and dropped: the head of a request is complete before its body.

Rules: a request is answered or refused exactly once, and a refusal never lands inside another answer of the same connection.
"""

from __future__ import annotations

import asyncio
from typing import Any

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from gatewaysite.server.cycle import GuardedCycle
from gatewaysite.server.refusals import HeadTimeout, HeadTooLarge, MalformedHttp, dump_refusal
from gatewaysite.server.state import GuardedState, SlowReaderGuard
from proxy.errors import GatewayError
from proxy.http_sink import TAKE_BODY

_LINGER_S = 2.0
_NOTED = frozenset({b"transfer-encoding", b"expect"})
_UPGRADE_FIELDS = frozenset({b"connection", b"upgrade", b"http2-settings"})
_VERSIONS = ("1.1", "1.0")
_FIELD_EXTRA_BYTES = len(b": \r\n")


class GuardedHttp(SlowReaderGuard, HttpToolsProtocol):
    """
    One HTTP connection of a stranger.

    Guarantee: a request head takes at most `head_limit_bytes` and, from its first byte (for the first one of a connection:
    from the connect), `head_timeout_s`; chunk framing and trailers between two pieces of a body are bounded the same way.
    Cost: no timer for a request whose head comes in one piece, except the first one of a connection.
    """

    server_state: GuardedState

    def __init__(
        self,
        config: Config,
        server_state: GuardedState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.limits = server_state.limits
        self._running: RequestResponseCycle | None = None
        self._head_timer: asyncio.TimerHandle | None = None
        self._is_in_head = False
        self._is_in_body = False
        self._is_refusing = False
        self._is_ignoring_upgrade = False
        self._unplaced_bytes = 0  # received since the parser last finished a head, a piece of a body or a message
        self._piece_bytes = 0  # the size of what the parser is fed with now
        self._host_count = 0
        self._transfer_encodings: list[bytes] = []

    # --- the connection ---------------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        super().connection_made(transport)
        self._start_head_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        # uvicorn tells only the newest request; with a pipelined one behind it, the running one would never hear of it.
        if self._running is not None and not self._running.response_complete:
            self._drop(self._running)
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    @property
    def is_busy(self) -> bool:
        return self._is_answering or self.transport.get_write_buffer_size() > 0

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def leave(self) -> None:
        # An answer that has begun promised to keep the connection: its client may already send the next request.
        if self._is_answering and not self.cycle.response_started:
            self.cycle.keep_alive = False

    # --- bytes in ---------------------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self._is_refusing:
            return
        self._unset_keepalive_if_required()
        self._piece_bytes = len(data)
        self._unplaced_bytes += self._piece_bytes
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._refuse(_find_reason(error))
        else:
            if self._unplaced_bytes or not self._is_answering:
                self._bound_unplaced_bytes()

    def _bound_unplaced_bytes(self) -> None:
        if self._unplaced_bytes > self.limits.head_limit_bytes:
            self._refuse(MalformedHttp("Too much chunk framing.") if self._is_in_body else HeadTooLarge())
        elif self._is_in_head:
            if self._head_timer is None:
                self._start_head_timer()
        elif not self._is_answering and self._head_timer is None:
            # Bytes that are no request of their own: the rest of a body that was answered early, empty lines between requests.
            self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def _upgrade(self, rest: bytes) -> None:
        if not self._is_ignoring_upgrade:
            self.handle_websocket_upgrade()
            return
        # The parser skips the body of a request that asks for an upgrade and would read it as the next request. We do not
        # upgrade (Java's client asks for h2c with every first request), so the same request is read again without the question.
        self._is_ignoring_upgrade = False
        closes = any(name == b"connection" and b"close" in value.lower() for name, value in self.headers)
        kept = [(name, value) for name, value in self.headers if name not in _UPGRADE_FIELDS]
        kept += [(b"connection", b"close")] if closes else []
        line = b"%s %s HTTP/%s\r\n" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(line + b"".join(b"%s: %s\r\n" % field for field in kept) + b"\r\n" + rest)

    # --- callbacks of the parser --------------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_in_head = True
        self._host_count = 0
        self._transfer_encodings = []

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._is_in_body:
            return
        name = name.lower()
        if name == b"host":
            self._host_count += 1
        elif name in _NOTED:
            self._note(name, value)
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        self._stop_head_timer()
        self._check_head()
        if self.parser.should_upgrade():
            self._check_upgrade()
        if not self._is_ignoring_upgrade:
            super().on_headers_complete()
        self._is_in_head = False
        self._is_in_body = True
        self._unplaced_bytes = 0
        if self.server_state.is_leaving:
            self.leave()

    def on_body(self, body: bytes) -> None:
        self._unplaced_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unplaced_bytes = 0
        self._is_in_body = False
        if not self._is_ignoring_upgrade:
            super().on_message_complete()

    def _note(self, name: bytes, value: bytes) -> None:
        if name == b"transfer-encoding":
            self._transfer_encodings.append(value.lower())
        elif value.lower() == b"100-continue":
            self.expect_100_continue = True

    def _check_head(self) -> None:
        """
        Refuse what llhttp lets through and two readers of one request could understand differently.

        Errors: HeadTooLarge, MalformedHttp.
        Source: RFC 9112, sections 3.2 (Host) and 6.1 (Transfer-Encoding)
        """
        # The head may lie behind an earlier request in the same piece: only the sum of its fields is its size.
        if self._unplaced_bytes + self._piece_bytes > self.limits.head_limit_bytes:
            self._check_head_size()
        version = self.parser.get_http_version()
        if version not in _VERSIONS:
            raise MalformedHttp("Use HTTP/1.1.")
        if self._host_count != 1 and (self._host_count or version == "1.1"):
            raise MalformedHttp("Send exactly one Host header.")
        if self._transfer_encodings and (version == "1.0" or self._transfer_encodings != [b"chunked"]):
            raise MalformedHttp("The only transfer encoding is `chunked`, on HTTP/1.1.")

    def _check_head_size(self) -> None:
        size = len(self.url) + sum(len(name) + len(value) + _FIELD_EXTRA_BYTES for name, value in self.headers)
        if size > self.limits.head_limit_bytes:
            raise HeadTooLarge

    def _check_upgrade(self) -> None:
        """
        Choose what to do with a request that asks for another protocol; only WebSocket is one we speak.

        Errors: MalformedHttp.
        Source: RFC 9110, section 7.8
        """
        if self.parser.get_method() == b"CONNECT":
            raise MalformedHttp("CONNECT is not served here.")
        self._is_ignoring_upgrade = not self._should_upgrade()
        if self._is_answering and not self._is_ignoring_upgrade:
            raise MalformedHttp("Wait for the answer before asking for an upgrade.")

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        cycle.__class__ = GuardedCycle  # uvicorn makes its own by name; ours adds behaviour and no state it would have to make
        self._running = cycle
        cycle.scope[TAKE_BODY] = cycle.take_body  # type: ignore[typeddict-unknown-key,attr-defined]  # servers may add keys of their own
        task = self.loop.create_task(cycle.run_asgi(app))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    # --- refusals ---------------------------------------------------------------------------------------------------------------

    def _refuse(self, error: GatewayError) -> None:
        """Stop reading requests from this connection; answer `error`, unless an answer to an earlier request is due or running."""
        self._is_refusing = True
        self._stop_head_timer()
        self.logger.info("refused a request of %s: %s", self.client, error.public_message)
        if self._is_in_body:
            self._give_up_body()
        if self.transport.is_closing():
            return
        if self._is_answering:
            self.cycle.keep_alive = False  # the newest complete request is answered, then uvicorn closes the connection
            return
        self.transport.write(dump_refusal(error, self.server_state.default_headers))
        self._linger()

    def _give_up_body(self) -> None:
        """Take the newest request, whose body will never be complete, out of the way: nobody may wait for the rest of it."""
        broken = self.cycle
        if broken.response_started:
            self.transport.close()
        elif self.pipeline and self.pipeline[0][0] is broken:
            self.pipeline.popleft()
            self.cycle = self.pipeline[0][0] if self.pipeline else self._running  # type: ignore[assignment]  # set before any queue
        else:
            self._drop(broken)
            broken.response_complete = True

    @staticmethod
    def _drop(cycle: RequestResponseCycle) -> None:
        cycle.disconnected = True
        cycle.message_event.set()

    def _linger(self) -> None:
        # A close with unread input sends a reset, which may destroy the refusal before its reader sees it.
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(_LINGER_S, self.transport.abort)

    # --- the time for a head ----------------------------------------------------------------------------------------------------

    def _start_head_timer(self) -> None:
        self._head_timer = self.loop.call_later(self.limits.head_timeout_s, self._on_head_timeout)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _on_head_timeout(self) -> None:
        self._head_timer = None
        if self._is_in_head:
            self._refuse(HeadTimeout())
        elif not self._is_answering:
            self.transport.close()  # nothing came, so there is nothing to answer: a browser opens connections it may not use


def _find_reason(error: httptools.HttpParserError) -> GatewayError:
    """Return what to answer: our own verdict out of a callback, or llhttp's words, which name no byte of the request."""
    if isinstance(error.__context__, GatewayError):
        return error.__context__
    if isinstance(error, httptools.HttpParserCallbackError):
        return MalformedHttp("The request target is not valid.")  # uvicorn could not take the URL apart
    return MalformedHttp(f"The request is not valid HTTP/1.1: {error}.")
