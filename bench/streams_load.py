#!/usr/bin/env python3
"""
Streams for `sockets.py`: an upstream that paces them exactly, and clients that read a thousand at once over WebSockets or SSE.

    streams_load.py upstream PORT          serves until it is stopped

The upstream writes into every chunk when it sent it, so a client on the same machine knows what was added to each gap between two
chunks, and notices a chunk that is missing, doubled or out of order. Model `paced-20`: 20 chunks a second, `max_tokens` of them.
Rules: raw protocols, because a library would take more of the machine than the gateway that is measured.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import uvloop

_MARK = b'"system_fingerprint":"'
_TEXT = b'"content":"'
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_CHUNK = (
    b'data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"paced","system_fingerprint":"%d",'
    b'"choices":[{"index":0,"delta":{"content":"word-%d "},"finish_reason":%b}]}\n\n'
)
_TAIL = (
    b'data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"paced","choices":[],'
    b'"usage":{"prompt_tokens":5,"completion_tokens":%d,"total_tokens":%d}}\n\ndata: [DONE]\n\n'
)


# --- the upstream -------------------------------------------------------------------------------------------------------------------


class PacedUpstream(asyncio.Protocol):
    """One connection: a request, its stream, the next request."""

    def __init__(self) -> None:
        self._data = b""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, mark, body = self._data.partition(b"\r\n\r\n")
        if not mark or len(body) < int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]):
            return
        self._data = b""
        request = json.loads(body)
        self._loop = asyncio.get_running_loop()
        self._pause_s = 1 / float(request["model"].rpartition("-")[2])
        self._count, self._sent = int(request["max_tokens"]), 0
        self._due_at = self._loop.time()
        self._transport.write(_HEAD)
        self._tick()

    def _tick(self) -> None:
        if self._sent == self._count:
            self._write(_TAIL % (self._count, self._count + 5))
            self._transport.write(b"0\r\n\r\n")
            return
        is_last = self._sent == self._count - 1
        self._write(_CHUNK % (time.monotonic_ns(), self._sent, b'"stop"' if is_last else b"null"))
        self._sent += 1
        self._due_at += self._pause_s
        self._timer = self._loop.call_at(self._due_at, self._tick)

    def _write(self, data: bytes) -> None:
        self._transport.write(b"%x\r\n%b\r\n" % (len(data), data))


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(PacedUpstream, "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


# --- the clients --------------------------------------------------------------------------------------------------------------------


@dataclass
class Reading:
    """What the clients of one run have seen. Units: nanoseconds."""

    count: int
    added_gaps_ns: list[int] = field(default_factory=list)
    delays_ns: list[int] = field(default_factory=list)
    chunks_count: int = 0
    completed_count: int = 0
    faults: list[str] = field(default_factory=list)


class StreamReader:
    """The chunks of one stream, in the order in which they came."""

    __slots__ = ("_next", "_reading", "_seen_at", "_sent_at", "on_end")

    def __init__(self, reading: Reading, on_end: Callable[[], None]) -> None:
        self._reading = reading
        self._next = self._seen_at = self._sent_at = 0
        self.on_end = on_end

    def chunk(self, data: bytes, seq: int | None) -> None:
        now, reading = time.monotonic_ns(), self._reading
        at = data.find(_MARK)
        if at < 0:
            return  # usage
        sent_at = int(data[at + len(_MARK) : data.index(b'"', at + len(_MARK))])
        start = data.index(_TEXT) + len(_TEXT)
        if data[start : data.index(b'"', start)] != b"word-%d " % self._next or (seq is not None and seq != self._next):
            reading.faults.append(f"chunk {self._next} is {data[:300]!r}")
        self._next += 1
        reading.chunks_count += 1
        reading.delays_ns.append(now - sent_at)
        if self._seen_at:
            reading.added_gaps_ns.append((now - self._seen_at) - (sent_at - self._sent_at))
        self._seen_at, self._sent_at = now, sent_at

    def end(self, fault: str = "") -> None:
        if fault or self._next != self._reading.count:
            self._reading.faults.append(fault or f"ended after {self._next} of {self._reading.count} chunks")
        else:
            self._reading.completed_count += 1
        self.on_end()


class SseClient(asyncio.Protocol):
    """One stream over HTTP."""

    def __init__(self, request: bytes, reader: StreamReader) -> None:
        self._request = request
        self._reader = reader
        self._rest = b""
        self._is_over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        *events, self._rest = (self._rest + data).split(b"\n\n")
        for event in events:
            if event.endswith(b"data: [DONE]"):
                self._is_over = True
                self._reader.end()
                self._transport.close()
            elif b"data: " in event:
                self._reader.chunk(event, None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._is_over:
            self._reader.end(f"closed: {self._rest[:300]!r}")


class SocketClient(asyncio.Protocol):
    """One WebSocket; `requests` by their ids. `ready` is set when the server has answered a first ping."""

    def __init__(self, port: int, key: str, *, has_deflate: bool = False) -> None:
        extension = "Sec-WebSocket-Extensions: permessage-deflate\r\n" if has_deflate else ""
        nonce = base64.b64encode(os.urandom(16)).decode()
        self._head = (
            f"GET /ws/v1/stream HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {nonce}\r\n{extension}Authorization: Bearer {key}\r\n\r\n"
        ).encode()
        self._data = bytearray()
        self._is_open = False
        self._readers: dict[bytes, StreamReader] = {}
        self.is_deflated = False
        self.ready = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self._head)

    def create(self, request: str, body: bytes, reader: StreamReader) -> None:
        self._readers[request.encode()] = reader
        self.say(b'{"type":"request.create","id":"%b","endpoint":"/v1/chat/completions","body":%b}' % (request.encode(), body))

    def say(self, data: bytes) -> None:
        size = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2, "big")
        self.transport.write(b"\x81" + size + bytes(4) + data)  # masked with zeros

    def data_received(self, data: bytes) -> None:
        self._data += data
        if not self._is_open:
            head, mark, rest = bytes(self._data).partition(b"\r\n\r\n")
            if not mark:
                return
            if b" 101 " not in head:
                raise SystemExit(f"bench: no WebSocket: {head!r}")
            self._is_open, self._data = True, bytearray(rest)
            self.is_deflated = b"permessage-deflate" in head
            self.say(b'{"type":"ping"}')
        while (frame := self._take_frame()) is not None:
            self._read(frame)

    def _take_frame(self) -> bytes | None:
        data = self._data
        if len(data) < 2:
            return None
        size, start = data[1], 2
        if size == 126:
            size, start = int.from_bytes(data[2:4], "big"), 4
        if len(data) < start + size:
            return None
        frame = bytes(data[start : start + size])
        opcode = data[0] & 15
        del data[: start + size]
        if opcode == 9:
            self.transport.write(b"\x8a" + bytes([0x80 | len(frame)]) + bytes(4) + frame)
        return frame if opcode == 1 else b""

    def _read(self, text: bytes) -> None:
        if text.startswith(b'{"type":"response.chunk","id":"'):
            end = text.index(b'"', 31)
            seq = int(text[end + 8 : text.index(b",", end + 2)])
            self._readers[text[31:end]].chunk(text, seq)
        elif not self.ready.is_set():
            self.ready.set()
        elif text and not text.startswith(b'{"type":"response.started"'):
            message = json.loads(text)
            self._readers.pop(message["id"].encode()).end("" if message["type"] == "response.completed" else str(message))

    def connection_lost(self, exc: Exception | None) -> None:
        self.ready.set()
        for reader in self._readers.values():
            reader.end("closed")
        self._readers.clear()


async def open_sockets(port: int, key: str, count: int, *, has_deflate: bool = False) -> list[SocketClient]:
    loop = asyncio.get_running_loop()
    clients = []
    for _ in range(count):
        _, client = await loop.create_connection(lambda: SocketClient(port, key, has_deflate=has_deflate), "127.0.0.1", port)
        clients.append(client)
    await asyncio.gather(*(client.ready.wait() for client in clients))
    return clients


@dataclass(frozen=True)
class Plan:
    """`streams_count` streams of `count` chunks, begun evenly over `ramp_s`; `per_socket` of them on each WebSocket."""

    port: int
    key: str
    model: str
    streams_count: int
    count: int
    ramp_s: float
    per_socket: int = 1

    def body(self) -> bytes:
        messages = [{"role": "user", "content": "Tell me a long story."}]
        return json.dumps({"model": self.model, "messages": messages, "stream": True, "max_tokens": self.count}).encode()


async def read_streams(plan: Plan, mode: str) -> Reading:
    """Run the plan to its end; `mode` is `ws` or `sse`."""
    loop, body = asyncio.get_running_loop(), plan.body()
    reading, over, left = Reading(plan.count), asyncio.Event(), plan.streams_count

    def on_end() -> None:
        nonlocal left
        left -= 1
        if not left:
            over.set()

    sockets = await open_sockets(plan.port, plan.key, -(-plan.streams_count // plan.per_socket)) if mode == "ws" else []
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {plan.key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    began_at = loop.time()
    for number in range(plan.streams_count):
        await asyncio.sleep(max(0.0, began_at + plan.ramp_s * number / plan.streams_count - loop.time()))
        reader = StreamReader(reading, on_end)
        if sockets:
            sockets[number % len(sockets)].create(f"r{number}", body, reader)
        else:
            await loop.create_connection(lambda reader=reader: SseClient(head + body, reader), "127.0.0.1", plan.port)  # type: ignore[misc]
    await asyncio.wait_for(over.wait(), 120)
    for client in sockets:
        client.transport.close()
    return reading


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[2])))
