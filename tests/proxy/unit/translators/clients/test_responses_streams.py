"""Streams in the Responses dialect: every event in its place, and what they add up to is the whole answer."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import InternalError, UpstreamTimeout
from proxy.response_state import response_in_tail
from proxy.translators.clients.responses import CODEC
from proxy.translators.conversation import (
    ArgumentsDelta,
    Ended,
    Logprob,
    ReasoningDelta,
    RefusalDelta,
    Started,
    Stopped,
    TextDelta,
    ToolCallStarted,
    UsageCounted,
)
from proxy.translators.fold import fold_reply
from proxy.wire.usage import Usage
from tests.proxy.pieces import unhurried
from tests.proxy.responses_help import asked, parse_events, with_short_ids

STARTED = Started("chatcmpl-1")
COUNTED = UsageCounted(Usage(fresh_input_tokens=5, text_output_tokens=3))
TALK = [STARTED, TextDelta("Hel"), TextDelta("lo!"), Stopped("stop"), COUNTED]
ALL = [
    STARTED,
    ReasoningDelta("Hm"),
    ReasoningDelta("m."),
    ReasoningDelta(signature="seal"),
    ReasoningDelta(redacted="aGk="),
    TextDelta("Hi"),
    TextDelta("."),
    RefusalDelta("No."),
    ToolCallStarted(0, "c0", "look_up"),
    ToolCallStarted(1, "c1", "send", signature="gemini:s"),
    ArgumentsDelta(1, "{"),
    ArgumentsDelta(0, "[]"),
    ArgumentsDelta(1, "}"),
    Stopped("tool_calls"),
    COUNTED,
]


def _write(events, **fields) -> bytes:
    stream = CODEC.begin_stream(asked(stream=True, **fields))
    return stream.feed(events) + stream.end()


def _parsed(events, **fields):
    return with_short_ids(parse_events(_write(events, **fields)))


def _bare(events):
    """Return events without what the others tests look at: the numbers, and the response around them."""
    return [
        (event["type"], {name: value for name, value in event.items() if name not in {"type", "sequence_number", "response"}})
        for event in events
    ]


MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant"}
AT = {"item_id": "msg_1", "output_index": 0, "content_index": 0}


def _part(text):
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def test_text_is_a_message():
    assert _bare(_parsed(TALK)) == [
        ("response.created", {}),
        ("response.in_progress", {}),
        ("response.output_item.added", {"output_index": 0, "item": MESSAGE | {"status": "in_progress", "content": []}}),
        ("response.content_part.added", AT | {"part": _part("")}),
        ("response.output_text.delta", AT | {"delta": "Hel", "logprobs": []}),
        ("response.output_text.delta", AT | {"delta": "lo!", "logprobs": []}),
        ("response.output_text.done", AT | {"text": "Hello!", "logprobs": []}),
        ("response.content_part.done", AT | {"part": _part("Hello!")}),
        ("response.output_item.done", {"output_index": 0, "item": MESSAGE | {"status": "completed", "content": [_part("Hello!")]}}),
        ("response.completed", {}),
    ]


def test_every_kind_of_content_has_its_events():
    assert [(kind, fields.get("output_index"), fields.get("content_index")) for kind, fields in _bare(_parsed(ALL))] == [
        ("response.created", None, None),
        ("response.in_progress", None, None),
        ("response.output_item.added", 0, None),
        ("response.reasoning_summary_part.added", 0, None),
        ("response.reasoning_summary_text.delta", 0, None),
        ("response.reasoning_summary_text.delta", 0, None),
        ("response.reasoning_summary_text.done", 0, None),
        ("response.reasoning_summary_part.done", 0, None),
        ("response.output_item.done", 0, None),
        ("response.output_item.added", 1, None),
        ("response.output_item.done", 1, None),
        ("response.output_item.added", 2, None),
        ("response.content_part.added", 2, 0),
        ("response.output_text.delta", 2, 0),
        ("response.output_text.delta", 2, 0),
        ("response.output_text.done", 2, 0),
        ("response.content_part.done", 2, 0),
        ("response.content_part.added", 2, 1),
        ("response.refusal.delta", 2, 1),
        ("response.refusal.done", 2, 1),
        ("response.content_part.done", 2, 1),
        ("response.output_item.done", 2, None),
        ("response.output_item.added", 3, None),
        ("response.output_item.added", 4, None),
        ("response.output_item.done", 4, None),
        ("response.output_item.added", 5, None),
        ("response.function_call_arguments.delta", 5, None),
        ("response.function_call_arguments.delta", 3, None),
        ("response.function_call_arguments.delta", 5, None),
        ("response.function_call_arguments.done", 3, None),
        ("response.output_item.done", 3, None),
        ("response.function_call_arguments.done", 5, None),
        ("response.output_item.done", 5, None),
        ("response.completed", None, None),
    ]


def test_the_fields_of_calls_and_reasoning():
    bare = _bare(_parsed([STARTED, ReasoningDelta("Hm."), ToolCallStarted(0, "c0", "look_up"), ArgumentsDelta(0, "{}")]))

    reasoning = {"item_id": "rs_1", "output_index": 0, "summary_index": 0}
    call = {"id": "fc_1", "type": "function_call", "call_id": "c0", "name": "look_up"}
    assert bare[2:-1] == [
        ("response.output_item.added", {"output_index": 0, "item": {"id": "rs_1", "type": "reasoning", "summary": []}}),
        ("response.reasoning_summary_part.added", reasoning | {"part": {"type": "summary_text", "text": ""}}),
        ("response.reasoning_summary_text.delta", reasoning | {"delta": "Hm."}),
        ("response.reasoning_summary_text.done", reasoning | {"text": "Hm."}),
        ("response.reasoning_summary_part.done", reasoning | {"part": {"type": "summary_text", "text": "Hm."}}),
        (
            "response.output_item.done",
            {"output_index": 0, "item": {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]}},
        ),
        ("response.output_item.added", {"output_index": 1, "item": call | {"status": "in_progress", "arguments": ""}}),
        ("response.function_call_arguments.delta", {"item_id": "fc_1", "output_index": 1, "delta": "{}"}),
        ("response.function_call_arguments.done", {"item_id": "fc_1", "output_index": 1, "name": "look_up", "arguments": "{}"}),
        ("response.output_item.done", {"output_index": 1, "item": call | {"status": "completed", "arguments": "{}"}}),
    ]


def test_the_numbers_rise_by_one_from_zero():
    numbers = [event["sequence_number"] for event in _parsed(ALL)]

    assert numbers == list(range(len(numbers)))


def test_the_response_is_in_progress_until_it_is_whole():
    created, in_progress, *_, completed = _parsed(TALK, instructions="Be brief.")

    assert created["response"] == in_progress["response"]
    assert (created["response"]["status"], created["response"]["output"], created["response"]["usage"]) == ("in_progress", [], None)
    assert completed["response"]["status"] == "completed"
    assert completed["response"]["usage"]["total_tokens"] == 8
    assert completed["response"]["instructions"] == created["response"]["instructions"] == "Be brief."


def _without_times(response):
    return {name: value for name, value in response.items() if name not in {"id", "created_at", "completed_at"}}


@pytest.mark.parametrize("events", [TALK, ALL, [STARTED, Stopped("length")], [*TALK[:-2], Stopped("length")]])
def test_the_end_is_what_a_whole_answer_would_be(events):
    whole = json.loads(CODEC.dump_reply(fold_reply([*events, Ended()]), asked(stream=True)))

    last = parse_events(_write(events))[-1]["response"]

    assert with_short_ids(_without_times(last)) == with_short_ids(_without_times(whole))


def test_logprobs_come_with_their_text():
    token = {"token": "Hel", "bytes": [72, 101, 108], "logprob": -0.5, "top_logprobs": []}

    parsed = _parsed([STARTED, TextDelta("Hel", logprobs=(Logprob("Hel", -0.5),)), TextDelta("lo!"), Stopped("stop")])

    assert [event["logprobs"] for event in parsed if "logprobs" in event] == [[token], [], [token]]
    assert parsed[-1]["response"]["output"][0]["content"][0]["logprobs"] == [token]


@pytest.mark.parametrize("reason", ["length", "content_filter", "refusal", "pause"])
def test_an_answer_that_met_its_limit_is_incomplete(reason):
    parsed = _parsed([*TALK[:-2], Stopped(reason)])

    assert parsed[-1]["type"] == "response.incomplete"
    assert parsed[-1]["response"]["output"][0]["status"] == "incomplete"


def test_nothing_is_written_for_nothing():
    assert _bare(_parsed([STARTED, TextDelta(""), RefusalDelta(""), ReasoningDelta(), Stopped("stop")])) == [
        ("response.created", {}),
        ("response.in_progress", {}),
        ("response.completed", {}),
    ]


def test_arguments_of_no_call_are_refused():
    with pytest.raises(ValueError):
        CODEC.begin_stream(asked()).feed([STARTED, ArgumentsDelta(0, "{}")])


def test_a_failure_goes_on_where_the_stream_was():
    stream = CODEC.begin_stream(asked(stream=True))
    sent = stream.feed([STARTED, ReasoningDelta("Hm.", "seal"), TextDelta("Hel")])

    (failed,) = parse_events(stream.fail(UpstreamTimeout("Too late.")))

    before = parse_events(sent)
    assert failed["type"] == "response.failed"
    assert failed["sequence_number"] == before[-1]["sequence_number"] + 1
    assert failed["response"]["id"] == before[0]["response"]["id"]
    assert failed["response"]["error"] == {"code": "timeout", "message": "Too late."}
    assert (failed["response"]["status"], failed["response"]["usage"]) == ("failed", None)
    assert [item["type"] for item in failed["response"]["output"]] == ["reasoning"]


@pytest.mark.parametrize("events", [[], [STARTED], [STARTED, ReasoningDelta(signature="seal")]])
def test_a_failure_before_any_content_begins_the_response(events):
    stream = CODEC.begin_stream(asked(stream=True))
    stream.feed(events)

    created, failed = parse_events(stream.fail(InternalError()))

    assert (created["type"], created["sequence_number"]) == ("response.created", 0)
    assert (failed["type"], failed["sequence_number"], failed["response"]["output"]) == ("response.failed", 1, [])
    assert created["response"]["id"] == failed["response"]["id"]


def test_the_response_is_in_the_tail():
    stream = CODEC.begin_stream(asked(stream=True))
    stream.feed(TALK)
    tail = stream.end()

    assert json.loads(response_in_tail(tail) or b"") == parse_events(tail)[-1]["response"]


_texts = st.text(max_size=4)
_events = st.lists(
    st.one_of(
        st.builds(TextDelta, _texts),
        st.builds(ReasoningDelta, _texts, _texts),
        st.builds(ReasoningDelta, redacted=_texts),
        st.builds(RefusalDelta, _texts),
    ),
    max_size=12,
)


@given(_events, st.integers(0, 3), st.data())
@unhurried
def test_any_stream_adds_up_to_the_whole_answer(events, calls_count, data):
    calls = [ToolCallStarted(number, f"c{number}", "f") for number in range(calls_count)]
    if calls:
        calls += data.draw(st.lists(st.builds(ArgumentsDelta, st.integers(0, calls_count - 1), _texts), max_size=6))
    told = [STARTED, *events, *calls, Stopped("stop")]
    stream = CODEC.begin_stream(asked(stream=True))
    sent = b"".join(stream.feed([event]) for event in told) + stream.end()

    parsed = parse_events(sent)
    assert [event["sequence_number"] for event in parsed] == list(range(len(parsed)))
    done = {event["output_index"]: event["item"] for event in parsed if event["type"] == "response.output_item.done"}
    output = parsed[-1]["response"]["output"]
    assert output == [done[index] for index in range(len(output))]
    texts = "".join(event.text for event in events if isinstance(event, TextDelta))
    parts = [part for item in output if item["type"] == "message" for part in item["content"]]
    assert "".join(part["text"] for part in parts if part["type"] == "output_text") == texts
    for number in range(calls_count):
        arguments = "".join(event.text for event in calls if isinstance(event, ArgumentsDelta) and event.index == number)
        assert [item["arguments"] for item in output if item.get("call_id") == f"c{number}"] == [arguments]
