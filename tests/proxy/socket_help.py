"""
`/ws/v1/stream` called as a server calls it, on the fakes of `proxy/testing.py`.

A `SocketSite` is one worker; a `Client` is one WebSocket to it, whose owner can read slowly and leave.
"""

from __future__ import annotations

import asyncio
import json
import os
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from proxy.consumers import Fail, Say, SocketBounds, SocketConsumer
from proxy.edge import Edge, FrontDoor
from proxy.lifecycle import Lifecycle
from proxy.request_log import RequestLog
from proxy.stream_socket import StreamSocket
from proxy.testing import Bench, create_bench
from tests.proxy.chat_help import chat

PATIENCE_S = 10.0  # a busy machine; nothing that waits this long is expected to take long


@dataclass
class Client:
    """One WebSocket and what came over it. `messages` are those not read yet."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    subprotocol: str | None = None
    is_accepted: bool = False
    closed: tuple[int, str] | None = None
    task: asyncio.Task[None] | None = None
    may_read: asyncio.Event = field(default_factory=asyncio.Event)
    _is_gone: bool = False
    _incoming: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    # --- the client's side ----------------------------------------------------------------------------------------------------------

    def say(self, **message: Any) -> None:
        self.say_text(json.dumps(message))

    def say_text(self, text: str) -> None:
        self._incoming.put_nowait({"type": "websocket.receive", "text": text})

    def say_bytes(self, data: bytes) -> None:
        self._incoming.put_nowait({"type": "websocket.receive", "bytes": data})

    def create(self, request: str = "r1", endpoint: str = "/v1/chat/completions", body: bytes | None = None, **fields: Any) -> None:
        """Ask for a chat completion, or for what `body` says."""
        self.say(type="request.create", id=request, endpoint=endpoint, body=json.loads(body or chat()), **fields)

    def leave(self) -> None:
        """Hang up."""
        self._is_gone = True
        self.may_read.set()
        self._incoming.put_nowait({"type": "websocket.disconnect", "code": 1006})

    async def next(self, within_s: float = PATIENCE_S) -> dict[str, Any]:
        """Return the next message."""
        async with asyncio.timeout(within_s):
            while not self.messages:
                assert self.closed is None, self.closed
                self._news.clear()
                await self._news.wait()
        return self.messages.pop(0)

    async def until(self, *kinds: str, request: str | None = None) -> list[dict[str, Any]]:
        """Return the messages up to the first of these types, of one request if it is named."""
        read: list[dict[str, Any]] = []
        while not read or read[-1]["type"] not in kinds or (request is not None and read[-1].get("id") != request):
            read.append(await self.next())
        return read

    async def ended(self, request: str = "r1") -> list[dict[str, Any]]:
        """Return the messages up to the last one of a request."""
        return await self.until("response.completed", "error", request=request)

    async def close_code(self) -> int:
        async with asyncio.timeout(PATIENCE_S):
            while self.closed is None:
                self._news.clear()
                await self._news.wait()
        return self.closed[0]

    async def done(self) -> None:
        """Wait until the application returned; whatever it raised is raised here."""
        assert self.task is not None
        async with asyncio.timeout(PATIENCE_S):
            await self.task

    # --- the server's side ----------------------------------------------------------------------------------------------------------

    async def receive(self) -> dict[str, Any]:
        return await self._incoming.get()

    async def send(self, message: dict[str, Any]) -> None:
        await self.may_read.wait()
        if self._is_gone:
            raise OSError("the client has left")
        if self.closed is not None:
            raise RuntimeError("sent after the close")
        if message["type"] == "websocket.accept":
            self.is_accepted, self.subprotocol = True, message["subprotocol"]
        elif message["type"] == "websocket.close":
            self.closed = (message["code"], message.get("reason", ""))
            self._incoming.put_nowait({"type": "websocket.disconnect", "code": message["code"]})
        else:
            assert self.is_accepted, "a message before the handshake"
            self.texts.append(message["text"])
            self.messages.append(json.loads(message["text"]))
        self._news.set()
        await asyncio.sleep(0)


class SocketSite:
    """One worker. `changes` are fields of the `Gateway`."""

    def __init__(
        self,
        bench: Bench | None = None,
        *,
        bounds: SocketBounds | None = None,
        in_flight_max_count: int = 32,
        body_limit_bytes: int = 1_000_000,
        **changes: Any,
    ) -> None:
        self.bench = bench or create_bench()
        self.bench.gateway = replace(self.bench.gateway, **changes)
        self.lifecycle = Lifecycle()
        self.lifecycle.mark_ready()
        self._log = os.memfd_create("request-log")
        self.request_log = RequestLog(slow_overhead_ms=1e9, slow_total_ms=1e9, descriptor=self._log)
        weakref.finalize(self.request_log, os.close, self._log)  # not before its last timer fired
        self.door = FrontDoor(self.bench.gateway, Edge(body_limit_bytes, 10.0, 1000), self.lifecycle, self.request_log)

        def open_socket(front: FrontDoor, say: Say, fail: Fail, scope: Any) -> StreamSocket:
            return StreamSocket(front, say, front.edge.client_ip(scope, dict(scope["headers"])), in_flight_max_count)

        self.application: Any = SocketConsumer.as_asgi(door=self._give_door, bounds=bounds or SocketBounds(), open_socket=open_socket)

    async def _give_door(self) -> FrontDoor:
        return self.door

    def logged(self) -> list[dict[str, Any]]:
        """Return the events of the requests that ended."""
        self.request_log.flush()
        size = os.fstat(self._log).st_size
        return [json.loads(line) for line in os.pread(self._log, size, 0).splitlines()]

    def connect(
        self, *, key: bytes | None = None, headers: Sequence[tuple[bytes, bytes]] | None = None, subprotocols: Sequence[str] = ()
    ) -> Client:
        """Open a WebSocket; without `headers` with the bench's key."""
        if headers is None:
            headers = [(b"authorization", b"Bearer " + (self.bench.key if key is None else key))]
        client = Client()
        client.may_read.set()
        client._incoming.put_nowait({"type": "websocket.connect"})
        scope = {
            "type": "websocket",
            "path": "/ws/v1/stream",
            "headers": list(headers),
            "client": ("127.0.0.1", 5),
            "subprotocols": list(subprotocols),
        }
        client.task = asyncio.ensure_future(self.application(scope, client.receive, client.send))
        return client
