"""Anthropic's answers and streams as neutral ones."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import GatewayError, UpstreamBroken
from proxy.translators.conversation import (
    ArgumentsDelta,
    Choice,
    Ended,
    Failed,
    Reasoning,
    ReasoningDelta,
    Refusal,
    RefusalDelta,
    Reply,
    Started,
    Stopped,
    Text,
    TextDelta,
    ToolCall,
    ToolCallStarted,
    UsageCounted,
)
from proxy.translators.fold import fold_reply
from proxy.translators.providers.anthropic import CODEC
from proxy.wire.upstream_error import UpstreamErrorDetail
from proxy.wire.usage import Usage
from tests.proxy.messages_help import (
    END_TURN,
    HELLO,
    PING,
    START,
    STOP,
    USAGE,
    delta,
    event,
    message,
    message_delta,
    start_block,
    stop_block,
)
from tests.proxy.pieces import byte_by_byte, draw_pieces

TOOL = {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}}


def read(*content, **fields) -> Reply:
    return CODEC.parse_reply(json.dumps(message(*content, **fields)).encode())


def read_stream(*pieces: bytes) -> list:
    stream = CODEC.begin_stream()
    events = [event for piece in pieces for event in stream.feed(piece)]
    return [*events, *stream.close()]


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ([], ()),
        ([{"type": "text", "text": "Hi."}], (Text("Hi."),)),
        ([{"type": "text", "text": "a", "citations": [{"type": "x"}]}, {"type": "text", "text": "b"}], (Text("ab"),)),
        (
            [{"type": "thinking", "thinking": "Hm.", "signature": "s"}, {"type": "redacted_thinking", "data": "AAAA"}],
            (Reasoning("Hm.", "s"), Reasoning(redacted="AAAA")),
        ),
        ([{"type": "thinking", "thinking": "", "signature": "s"}, TOOL], (Reasoning("", "s"), ToolCall("c1", "f", '{"a":1}'))),
        ([TOOL, TOOL | {"id": "c2", "input": {}}], (ToolCall("c1", "f", '{"a":1}'), ToolCall("c2", "f", "{}"))),
        # Tools that Anthropic runs itself, which nobody asked for.
        ([{"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}, {"type": "new", "x": 1}], ()),
    ],
)
def test_an_answer_is_read(content, parts):
    assert read(*content) == Reply("msg_1", (Choice(parts, "stop"),), Usage(7, 3))


@pytest.mark.parametrize(
    ("fields", "choice"),
    [
        ({"stop_reason": "max_tokens"}, Choice((), "length")),
        ({"stop_reason": "model_context_window_exceeded"}, Choice((), "length")),
        ({"stop_reason": "tool_use"}, Choice((), "tool_calls")),
        ({"stop_reason": "stop_sequence", "stop_sequence": "END"}, Choice((), "stop_sequence", "END")),
        ({"stop_reason": "pause_turn"}, Choice((), "pause")),
        ({"stop_reason": "refusal"}, Choice((), "refusal")),
        ({"stop_reason": "refusal", "stop_details": {"type": "refusal", "explanation": None}}, Choice((), "refusal")),
        ({"stop_reason": "refusal", "stop_details": {"type": "refusal", "explanation": "No."}}, Choice((Refusal("No."),), "refusal")),
        ({"stop_reason": "something_new"}, Choice((), "stop")),
    ],
)
def test_why_it_ended_is_read(fields, choice):
    assert read(**fields).choices == (choice,)


def test_an_answer_without_usage_has_none():
    assert read(usage=None).usage is None


def test_an_answer_without_an_id_gets_one():
    assert read(id="").id


def test_an_error_with_a_status_of_success_is_the_providers_failure():
    with pytest.raises(UpstreamBroken, match="Overloaded"):
        CODEC.parse_reply(b'{"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}')


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"type": "message"}', b'{"type": "message", "content": []}', b'{"choices": []}'])
def test_what_is_no_whole_answer_is_a_value_error(body):
    with pytest.raises(ValueError):
        CODEC.parse_reply(body)


def test_a_text_streams():
    assert read_stream(*HELLO) == [
        Started("msg_1"),
        UsageCounted(Usage(7, 1)),
        TextDelta("Hel"),
        TextDelta("lo!"),
        UsageCounted(Usage(7, 3)),
        Stopped("stop"),
        Ended(),
    ]


MIXED = [
    START,
    start_block(0, "thinking", thinking="", signature=""),
    PING,
    delta(0, "thinking_delta", thinking="Hm"),
    delta(0, "thinking_delta", thinking="."),
    delta(0, "signature_delta", signature="s"),
    stop_block(0),
    start_block(1, "redacted_thinking", data="AAAA"),
    stop_block(1),
    start_block(2, "text", text=""),
    delta(2, "text_delta", text="See: "),
    delta(2, "citations_delta", citation={"type": "x"}),
    stop_block(2),
    start_block(3, "server_tool_use", id="s", name="web_search", input={}),
    delta(3, "input_json_delta", partial_json='{"q": 1}'),
    stop_block(3),
    start_block(4, "tool_use", id="c1", name="f", input={}),
    delta(4, "input_json_delta", partial_json=""),
    delta(4, "input_json_delta", partial_json='{"a"'),
    delta(4, "input_json_delta", partial_json=":1}"),
    stop_block(4),
    start_block(5, "tool_use", id="c2", name="g", input={}),
    delta(5, "input_json_delta", partial_json=""),
    stop_block(5),
    start_block(6, "tool_use", id="c3", name="h", input={"b": 2}),
    stop_block(6),
    event("new_event", x=1),
    message_delta("tool_use", input_tokens=70, cache_read_input_tokens=9),
    STOP,
]
MIXED_EVENTS = [
    Started("msg_1"),
    UsageCounted(Usage(7, 1)),
    ReasoningDelta("Hm"),
    ReasoningDelta("."),
    ReasoningDelta(signature="s"),
    ReasoningDelta(redacted="AAAA"),
    TextDelta("See: "),
    ToolCallStarted(0, "c1", "f"),
    ArgumentsDelta(0, '{"a"'),
    ArgumentsDelta(0, ":1}"),
    ToolCallStarted(1, "c2", "g"),
    ArgumentsDelta(1, "{}"),
    ToolCallStarted(2, "c3", "h"),
    ArgumentsDelta(2, '{"b":2}'),
    UsageCounted(Usage(70, 3, 9)),
    Stopped("tool_calls"),
    Ended(),
]


@pytest.mark.parametrize("pieces", [[b"".join(MIXED)], MIXED, byte_by_byte(b"".join(MIXED))], ids=["whole", "events", "bytes"])
def test_each_kind_of_block_streams(pieces):
    assert read_stream(*pieces) == MIXED_EVENTS


@given(st.data())
def test_where_a_stream_is_cut_changes_nothing(data):
    assert read_stream(*draw_pieces(data, b"".join(MIXED))) == MIXED_EVENTS


def test_a_stream_tells_the_same_as_the_whole_answer():
    blocks = [
        {"type": "thinking", "thinking": "Hm.", "signature": "s"},
        {"type": "redacted_thinking", "data": "AAAA"},
        {"type": "text", "text": "See: "},
        {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}},
        {"type": "tool_use", "id": "c2", "name": "g", "input": {}},
        {"type": "tool_use", "id": "c3", "name": "h", "input": {"b": 2}},
    ]
    usage = USAGE | {"input_tokens": 70, "cache_read_input_tokens": 9}

    assert fold_reply(MIXED_EVENTS) == read(*blocks, stop_reason="tool_use", usage=usage)


def test_a_refusal_is_explained():
    ending = event(
        "message_delta", delta={"stop_reason": "refusal", "stop_details": {"type": "refusal", "explanation": "No."}}, usage=USAGE
    )

    assert read_stream(START, ending, STOP)[-3:] == [RefusalDelta("No."), Stopped("refusal"), Ended()]


def test_an_error_event_fails():
    error = event("error", error={"type": "overloaded_error", "message": "Overloaded"})

    assert read_stream(START, error)[-1] == Failed(UpstreamErrorDetail("Overloaded", "overloaded_error", error_class="overloaded"))


def test_a_stream_that_is_cut_does_not_end():
    for kept in range(len(HELLO)):
        assert Ended() not in read_stream(*HELLO[:kept])
    assert Ended() not in read_stream(*HELLO[:-1], STOP[:-6])


def test_an_end_mark_without_its_empty_line_counts_when_the_body_ended_cleanly():
    assert read_stream(*HELLO[:-1], STOP.rstrip(b"\n"))[-1] == Ended()


@pytest.mark.parametrize(
    "broken",
    [
        b"data: {\n\n",
        b"data: []\n\n",
        b'data: {"index": 0}\n\n',
        b'data: {"type": "content_block_delta", "index": 0}\n\n',
        b'data: {"type": "content_block_start", "index": 0}\n\n',
        b'data: {"type": "message_start"}\n\n',
        b'data: {"type": "content_block_delta", "index": "a", "delta": {}}\n\n',
    ],
)
def test_a_malformed_event_is_a_value_error(broken):
    stream = CODEC.begin_stream()
    stream.feed(START)

    with pytest.raises(ValueError):
        stream.feed(broken)


@given(st.lists(st.sampled_from([*MIXED, END_TURN, b"data: 1\n\n"]) | st.binary(max_size=6), max_size=12))
def test_any_bytes_are_read_or_refused_with_an_error_of_ours(pieces):
    with suppress(GatewayError, ValueError):
        read_stream(*pieces)


@given(
    st.binary(max_size=40)
    | st.lists(st.sampled_from([TOOL, {"type": "x"}, {}, 5])).map(lambda content: json.dumps(message(*content)).encode())
)
def test_any_body_is_read_or_refused_with_an_error_of_ours(body):
    with suppress(GatewayError, ValueError):
        CODEC.parse_reply(body)
