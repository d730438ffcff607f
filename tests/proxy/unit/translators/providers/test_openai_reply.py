"""What OpenAI and the vendors of its dialect answer, whole and in streams."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import UpstreamBroken
from proxy.translators.conversation import (
    ArgumentsDelta,
    Choice,
    Ended,
    Failed,
    Logprob,
    Reasoning,
    ReasoningDelta,
    Refusal,
    RefusalDelta,
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
from proxy.translators.fold import fold_reply
from proxy.translators.providers.openai import CODEC
from proxy.wire.upstream_error import UpstreamErrorDetail
from proxy.wire.usage import Usage
from tests.proxy.chat_help import DONE, HELLO, ROLE, STOP, USAGE, WORLD, delta, event
from tests.proxy.pieces import byte_by_byte, draw_pieces, unhurried
from tests.proxy.provider_help import like, read_stream, with_numbered_calls
from tests.proxy.recorded import recorded_exchanges

CALL = {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}


def _reply(finish_reason: str | None = "stop", choice: dict[str, Any] | None = None, **message: Any) -> Choice:
    """Return the one choice of an answer."""
    given = {"index": 0, "message": {"role": "assistant"} | message, "finish_reason": finish_reason} | (choice or {})
    reply = CODEC.parse_reply(json.dumps({"id": "id", "choices": [given]}).encode())
    assert (reply.id, len(reply.choices)) == ("id", 1)
    return reply.choices[0]


def _events(*pieces: bytes) -> list[StreamEvent]:
    """Return what a stream says between its beginning and its end."""
    started, *between, stopped, ended = read_stream(CODEC.begin_stream(), [*pieces, DONE])
    assert isinstance(started, Started)
    assert isinstance(ended, Ended)
    return [*between, stopped]


# --- whole ------------------------------------------------------------------------------------------------------------------------


def test_a_whole_answer():
    body = {
        "id": "chatcmpl-1",
        "created": 1735689600,
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "Hello", "refusal": None}, "logprobs": None, "finish_reason": "stop"},
            {"index": 1, "message": {"role": "assistant", "content": "Bye"}, "finish_reason": "length"},
        ],
        "usage": {"prompt_tokens": 5, "completion_tokens": 3},
        "unheard_of": {},
    }

    assert CODEC.parse_reply(json.dumps(body).encode()) == Reply(
        "chatcmpl-1", (Choice((Text("Hello"),), "stop"), Choice((Text("Bye"),), "length")), Usage(5, 3), 1735689600
    )


def test_what_a_provider_leaves_out_is_made_or_missing():
    reply = CODEC.parse_reply(b'{"choices": [{"message": {"content": "x"}}]}')

    assert reply.id.startswith("chatcmpl-")
    assert (reply.choices, reply.usage, reply.created_at_s) == ((Choice((Text("x"),), "stop"),), None, 0)
    assert CODEC.parse_reply(b'{"id": "i", "created": 1e300, "choices": [{}]}').choices == (Choice((), "stop"),)


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        ({}, ()),
        ({"content": None}, ()),
        ({"content": "", "tool_calls": []}, ()),
        ({"content": "a", "reasoning_content": "b"}, (Reasoning("b"), Text("a"))),
        ({"content": "a", "reasoning": "b", "reasoning_details": [{"type": "reasoning.text", "text": "b"}]}, (Reasoning("b"), Text("a"))),
        ({"content": "a", "reasoning": None, "annotations": []}, (Text("a"),)),
        (
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "b"}, {"type": "text", "text": "c"}]},
                    {"type": "text", "text": "a"},
                    {"type": "reference", "reference_ids": [1]},
                ]
            },
            (Reasoning("bc"), Text("a")),
        ),
    ],
)
def test_what_a_model_says(message, parts):
    assert _reply(**message) == Choice(parts, "stop")


def test_tool_calls():
    assert _reply("tool_calls", tool_calls=[CALL, CALL | {"id": "b", "index": 1, "function": {"name": "g"}}]) == Choice(
        (ToolCall("a", "f", '{"x": 1}'), ToolCall("b", "g", "{}")), "tool_calls"
    )


def test_a_call_without_an_id_gets_one():
    first, second = _reply("tool_calls", tool_calls=[{"function": CALL["function"]}, {"id": "", "function": CALL["function"]}]).parts

    assert isinstance(first, ToolCall)
    assert isinstance(second, ToolCall)
    assert first.id.startswith("call_")
    assert first.id != second.id


@pytest.mark.parametrize(
    ("finish_reason", "reason"),
    [
        (None, "stop"),
        ("stop", "stop"),
        ("eos", "stop"),
        ("eos_token", "stop"),
        ("length", "length"),
        ("model_length", "length"),
        ("content_filter", "content_filter"),
        ("tool_calls", "tool_calls"),
        ("function_call", "tool_calls"),
        ("unheard_of", "stop"),
    ],
)
def test_why_an_answer_ended(finish_reason, reason):
    assert _reply(finish_reason, content="a").stop_reason == reason


def test_a_model_that_called_a_tool_ended_for_that():
    assert _reply("stop", tool_calls=[CALL]).stop_reason == "tool_calls"
    assert _reply("length", tool_calls=[CALL]).stop_reason == "length"


def test_a_refusal_in_words():
    assert _reply("stop", refusal="No.") == Choice((Refusal("No."),), "refusal")


def test_a_stop_sequence_that_the_vendor_names():
    assert _reply(choice={"stop_reason": "END"}, content="a") == Choice((Text("a"),), "stop_sequence", "END")
    assert _reply(choice={"stop_reason": 128001}, content="a").stop_reason == "stop"


def test_log_probabilities():
    tokens = [{"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": [{"token": "b", "logprob": -1, "bytes": None}]}]

    assert _reply(choice={"logprobs": {"content": tokens, "refusal": None}}, content="a").logprobs == (Logprob("a", -0.5, (("b", -1.0),)),)
    assert _reply(choice={"logprobs": {"tokens": ["a"], "token_logprobs": [-0.5]}}, content="a").logprobs is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"<html>",
        b"\xff",
        b'{"choices": []}',
        b'{"choices": [5]}',
        b'{"choices": [{"message": {"content": 5}}]}',
        b'{"choices": [{"message": {"tool_calls": [{"id": "a"}]}}]}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_answer_is_a_value_error(body):
    with pytest.raises(ValueError, match=r"chat completion|without a name"):
        CODEC.parse_reply(body)


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "overloaded", "code": 502}, "user_id": "u"},
        {"choices": [{"index": 0, "error": {"message": "overloaded"}, "finish_reason": "error"}]},
    ],
)
def test_an_error_in_the_place_of_an_answer_is_the_provider_s(body):
    with pytest.raises(UpstreamBroken, match="overloaded"):
        CODEC.parse_reply(json.dumps(body).encode())


def test_an_answer_that_the_provider_gave_up_is_none():
    with pytest.raises(UpstreamBroken):
        _reply("insufficient_system_resource", content="half of")


# --- streams ----------------------------------------------------------------------------------------------------------------------

WHOLE = ROLE + HELLO + WORLD + STOP + USAGE + DONE
SAID = [Started("c1"), TextDelta("Hel"), TextDelta("lo!"), UsageCounted(Usage(5, 3)), Stopped("stop"), Ended()]


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("cut", [byte_by_byte, lambda stream: [stream]])
def test_a_stream_is_read_however_the_network_cuts_it(cut, ending):
    assert read_stream(CODEC.begin_stream(), cut(WHOLE.replace(b"\n", ending))) == SAID


@unhurried
@given(st.data())
def test_a_stream_is_read_cut_anywhere(data):
    whole = b": ping\n\n" + WHOLE.replace(WORLD, WORLD + b"event: x\ndata:\n\n") + HELLO

    assert read_stream(CODEC.begin_stream(), draw_pieces(data, whole)) == SAID


def test_the_pieces_of_tool_calls_are_put_together():
    def piece(index: int, **fields: Any) -> bytes:
        return delta(tool_calls=[{"index": index, **fields}])

    assert _events(
        delta(content=None, role="assistant", tool_calls=[{"index": 1, "id": "a", "function": {"name": "f", "arguments": ""}}]),
        piece(1, function={"arguments": '{"x'}),
        piece(2, id="b", type="function", function={"name": "g", "arguments": "{}"}),
        piece(1, id="a", function={"name": "f", "arguments": '":1}'}),
        delta("tool_calls"),
    ) == [
        ToolCallStarted(0, "a", "f"),
        ArgumentsDelta(0, '{"x'),
        ToolCallStarted(1, "b", "g"),
        ArgumentsDelta(1, "{}"),
        ArgumentsDelta(0, '":1}'),
        Stopped("tool_calls"),
    ]


def test_arguments_wait_for_the_name():
    pieces = [{"id": "a"}, {"function": {"arguments": '{"x'}}, {"function": {"name": "f"}}, {"function": {"arguments": '":1}'}}]

    assert _events(*(delta(tool_calls=[{"index": 0, **piece}]) for piece in pieces)) == [
        ToolCallStarted(0, "a", "f"),
        ArgumentsDelta(0, '{"x'),
        ArgumentsDelta(0, '":1}'),
        Stopped("tool_calls"),
    ]


@pytest.mark.parametrize("indexes", [(0, 0), (None, None), (None, 0)])
def test_calls_that_a_vendor_counts_wrong_are_told_apart_by_their_ids(indexes):
    calls = [{"id": call_id, "index": index, "function": CALL["function"]} for call_id, index in zip("ab", indexes, strict=True)]

    events = _events(delta(tool_calls=[calls[0]]), delta(tool_calls=[calls[1]]), delta("stop"))

    assert events[::2] == [ToolCallStarted(0, "a", "f"), ToolCallStarted(1, "b", "f"), Stopped("tool_calls")]


def test_calls_without_index_and_id_begin_with_their_names():
    events = _events(delta(tool_calls=[{"function": CALL["function"]}, {"function": {"name": "g", "arguments": "{}"}}]))

    assert [event for event in with_numbered_calls(events) if isinstance(event, ToolCallStarted)] == [
        ToolCallStarted(0, "call-0", "f"),
        ToolCallStarted(1, "call-1", "g"),
    ]


@pytest.mark.parametrize(
    ("chunk", "events"),
    [
        (delta(reasoning_content="Hm."), [ReasoningDelta("Hm.")]),
        (delta(reasoning="Hm.", channel="analysis"), [ReasoningDelta("Hm.")]),
        (delta(content="", reasoning=None, reasoning_details=[]), []),
        (delta(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]), [ReasoningDelta("Hm.")]),
        (delta(content="a", reasoning_content="Hm."), [ReasoningDelta("Hm."), TextDelta("a")]),
        (delta(refusal="No."), [RefusalDelta("No.")]),
        (event({"choices": [], "usage": None}), []),
        (event({"id": "x", "choices": [{"index": 0, "delta": None, "content_filter_results": {}}]}), []),
    ],
)
def test_what_a_chunk_may_say(chunk, events):
    assert _events(ROLE, chunk)[:-1] == events


def test_log_probabilities_come_with_their_text():
    chunk = {"id": "x", "choices": [{"index": 0, "delta": {"content": "a"}, "logprobs": {"content": [{"token": "a", "logprob": -1}]}}]}

    assert _events(event(chunk))[0] == TextDelta("a", logprobs=(Logprob("a", -1.0),))


def test_azure_begins_with_its_verdict_on_the_prompt():
    verdict = event({"id": "", "choices": [], "prompt_filter_results": []})

    assert read_stream(CODEC.begin_stream(), [verdict, WHOLE]) == SAID


def test_why_it_ended_is_told_once_and_last():
    """OpenRouter says it again beside the usage."""
    usage = {"prompt_tokens": 5, "completion_tokens": 3}
    again = event({"id": "c1", "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "stop"}], "usage": usage})

    assert read_stream(CODEC.begin_stream(), [ROLE, HELLO, WORLD, STOP, again, DONE]) == SAID


def test_every_choice_has_its_own_end():
    def chunk(index: int, finish_reason: str | None = None, **fields: Any) -> bytes:
        return event({"id": "c1", "choices": [{"index": index, "delta": fields, "finish_reason": finish_reason}]})

    assert read_stream(
        CODEC.begin_stream(), [chunk(1, content="b"), chunk(0, content="a"), chunk(1, "length"), chunk(0, "stop"), DONE]
    ) == [
        Started("c1"),
        TextDelta("b", 1),
        TextDelta("a"),
        Stopped("stop"),
        Stopped("length", choice=1),
        Ended(),
    ]


@pytest.mark.parametrize(
    ("failure", "detail"),
    [
        (event({"error": {"message": "m", "code": "overloaded"}}), UpstreamErrorDetail("m", code="overloaded", error_class="overloaded")),
        (b"event: error\n" + event({"error": {"message": "m", "type": "t"}}), UpstreamErrorDetail("m", "t")),
        (event({"choices": [{"index": 0, "error": {"message": "m", "code": 502}}]}), UpstreamErrorDetail("m", code="502")),
        (delta("error"), UpstreamErrorDetail("The provider reported an error.")),
        (delta("insufficient_system_resource"), UpstreamErrorDetail("The provider reported an error.")),
    ],
)
def test_an_error_is_the_last_that_is_said(failure, detail):
    assert read_stream(CODEC.begin_stream(), [ROLE, HELLO, failure + WORLD + DONE, WORLD, DONE]) == [
        Started("c1"),
        TextDelta("Hel"),
        Failed(detail),
    ]


@pytest.mark.parametrize("pieces", [[], [ROLE], [ROLE, HELLO, STOP], [ROLE, HELLO, STOP, b"data: [DO"]])
def test_a_stream_that_just_stops_has_no_end(pieces):
    assert not any(isinstance(event, Ended | Stopped) for event in read_stream(CODEC.begin_stream(), pieces))


@pytest.mark.parametrize("mark", [b"data: [DONE]", b"data: [DONE]\n"])
def test_an_end_mark_without_its_empty_line_is_one(mark):
    assert read_stream(CODEC.begin_stream(), [WHOLE.removesuffix(DONE), mark]) == SAID


@pytest.mark.parametrize(
    "data",
    [
        DONE,
        b"data: <html>\n\n",
        b"data: {}\n\n",
        b'data: {"choices": 5}\n\n',
        delta(tool_calls=[{"index": 0, "id": "a", "function": {"arguments": "{}"}}]) + DONE,
    ],
)
def test_what_is_no_stream_is_a_value_error(data):
    with pytest.raises(ValueError, match=r"chat completion|chunk|without a name"):
        read_stream(CODEC.begin_stream(), [data])


# --- recorded -----------------------------------------------------------------------------------------------------------------------


def _recorded() -> list[dict[str, Any]]:
    return [exchange for exchange in recorded_exchanges() if "/chat/completions" in exchange["path"] and exchange["status"] == 200]


def test_every_recorded_answer_is_read():
    read = {exchange["name"]: (exchange["response"], CODEC.parse_reply(json.dumps(exchange["response"]).encode()))
            for exchange in _recorded() if isinstance(exchange["response"], dict)}  # fmt: skip

    assert len(read) > 80
    for name, (body, reply) in read.items():
        message, choice = body["choices"][0]["message"], reply.choices[0]
        assert (reply.id, reply.created_at_s, len(reply.choices)) == (body["id"], body["created"], len(body["choices"])), name
        if isinstance(message.get("content"), str):
            assert "".join(part.text for part in choice.parts if isinstance(part, Text)) == message["content"], name
        assert [part.id for part in choice.parts if isinstance(part, ToolCall)] == [call["id"] for call in message.get("tool_calls") or ()]
        assert (choice.stop_reason == "tool_calls") == bool(message.get("tool_calls")), name
    assert read["test_openrouter_tool_optional_parameters#0"][1].choices[0].parts[1] == ToolCall(
        "toolu_vrtx_015QAXScZzRDPttiPoc34AdD", "find_education_content", "{}"
    )
    assert sum(isinstance(reply.choices[0].parts[0], Reasoning) for _, reply in read.values() if reply.choices[0].parts) > 20


def test_every_recorded_stream_is_read():
    read = {}
    for exchange in _recorded():
        if not isinstance(exchange["response"], str) or exchange["content_type"] == "text/plain":
            continue
        whole = exchange["response"].encode()
        events = read_stream(CODEC.begin_stream(), [whole])
        assert read_stream(CODEC.begin_stream(), byte_by_byte(whole)) == events
        if "event: error" in exchange["response"]:
            assert isinstance(events[-1], Failed)
            assert events[-1].detail.code == "tool_use_failed"
        else:
            read[exchange["name"]] = fold_reply(events)

    assert len(read) == 11
    assert all(reply.usage is not None and reply.choices[0].parts for reply in read.values())
    thought, text = read["test_mistral_model_thinking_part_iter#0"].choices[0].parts
    assert isinstance(thought, Reasoning)
    assert isinstance(text, Text)
    assert read["test_run_stream_sync_streams_real_model#0"].choices == (
        Choice((ToolCall("call_ZR5UUuTt3pf61kjwAJIYdVMj", "get_capital", '{"country":"UK"}'),), "tool_calls"),
    )


# --- anything at all --------------------------------------------------------------------------------------------------------------

_answers = like(
    {
        "id": "x",
        "created": 5,
        "choices": [
            {
                "index": 0,
                "message": {"content": "x", "tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}]},
                "delta": {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "x"}]}], "refusal": "x"},
                "finish_reason": "stop",
                "logprobs": {"content": [{"token": "a", "logprob": -1, "top_logprobs": [{"token": "a", "logprob": 0}]}]},
                "error": None,
            }
        ],
        "usage": {"prompt_tokens": 5, "completion_tokens_details": {"reasoning_tokens": 2}},
        "x_groq": {"usage": None},
        "error": None,
    }
)


@unhurried
@given(_answers, st.lists(_answers, max_size=3))
def test_no_answer_of_any_shape_ends_in_another_exception(answer, chunks):
    with contextlib.suppress(ValueError, UpstreamBroken):
        CODEC.parse_reply(json.dumps(answer).encode())
    with contextlib.suppress(ValueError):
        read_stream(CODEC.begin_stream(), [*map(event, chunks), DONE])


@given(
    st.lists(st.sampled_from([ROLE, HELLO, STOP, USAGE, DONE, b"\r", b"\n", b"data:", b"data: {"]) | st.binary(max_size=12), max_size=10)
)
def test_no_bytes_end_in_another_exception(pieces):
    with contextlib.suppress(ValueError, UpstreamBroken):
        CODEC.parse_reply(b"".join(pieces))
    with contextlib.suppress(ValueError):
        read_stream(CODEC.begin_stream(), pieces)
