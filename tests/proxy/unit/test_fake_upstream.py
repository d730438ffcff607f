"""The fake upstream keeps the promises of its port for streamed bodies."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from proxy.ports import Endpoint, Timeouts, Upstream
from proxy.testing import FakeUpstream

ENDPOINT = Endpoint("http", "a.example", 80)


async def stream(*pieces: bytes | Exception) -> AsyncIterator[bytes]:
    for piece in pieces:
        if isinstance(piece, Exception):
            raise piece
        yield piece


async def send(upstream: Upstream, body: bytes | AsyncIterator[bytes], body_length: int | None = None) -> bytes:
    response = await upstream.send(ENDPOINT, "PUT", "/a?b", (), body, Timeouts(), body_length=body_length)
    return await response.read_all(100)


async def test_streamed_body_is_remembered_whole():
    upstream = FakeUpstream()
    for _ in range(3):
        upstream.answer(b"ok")

    assert [await send(upstream, b"whole"), await send(upstream, stream(b"a", b"b")), await send(upstream, stream(b"c"), 1)] == [b"ok"] * 3

    assert [(sent.body, sent.is_streamed, sent.body_length) for sent in upstream.sent] == [
        (b"whole", False, None),
        (b"ab", True, None),
        (b"c", True, 1),
    ]


async def test_error_of_the_body_is_the_callers_and_nothing_was_sent():
    upstream = FakeUpstream()
    upstream.answer(b"ok")

    with pytest.raises(KeyError):
        await send(upstream, stream(b"a", KeyError()))
    for pieces in ((b"ab",), (b"abcd",)):
        with pytest.raises(ValueError, match="announced"):
            await send(upstream, stream(*pieces), 3)

    assert upstream.sent == []
