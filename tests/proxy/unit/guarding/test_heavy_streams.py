"""A stream that holds a long tool call is read in a thread: looking at it takes longer than an event loop may wait."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from guardrails.engine.off_loop import LARGE_CHARACTERS
from proxy.guarding.stream import guard_stream
from proxy.guarding.stream_held import HeldStream
from proxy.stages.relay import relay
from proxy.translators.translation import StreamTranslation, WeighedStream
from tests.proxy.guarding_help import BEGIN, HIDDEN, SECRET, HidingGuard


class ThreadNotingGuard(HidingGuard):
    def __init__(self) -> None:
        super().__init__()
        self.threads: list[int] = []

    def finish_call(self, tool: str, arguments: str) -> str:
        self.threads.append(threading.get_ident())
        return super().finish_call(tool, arguments)


class Pieces:
    """An `UpstreamResponse` that gives these pieces."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = list(pieces)

    async def read(self) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""

    def mark_started(self) -> None:
        pass

    def abort(self) -> None:
        pass


class Outlet:
    def __init__(self) -> None:
        self.sent = b""

    async def write(self, data: bytes) -> None:
        self.sent += data


def frame(delta: dict[str, Any], finish: str | None = None) -> bytes:
    chunk = {"id": "c", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def call_of(arguments: str, pieces_count: int = 8) -> list[bytes]:
    size = len(arguments) // pieces_count + 1
    head = frame({"tool_calls": [{"index": 0, "id": "t", "type": "function", "function": {"name": "write", "arguments": ""}}]})
    parts = [arguments[at : at + size] for at in range(0, len(arguments), size)]
    return [
        head,
        *(frame({"tool_calls": [{"index": 0, "function": {"arguments": part}}]}) for part in parts),
        frame({}, "tool_calls"),
        b"data: [DONE]\n\n",
    ]


async def relayed(stream: StreamTranslation, pieces: Sequence[bytes]) -> bytes:
    outlet: Any = Outlet()
    response: Any = Pieces(pieces)
    await relay(response, stream, outlet, on_content=lambda: None)
    sent: bytes = outlet.sent + stream.tail
    return sent


@pytest.mark.parametrize("is_held", [False, True])
async def test_a_long_call_is_looked_at_beside_the_loop(is_held: bool) -> None:
    guard = ThreadNotingGuard()
    guarded = guard_stream(BEGIN["chat"](), "chat", guard)
    arguments = json.dumps({"text": "word " * (LARGE_CHARACTERS // 4) + SECRET})

    sent = await relayed(HeldStream(guarded) if is_held else guarded, call_of(arguments))

    assert guard.calls == [("write", arguments)]
    assert guard.threads != [threading.get_ident()]
    assert HIDDEN.encode() in sent
    assert SECRET.encode() not in sent


async def test_a_call_that_comes_in_one_long_event_is_looked_at_beside_the_loop() -> None:
    guard = ThreadNotingGuard()
    whole = b"".join(call_of(json.dumps({"text": "word " * (LARGE_CHARACTERS // 2)}), pieces_count=1))

    await relayed(guard_stream(BEGIN["chat"](), "chat", guard), [whole[at : at + 16_384] for at in range(0, len(whole), 16_384)])

    assert guard.threads != [threading.get_ident()]


async def test_a_short_call_is_looked_at_on_the_loop() -> None:
    guard = ThreadNotingGuard()

    await relayed(guard_stream(BEGIN["chat"](), "chat", guard), call_of('{"text": "short"}'))

    assert guard.threads == [threading.get_ident()]


@pytest.mark.parametrize("operation", sorted(BEGIN))
def test_guarded_streams_say_how_heavy_they_are_and_plain_ones_need_not(operation: str) -> None:
    guarded = guard_stream(BEGIN[operation](), operation, HidingGuard())

    assert isinstance(guarded, WeighedStream)
    assert not guarded.is_heavy
    assert not isinstance(BEGIN[operation](), WeighedStream)
