"""Reading a request's body piece by piece, for whoever passes it on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from proxy.errors import BodyTimeout, ClientGone, RequestTooLarge
from proxy.http_sink import HttpSink

DISCONNECT = {"type": "http.disconnect"}


def piece(body: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


class Client:
    """The server's side of an ASGI call: hands out what was put in, and keeps what was sent."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self.incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        for message in messages:
            self.incoming.put_nowait(message)
        self.sent: list[dict[str, Any]] = []
        self.sink = HttpSink(self.incoming.get, self._send)

    async def _send(self, message: Any) -> None:
        self.sent.append(message)

    async def is_told_to_close(self) -> bool:
        await self.sink.send(200, [], b"")
        return (b"connection", b"close") in self.sent[0]["headers"]


async def take(pieces: AsyncIterator[bytes]) -> list[bytes]:
    return [taken async for taken in pieces]


async def test_pieces_come_as_they_arrive_without_the_empty_ones():
    client = Client(piece(b"one"), piece(b""), {"type": "http.request", "more_body": True}, piece(b"two"), piece(b"", more=False))

    assert await take(client.sink.iter_body(6)) == [b"one", b"two"]
    assert not await client.is_told_to_close()


async def test_body_in_one_piece_ends_with_it():
    client = Client(piece(b"one", more=False))

    assert await take(client.sink.iter_body(3)) == [b"one"]
    assert not await client.is_told_to_close()


async def test_empty_body_has_no_piece():
    assert await take(Client(piece(b"", more=False)).sink.iter_body(0)) == []


async def test_piece_beyond_the_limit_is_refused_and_closes_the_connection():
    client = Client(piece(b"one"), piece(b"two"))
    pieces = client.sink.iter_body(5)

    assert await anext(pieces) == b"one"
    with pytest.raises(RequestTooLarge):
        await anext(pieces)
    assert await client.is_told_to_close()


async def test_client_that_leaves_in_the_body_is_noticed():
    client = Client(piece(b"one"), DISCONNECT)
    pieces = client.sink.iter_body(100)

    assert await anext(pieces) == b"one"
    with pytest.raises(ClientGone):
        await anext(pieces)
    assert client.sink.is_gone


async def test_silence_in_the_body_ends_it_and_closes_the_connection():
    client = Client(piece(b"one"))
    pieces = client.sink.iter_body(100, idle_timeout_s=0.02)

    assert await anext(pieces) == b"one"
    await asyncio.sleep(0.05)  # the reader's own slowness does not count
    client.incoming.put_nowait(piece(b"two"))
    assert await anext(pieces) == b"two"
    with pytest.raises(BodyTimeout):
        await anext(pieces)
    assert await client.is_told_to_close()


async def test_body_that_is_left_closes_the_connection():
    client = Client(piece(b"one"))
    pieces: Any = client.sink.iter_body(100)

    assert await anext(pieces) == b"one"
    await pieces.aclose()
    assert await client.is_told_to_close()


# The watcher, which reads from the same client


@pytest.mark.parametrize("is_late", [True, False])
async def test_watcher_takes_no_piece_and_begins_when_the_body_ended(is_late):
    client = Client(piece(b"one"))
    sink = client.sink
    left = asyncio.Event()

    async def handle() -> None:
        pieces = sink.iter_body(100)
        sink.watch(is_cancelling=True, is_late=is_late)
        taken = [await anext(pieces)]
        await asyncio.sleep(0.1)
        client.incoming.put_nowait(piece(b"two"))
        client.incoming.put_nowait(piece(b"three", more=False))
        taken += await take(pieces)
        assert taken == [b"one", b"two", b"three"]
        client.incoming.put_nowait(DISCONNECT)
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            left.set()
            raise

    task = asyncio.create_task(handle())
    await asyncio.wait((task,), timeout=5)

    assert task.cancelled()
    assert left.is_set()
    assert sink.is_gone
    sink.close()


async def test_watcher_begins_with_the_last_piece_and_not_behind_it():
    client = Client(piece(b"one", more=False), DISCONNECT)
    pieces = client.sink.iter_body(100)
    client.sink.watch(is_cancelling=False, is_late=False)

    assert await anext(pieces) == b"one"
    await asyncio.sleep(0.01)

    assert client.sink.is_gone
    client.sink.close()


async def test_body_left_after_the_answer_starts_no_watcher():
    client = Client(piece(b"one"))
    pieces: Any = client.sink.iter_body(100)
    client.sink.watch(is_cancelling=True, is_late=False)
    await anext(pieces)

    client.sink.close()
    await pieces.aclose()

    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []


async def test_client_that_left_in_the_body_is_not_reported_twice():
    client = Client(DISCONNECT, DISCONNECT)
    pieces = client.sink.iter_body(100)
    client.sink.watch(is_cancelling=True, is_late=False)

    with pytest.raises(ClientGone):
        await anext(pieces)
    await asyncio.sleep(0.01)  # a watcher would cancel this task now


async def test_a_body_that_is_there_already_is_taken_and_one_that_is_not_is_received():
    ready = HttpSink(asyncio.Queue().get, Client()._send, lambda: b"ready")
    client = Client(piece(b"late", more=False))
    late = HttpSink(client.incoming.get, client._send, lambda: None)

    assert await ready.read_body(5, 10) == b"ready"
    assert await late.read_body(5, 10) == b"late"


async def test_a_body_that_is_there_already_and_too_large_is_refused_and_the_connection_closed():
    client = Client()
    client.sink = HttpSink(client.incoming.get, client._send, lambda: b"x" * 6)

    with pytest.raises(RequestTooLarge):
        await client.sink.read_body(5, 10)

    assert await client.is_told_to_close()
