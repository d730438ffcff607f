"""
Upstreams for tests, on free ports of the loopback interface: what one connection can do, and the server that runs it.

A behaviour is a coroutine function that gets a `Peer`, one accepted connection. What it leaves open stays open until the client
closes it, so "hang" is simply the end of the function. The behaviours themselves: `tests/proxy/misbehaving.py`.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field

from proxy.ports import Endpoint

CHUNKED_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
CHUNKED_END = b"0\r\n\r\n"


def dump_answer(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """Return a whole answer with a content length."""
    return b"\r\n".join([b"HTTP/1.1 " + status, b"content-length: %d" % len(body), *headers, b"", body])


def dump_chunk(data: bytes) -> bytes:
    """Return one piece of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


@dataclass(frozen=True, slots=True)
class Request:
    line: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def header(self, name: bytes) -> bytes | None:
        return dict(self.headers).get(name)


class Peer:
    """One connection, seen from the upstream."""

    def __init__(self, server: Server, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server = server
        self.number = number
        """The first connection of a server is 0."""
        self.reader = reader
        self.writer = writer
        self.closed_by_client = asyncio.Event()

    async def read_request(self) -> Request:
        """Errors: IncompleteReadError, ConnectionError when the client is gone."""
        line, headers = await self.read_head()
        framing = dict(headers)
        if framing.get(b"transfer-encoding") == b"chunked":
            body = b"".join([piece async for piece in self.read_chunks()])
        else:
            body = await self.reader.readexactly(int(framing.get(b"content-length", b"0")))
        request = Request(line, headers, body)
        self.server.requests.append(request)
        return request

    async def read_head(self) -> tuple[bytes, tuple[tuple[bytes, bytes], ...]]:
        """Return the request line and the headers. Errors: as `read_request`."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        line, *lines = head[:-4].split(b"\r\n")
        return line, tuple((name, value) for name, _, value in (entry.partition(b": ") for entry in lines))

    async def read_chunks(self) -> AsyncIterator[bytes]:
        """Yield the chunks of a body as the client cut them. Errors: as `read_request`; ValueError for what is no chunk."""
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            yield await self.reader.readexactly(size)
            await self._skip_line_end()
        await self._skip_line_end()

    async def _skip_line_end(self) -> None:
        if await self.reader.readexactly(2) != b"\r\n":
            raise ValueError("no line end behind a chunk")

    async def write(self, data: bytes) -> None:
        """Errors: ConnectionError when the client is gone."""
        if self.writer.is_closing():
            raise ConnectionResetError  # uvloop calls it a RuntimeError
        self.writer.write(data)
        await self.writer.drain()

    def half_close(self) -> None:
        """Send the end of the stream and go on reading."""
        self.writer.write_eof()

    async def close(self) -> None:
        """Close after what was written went out."""
        self.writer.close()
        with suppress(ConnectionError, ssl.SSLError):
            await self.writer.wait_closed()

    def reset(self) -> None:
        """Send a TCP reset."""
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def wait_for_client_to_close(self) -> None:
        with suppress(ConnectionError, ssl.SSLError):
            while await self.reader.read(65536):
                pass
        self.closed_by_client.set()


Behaviour = Callable[[Peer], Awaitable[None]]


@dataclass
class Server:
    """A running upstream and what it saw."""

    endpoint: Endpoint
    requests: list[Request] = field(default_factory=list)
    peers: list[Peer] = field(default_factory=list)

    async def saw_close(self, number: int = 0, within_s: float = 5.0) -> None:
        """Wait until the client closed a connection. Errors: TimeoutError."""
        async with asyncio.timeout(within_s):
            await self.peers[number].closed_by_client.wait()

    async def saw_connection(self, count: int = 1, within_s: float = 5.0) -> None:
        """Wait until `count` connections were accepted. Errors: TimeoutError."""
        async with asyncio.timeout(within_s):
            while len(self.peers) < count:
                await asyncio.sleep(0.001)

    async def saw_request(self, count: int = 1, within_s: float = 5.0) -> None:
        """Wait until `count` requests came. Errors: TimeoutError."""
        async with asyncio.timeout(within_s):
            while len(self.requests) < count:
                await asyncio.sleep(0.001)


@asynccontextmanager
async def serve(behaviour: Behaviour, *, ssl_context: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> AsyncIterator[Server]:
    """Run an upstream; at the end everything it still has open is dropped."""
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        peer = Peer(server, len(server.peers), reader, writer)
        server.peers.append(peer)
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
                await behaviour(peer)
            await peer.wait_for_client_to_close()
        except asyncio.CancelledError:
            pass  # the end of the test; a cancelled stream handler would be logged as an error
        finally:
            writer.transport.abort()

    listener = await asyncio.start_server(accept, host, 0, ssl=ssl_context, limit=1 << 26)
    port = listener.sockets[0].getsockname()[1]
    server = Server(Endpoint("https" if ssl_context else "http", host, port))
    try:
        yield server
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextmanager
def refusing_port() -> Iterator[int]:
    """Give a port that refuses: bound, so that nobody else gets it, but not listening."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@contextmanager
def silent_port(host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """Give a port that never answers a connection attempt: its queue of one is full, so the kernel drops the rest."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        try:
            yield listener.getsockname()[1]
        finally:
            for filler in fillers:
                filler.close()
