"""One request and its answer over ASGI: reads the body, writes the answer and notices a client that leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from proxy.simulator.errors import body_too_large, invalid_request
from proxy.simulator.reply import Headers

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MAX_BODY_BYTES = 32 * 1024 * 1024
_MAX_DELAY_MS = 600_000.0


@dataclass(frozen=True, slots=True)
class Request:
    """A request as dialects see it; header names in lower case, `params` are the names in the path."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[bytes, bytes]
    body: bytes = b""
    params: Mapping[str, str] = field(default_factory=dict)

    def find_delay_s(self) -> float | None:
        """Return the time to the first token that the header `x-sim-delay-ms` asks for. Errors: ProviderError 400."""
        value = self.headers.get(b"x-sim-delay-ms")
        if value is None:
            return None
        try:
            delay_ms = float(value)
        except ValueError:
            delay_ms = -1.0
        if not 0 <= delay_ms <= _MAX_DELAY_MS:  # also false for NaN
            raise invalid_request(f"x-sim-delay-ms must be a number from 0 to {_MAX_DELAY_MS:.0f}.")
        return delay_ms / 1000


class ClientGoneError(Exception):
    """The client left before its request was complete."""


class Exchange:
    """
    One request and its answer.

    Guarantee: between `watch()` and `close()` a client that leaves cancels the task that called `watch()`, and `is_disconnected` is
    true by then. Nothing is polled: sending costs the same with and without it.
    """

    __slots__ = ("_receive", "_send", "_watcher", "is_complete", "is_disconnected", "scope", "status")

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.status: int | None = None
        self.is_complete = False
        self.is_disconnected = False
        self._receive = receive
        self._send = send
        self._watcher: asyncio.Task[None] | None = None

    async def read_request(self, params: Mapping[str, str]) -> Request:
        """Read the whole request, `params` being what its path names. Errors: ClientGoneError; ProviderError 413 above `MAX_BODY_BYTES`."""
        body = bytearray()
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self.is_disconnected = True
                raise ClientGoneError
            body += message.get("body", b"")
            if len(body) > MAX_BODY_BYTES:
                raise body_too_large(MAX_BODY_BYTES)
            if not message.get("more_body", False):
                return self._request(bytes(body), params)

    def _request(self, body: bytes, params: Mapping[str, str]) -> Request:
        raw = self.scope["query_string"]
        query = dict(parse_qsl(raw.decode("latin-1"), keep_blank_values=True)) if raw else {}
        return Request(self.scope["method"], self.scope["path"], query, dict(self.scope["headers"]), body, params)

    def watch(self) -> None:
        """Begin to notice a client that leaves. To be called once, after the body was read."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("an exchange is watched from a task")
        self._watcher = asyncio.create_task(self._cancel_when_gone(task))

    async def _cancel_when_gone(self, task: asyncio.Task[Any]) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if not self.is_complete:
            self.is_disconnected = True
            task.cancel()

    async def start(self, status: int, headers: Headers) -> None:
        self.status = status
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def send(self, body: bytes) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": True})

    async def finish(self, body: bytes = b"") -> None:
        # Set before the await: once the last byte is out, the server reports a disconnect whatever the client does.
        self.is_complete = True
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    def close(self) -> None:
        """Stop watching. An answer that was not finished is cut: the server then closes the connection without an end mark."""
        if self._watcher is not None:
            self._watcher.cancel()
