"""Streams of real providers decode to the same JSON however the network cut them."""

from __future__ import annotations

import json
import random

import pytest

from proxy.wire.sse import DONE, SseDecoder, SseEvent, SseSplitter, event_data, split_events
from tests.proxy.pieces import byte_by_byte, cut_at
from tests.proxy.recorded import recorded_streams

STREAMS = recorded_streams()


def decode(pieces: list[bytes]) -> list[SseEvent]:
    decoder = SseDecoder()
    return [event for piece in pieces for event in decoder.feed(piece)] + decoder.close()


def pass_on(pieces: list[bytes]) -> list[bytes | None]:
    splitter = SseSplitter()
    return [event_data(event) for piece in pieces for event in split_events(splitter.feed_block(piece))]


def test_the_recording_holds_its_streams():
    assert len(STREAMS) == 49
    assert {name.partition("/")[0] for name in STREAMS} >= {"test_anthropic", "test_google", "test_groq", "test_mistral", "test_openai"}


@pytest.mark.parametrize("name", STREAMS)
def test_recorded_stream_decodes_to_the_same_json_however_it_is_cut(name):
    stream = STREAMS[name]
    whole = decode([stream])

    assert whole
    assert all(event.is_complete for event in whole)
    assert all(isinstance(json.loads(event.data), dict) for event in whole if event.data != DONE)
    assert len(whole) == sum(line.startswith(b"data:") for line in stream.splitlines())
    assert decode(byte_by_byte(stream)) == whole
    chance = random.Random(7)
    for _ in range(20):
        cuts = [chance.randrange(len(stream)) for _ in range(chance.randint(1, 200))]
        assert decode(cut_at(stream, cuts)) == whole


@pytest.mark.parametrize("name", STREAMS)
def test_recorded_stream_is_passed_on_with_the_data_it_decodes_to(name):
    stream = STREAMS[name]
    whole = [event.data for event in decode([stream])]

    for pieces in ([stream], byte_by_byte(stream), cut_at(stream, range(0, len(stream), 997))):
        assert [data for data in pass_on(pieces) if data is not None] == whole
