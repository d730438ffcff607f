"""Sinks that keep what passes."""

from __future__ import annotations

import asyncio

import pytest

from proxy.sinks import CapturingSink, CollectingSink, content_type_of
from proxy.testing import MemorySink

JSON = [(b"content-type", b"application/json")]
EVENTS = [(b"content-type", b"text/event-stream")]


async def test_what_is_sent_passes_and_is_kept():
    inner = MemorySink()
    sink = CapturingSink(inner)

    await sink.send(200, list(JSON), b"{}")

    assert (inner.status, inner.headers, inner.body, inner.is_ended) == (200, JSON, b"{}", True)
    assert (sink.whole_body, sink.content_type, sink.is_started) == (b"{}", b"application/json", True)


async def test_a_stream_is_kept_when_it_was_ended_and_passes_piece_by_piece():
    inner = MemorySink()
    sink = CapturingSink(inner)
    await sink.start(200, list(EVENTS))
    await sink.write(b"a")
    await sink.write(b"b")

    assert (inner.pieces, sink.whole_body) == ([b"a", b"b"], None)
    await sink.end(b"c")
    assert (sink.whole_body, sink.content_type) == (b"abc", b"text/event-stream")


async def test_what_is_no_success_or_too_large_passes_and_is_not_kept():
    for status, size in ((400, 3), (200, 11)):
        inner = MemorySink()
        sink = CapturingSink(inner, limit_bytes=10)
        await sink.start(status, list(JSON))
        for _ in range(size):
            await sink.write(b"x")
        await sink.end()

        assert (inner.body, sink.whole_body) == (b"x" * size, None)


async def test_exactly_the_limit_is_kept():
    sink = CapturingSink(MemorySink(), limit_bytes=3)

    await sink.send(200, list(JSON), b"xxx")

    assert sink.whole_body == b"xxx"


async def test_all_is_known_before_the_last_piece_goes_out():
    seen = []

    class Looking(CapturingSink):
        async def on_ended(self):
            seen.append((self.whole_body, inner.body))

    inner = MemorySink()
    await Looking(inner).send(200, list(JSON), b"{}")
    inner = MemorySink()
    sink = Looking(inner)
    await sink.start(200, list(EVENTS))
    await sink.write(b"a")
    await sink.end(b"b")

    assert seen == [(b"{}", b""), (b"ab", b"a")]


async def test_headers_that_the_next_sink_adds_are_not_kept():
    class Adding(MemorySink):
        async def send(self, status, headers, body):
            headers.append((b"content-length", b"2"))
            await super().send(status, headers, body)

    sink = CapturingSink(Adding())
    await sink.send(200, list(JSON), b"{}")

    assert sink.headers == JSON


async def test_a_client_that_leaves_is_seen_through_it():
    inner = MemorySink()
    sink = CapturingSink(inner)

    async def watch() -> None:
        sink.watch(is_cancelling=True, is_late=False)
        await asyncio.sleep(60)

    task = asyncio.create_task(watch())
    await asyncio.sleep(0)
    inner.leave()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert sink.is_gone


async def test_a_collected_answer_is_all_of_it():
    sink = CollectingSink()
    assert (sink.status, sink.body, sink.is_started) == (0, b"", False)
    await sink.start(200, list(EVENTS))
    await sink.write(b"a")
    await sink.end(b"b")

    assert (sink.status, sink.headers, sink.body, sink.is_started) == (200, EVENTS, b"ab", True)


def test_an_answer_that_does_not_say_what_it_is_is_json():
    assert content_type_of([]) == b"application/json"
