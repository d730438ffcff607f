"""
What upstreams do wrong, each in one way; run one with `serve(behaviour)`. Used by every suite that must name failures.
"""

from __future__ import annotations

import asyncio

from tests.proxy.upstreams import CHUNKED_END, CHUNKED_HEAD, Behaviour, Peer, dump_answer, dump_chunk

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


async def echoes_chunks(peer: Peer) -> None:
    """Answer 200 at once and send each chunk of the request back as it comes."""
    while True:
        await peer.read_head()
        await peer.write(CHUNKED_HEAD)
        async for piece in peer.read_chunks():
            await peer.write(dump_chunk(piece))
        await peer.write(CHUNKED_END)


async def answers_before_the_body(peer: Peer) -> None:
    """Send a whole answer after the head of the request; read on and ignore."""
    await peer.read_head()
    await peer.write(dump_answer(b"enough"))


async def resets_in_the_body(peer: Peer) -> None:
    """Read the head and some of the body, and reset."""
    await peer.read_head()
    await peer.reader.readexactly(100)
    peer.reset()


async def refuses_body(peer: Peer) -> None:
    """Answer 413 after the head of the request; read on and ignore."""
    await peer.reader.readuntil(b"\r\n\r\n")
    await peer.write(dump_answer(b"too large", status=b"413 Content Too Large"))
