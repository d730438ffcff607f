"""
The data plane over ASGI, called as a server calls it, on the fakes of `proxy/testing.py`.

A `Site` is one worker; a `Talk` is one request to it, whose client can dawdle with its body, read along, and leave.
"""

from __future__ import annotations

import asyncio
import json
import os
import weakref
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from proxy.asgi import DataPlane
from proxy.edge import Edge, FrontDoor, Network
from proxy.lifecycle import Lifecycle
from proxy.request_log import RequestLog
from proxy.testing import Bench, create_bench
from tests.proxy.chat_help import chat

CHAT = "/v1/chat/completions"
LOOPBACK = ("127.0.0.1", 50000)
Pairs = Sequence[tuple[bytes, bytes]]


@dataclass
class Talk:
    """One request and what came back."""

    status: int = 0
    pairs: list[tuple[bytes, bytes]] = field(default_factory=list)
    pieces: list[bytes] = field(default_factory=list)
    is_complete: bool = False
    task: asyncio.Task[None] | None = None
    _incoming: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    # --- the client's side ----------------------------------------------------------------------------------------------------------

    def send_body(self, body: bytes, *, more: bool = False) -> None:
        self._incoming.put_nowait({"type": "http.request", "body": body, "more_body": more})

    def leave(self) -> None:
        """Hang up."""
        self._over.set()

    async def done(self, within_s: float = 10.0) -> Talk:
        """Wait until the application returned; whatever it raised is raised here."""
        assert self.task is not None
        async with asyncio.timeout(within_s):
            await self.task
        return self

    async def until(self, text: bytes, within_s: float = 10.0) -> None:
        """Wait until the answer holds `text`."""
        async with asyncio.timeout(within_s):
            while text not in self.body:
                self._news.clear()
                await self._news.wait()

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def headers(self) -> dict[str, str]:
        """The headers by name. Errors: AssertionError for a name that came twice."""
        found = {name.decode(): value.decode() for name, value in self.pairs}
        assert len(found) == len(self.pairs), self.pairs
        return found

    # --- the server's side ----------------------------------------------------------------------------------------------------------

    async def receive(self) -> dict[str, Any]:
        over = asyncio.ensure_future(self._over.wait())
        message = asyncio.ensure_future(self._incoming.get())
        try:
            await asyncio.wait({over, message}, return_when=asyncio.FIRST_COMPLETED)
            return message.result() if message.done() else {"type": "http.disconnect"}
        finally:
            for future in (over, message):
                future.cancel()
                with suppress(asyncio.CancelledError):
                    await future

    async def send(self, message: Any) -> None:
        assert not self.is_complete, "sent after the end"
        if message["type"] == "http.response.start":
            assert not self.status, "started twice"
            self.status, self.pairs = message["status"], [(bytes(name), bytes(value)) for name, value in message["headers"]]
        else:
            assert self.status, "a body before the head"
            self.pieces.append(message["body"])
            if not message.get("more_body"):
                self.is_complete = True
                self._over.set()  # as servers do: after the answer `receive` says disconnect
        self._news.set()
        await asyncio.sleep(0)


def open_talk(
    application: Any,
    method: str = "POST",
    path: str = CHAT,
    body: bytes | None = None,
    headers: Pairs = (),
    client: tuple[str, int] | None = LOOPBACK,
    query: bytes = b"",
) -> Talk:
    """Begin a request; a POST without a body waits for `send_body`."""
    talk = Talk()
    if body is not None or method != "POST":
        talk.send_body(body or b"")
    scope = {"type": "http", "method": method, "path": path, "headers": list(headers), "client": client, "query_string": query}
    talk.task = asyncio.ensure_future(application(scope, talk.receive, talk.send))
    return talk


class Site:
    """One worker's data plane. `changes` are fields of the `Gateway`."""

    def __init__(
        self,
        bench: Bench | None = None,
        *,
        body_limit_bytes: int = 1_000_000,
        body_timeout_s: float = 10.0,
        concurrency_count: int = 1000,
        trusted_proxies: tuple[Network, ...] = (),
        slow_overhead_ms: float = 1e9,
        slow_total_ms: float = 1e9,
        **changes: Any,
    ) -> None:
        self.bench = bench or create_bench()
        self.bench.gateway = replace(self.bench.gateway, **changes)
        self.lifecycle = Lifecycle()
        self.lifecycle.mark_ready()
        self._log = os.memfd_create("request-log")
        self.request_log = RequestLog(slow_overhead_ms=slow_overhead_ms, slow_total_ms=slow_total_ms, descriptor=self._log)
        weakref.finalize(self.request_log, os.close, self._log)  # not before its last timer fired
        edge = Edge(body_limit_bytes, body_timeout_s, concurrency_count, trusted_proxies)
        self.application = DataPlane(FrontDoor(self.bench.gateway, edge, self.lifecycle, self.request_log))

    def logged(self) -> list[dict[str, Any]]:
        """Return the events of the requests that ended."""
        self.request_log.flush()
        size = os.fstat(self._log).st_size
        return [json.loads(line) for line in os.pread(self._log, size, 0).splitlines()]

    @property
    def bearer(self) -> tuple[bytes, bytes]:
        return (b"authorization", b"Bearer " + self.bench.key)

    def open(
        self,
        method: str = "POST",
        path: str = CHAT,
        body: bytes | None = None,
        headers: Pairs | None = None,
        client: tuple[str, int] | None = LOOPBACK,
    ) -> Talk:
        """Begin a request; without `headers` it has a key and a content type."""
        if headers is None:
            headers = [self.bearer, (b"content-type", b"application/json")] if method == "POST" else [self.bearer]
        return open_talk(self.application, method, path, body, headers, client)

    async def call(self, method: str = "POST", path: str = CHAT, body: bytes | None = None, **options: Any) -> Talk:
        """Make a whole request; a POST without a body asks for a chat completion."""
        if body is None and method == "POST":
            body = chat()
        return await self.open(method, path, body, **options).done()

    async def ask(self, **fields: Any) -> Talk:
        """Ask for a chat completion; `fields` are those of its body."""
        return await self.call(body=chat(**fields))


def check_error(talk: Talk, status: int, kind: str, code: str | None, param: str | None = None) -> str:
    """Check an answer against the contract's error and return its message."""
    assert talk.status == status, talk.body
    assert talk.headers["content-type"] == "application/json"
    assert int(talk.headers["content-length"]) == len(talk.body)
    assert talk.headers["x-request-id"] == talk.headers["request-id"]
    assert set(talk.json) == {"error"}
    error = talk.json["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["type"], error["code"], error["param"]) == (kind, code, param), error
    message: str = error["message"]
    assert message
    return message
