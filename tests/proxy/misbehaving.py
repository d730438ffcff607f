"""
Upstreams that misbehave, each in one way, on free ports of the loopback interface.

A behaviour is a coroutine function that gets a `Peer`, one accepted connection. What it leaves open stays open until the client
closes it, so "hang" is simply the end of the function. Used by every suite that must name failures: the HTTP client's and the pipeline's.
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
        head = await self.reader.readuntil(b"\r\n\r\n")
        line, *lines = head[:-4].split(b"\r\n")
        headers = tuple((name, value) for name, _, value in (entry.partition(b": ") for entry in lines))
        body = await self.reader.readexactly(int(dict(headers).get(b"content-length", b"0")))
        request = Request(line, headers, body)
        self.server.requests.append(request)
        return request

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


# Well behaved


def answers(*answers_in_order: bytes) -> Behaviour:
    """Answer request after request on a kept-alive connection; the last answer repeats."""

    async def behave(peer: Peer) -> None:
        count = 0
        while True:
            await peer.read_request()
            await peer.write(answers_in_order[min(count, len(answers_in_order) - 1)])
            count += 1

    return behave


def streams(*pieces: bytes, pause_s: float = 0.0) -> Behaviour:
    """Answer every request with one chunk per piece, and stay."""

    async def behave(peer: Peer) -> None:
        while True:
            await peer.read_request()
            await peer.write(CHUNKED_HEAD)
            for piece in pieces:
                await peer.write(dump_chunk(piece))
                await asyncio.sleep(pause_s)
            await peer.write(CHUNKED_END)

    return behave


# Before the head


async def never_speaks(peer: Peer) -> None:
    """Accept and then nothing: under TLS not even a handshake, when it is served without."""


async def hangs_before_head(peer: Peer) -> None:
    await peer.read_request()


async def hangs_in_head(peer: Peer) -> None:
    await peer.read_request()
    await peer.write(b"HTTP/1.1 200 OK\r\ncontent-ty")


async def resets_before_head(peer: Peer) -> None:
    await peer.read_request()
    peer.reset()


async def closes_before_head(peer: Peer) -> None:
    await peer.read_request()
    await peer.close()


async def closes_in_head(peer: Peer) -> None:
    await peer.read_request()
    await peer.write(b"HTTP/1.1 200 OK\r\ncontent-ty")
    await peer.close()


async def sends_garbage(peer: Peer) -> None:
    await peer.read_request()
    await peer.write(b"SSH-2.0-OpenSSH_9.2p1\r\n")


async def sends_endless_head(peer: Peer) -> None:
    await peer.read_request()
    await peer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        await peer.write(b"x-filler: " + b"a" * 1000 + b"\r\n")


async def switches_protocols(peer: Peer) -> None:
    await peer.read_request()
    await peer.write(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n\x81\x00")


async def sends_endless_interim_answers(peer: Peer) -> None:
    await peer.read_request()
    while True:
        await peer.write(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n")


async def sends_two_lengths(peer: Peer) -> None:
    await peer.read_request()
    await peer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 5\r\n\r\none")


async def sends_length_and_chunks(peer: Peer) -> None:
    await peer.read_request()
    await peer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n")


async def sends_unknown_coding(peer: Peer) -> None:
    await peer.read_request()
    await peer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n")


# In the body


async def hangs_mid_body(peer: Peer) -> None:
    await peer.read_request()
    await peer.write(CHUNKED_HEAD + dump_chunk(b"one"))


async def half_closes_mid_body(peer: Peer) -> None:
    await hangs_mid_body(peer)
    peer.half_close()


async def closes_mid_length(peer: Peer) -> None:
    await peer.read_request()
    await peer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\none")
    await peer.close()


async def closes_mid_chunk(peer: Peer) -> None:
    await peer.read_request()
    await peer.write(CHUNKED_HEAD + b"a\r\none")
    await peer.close()


async def closes_without_last_chunk(peer: Peer) -> None:
    await hangs_mid_body(peer)
    await peer.close()


def resets_mid_body(may_reset: asyncio.Event) -> Behaviour:
    """Reset in the body, after the event: a reset also discards what the client has not read yet."""

    async def behave(peer: Peer) -> None:
        await hangs_mid_body(peer)
        await may_reset.wait()
        peer.reset()

    return behave


async def breaks_chunking(peer: Peer) -> None:
    await hangs_mid_body(peer)
    await peer.write(b"zz\r\n")


async def ends_with_stream(peer: Peer) -> None:
    """No length and no chunks: HTTP/1.0 style, complete when the connection ends cleanly."""
    await peer.read_request()
    await peer.write(b"HTTP/1.1 200 OK\r\n\r\none")
    await peer.close()


def resets_unframed_body(may_reset: asyncio.Event) -> Behaviour:
    async def behave(peer: Peer) -> None:
        await peer.read_request()
        await peer.write(b"HTTP/1.1 200 OK\r\n\r\none")
        await may_reset.wait()
        peer.reset()

    return behave


def floods(pieces: int) -> Behaviour:
    """Stream `pieces` chunks of 64 KB without a line break, as fast as the client takes them."""

    async def behave(peer: Peer) -> None:
        await peer.read_request()
        await peer.write(CHUNKED_HEAD)
        for _ in range(pieces):
            await peer.write(dump_chunk(b"x" * 65536))
        await peer.write(CHUNKED_END)

    return behave


async def sends_endless_extension(peer: Peer) -> None:
    """Send a chunk extension that never ends: bytes flow, content does not."""
    await peer.read_request()
    await peer.write(CHUNKED_HEAD + b"5;x=")
    while True:
        await peer.write(b"a" * 1000)


async def sends_endless_trailer(peer: Peer) -> None:
    await peer.read_request()
    await peer.write(CHUNKED_HEAD + dump_chunk(b"one") + b"0\r\n")
    while True:
        await peer.write(b"x-filler: " + b"a" * 1000 + b"\r\n")


# Around kept-alive connections


async def closes_after_each_answer(peer: Peer) -> None:
    """Answer once as if the connection stayed open, then close it."""
    await peer.read_request()
    await peer.write(dump_answer(b"ok"))
    await peer.close()


async def closes_on_second_request(peer: Peer) -> None:
    """Answer the first request; take the second and close without a byte, as a server does whose keep-alive just ran out."""
    await peer.read_request()
    await peer.write(dump_answer(b"ok"))
    await peer.read_request()
    await peer.close()


async def resets_on_second_request(peer: Peer) -> None:
    await peer.read_request()
    await peer.write(dump_answer(b"ok"))
    await peer.read_request()
    peer.reset()


def dies_on_second_request(after_s: float) -> Behaviour:
    """Answer the first request; take the second, work on it for a while and die without a byte."""

    async def behave(peer: Peer) -> None:
        await peer.read_request()
        await peer.write(dump_answer(b"ok"))
        await peer.read_request()
        await asyncio.sleep(after_s)
        await peer.close()

    return behave


async def starts_second_answer_and_closes(peer: Peer) -> None:
    await peer.read_request()
    await peer.write(dump_answer(b"ok"))
    await peer.read_request()
    await peer.write(b"HTTP/1.1 2")
    await peer.close()


async def answers_twice(peer: Peer) -> None:
    """Send two answers to each request, in one packet."""
    while True:
        await peer.read_request()
        await peer.write(dump_answer(b"first") + dump_answer(b"second"))


async def speaks_unasked(peer: Peer) -> None:
    """Answer, and send another answer a moment later, while the connection is idle."""
    while True:
        await peer.read_request()
        await peer.write(dump_answer(b"first"))
        await asyncio.sleep(0.02)
        await peer.write(dump_answer(b"unasked"))


# Around the request's body


def reads_slowly(may_read: asyncio.Event) -> Behaviour:
    """Read nothing before the event, then the whole request, and answer with the size of its body."""

    async def behave(peer: Peer) -> None:
        peer.writer.transport.pause_reading()
        await may_read.wait()
        peer.writer.transport.resume_reading()
        request = await peer.read_request()
        await peer.write(dump_answer(b"%d" % len(request.body)))

    return behave


async def never_reads(peer: Peer) -> None:
    peer.writer.transport.pause_reading()
    await asyncio.sleep(3600)


async def refuses_body(peer: Peer) -> None:
    """Answer 413 after the head of the request; read on and ignore."""
    await peer.reader.readuntil(b"\r\n\r\n")
    await peer.write(dump_answer(b"too large", status=b"413 Content Too Large"))
