"""
The Channels consumer of every WebSocket of ours: the entry point of `stream_socket.py` and of others that take an API key.

Rules: presents and closes, decides nothing about what messages mean. Close codes: docs/reference/websocket.md.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Protocol

from channels.consumer import AsyncConsumer

from proxy.edge import FrontDoor
from proxy.errors import GatewayError, InvalidApiKey, IpNotAllowed, OwnError, PermissionMissing, RateLimited
from proxy.request_head import presented_key
from proxy.telemetry import ACTIVE_WEBSOCKETS

UNSUPPORTED_DATA: Final = 1003
POLICY: Final = 1008
TRY_AGAIN_LATER: Final = 1013
UNAUTHORIZED: Final = 4401
FORBIDDEN: Final = 4403
IDLE: Final = 4408
_SUBPROTOCOL: Final = "bearer."


@dataclass(frozen=True, slots=True)
class SocketBounds:
    """Units: seconds."""

    auth_timeout_s: float = 5.0
    idle_timeout_s: float = 300.0


Say = Callable[[str], Awaitable[None]]
"""Sends a text message. A client that has left gets none."""


class Socket(Protocol):
    """What one WebSocket is for. Errors of all its methods: GatewayError, which closes it."""

    @property
    def is_authenticated(self) -> bool: ...

    @property
    def in_flight_count(self) -> int:
        """How much is under way: a socket with anything is not idle."""

    last_at: float
    """When its last message came, by the monotonic clock in seconds."""

    async def authenticate(self, key: bytes) -> None: ...

    async def receive(self, text: str) -> None: ...

    def leave(self) -> None:
        """The client has left."""

    def stop(self) -> None:
        """The gateway stops and waits no longer."""

    async def wait_closed(self) -> None:
        """Wait until nothing runs any more."""


Fail = Callable[[GatewayError], Awaitable[None]]
"""Closes the socket for an error that comes up between messages."""

Open = Callable[[FrontDoor, Say, Fail, Any], Socket]
"""Makes the socket of a handshake: of the front door, what sends, what closes it for an error, and the ASGI scope."""


class SocketConsumer(AsyncConsumer):
    """
    One socket. `door` gives this worker's front door, started if need be; `open_socket` what the messages are for.

    Cost: no task and one timer beside the server's own; memory: docs/design/0013-websocket.md.
    Guarantee: when the socket's task ends, everything that ran on the socket is settled.
    """

    def __init__(self, door: Callable[[], Awaitable[FrontDoor]], bounds: SocketBounds, open_socket: Open) -> None:
        self._door = door
        self._open = open_socket
        self._bounds = bounds
        self._asgi_send: Any = None
        self._socket: Socket | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._closing: asyncio.Task[None] | None = None
        self._is_closed = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        # In place of Channels' own loop, which makes a task for each message and looks for stale database connections in a thread.
        self._asgi_send = send
        try:
            while (message := await receive())["type"] != "websocket.disconnect":
                if message["type"] == "websocket.connect":
                    await self._connect(scope)
                elif not self._is_closed:
                    await self._receive(message)
        except asyncio.CancelledError:
            await self._end(is_stopping=True)
            raise
        finally:
            await self._end()

    async def _connect(self, scope: Any) -> None:
        door = await self._door()
        headers = dict(scope["headers"])
        key, subprotocol = presented_key(headers), None
        for offered in scope.get("subprotocols") or ():
            if offered.startswith(_SUBPROTOCOL):
                key, subprotocol = offered[len(_SUBPROTOCOL) :].encode(), offered
                break
        await self._asgi_send({"type": "websocket.accept", "subprotocol": subprotocol})
        self._socket = socket = self._open(door, self._send_text, self._fail, scope)
        ACTIVE_WEBSOCKETS.inc()
        if key:
            await self._guarded(socket.authenticate(key))
        if not self._is_closed:
            self._arm(self._bounds.idle_timeout_s if socket.is_authenticated else self._bounds.auth_timeout_s)

    async def _receive(self, message: dict[str, Any]) -> None:
        text = message.get("text")
        if text is None:
            await self._close(UNSUPPORTED_DATA, "text messages only")
        elif self._socket is not None:
            await self._guarded(self._socket.receive(text))

    async def _guarded(self, doing: Awaitable[None]) -> None:
        """Close the socket of one who may not use it."""
        try:
            await doing
        except GatewayError as error:
            await self._fail(error)

    async def _fail(self, error: GatewayError) -> None:
        match error:
            case InvalidApiKey():
                code = UNAUTHORIZED
            case IpNotAllowed() | PermissionMissing():
                code = FORBIDDEN
            case OwnError() | RateLimited():
                code = TRY_AGAIN_LATER
            case _:
                code = POLICY
        await self._close(code, error.code)

    async def _end(self, *, is_stopping: bool = False) -> None:
        """End what runs on the socket and wait for it; `is_stopping`: tell the client, who is still there."""
        socket = self._socket
        if socket is None:
            return
        if is_stopping:
            socket.stop()
            await socket.wait_closed()
        self._socket, self._is_closed = None, True
        if self._timer is not None:
            self._timer.cancel()
        ACTIVE_WEBSOCKETS.dec()
        socket.leave()
        await socket.wait_closed()

    # --- the one timer of a socket: first for the key, then for idleness ----------------------------------------------------------

    def _arm(self, after_s: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(after_s, self._on_timer)

    def _on_timer(self) -> None:
        socket = self._socket
        if socket is None or self._is_closed:
            return
        if not socket.is_authenticated:
            self._close_later(UNAUTHORIZED, "no API key in time")
            return
        idle_s = 0.0 if socket.in_flight_count else time.monotonic() - socket.last_at
        if idle_s >= self._bounds.idle_timeout_s:
            self._close_later(IDLE, "idle")
        else:
            self._arm(max(self._bounds.idle_timeout_s - idle_s, 0.01))

    def _close_later(self, code: int, reason: str) -> None:
        self._closing = asyncio.get_running_loop().create_task(self._close(code, reason))

    # --- what is sent -------------------------------------------------------------------------------------------------------------

    async def _close(self, code: int, reason: str) -> None:
        if self._is_closed:
            return
        self._is_closed = True  # a message after the close is an error of the server's
        if self._socket is not None:
            self._socket.leave()
        with suppress(OSError):
            await self._asgi_send({"type": "websocket.close", "code": code, "reason": reason})

    async def _send_text(self, text: str) -> None:
        """Send a message. A client that has left gets none, and its socket says so to `receive`."""
        if not self._is_closed:
            with suppress(OSError):
                await self._asgi_send({"type": "websocket.send", "text": text})
