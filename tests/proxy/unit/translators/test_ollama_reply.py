"""Ollama's answers and errors, however the network cuts them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import GatewayError, UpstreamBroken
from proxy.translators.conversation import (
    ArgumentsDelta,
    Choice,
    Ended,
    Failed,
    Logprob,
    Reasoning,
    ReasoningDelta,
    Reply,
    Started,
    Stopped,
    StreamEvent,
    Text,
    TextDelta,
    ToolCall,
    ToolCallStarted,
    UsageCounted,
)
from proxy.translators.providers.ollama import CODEC
from proxy.wire.upstream_error import UpstreamErrorDetail
from proxy.wire.usage import COUNT_MAX, Usage
from tests.proxy.pieces import draw_pieces, unhurried
from tests.proxy.provider_help import like, read_stream

WEATHER = {"id": "1", "function": {"index": 0, "name": "weather", "arguments": {"city": "Paris", "x": 1.50}}}
LOGPROB = {"token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": [{"token": "Yo", "logprob": -2.5}]}
END = {"done": True, "done_reason": "stop", "prompt_eval_count": 7, "eval_count": 3, "total_duration": 5}


def line(done: bool = False, **message: Any) -> dict[str, Any]:
    answer = {
        "model": "llama3.2",
        "created_at": "2026-02-15T07:50:37.854117123Z",
        "message": {"role": "assistant", "content": ""} | message,
    }
    return answer | (END if done else {"done": False})


def parse(answer: Any) -> Reply:
    return CODEC.parse_reply(msgspec.json.encode(answer))


def ndjson(*lines: Any) -> bytes:
    return b"".join(msgspec.json.encode(each) + b"\n" for each in lines)


def read(*pieces: bytes) -> list[StreamEvent]:
    """The id is made up: it is checked and taken out of the way."""
    started, *events = read_stream(CODEC.begin_stream(), pieces)
    assert isinstance(started, Started)
    assert started.id.startswith("chatcmpl-")
    return events


# --- whole answers ------------------------------------------------------------------------------------------------------------------


def test_answer_with_thoughts_text_and_calls():
    reply = parse(line(done=True, content="Let me see.", thinking="Hm.", tool_calls=[WEATHER, {"function": {"name": "now"}}]))

    calls = [part for part in reply.choices[0].parts if isinstance(part, ToolCall)]
    expected = (Reasoning("Hm."), Text("Let me see."), ToolCall("1", "weather", '{"city":"Paris","x":1.5}'))
    assert reply == Reply(
        reply.id, (Choice((*expected, ToolCall(calls[1].id, "now", "{}")), "tool_calls"),), Usage(7, text_output_tokens=3), 1771141837
    )
    assert reply.id.startswith("chatcmpl-")
    assert calls[1].id.startswith("call_")


@pytest.mark.parametrize(("reason", "expected"), [("stop", "stop"), ("length", "length"), ("", "stop"), (None, "stop")])
def test_reasons_to_stop(reason, expected):
    assert parse(line(content="a") | {"done": True, "done_reason": reason}).choices[0].stop_reason == expected


def test_a_call_that_was_cut_off_is_no_finished_one():
    assert parse(line(tool_calls=[WEATHER]) | {"done": True, "done_reason": "length"}).choices[0].stop_reason == "length"


def test_logprobs_with_the_likeliest_others():
    reply = parse(line(done=True, content="Hi") | {"logprobs": [LOGPROB]})

    assert reply.choices[0].logprobs == (Logprob("Hi", -0.5, (("Yo", -2.5),)),)


@pytest.mark.parametrize(
    ("counts", "usage"),
    [
        ({"prompt_eval_count": None, "eval_count": None}, None),
        ({"prompt_eval_count": None, "eval_count": 3}, Usage(0, 3)),
        ({"prompt_eval_count": 2**80, "eval_count": -1}, Usage(COUNT_MAX, 0)),
    ],
)
def test_counts(counts, usage):
    assert parse(line(done=True, content="a") | counts).usage == usage


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        msgspec.json.encode(line(content="a")),
        msgspec.json.encode(line(content="a") | {"done": True, "done_reason": "load"}),
        msgspec.json.encode(line(done=True, tool_calls=[{"function": {"name": "now", "arguments": "{}"}}])),
        b'{"message": {"content": "\xff"}, "done": true}',
        b"[" * 10_000,
    ],
)
def test_what_is_no_whole_answer_is_refused(body):
    with pytest.raises(ValueError):
        CODEC.parse_reply(body)


def test_an_error_in_the_place_of_an_answer_is_raised():
    with pytest.raises(UpstreamBroken, match="out of memory"):
        parse({"error": "out of memory"})


# --- streams ------------------------------------------------------------------------------------------------------------------------

STREAM = ndjson(
    line(thinking="Hm"),
    line(thinking="."),
    line(content="Hel"),
    line(content="lo ü") | {"logprobs": [LOGPROB]},
    line(tool_calls=[WEATHER]),
    line(tool_calls=[WEATHER | {"id": "2"}]),
    line(done=True),
)
EVENTS = [
    ReasoningDelta("Hm"),
    ReasoningDelta("."),
    TextDelta("Hel"),
    TextDelta("lo ü", logprobs=(Logprob("Hi", -0.5, (("Yo", -2.5),)),)),
    ToolCallStarted(0, "1", "weather"),
    ArgumentsDelta(0, '{"city":"Paris","x":1.5}'),
    ToolCallStarted(1, "2", "weather"),
    ArgumentsDelta(1, '{"city":"Paris","x":1.5}'),
    UsageCounted(Usage(7, 3)),
    Stopped("tool_calls"),
    Ended(),
]


@unhurried
@given(st.data())
def test_stream_is_the_same_however_it_is_cut(data):
    assert read(*draw_pieces(data, STREAM)) == EVENTS


def test_end_mark_comes_before_the_body_ends():
    assert CODEC.begin_stream().feed(ndjson(line(content="a"), line(done=True)))[-1] == Ended()


def test_last_line_without_its_end_counts_when_the_body_ended_cleanly():
    assert read(STREAM.rstrip()) == EVENTS


def test_stream_without_its_last_line_has_no_end():
    assert read(ndjson(line(content="a"))) == [TextDelta("a")]


def test_nothing_counts_behind_the_end():
    assert read(STREAM + ndjson(line(content="more"))) == EVENTS


@pytest.mark.parametrize(
    ("error", "message"),
    [("unexpected EOF", "unexpected EOF"), ({"message": "too many"}, "too many"), ({"code": 5}, "The provider reported an error.")],
)
def test_error_line_ends_the_stream(error, message):
    assert read(ndjson(line(content="a"), {"error": error}, line(done=True))) == [TextDelta("a"), Failed(UpstreamErrorDetail(message))]


@pytest.mark.parametrize("malformed", [b"{\n", b"[]\n", b'{"message": 1}\n', b"data: {}\n\n", b'"\xff"\n'])
def test_malformed_line_is_refused(malformed):
    with pytest.raises(ValueError):
        read(ndjson(line(content="a")), malformed)


# --- errors -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "message", "error_class"),
    [
        (404, 'model "llama9" not found, try pulling it first', "not_found"),
        (400, "the input length exceeds the context length", "context_length"),
        (400, "the prompt is longer than the context length currently available to the model; shorten the prompt", "context_length"),
        (400, "input exceeds maximum context length and cannot be truncated further", "context_length"),
        (400, "This model's maximum context length is 4096 tokens. However, you asked for 5000.", "context_length"),
        (400, '"llama3.2" does not support thinking', ""),
        (503, "server busy, please try again.  maximum pending requests exceeded", "overloaded"),
        (429, "you have reached your hourly usage limit", "rate_limit"),
        (500, "model runner has unexpectedly stopped", ""),
    ],
)
def test_error_is_named_by_what_a_caller_can_do(status, message, error_class):
    detail = CODEC.parse_error(status, msgspec.json.encode({"error": message}))

    assert detail == UpstreamErrorDetail(message, error_class=error_class)


@pytest.mark.parametrize("body", [b"", b"404 page not found", b"[]", b"{}", b'{"error": ""}', b'{"error": 5}', b"\xff"])
def test_what_is_no_error_of_ollama_says_nothing(body):
    assert CODEC.parse_error(404, body) is None


# --- anything ---------------------------------------------------------------------------------------------------------------------

ANYTHING = line(done=True, content="a", thinking="b", tool_calls=[WEATHER]) | {"logprobs": [LOGPROB], "error": "text"}


@unhurried
@given(like(ANYTHING) | st.binary(max_size=40))
def test_any_body_is_an_answer_or_an_error_we_know(body):
    try:
        reply = CODEC.parse_reply(body if isinstance(body, bytes) else msgspec.json.encode(body))
    except (GatewayError, ValueError):
        return

    assert reply.choices


@unhurried
@given(st.lists(like(ANYTHING).map(ndjson) | st.binary(max_size=20), max_size=4))
def test_any_stream_is_events_or_a_value_error(pieces):
    try:
        events = read_stream(CODEC.begin_stream(), pieces)
    except ValueError:
        return

    assert all(not isinstance(each, Ended | Failed) for each in events[:-1])
