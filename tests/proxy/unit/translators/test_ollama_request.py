"""Conversations as Ollama is asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

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
from proxy.translators.providers.ollama import CODEC
from tests.proxy.pieces import unhurried
from tests.proxy.provider_help import SECRET, conversations, create_backend, dump, dump_body, is_asked_or_refused

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOLS = (Tool("weather", "Tells the weather.", SCHEMA, is_strict=True), Tool("now"))
WEATHER = {"type": "function", "function": {"name": "weather", "description": "Tells the weather.", "parameters": SCHEMA}}
NOW = {"type": "function", "function": {"name": "now", "description": "", "parameters": {"type": "object", "properties": {}}}}
HELLO = Conversation("llama3.2", (Message("user", (Text("Hello"),)),))
PLAIN = {"model": "llama3.2", "messages": [{"role": "user", "content": "Hello"}], "stream": False, "truncate": False}
IMAGE = Media("image", "image/png", "aGk=", detail="low")
OTHER_IMAGE = Media("image", "image/png", "aG8=")


def messages(*said: Message) -> Any:
    return dump_body(CODEC, Conversation("llama3.2", said))["messages"]


def user(*parts: Any) -> Message:
    return Message("user", parts)


def assistant(*parts: Any) -> Message:
    return Message("assistant", parts)


# --- the call ---------------------------------------------------------------------------------------------------------------------


def test_call_goes_to_the_chat_with_the_credential_as_a_bearer():
    call = dump(CODEC, HELLO)

    assert (call.method, call.path) == ("POST", "/api/chat")
    assert call.headers == [
        (b"content-type", b"application/json"),
        (b"accept", b"application/json"),
        (b"authorization", b"Bearer " + SECRET.encode()),
    ]
    assert dump_body(CODEC, HELLO) == PLAIN


def test_stream_without_a_credential():
    call = CODEC.dump_request(replace(HELLO, is_stream=True), Target("ollama", "llama3.2"), create_backend("ollama", ""))

    assert call.headers == [(b"content-type", b"application/json"), (b"accept", b"application/x-ndjson")]
    assert b'"stream":true' in call.body


# --- messages ---------------------------------------------------------------------------------------------------------------------


def test_roles_and_texts():
    assert messages(Message("system", (Text("Be brief."),)), user(Text("a"), Text("b")), assistant(Text("c"), Refusal("d")), user()) == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "a\n\nb"},
        {"role": "assistant", "content": "c\n\nd"},
        {"role": "user", "content": ""},
    ]


def test_images_stand_in_front_of_the_text_behind_them():
    assert messages(user(IMAGE, OTHER_IMAGE, Text("Which?"))) == [{"role": "user", "content": "Which?", "images": ["aGk=", "aG8="]}]
    assert messages(user(Text("This:"), IMAGE, Text("or this:"), OTHER_IMAGE)) == [
        {"role": "user", "content": "This:"},
        {"role": "user", "content": "or this:", "images": ["aGk="]},
        {"role": "user", "content": "", "images": ["aG8="]},
    ]


def test_calls_thoughts_and_results():
    assert messages(
        assistant(
            Reasoning("Hm.", "seal"),
            Reasoning(redacted="sealed"),
            Text("Let me see."),
            ToolCall("1", "weather", '{"city": "Paris"}', "seal"),
            ToolCall("2", "now", ""),
        ),
        user(ToolResult("1", (Text("sunny"), IMAGE), "weather"), ToolResult("2", (Text("no clock"),), is_error=True), Text("Hurry.")),
    ) == [
        {
            "role": "assistant",
            "content": "Let me see.",
            "thinking": "Hm.",
            "tool_calls": [
                {"id": "1", "function": {"name": "weather", "arguments": {"city": "Paris"}}},
                {"id": "2", "function": {"name": "now", "arguments": {}}},
            ],
        },
        {"role": "tool", "content": "sunny", "tool_name": "weather", "tool_call_id": "1", "images": ["aGk="]},
        {"role": "tool", "content": "no clock", "tool_call_id": "2"},
        {"role": "user", "content": "Hurry."},
    ]


@pytest.mark.parametrize(
    "message",
    [
        user(Media("image", url="https://example.com/a.png")),
        user(Media("audio", "audio/wav", "aGk=")),
        user(Media("file", "application/pdf", "aGk=")),
        user(ToolResult("1", (Media("image", url="https://example.com/a.png"),), "shoot")),
        assistant(ToolCall("1", "weather", "not json")),
    ],
)
def test_what_a_message_of_ollama_cannot_hold_is_refused_by_the_clients_name(message):
    with pytest.raises(Untranslatable) as refused:
        dump(CODEC, Conversation("llama3.2", (message,), names={"messages": "input"}))

    assert refused.value.param == "input"


# --- how to answer ----------------------------------------------------------------------------------------------------------------


def test_every_parameter_has_its_place():
    conversation = replace(
        HELLO,
        output_limit_tokens=100,
        temperature=0.5,
        top_p=0.9,
        top_k=40,
        stop=("END", "STOP"),
        seed=7,
        frequency_penalty=0.1,
        presence_penalty=-0.1,
        has_logprobs=True,
        top_logprobs_count=5,
        output_format=OutputFormat("schema", SCHEMA, "weather"),
        reasoning=ReasoningWish("low", is_shown=True),
        has_parallel_tool_calls=False,
        end_user="alice",
        verbosity="medium",
    )

    assert dump_body(CODEC, conversation) == PLAIN | {
        "options": {
            "num_predict": 100,
            "temperature": 0.5,
            "top_p": 0.9,
            "top_k": 40,
            "seed": 7,
            "stop": ["END", "STOP"],
            "frequency_penalty": 0.1,
            "presence_penalty": -0.1,
        },
        "format": SCHEMA,
        "think": "low",
        "logprobs": True,
        "top_logprobs": 5,
    }


def test_any_json_is_a_format_by_its_name():
    assert dump_body(CODEC, replace(HELLO, output_format=OutputFormat("json"))) == PLAIN | {"format": "json"}


@pytest.mark.parametrize(
    ("choice", "tools"),
    [
        (None, [WEATHER, NOW]),
        (ToolChoice("auto"), [WEATHER, NOW]),
        (ToolChoice("auto", allowed=("now",)), [NOW]),
        (ToolChoice("none"), None),
    ],
)
def test_only_tools_that_may_be_called_are_shown(choice, tools):
    body = dump_body(CODEC, replace(HELLO, tools=TOOLS, tool_choice=choice, has_parallel_tool_calls=True))

    assert body == PLAIN | ({} if tools is None else {"tools": tools})


@pytest.mark.parametrize(
    ("wish", "think"),
    [
        (ReasoningWish("none"), False),
        (ReasoningWish(is_enabled=False), False),
        (ReasoningWish("minimal"), "low"),
        (ReasoningWish("medium"), "medium"),
        (ReasoningWish("xhigh"), "high"),
        (ReasoningWish(budget_tokens=8000), "medium"),
        (ReasoningWish(is_shown=True), True),
    ],
)
def test_thinking_is_asked_for_in_ollamas_words(wish, think):
    assert dump_body(CODEC, replace(HELLO, reasoning=wish)) == PLAIN | {"think": think}


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"choices_count": 2}, "n"),
        ({"tools": TOOLS, "has_parallel_tool_calls": False}, "parallel_tool_calls"),
        ({"tools": TOOLS, "tool_choice": ToolChoice("required")}, "tool_choice"),
        ({"tools": TOOLS, "tool_choice": ToolChoice("tool", "now")}, "tool_choice"),
        ({"verbosity": "low"}, "verbosity"),
        ({"reasoning": ReasoningWish("odd")}, "reasoning_effort"),
    ],
)
def test_what_ollama_has_no_word_for_is_refused_by_the_clients_name(change, param):
    names = {"choices_count": "n", "has_parallel_tool_calls": "parallel_tool_calls", "reasoning": "reasoning_effort"}

    with pytest.raises(Untranslatable) as refused:
        dump(CODEC, replace(HELLO, names=names, **change))

    assert refused.value.param == param


@unhurried
@given(conversations)
def test_any_conversation_is_asked_as_json_or_refused(conversation):
    assert is_asked_or_refused(CODEC, conversation)
