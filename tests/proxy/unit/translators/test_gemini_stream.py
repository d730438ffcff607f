"""Gemini's streams, however the network cuts them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.translators.conversation import (
    ArgumentsDelta,
    Ended,
    Failed,
    Logprob,
    ReasoningDelta,
    Started,
    Stopped,
    StreamEvent,
    TextDelta,
    ToolCallStarted,
    UsageCounted,
)
from proxy.translators.fold import fold_reply
from proxy.translators.providers.gemini import CODEC
from proxy.wire.upstream_error import UpstreamErrorDetail
from proxy.wire.usage import Usage
from tests.proxy.pieces import byte_by_byte, draw_pieces, unhurried
from tests.proxy.provider_help import like, read_stream, with_numbered_calls
from tests.proxy.recorded import recorded_exchanges

RECORDED = {
    f"{exchange['set']}/{exchange['name']}": exchange["response"].encode()
    for exchange in recorded_exchanges()
    if exchange["path"].endswith(":streamGenerateContent")
}


def piece(*parts: Any, reason: str | None = None, index: int | None = None, **more: Any) -> bytes:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}}
    candidate |= {"finishReason": reason} if reason else {}
    candidate |= {} if index is None else {"index": index}
    return event({"candidates": [candidate], "responseId": "r"} | more)


def event(data: Any) -> bytes:
    return b"data: " + msgspec.json.encode(data) + b"\r\n\r\n"


def read(*pieces: bytes) -> list[StreamEvent]:
    return read_stream(CODEC.begin_stream(), pieces)


def usage(prompt: int, said: int | None = None) -> dict[str, Any]:
    return {"usageMetadata": {"promptTokenCount": prompt} | ({} if said is None else {"candidatesTokenCount": said})}


CONVERSATION = (
    piece({"text": "Hm", "thought": True}),
    piece({"text": ".", "thought": True}),
    piece({"text": "Hel", "thoughtSignature": "s"}, **usage(12)),
    b": a comment\n\n",
    piece({"text": "lo ü"}, **usage(10, 2)),
    piece({"functionCall": {"name": "weather", "args": {"city": "Paris"}, "id": "1"}, "thoughtSignature": "t"}),
    piece({"functionCall": {"name": "now", "id": "2"}}, {"text": ""}, reason="STOP", **usage(9, 5)),
)
EVENTS = [
    Started("r"),
    ReasoningDelta("Hm"),
    ReasoningDelta("."),
    ReasoningDelta(signature="gemini:s"),
    TextDelta("Hel"),
    TextDelta("lo ü"),
    UsageCounted(Usage(10, 2)),
    ToolCallStarted(0, "1", "weather", signature="gemini:t"),
    ArgumentsDelta(0, '{"city":"Paris"}'),
    ToolCallStarted(1, "2", "now"),
    ArgumentsDelta(1, "{}"),
    UsageCounted(Usage(9, 5)),
    Stopped("tool_calls"),
    Ended(),
]


def test_stream_with_thoughts_text_and_calls():
    assert read(*CONVERSATION) == EVENTS


@unhurried
@given(st.data())
def test_stream_is_the_same_however_it_is_cut(data):
    assert read(*draw_pieces(data, b"".join(CONVERSATION))) == EVENTS


def test_stream_without_a_reason_to_stop_has_no_end():
    events = read(piece({"text": "Hel"}), piece({"text": "lo"}))

    assert events == [Started("r"), TextDelta("Hel"), TextDelta("lo")]


def test_reason_that_stands_in_every_piece_is_told_once_at_the_end():
    events = read(piece({"text": "Hel"}, reason="STOP"), piece({"text": "lo"}, reason="MAX_TOKENS"))

    assert events == [Started("r"), TextDelta("Hel"), TextDelta("lo"), Stopped("length"), Ended()]


def test_last_event_without_its_empty_line_counts_when_the_body_ended_cleanly():
    events = read(piece({"text": "a"}), piece({"text": "b"}, reason="STOP").rstrip())

    assert events[-3:] == [TextDelta("b"), Stopped("stop"), Ended()]


def test_blocked_prompt_is_an_answer_that_was_filtered():
    events = read(event({"promptFeedback": {"blockReason": "SAFETY"}, "responseId": "r", **usage(7)}))

    assert events == [Started("r"), UsageCounted(Usage(7)), Stopped("content_filter"), Ended()]


def test_candidates_are_told_apart_and_each_needs_its_end():
    both = [piece({"text": "a"}, index=0, reason="STOP"), piece({"functionCall": {"name": "now", "id": "1"}}, index=1)]
    events = [Started("r"), TextDelta("a", 0), ToolCallStarted(0, "1", "now", 1), ArgumentsDelta(0, "{}", 1)]

    assert read(*both) == events
    assert read(*both, piece(index=1, reason="STOP")) == [*events, Stopped("stop"), Stopped("tool_calls", choice=1), Ended()]


def test_logprobs_come_with_the_text():
    result = {"logprobsResult": {"chosenCandidates": [{"token": "Hi", "logProbability": -0.25}]}}
    candidate = {"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP"} | result

    assert read(event({"candidates": [candidate], "responseId": "r"}))[1] == TextDelta("Hi", logprobs=(Logprob("Hi", -0.25),))


@pytest.mark.parametrize(
    ("failing", "detail"),
    [
        (
            event({"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}),
            UpstreamErrorDetail("The model is overloaded.", code="UNAVAILABLE", error_class="overloaded"),
        ),
        (
            piece(reason="MALFORMED_FUNCTION_CALL"),
            UpstreamErrorDetail("the model stopped with MALFORMED_FUNCTION_CALL.", code="MALFORMED_FUNCTION_CALL"),
        ),
        (piece({"inlineData": {}}), UpstreamErrorDetail("the model answered with media, which cannot be translated.")),
    ],
)
def test_failure_ends_the_stream(failing, detail):
    events = read(piece({"text": "a"}), failing, piece({"text": "b"}, reason="STOP"))

    assert events == [Started("r"), TextDelta("a"), Failed(detail)]


def test_what_a_failed_answer_took_is_counted():
    assert UsageCounted(Usage(7, 3)) in read(piece(reason="MALFORMED_FUNCTION_CALL", **usage(7, 3)))


@pytest.mark.parametrize("data", [b"data: [DONE]\n\n", b"data: {\n\n", b'data: {"candidates": 1}\n\n', b'data: "\xff"\n\n'])
def test_malformed_event_is_refused(data):
    with pytest.raises(ValueError):
        read(piece({"text": "a"}), data)


# --- recorded traffic ---------------------------------------------------------------------------------------------------------------


def test_the_recording_holds_its_streams():
    assert len(RECORDED) == 10


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_stream_is_read_whole_however_it_is_cut(name):
    stream = RECORDED[name]
    pieces = [msgspec.json.decode(line[6:]) for line in stream.splitlines() if line.startswith(b"data: ")]

    events = read(stream)

    reply = fold_reply(events)
    parts = [part for each in pieces for part in each["candidates"][0]["content"].get("parts", [])]
    assert "".join(part.text for part in reply.choices[0].parts if hasattr(part, "text")) == "".join(part.get("text", "") for part in parts)
    assert [part.name for part in reply.choices[0].parts if hasattr(part, "arguments")] == [
        part["functionCall"]["name"] for part in parts if "functionCall" in part
    ]
    assert reply.usage is not None
    assert reply.usage.total_tokens == pieces[-1]["usageMetadata"]["totalTokenCount"]
    assert with_numbered_calls(read(*byte_by_byte(stream))) == with_numbered_calls(events)


# --- anything ---------------------------------------------------------------------------------------------------------------------

ANYTHING = {
    "candidates": [
        {
            "content": {"parts": [{"text": "Hm.", "thought": True, "thoughtSignature": "s", "functionCall": {"name": "now", "args": {}}}]},
            "finishReason": "STOP",
            "index": 0,
        }
    ],
    "promptFeedback": {"blockReason": "SAFETY"},
    "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 2},
    "responseId": "r",
}


@unhurried
@given(st.lists(like(ANYTHING).map(event) | st.binary(max_size=20), max_size=4))
def test_any_stream_is_events_or_a_value_error(pieces):
    try:
        events = read(*pieces)
    except ValueError:
        return

    assert not events or isinstance(events[0], Started)
    assert all(not isinstance(each, Ended | Failed) for each in events[:-1])
