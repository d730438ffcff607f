"""Neutral events as streams of Anthropic's dialect, read back by the official SDK."""

from __future__ import annotations

import json

import anthropic
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import UpstreamBroken
from proxy.translators.clients.messages import CODEC
from proxy.translators.conversation import (
    ArgumentsDelta,
    ReasoningDelta,
    RefusalDelta,
    Started,
    Stopped,
    TextDelta,
    ToolCallStarted,
    UsageCounted,
)
from proxy.wire.usage import Usage
from tests.proxy.messages_help import asked, parse_events

START = Started("r1")
END = Stopped("stop")
NO_USAGE = {
    "input_tokens": 0,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0,
    "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
    "output_tokens": 0,
}


def write(*events) -> bytes:
    stream = CODEC.begin_stream(asked(stream=True))
    return stream.feed(events) + stream.end()


def blocks(*events) -> list:
    """Return what a stream's events say of blocks: kind and text of each, checking their order and numbers on the way."""
    found: list[list] = []
    is_open = False
    for name, fields in parse_events(write(START, *events)):
        if name == "content_block_start":
            assert not is_open
            assert fields["index"] == len(found)
            found.append([fields["content_block"].pop("type"), fields["content_block"], ""])
            is_open = True
        elif name == "content_block_delta":
            assert is_open
            assert fields["index"] == len(found) - 1
            kind, text = fields["delta"].pop("type"), next(iter(fields["delta"].values()))
            if kind == "signature_delta":
                found[-1][1]["signature"] = text
            else:
                found[-1][2] += text
        elif name == "content_block_stop":
            assert is_open
            assert fields["index"] == len(found) - 1
            is_open = False
    assert not is_open
    return found


def sdk_message(stream: bytes) -> anthropic.types.Message:
    """Return what the SDK's accumulator makes of a stream."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=stream)

    with (
        httpx2.Client(transport=httpx2.MockTransport(answer)) as transport,
        anthropic.Anthropic(api_key="k", base_url="http://gateway.invalid", http_client=transport, max_retries=0) as client,
        client.messages.stream(model="claude", max_tokens=9, messages=[{"role": "user", "content": "x"}]) as sent,
    ):
        return sent.get_final_message()


def test_a_text_streams():
    assert parse_events(write(START, TextDelta("Hel"), TextDelta("lo"), END, UsageCounted(Usage(5, 2)))) == [
        (
            "message_start",
            {
                "message": {
                    "id": "r1",
                    "type": "message",
                    "role": "assistant",
                    "model": "claude",
                    "content": [],
                    "stop_reason": None,
                    "stop_sequence": None,
                    "usage": NO_USAGE,
                }
            },
        ),
        ("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}),
        ("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": "Hel"}}),
        ("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": "lo"}}),
        ("content_block_stop", {"index": 0}),
        (
            "message_delta",
            {
                "delta": {"stop_reason": "end_turn", "stop_sequence": None},
                "usage": NO_USAGE | {"input_tokens": 5, "output_tokens": 2},
            },
        ),
        ("message_stop", {}),
    ]


def test_each_kind_of_content_has_its_blocks():
    assert blocks(
        ReasoningDelta("Hm"),
        ReasoningDelta("."),
        ReasoningDelta(signature="s1"),
        ReasoningDelta("More"),
        ReasoningDelta(redacted="AAAA"),
        ReasoningDelta(signature="s2"),
        TextDelta("Let me see."),
        ToolCallStarted(0, "c1", "f"),
        ArgumentsDelta(0, '{"a"'),
        ArgumentsDelta(0, ":1}"),
        ToolCallStarted(1, "c2", "g", signature="gemini:s"),
        ArgumentsDelta(1, "{}"),
        TextDelta("Done."),
        Stopped("tool_calls"),
    ) == [
        ["thinking", {"thinking": "", "signature": "s1"}, "Hm."],
        ["thinking", {"thinking": "", "signature": ""}, "More"],
        ["redacted_thinking", {"data": "AAAA"}, ""],
        ["thinking", {"thinking": "", "signature": "s2"}, ""],
        ["text", {"text": ""}, "Let me see."],
        ["tool_use", {"id": "c1", "name": "f", "input": {}}, '{"a":1}'],
        ["thinking", {"thinking": "", "signature": "gemini:s"}, ""],
        ["tool_use", {"id": "c2", "name": "g", "input": {}}, "{}"],
        ["text", {"text": ""}, "Done."],
    ]


def test_arguments_of_parallel_calls_that_come_mixed_are_sorted():
    found = blocks(
        ToolCallStarted(0, "c0", "f"),
        ArgumentsDelta(0, '{"a":'),
        ToolCallStarted(1, "c1", "g"),
        ArgumentsDelta(1, '{"b":'),
        ToolCallStarted(2, "c2", "h"),
        ArgumentsDelta(2, "{}"),
        ArgumentsDelta(0, "0}"),
        ArgumentsDelta(1, "1}"),
        Stopped("tool_calls"),
    )

    assert [(block["name"], text) for _, block, text in found] == [("f", '{"a":0}'), ("g", '{"b":1}'), ("h", "{}")]


def test_a_call_is_shown_as_soon_as_the_one_before_it_is_whole():
    stream = CODEC.begin_stream(asked())
    stream.feed([START, ToolCallStarted(0, "c0", "f"), ArgumentsDelta(0, "{"), ToolCallStarted(1, "c1", "g"), ArgumentsDelta(1, "{}")])

    sent = parse_events(stream.feed([ArgumentsDelta(0, "}")]))

    assert [name for name, _ in sent] == ["content_block_delta", "content_block_stop", "content_block_start", "content_block_delta"]


def test_calls_without_arguments_all_come():
    found = blocks(ToolCallStarted(0, "c0", "f"), ToolCallStarted(1, "c1", "g"), Stopped("tool_calls"))

    assert [block["id"] for _, block, _ in found] == ["c0", "c1"]


@pytest.mark.parametrize(
    "events",
    [
        [ArgumentsDelta(0, "{}")],
        [ToolCallStarted(0, "c", "f"), ArgumentsDelta(1, "{}")],
        [ToolCallStarted(0, "c", "f"), TextDelta("a"), ArgumentsDelta(0, "{}")],
    ],
)
def test_arguments_without_an_open_call_are_a_value_error(events):
    with pytest.raises(ValueError):
        write(START, *events)


def test_usage_that_comes_first_is_in_the_first_event():
    sent = parse_events(write(START, UsageCounted(Usage(5, 1)), TextDelta("a"), UsageCounted(Usage(6, 9)), END))

    assert sent[0][1]["message"]["usage"]["input_tokens"] == 5
    assert (sent[-2][1]["usage"]["input_tokens"], sent[-2][1]["usage"]["output_tokens"]) == (6, 9)


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([Stopped("stop")], "end_turn"),
        ([Stopped("length")], "max_tokens"),
        ([Stopped("tool_calls")], "tool_use"),
        ([Stopped("content_filter")], "refusal"),
        ([Stopped("pause")], "pause_turn"),
        ([RefusalDelta("No."), Stopped("stop")], "refusal"),
        ([RefusalDelta("No."), Stopped("length")], "max_tokens"),
        ([], None),
    ],
)
def test_why_it_ended_is_told(events, reason):
    assert parse_events(write(START, *events))[-2][1]["delta"] == {"stop_reason": reason, "stop_sequence": None}


def test_the_sequence_that_ended_it_is_told():
    delta = parse_events(write(START, Stopped("stop_sequence", "END")))[-2][1]["delta"]

    assert delta == {"stop_reason": "stop_sequence", "stop_sequence": "END"}


def test_what_is_empty_opens_no_block():
    assert blocks(TextDelta(""), ReasoningDelta(""), RefusalDelta("")) == []


def test_a_failure_is_told_in_the_dialect():
    sent = CODEC.begin_stream(asked()).fail(UpstreamBroken("cut"))

    assert parse_events(sent) == [
        ("error", {"error": {"type": "api_error", "message": "cut", "details": {"error_code": "upstream_error"}}})
    ]


def test_the_sdk_raises_a_failure():
    stream = CODEC.begin_stream(asked())
    sent = stream.feed([START, TextDelta("a")]) + stream.fail(UpstreamBroken("cut"))

    with pytest.raises(anthropic.APIStatusError, match="cut") as caught:
        sdk_message(sent)

    assert caught.value.error_code == "upstream_error"


TEXTS = st.text(st.characters(codec="utf-8"), max_size=6)


@st.composite
def _answers(draw) -> tuple[list, list]:
    """Draw events of one answer, and the blocks that a reader must find in the end."""
    events: list = [START]
    expected: list = []
    calls = 0
    for kind in draw(st.lists(st.sampled_from(["text", "thinking", "call", "redacted"]), max_size=6)):
        texts = [text for text in draw(st.lists(TEXTS, min_size=1, max_size=3)) if text]
        if kind == "text" and texts:
            events += map(TextDelta, texts)
            if expected and expected[-1][0] == "text":
                expected[-1][1] += "".join(texts)
            else:
                expected.append(["text", "".join(texts)])
        elif kind == "thinking":
            events += [*map(ReasoningDelta, texts), ReasoningDelta(signature="s")]
            expected.append(["thinking", "".join(texts)])
        elif kind == "redacted":
            events.append(ReasoningDelta(redacted="AAAA"))
            expected.append(["redacted_thinking", "AAAA"])
        elif kind == "call":
            arguments = json.dumps({"a": texts})
            cut = draw(st.integers(0, len(arguments)))
            events += [
                ToolCallStarted(calls, f"c{calls}", "f"),
                ArgumentsDelta(calls, arguments[:cut]),
                ArgumentsDelta(calls, arguments[cut:]),
            ]
            expected.append(["tool_use", {"a": texts}])
            calls += 1
    return [*events, END], expected


@given(_answers())
def test_the_sdk_puts_every_answer_together_again(answer):
    events, expected = answer

    message = sdk_message(write(*events, UsageCounted(Usage(5, 2, 3))))

    found = []
    for block in message.content:
        if block.type == "text":
            found.append(["text", block.text])
        elif block.type == "thinking":
            found.append(["thinking", block.thinking])
        elif block.type == "redacted_thinking":
            found.append(["redacted_thinking", block.data])
        else:
            assert block.type == "tool_use"
            found.append(["tool_use", block.input])
    assert found == expected
    assert (message.id, message.stop_reason) == ("r1", "end_turn")
    assert (message.usage.input_tokens, message.usage.output_tokens, message.usage.cache_read_input_tokens) == (5, 2, 3)


@given(st.data())
def test_where_the_events_are_cut_changes_nothing(data):
    events, _ = data.draw(_answers())
    cuts = sorted(data.draw(st.lists(st.integers(1, len(events)), max_size=4)))
    stream = CODEC.begin_stream(asked())

    pieces = [stream.feed(events[begin:end]) for begin, end in zip([0, *cuts], [*cuts, len(events)], strict=True) if begin < end]

    assert b"".join(pieces) + stream.end() == write(*events)
