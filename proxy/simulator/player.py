"""Sends a reply: with the pauses that its behaviour asks for, and with its fault."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from proxy.simulator.behaviour import Fault
from proxy.simulator.exchange import Exchange
from proxy.simulator.reply import Headers, JsonReply, Reply, StreamReply, faulty_after

_BREATH_FRAMES = 64  # frames of an unpaced stream between two turns of the event loop
_TRICKLES_PER_S = 100
# What a proxy, a firewall or a sign-in page puts in the place of an API's answer.
_PAGE = b"<!DOCTYPE html>\n<html><head><title>Welcome</title></head><body><h1>It works!</h1></body></html>\n"
_PAGE_HEADERS: Headers = ((b"content-type", b"text/html; charset=utf-8"),)


async def play(exchange: Exchange, reply: Reply) -> None:
    """
    Send `reply` as its behaviour says; a client that leaves cancels it.

    Guarantee: an answer that is cut on purpose is left unfinished, so that the server closes the connection without an end mark.
    Cost: no task and no timer for an instant answer of known length; one timer for each paced frame.
    """
    if reply.behaviour.fault is Fault.WRONG_TYPE:
        await _send_whole(exchange, 200, _PAGE_HEADERS, _PAGE)
    elif isinstance(reply, JsonReply):
        await _play_json(exchange, reply)
    else:
        exchange.watch()
        await _play_stream(exchange, reply)


async def _play_json(exchange: Exchange, reply: JsonReply) -> None:
    fault, delay_s = reply.behaviour.fault, reply.behaviour.duration_s(reply.output_tokens)
    if delay_s or fault is not Fault.NONE:
        exchange.watch()
    if fault is Fault.HANG:
        await _wait_for_ever()
    if fault is Fault.SLOW_START:
        await exchange.start(reply.status, (*reply.headers, _length(reply.body)))
        await _trickle(exchange, reply.body, delay_s)
        await exchange.finish()
        return
    if delay_s:
        await asyncio.sleep(delay_s)
    half = reply.body[: len(reply.body) // 2]
    match fault:
        case Fault.CUT:
            await exchange.start(reply.status, (*reply.headers, _length(reply.body)))
            await exchange.send(half)
        case Fault.DRIP:
            await exchange.start(reply.status, reply.headers)
            await _drip(exchange, reply.body)
            await exchange.finish()
        case Fault.MALFORMED:
            await _send_whole(exchange, reply.status, reply.headers, half)
        case Fault.ERROR_IN_STREAM:
            await _send_whole(exchange, reply.status, reply.headers, reply.error_body or reply.body)
        case _:
            await _send_whole(exchange, reply.status, reply.headers, reply.body)


async def _send_whole(exchange: Exchange, status: int, headers: Headers, body: bytes) -> None:
    await exchange.start(status, (*headers, _length(body)))
    await exchange.finish(body)


async def _play_stream(exchange: Exchange, reply: StreamReply) -> None:
    behaviour = reply.behaviour
    if behaviour.fault is Fault.HANG:
        await _wait_for_ever()
    if behaviour.fault is Fault.SLOW_START:
        await _play_slow_start(exchange, reply)
        return
    if behaviour.first_token_s:
        await asyncio.sleep(behaviour.first_token_s)
    await exchange.start(200, reply.headers)
    if behaviour.fault is Fault.DRIP:
        await _drip(exchange, b"".join((*reply.opening, *reply.paced, *reply.closing)))
        await exchange.finish()
        return
    paced, closing, ends = _with_fault(reply)
    for frame in reply.opening:
        await exchange.send(frame)
    await _pace(exchange, paced, behaviour.tokens_per_s)
    for frame in closing:
        await exchange.send(frame)
    if ends:
        await exchange.finish()


async def _play_slow_start(exchange: Exchange, reply: StreamReply) -> None:
    """Send the head and the opening at once, then let bytes flow for the whole time to the first token before there is any content."""
    await exchange.start(200, reply.headers)
    for frame in reply.opening:
        await exchange.send(frame)
    first = b"".join(reply.paced[:1])
    await _trickle(exchange, first, reply.behaviour.first_token_s)
    await _hurry(exchange, (*reply.paced[1:], *reply.closing))
    await exchange.finish()


def _with_fault(reply: StreamReply) -> tuple[Sequence[bytes], Sequence[bytes], bool]:
    """Return the frames to pace, the frames that close the stream, and whether it is ended properly."""
    half = faulty_after(len(reply.paced))
    match reply.behaviour.fault:
        case Fault.CUT:
            return reply.paced[:half], (), False
        case Fault.ERROR_IN_STREAM:
            return reply.paced[:half], reply.error, True
        case Fault.MALFORMED:
            return (*reply.paced[:half], reply.broken, *reply.paced[half:]), reply.closing, True
    return reply.paced, reply.closing, True


async def _pace(exchange: Exchange, frames: Sequence[bytes], tokens_per_s: float) -> None:
    """Send one frame each 1/tokens_per_s, the first at once. The times are counted from the beginning, so that delays do not add up."""
    if not tokens_per_s:
        await _hurry(exchange, frames)
        return
    loop = asyncio.get_running_loop()
    due_at, pause_s = loop.time(), 1 / tokens_per_s
    for frame in frames:
        wait_s = due_at - loop.time()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        await exchange.send(frame)
        due_at += pause_s


async def _hurry(exchange: Exchange, frames: Sequence[bytes]) -> None:
    for number, frame in enumerate(frames, 1):
        await exchange.send(frame)
        if number % _BREATH_FRAMES == 0:
            await asyncio.sleep(0)


async def _drip(exchange: Exchange, body: bytes) -> None:
    """Send byte by byte. Each is a chunk of its own, so a reader sees it alone even where the network joins the packets."""
    for at in range(len(body)):
        await exchange.send(body[at : at + 1])
        await asyncio.sleep(0)


async def _trickle(exchange: Exchange, body: bytes, duration_s: float) -> None:
    """Send `body` in small pieces that take `duration_s` together, at most a hundred a second."""
    size = -(-len(body) // max(1, min(len(body), int(duration_s * _TRICKLES_PER_S)))) if body else 1
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    for piece in pieces:
        await asyncio.sleep(duration_s / len(pieces))
        await exchange.send(piece)


async def _wait_for_ever() -> None:
    await asyncio.get_running_loop().create_future()


def _length(body: bytes) -> tuple[bytes, bytes]:
    return b"content-length", str(len(body)).encode()
