"""WebSocket connections with the limits of the HTTP ones: uvicorn's sans-I/O protocol on `websockets`."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidMessage

from gatewaysite.server.refusals import HeadTooLarge, MalformedHttp, dump_refusal
from gatewaysite.server.state import GuardedState, SlowReaderGuard

_INTERNAL_ERROR = 1011
_SERVICE_RESTART = 1012


class GuardedWebSocket(SlowReaderGuard, WebSocketsSansIOProtocol):
    """
    One WebSocket connection of a stranger.

    Guarantee: the peer is told why it is closed: 1012 while the worker stops, 1011 when the application fails.
    """

    def __init__(
        self,
        config: Config,
        server_state: GuardedState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.server_state = server_state
        self.limits = server_state.limits

    @property
    def is_busy(self) -> bool:
        """Never: only the application knows whether a stream runs on this socket, and it counts them (`Lifecycle`)."""
        return False

    def leave(self) -> None:
        """Nothing: a socket has no next answer after which it could close. It is closed when the worker's streams have ended."""

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self.handshake_initiated and self.conn.handshake_exc is not None:
            self._refuse_handshake(self.conn.handshake_exc)

    def _refuse_handshake(self, reason: Exception) -> None:
        # `websockets` reads the head again with limits of its own (8 KB a line, 128 lines, no body), so it may refuse one that we
        # let through. uvicorn does not look whether it did and would leave the connection open for ever, without an answer.
        error = MalformedHttp("The WebSocket handshake is not valid.") if isinstance(reason, InvalidMessage) else HeadTooLarge()
        self.close_sent = True
        self.transport.write(dump_refusal(error, self.default_headers))
        self.transport.close()

    def send_500_response(self) -> None:
        # Called when the application failed or was cancelled. After the handshake uvicorn would only cut the connection.
        if not self.handshake_complete or self.close_sent or self.transport.is_closing():
            super().send_500_response()
            return
        self.conn.send_close(_SERVICE_RESTART if self.server_state.is_leaving else _INTERNAL_ERROR)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
