"""Answers as chat completions, whole and in chunks; and as completions."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from openai.types import Completion
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from proxy.errors import Untranslatable, UpstreamTimeout
from proxy.translators.clients import chat, completions
from proxy.translators.conversation import (
    ArgumentsDelta,
    Choice,
    Conversation,
    Logprob,
    Message,
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
from proxy.translators.translation import ClientCodec
from proxy.wire.completions import parse_completions_request
from proxy.wire.openai import parse_chat_request
from proxy.wire.usage import Usage
from tests.proxy.chat_help import parse_frames

HELLO = {"model": "mine", "messages": [{"role": "user", "content": "Hello!"}]}
ONCE = {"model": "mine", "prompt": "Once"}
USAGE = Usage(5, 3, cache_read_tokens=2, reasoning_tokens=4)
USAGE_FIELDS = {
    "prompt_tokens": 7,
    "completion_tokens": 7,
    "total_tokens": 14,
    "prompt_tokens_details": {"cached_tokens": 2},
    "completion_tokens_details": {"reasoning_tokens": 4},
}


def _chat(**fields: Any) -> Any:
    return parse_chat_request(json.dumps(HELLO | fields).encode(), 64)


def _once(**fields: Any) -> Any:
    return parse_completions_request(json.dumps(ONCE | fields).encode(), 64)


def _dump(*parts: Any, reason: Any = "stop", **fields: Any) -> dict[str, Any]:
    """Return the one choice of a whole answer."""
    reply = Reply("id", (Choice(parts, reason, **fields),), None, 17)
    choice: dict[str, Any] = json.loads(chat.CODEC.dump_reply(reply, _chat()))["choices"][0]
    return choice


def _stream(codec: ClientCodec, request: Any, events: list[StreamEvent]) -> list[Any]:
    writer = codec.begin_stream(request)
    return parse_frames(b"".join(writer.feed([event]) for event in events) + writer.end())


# --- whole ------------------------------------------------------------------------------------------------------------------------


def test_a_whole_answer():
    reply = Reply("id", (Choice((Text("Hel"), Text("lo")), "stop"), Choice((Text("Bye"),), "length")), USAGE, 17)

    assert json.loads(chat.CODEC.dump_reply(reply, _chat())) == {
        "id": "id",
        "object": "chat.completion",
        "created": 17,
        "model": "mine",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hello", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            },
            {
                "index": 1,
                "message": {"role": "assistant", "content": "Bye", "refusal": None},
                "logprobs": None,
                "finish_reason": "length",
            },
        ],
        "usage": USAGE_FIELDS,
    }


def test_what_the_provider_did_not_say_is_made_or_left_out():
    body = json.loads(chat.CODEC.dump_reply(Reply("", (Choice((), "stop"),), None), _chat()))

    assert body["id"].startswith("chatcmpl-")
    assert abs(body["created"] - time.time()) < 60
    assert "usage" not in body
    assert body["choices"][0]["message"]["content"] == ""


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ((Text("a"), Refusal("No.")), {"content": "a", "refusal": "No."}),
        ((Refusal("No."),), {"content": None, "refusal": "No."}),
        (
            (ToolCall("a", "f", '{"x":1}'), ToolCall("b", "g", "{}", "seal")),
            {
                "content": None,
                "refusal": None,
                "tool_calls": [
                    {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}},
                    {
                        "id": "b",
                        "type": "function",
                        "function": {"name": "g", "arguments": "{}"},
                        "extra_content": {"google": {"thought_signature": "seal"}},
                    },
                ],
            },
        ),
        ((Reasoning("Hm, "), Reasoning("yes."), Text("a")), {"content": "a", "refusal": None, "reasoning_content": "Hm, yes."}),
        (
            (Reasoning("Hm.", "seal"), Reasoning(redacted="ZGF0YQ=="), Text("a")),
            {
                "content": "a",
                "refusal": None,
                "reasoning_content": "Hm.",
                "reasoning_details": [
                    {"type": "reasoning.text", "text": "Hm.", "signature": "seal", "index": 0},
                    {"type": "reasoning.encrypted", "data": "ZGF0YQ==", "index": 1},
                ],
            },
        ),
    ],
)
def test_what_a_message_may_hold(parts, message):
    assert _dump(*parts)["message"] == {"role": "assistant"} | message


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("stop", "stop"),
        ("stop_sequence", "stop"),
        ("length", "length"),
        ("tool_calls", "tool_calls"),
        ("content_filter", "content_filter"),
        ("pause", "stop"),
        ("refusal", "content_filter"),
    ],
)
def test_why_an_answer_ended(reason, finish):
    assert _dump(Text("a"), reason=reason)["finish_reason"] == finish


def test_a_refusal_in_words_is_a_stop():
    assert _dump(Refusal("No."), reason="refusal")["finish_reason"] == "stop"


def test_log_probabilities():
    logprobs = (Logprob("ü", -0.5, (("ü", -0.5), ("u", -1.5))), Logprob("!", 0.0))

    assert _dump(Text("ü!"), logprobs=logprobs)["logprobs"] == {
        "content": [
            {
                "token": "ü",
                "logprob": -0.5,
                "bytes": [195, 188],
                "top_logprobs": [
                    {"token": "ü", "logprob": -0.5, "bytes": [195, 188]},
                    {"token": "u", "logprob": -1.5, "bytes": [117]},
                ],
            },
            {"token": "!", "logprob": 0.0, "bytes": [33], "top_logprobs": []},
        ],
        "refusal": None,
    }


# --- streams ----------------------------------------------------------------------------------------------------------------------


def _delta(frame: dict[str, Any]) -> Any:
    (choice,) = frame["choices"]
    return choice["index"], choice["delta"], choice["finish_reason"]


def test_a_stream_of_text():
    events = [Started("id"), TextDelta("Hel"), TextDelta("lo"), UsageCounted(USAGE), Stopped("stop")]

    frames = _stream(chat.CODEC, _chat(stream=True), events)

    assert frames.pop() == "[DONE]"
    assert [_delta(frame) for frame in frames] == [
        (0, {"role": "assistant", "content": ""}, None),
        (0, {"content": "Hel"}, None),
        (0, {"content": "lo"}, None),
        (0, {}, "stop"),
    ]
    created = frames[0]["created"]
    assert frames[1] == {
        "id": "id",
        "object": "chat.completion.chunk",
        "created": created,
        "model": "mine",
        "choices": [{"index": 0, "delta": {"content": "Hel"}, "logprobs": None, "finish_reason": None}],
    }
    assert abs(created - time.time()) < 60


@pytest.mark.parametrize(
    ("options", "is_there"), [({}, False), ({"include_usage": False}, False), ({"include_usage": True}, True), (None, False)]
)
def test_usage_comes_last_for_those_who_asked(options, is_there):
    events = [Started("id"), TextDelta("a"), UsageCounted(Usage(1)), UsageCounted(USAGE), Stopped("stop")]

    frames = _stream(chat.CODEC, _chat(stream=True, stream_options=options), events)

    assert frames[-1] == "[DONE]"
    assert [frame["usage"] for frame in frames[:-1] if "usage" in frame] == ([USAGE_FIELDS] if is_there else [])
    assert (frames[-2]["choices"] == []) is is_there


def test_usage_that_nobody_counted_is_not_made_up():
    frames = _stream(chat.CODEC, _chat(stream=True, stream_options={"include_usage": True}), [Started("id"), Stopped("stop")])

    assert [frame for frame in frames[:-1] if "usage" in frame or not frame["choices"]] == []


def test_a_stream_of_tool_calls():
    events = [
        Started("id"),
        ToolCallStarted(0, "a", "f"),
        ArgumentsDelta(0, '{"x'),
        ToolCallStarted(1, "b", "g", signature="seal"),
        ArgumentsDelta(0, '":1}'),
        Stopped("tool_calls"),
    ]

    frames = _stream(chat.CODEC, _chat(stream=True), events)

    assert [_delta(frame) for frame in frames[1:-1]] == [
        (0, {"tool_calls": [{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}]}, None),
        (0, {"tool_calls": [{"index": 0, "function": {"arguments": '{"x'}}]}, None),
        (
            0,
            {
                "tool_calls": [
                    {
                        "index": 1,
                        "id": "b",
                        "type": "function",
                        "function": {"name": "g", "arguments": ""},
                        "extra_content": {"google": {"thought_signature": "seal"}},
                    }
                ]
            },
            None,
        ),
        (0, {"tool_calls": [{"index": 0, "function": {"arguments": '":1}'}}]}, None),
        (0, {}, "tool_calls"),
    ]


def test_a_stream_of_reasoning():
    events = [
        Started("id"),
        ReasoningDelta("Hm, "),
        ReasoningDelta("yes."),
        ReasoningDelta(signature="seal"),
        ReasoningDelta("More."),
        ReasoningDelta(redacted="ZGF0YQ=="),
        ReasoningDelta(),
        TextDelta("a", logprobs=(Logprob("a", -1.0),)),
        Stopped("stop_sequence", "END"),
    ]

    frames = _stream(chat.CODEC, _chat(stream=True), events)

    assert [_delta(frame)[1] for frame in frames[1:-1]] == [
        {"reasoning_content": "Hm, "},
        {"reasoning_content": "yes."},
        {"reasoning_details": [{"type": "reasoning.text", "text": "Hm, yes.", "signature": "seal", "index": 0}]},
        {"reasoning_content": "More."},
        {"reasoning_details": [{"type": "reasoning.encrypted", "data": "ZGF0YQ==", "index": 1}]},
        {"content": "a"},
        {},
    ]
    assert frames[-3]["choices"][0]["logprobs"]["content"][0]["token"] == "a"
    assert _delta(frames[-2])[2] == "stop"


def test_every_choice_of_a_stream_begins_and_ends():
    events = [Started("id"), TextDelta("a"), TextDelta("b", 1), RefusalDelta("No.", 2), Stopped("stop"), Stopped("length", choice=1)]

    frames = _stream(chat.CODEC, _chat(stream=True, n=3), [*events, Stopped("refusal", choice=2), Stopped("refusal", choice=3)])

    role = {"role": "assistant", "content": ""}
    assert [_delta(frame) for frame in frames[:-1]] == [
        (0, role, None),
        (0, {"content": "a"}, None),
        (1, role, None),
        (1, {"content": "b"}, None),
        (2, role, None),
        (2, {"refusal": "No."}, None),
        (0, {}, "stop"),
        (1, {}, "length"),
        (2, {}, "stop"),
        (3, role, None),
        (3, {}, "content_filter"),
    ]


def test_an_id_is_made_where_the_provider_gives_none():
    frames = _stream(chat.CODEC, _chat(stream=True), [Started(""), TextDelta("a"), Stopped("stop")])

    assert frames[0]["id"].startswith("chatcmpl-")
    assert {frame["id"] for frame in frames[:-1]} == {frames[0]["id"]}


@pytest.mark.parametrize(("codec", "request_"), [(chat.CODEC, _chat(stream=True)), (completions.CODEC, _once(stream=True))])
def test_a_failure_ends_the_stream_with_the_error_and_the_mark(codec, request_):
    frames = parse_frames(codec.begin_stream(request_).fail(UpstreamTimeout()))

    assert frames[0]["error"]["code"] == "timeout"
    assert frames[1:] == ["[DONE]"]


# --- completions ------------------------------------------------------------------------------------------------------------------


def test_a_prompt_is_what_the_user_says():
    conversation = completions.CODEC.parse_conversation(_once(stop="END", temperature=0, n=2, seed=7, user="u", echo=False, best_of=1))

    assert conversation == Conversation(
        "mine",
        (Message("user", (Text("Once"),)),),
        output_limit_tokens=16,
        temperature=0.0,
        stop=("END",),
        seed=7,
        choices_count=2,
        end_user="u",
        names=conversation.names,
    )
    assert completions.CODEC.parse_conversation(_once(prompt=["Once"], max_tokens=5, stream=True)).output_limit_tokens == 5


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"prompt": ["a", "b"]}, "prompt"),
        ({"prompt": [1, 2]}, "prompt"),
        ({"prompt": [[1, 2]]}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"suffix": "end"}, "suffix"),
        ({"echo": True}, "echo"),
        ({"best_of": 2}, "best_of"),
        ({"logprobs": 0}, "logprobs"),
        ({"logit_bias": {"1": 1}}, "logit_bias"),
        ({"unheard_of": 1}, "unheard_of"),
    ],
)
def test_a_parameter_of_a_completion_without_a_translation_is_named(fields, param):
    with pytest.raises(Untranslatable) as caught:
        completions.CODEC.parse_conversation(_once(**fields))

    assert caught.value.param == param


def test_an_answer_as_a_completion():
    choices = (
        Choice((Reasoning("Hm."), Text("upon "), Text("a time")), "length"),
        Choice((Refusal("No."),), "refusal"),
        Choice((), "content_filter"),
    )

    assert json.loads(completions.CODEC.dump_reply(Reply("id", choices, USAGE, 17), _once())) == {
        "id": "id",
        "object": "text_completion",
        "created": 17,
        "model": "mine",
        "choices": [
            {"text": "upon a time", "index": 0, "logprobs": None, "finish_reason": "length"},
            {"text": "No.", "index": 1, "logprobs": None, "finish_reason": "stop"},
            {"text": "", "index": 2, "logprobs": None, "finish_reason": "content_filter"},
        ],
        "usage": USAGE_FIELDS,
    }
    assert json.loads(completions.CODEC.dump_reply(Reply("", choices, None), _once()))["id"].startswith("cmpl-")


def test_a_stream_as_completions():
    events = [Started("id"), ReasoningDelta("Hm."), TextDelta("upon"), RefusalDelta("No.", 1), UsageCounted(USAGE), Stopped("stop")]
    request = _once(stream=True, stream_options={"include_usage": True})

    frames = _stream(completions.CODEC, request, [*events, Stopped("refusal", choice=1)])

    assert [frame["choices"] for frame in frames[:-1]] == [
        [{"text": "upon", "index": 0, "logprobs": None, "finish_reason": None}],
        [{"text": "No.", "index": 1, "logprobs": None, "finish_reason": None}],
        [{"text": "", "index": 0, "logprobs": None, "finish_reason": "stop"}],
        [{"text": "", "index": 1, "logprobs": None, "finish_reason": "stop"}],
        [],
    ]
    assert {(frame["id"], frame["object"], frame["model"]) for frame in frames[:-1]} == {("id", "text_completion", "mine")}
    assert frames[-2]["usage"] == USAGE_FIELDS
    assert frames[-1] == "[DONE]"
    assert "usage" not in json.dumps(_stream(completions.CODEC, _once(stream=True), events))


# --- OpenAI's own client ------------------------------------------------------------------------------------------------------------


def test_openai_s_client_knows_every_shape():
    parts = (Reasoning("Hm.", "seal"), Text("a"), Refusal("No."), ToolCall("a", "f", "{}", "seal"))
    choices = (Choice(parts, "tool_calls", logprobs=(Logprob("a", -1.0, (("b", -2.0),)),)), Choice((), "refusal"))
    reply = Reply("id", choices, USAGE, 17)

    said = ChatCompletion.model_validate_json(chat.CODEC.dump_reply(reply, _chat()), strict=True)
    assert said.choices[0].message.tool_calls is not None
    assert Completion.model_validate_json(completions.CODEC.dump_reply(reply, _once()), strict=True).choices[0].text == "aNo."


def test_openai_s_client_knows_every_chunk():
    events: list[StreamEvent] = [
        Started("id"),
        ReasoningDelta("Hm."),
        ReasoningDelta(signature="seal"),
        TextDelta("a", logprobs=(Logprob("a", -1.0),)),
        RefusalDelta("No."),
        ToolCallStarted(0, "a", "f", signature="seal"),
        ArgumentsDelta(0, "{}"),
        UsageCounted(USAGE),
        Stopped("tool_calls"),
    ]
    wanted = {"stream": True, "stream_options": {"include_usage": True}}

    for frame in _stream(chat.CODEC, _chat(**wanted), events)[:-1]:
        ChatCompletionChunk.model_validate(frame, strict=True)
    for frame in _stream(completions.CODEC, _once(**wanted), events)[:-1]:
        Completion.model_validate(frame | {"choices": [choice | {"finish_reason": "stop"} for choice in frame["choices"]]}, strict=True)
