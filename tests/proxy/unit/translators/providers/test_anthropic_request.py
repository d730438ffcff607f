"""Neutral conversations as requests to Anthropic: all of it is said, or it is refused by the client's name."""

from __future__ import annotations

import base64
import json

import pytest

from proxy.errors import Untranslatable
from proxy.snapshot import Target
from proxy.translators.conversation import (
    Conversation,
    Media,
    Message,
    OutputFormat,
    Reasoning,
    ReasoningWish,
    Refusal,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from proxy.translators.providers.anthropic import CODEC
from tests.proxy.messages_help import BACKEND, TARGET

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "additionalProperties": False}
HELLO = Message("user", (Text("Hello!"),))
HELLO_TURN = {"role": "user", "content": [{"type": "text", "text": "Hello!"}]}
NAMES = {
    "choices_count": "n",
    "output_limit_tokens": "max_completion_tokens",
    "output_format": "response_format",
    "reasoning": "reasoning_effort",
}
RECENT = Target("claude", "claude-opus-4-8")
F = Tool("f", "d", SCHEMA)
F_DUMPED = {"name": "f", "description": "d", "input_schema": SCHEMA}


def conversation(**fields) -> Conversation:
    return Conversation(**({"model": "gpt", "messages": (HELLO,), "names": NAMES} | fields))


def dump(target: Target = TARGET, **fields) -> dict:
    return json.loads(CODEC.dump_request(conversation(**fields), target, BACKEND).body)


def turns(*messages: Message) -> list:
    return dump(messages=messages)["messages"]


def body(**fields) -> dict:
    return {"model": "claude-sonnet-4-5", "max_tokens": 4096, "messages": [HELLO_TURN]} | fields


def test_the_call_is_anthropics():
    call = CODEC.dump_request(conversation(is_stream=True), TARGET, BACKEND)

    assert (call.method, call.path) == ("POST", "/messages")
    assert call.headers == [
        (b"content-type", b"application/json"),
        (b"accept", b"text/event-stream"),
        (b"anthropic-version", b"2023-06-01"),
        (b"x-api-key", b"sk-ant"),
    ]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {}),
        ({"is_stream": True}, {"stream": True}),
        ({"output_limit_tokens": 7}, {"max_tokens": 7}),
        ({"temperature": 0.0, "top_p": 0.9, "top_k": 5}, {"temperature": 0.0, "top_p": 0.9, "top_k": 5}),
        ({"stop": ("a", "b")}, {"stop_sequences": ["a", "b"]}),
        ({"end_user": "user_1"}, {"metadata": {"user_id": "user_1"}}),
        ({"end_user": "alice@example.com"}, {}),
        ({"end_user": "0123-456789"}, {}),
        ({"frequency_penalty": 0.0, "presence_penalty": 0.0, "choices_count": 1, "verbosity": "medium", "top_logprobs_count": 0}, {}),
        ({"tools": (F,)}, {"tools": [F_DUMPED]}),
        ({"tools": (Tool("f"),)}, {"tools": [{"name": "f", "input_schema": {"type": "object", "properties": {}}}]}),
        ({"tools": (Tool("f", parameters={"$defs": {}}),)}, {"tools": [{"name": "f", "input_schema": {"type": "object", "$defs": {}}}]}),
        ({"tools": (Tool("f", "d", SCHEMA, is_strict=True),)}, {"tools": [F_DUMPED | {"strict": True}]}),
        ({"tools": (Tool("f", "d", SCHEMA, is_strict=False),)}, {"tools": [F_DUMPED]}),
        ({"tools": (F,), "tool_choice": ToolChoice("auto")}, {"tools": [F_DUMPED], "tool_choice": {"type": "auto"}}),
        ({"tools": (F,), "tool_choice": ToolChoice("required")}, {"tools": [F_DUMPED], "tool_choice": {"type": "any"}}),
        ({"tools": (F,), "tool_choice": ToolChoice("none")}, {"tools": [F_DUMPED], "tool_choice": {"type": "none"}}),
        ({"tools": (F,), "tool_choice": ToolChoice("tool", "f")}, {"tools": [F_DUMPED], "tool_choice": {"type": "tool", "name": "f"}}),
        (
            {"tools": (Tool("g"), F), "tool_choice": ToolChoice("required", allowed=("f",))},
            {"tools": [F_DUMPED], "tool_choice": {"type": "any"}},
        ),
        (
            {"tools": (F,), "has_parallel_tool_calls": False},
            {"tools": [F_DUMPED], "tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
        ),
        (
            {"tools": (F,), "has_parallel_tool_calls": False, "tool_choice": ToolChoice("tool", "f")},
            {"tools": [F_DUMPED], "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": True}},
        ),
        (
            {"tools": (F,), "has_parallel_tool_calls": False, "tool_choice": ToolChoice("none")},
            {"tools": [F_DUMPED], "tool_choice": {"type": "none"}},
        ),
        ({"tools": (F,), "has_parallel_tool_calls": True}, {"tools": [F_DUMPED]}),
        ({"tool_choice": ToolChoice("auto"), "has_parallel_tool_calls": False}, {}),
        (
            {"output_format": OutputFormat("schema", SCHEMA, "city")},
            {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
        ),
        (
            {"output_format": OutputFormat("schema", SCHEMA, "city", "Where.")},
            {"output_config": {"format": {"type": "json_schema", "schema": {"description": "Where."} | SCHEMA}}},
        ),
    ],
)
def test_what_is_asked_for_is_in_the_request(fields, expected):
    assert dump(**fields) == body(**expected)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"reasoning": ReasoningWish("high")}, {"thinking": {"type": "enabled", "budget_tokens": 24576}, "max_tokens": 28672}),
        ({"reasoning": ReasoningWish(is_shown=True)}, {"thinking": {"type": "enabled", "budget_tokens": 8192}, "max_tokens": 12288}),
        (
            {"reasoning": ReasoningWish("high"), "output_limit_tokens": 10000},
            {"thinking": {"type": "enabled", "budget_tokens": 8000}, "max_tokens": 10000},
        ),
        (
            {"reasoning": ReasoningWish("low"), "output_limit_tokens": 1100},
            {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 1100},
        ),
        ({"reasoning": ReasoningWish(budget_tokens=2000)}, {"thinking": {"type": "enabled", "budget_tokens": 2000}, "max_tokens": 6096}),
        (
            {"reasoning": ReasoningWish(budget_tokens=2000), "output_limit_tokens": 2001},
            {"thinking": {"type": "enabled", "budget_tokens": 2000}, "max_tokens": 2001},
        ),
        ({"reasoning": ReasoningWish("none")}, {}),
        ({"reasoning": ReasoningWish(is_enabled=False)}, {}),
        ({"reasoning": ReasoningWish(budget_tokens=0)}, {}),
        (
            {"reasoning": ReasoningWish("minimal"), "temperature": 1, "top_p": 0.95},
            {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 5120, "temperature": 1, "top_p": 0.95},
        ),
    ],
)
def test_an_older_model_thinks_by_a_budget_within_its_limit(fields, expected):
    assert dump(**fields) == body(**expected)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"reasoning": ReasoningWish("high")}, {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}),
        ({"reasoning": ReasoningWish("minimal")}, {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}),
        ({"reasoning": ReasoningWish("max")}, {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}),
        ({"reasoning": ReasoningWish(is_shown=True)}, {"thinking": {"type": "adaptive", "display": "summarized"}}),
        ({"reasoning": ReasoningWish(budget_tokens=5000)}, {"thinking": {"type": "adaptive"}, "output_config": {"effort": "medium"}}),
        ({"reasoning": ReasoningWish("none")}, {"thinking": {"type": "disabled"}}),
        ({"reasoning": ReasoningWish(is_enabled=False)}, {"thinking": {"type": "disabled"}}),
        (
            {"reasoning": ReasoningWish("low"), "output_format": OutputFormat("schema", SCHEMA)},
            {"thinking": {"type": "adaptive"}, "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}, "effort": "low"}},
        ),
        (
            {"reasoning": ReasoningWish("low"), "tools": (F,), "tool_choice": ToolChoice("required")},
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}, "tools": [F_DUMPED], "tool_choice": {"type": "any"}},
        ),
    ],
)
def test_a_recent_model_thinks_by_effort(fields, expected):
    assert dump(RECENT, **fields) == body(model="claude-opus-4-8", **expected)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"seed": 0}, "seed"),
        ({"frequency_penalty": 0.1}, "frequency_penalty"),
        ({"presence_penalty": -0.1}, "presence_penalty"),
        ({"choices_count": 2}, "n"),
        ({"has_logprobs": True}, "has_logprobs"),
        ({"top_logprobs_count": 2}, "top_logprobs_count"),
        ({"verbosity": "low"}, "verbosity"),
        ({"temperature": 1.5}, "temperature"),
        ({"output_format": OutputFormat("json")}, "response_format"),
        ({"tool_choice": ToolChoice("required")}, "tool_choice"),
        ({"tools": (F,), "tool_choice": ToolChoice("auto", allowed=("f", "g"))}, "tool_choice"),
        ({"reasoning": ReasoningWish("low"), "temperature": 0.5}, "temperature"),
        ({"reasoning": ReasoningWish("low"), "top_k": 5}, "top_k"),
        ({"reasoning": ReasoningWish("low"), "top_p": 0.5}, "top_p"),
        ({"reasoning": ReasoningWish("low"), "tools": (F,), "tool_choice": ToolChoice("required")}, "tool_choice"),
        ({"reasoning": ReasoningWish("low"), "output_limit_tokens": 1024}, "max_completion_tokens"),
        ({"reasoning": ReasoningWish(budget_tokens=1000)}, "reasoning_effort"),
        ({"reasoning": ReasoningWish(budget_tokens=2000), "output_limit_tokens": 2000}, "reasoning_effort"),
        ({"reasoning": ReasoningWish("ultra")}, "reasoning_effort"),
    ],
)
def test_what_anthropic_has_no_word_for_is_refused_by_the_clients_name(fields, param):
    with pytest.raises(Untranslatable) as caught:
        dump(**fields)

    assert caught.value.param == param


# --- messages -------------------------------------------------------------------------------------------------------------------


def test_system_text_goes_to_the_head_in_its_order():
    sent = dump(messages=(Message("system", (Text("a"), Text(""))), HELLO, Message("system", (Text("b"),)), Message("user", (Text("c"),))))

    assert sent["system"] == [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert sent["messages"] == [{"role": "user", "content": [*HELLO_TURN["content"], {"type": "text", "text": "c"}]}]


def test_a_conversation_of_instructions_alone_is_the_question():
    sent = dump(messages=(Message("system", (Text("a"),)), Message("system", (Text("b"),))))

    assert "system" not in sent
    assert sent["messages"] == [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]


def test_turns_alternate_and_results_come_first():
    sent = turns(
        HELLO,
        Message("assistant", (Reasoning("Hm.", "s"), Text("Let me see."))),
        Message("assistant", (ToolCall("c1", "f", '{"a": 1}'), ToolCall("c2", "f", ""))),
        Message("user", (Text("Quick!"),)),
        Message("user", (ToolResult("c1", (Text("1"),)),)),
        Message("user", (ToolResult("c2", (), is_error=True),)),
    )

    assert sent == [
        HELLO_TURN,
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "s"},
                {"type": "text", "text": "Let me see."},
                {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}},
                {"type": "tool_use", "id": "c2", "name": "f", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "1"}]},
                {"type": "tool_result", "tool_use_id": "c2", "is_error": True},
                {"type": "text", "text": "Quick!"},
            ],
        },
    ]


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (Text("a"), {"type": "text", "text": "a"}),
        (Media("image", "image/png", "AAAA"), {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}),
        (Media("image", url="https://x/i", detail="low"), {"type": "image", "source": {"type": "url", "url": "https://x/i"}}),
        (
            Media("file", "application/pdf", "AAAA", name="a.pdf"),
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}, "title": "a.pdf"},
        ),
        (Media("file", url="https://x/a.pdf"), {"type": "document", "source": {"type": "url", "url": "https://x/a.pdf"}}),
        (
            Media("file", "text/csv", base64.b64encode("ä,b".encode()).decode()),
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "ä,b"}},
        ),
        (
            ToolResult("c", (Text("a"), Media("image", url="u"))),
            {
                "type": "tool_result",
                "tool_use_id": "c",
                "content": [{"type": "text", "text": "a"}, {"type": "image", "source": {"type": "url", "url": "u"}}],
            },
        ),
    ],
)
def test_what_a_user_says_is_a_block(part, block):
    assert turns(Message("user", (part,))) == [{"role": "user", "content": [block]}]


@pytest.mark.parametrize(
    ("part", "blocks"),
    [
        (Refusal("No."), [{"type": "text", "text": "No."}]),
        (Reasoning(redacted="AAAA"), [{"type": "redacted_thinking", "data": "AAAA"}]),
        (Reasoning("", "s"), [{"type": "thinking", "thinking": "", "signature": "s"}]),
        # What Anthropic did not seal it does not take back.
        (Reasoning("Hm."), []),
        (Reasoning("Hm.", "gemini:s"), []),
        (Reasoning(redacted="openai:AAAA"), []),
        (Text(""), []),
    ],
)
def test_what_a_model_said_is_blocks(part, blocks):
    assert turns(HELLO, Message("assistant", (part, Text("a"))))[1:] == [
        {"role": "assistant", "content": [*blocks, {"type": "text", "text": "a"}]}
    ]


def test_a_message_that_says_nothing_is_left_out():
    assert turns(HELLO, Message("assistant", (Text(""),)), Message("user", (Text("b"),))) == [
        {"role": "user", "content": [*HELLO_TURN["content"], {"type": "text", "text": "b"}]}
    ]


def test_ids_of_calls_are_in_letters_that_anthropic_takes_and_still_match():
    sent = turns(
        HELLO,
        Message(
            "assistant", (ToolCall("functions.f:0", "f", "{}"), ToolCall("functions.f:1", "f", "{}"), ToolCall("functions_f_0", "f", "{}"))
        ),
        Message("user", (ToolResult("functions.f:0", ()), ToolResult("functions.f:1", ()), ToolResult("functions_f_0", ()))),
    )

    called = [block["id"] for block in sent[1]["content"]]
    assert called == [block["tool_use_id"] for block in sent[2]["content"]]
    assert len(set(called)) == 3
    assert all(character.isalnum() or character in "_-" for called_id in called for character in called_id)


@pytest.mark.parametrize(
    "messages",
    [
        (Message("user", (Media("audio", "audio/wav", "AAAA"),)),),
        (Message("user", (Media("file", "application/zip", "AAAA"),)),),
        (Message("user", (Media("file", "text/plain", "!!"),)),),
        (Message("user", (Media("file", "text/plain", base64.b64encode(b"\xff").decode()),)),),
        (HELLO, Message("assistant", (ToolCall("c", "f", "{'a'"),))),
        (HELLO, Message("assistant", (ToolCall("c", "f", "[1]"),))),
        (Message("system", (Text(""),)),),
        (Message("user", (Text(""),)),),
    ],
)
def test_messages_that_anthropic_cannot_be_told_are_refused(messages):
    with pytest.raises(Untranslatable) as caught:
        turns(*messages)

    assert caught.value.param == "messages"
