"""What a chat request means, and which of its parameters an error names."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given

from proxy.errors import BadRequest, Untranslatable
from proxy.translators.clients.chat import CODEC
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
from proxy.wire.openai import parse_chat_request
from tests.proxy.pieces import unhurried
from tests.proxy.provider_help import like
from tests.proxy.recorded import recorded_exchanges

HELLO = {"role": "user", "content": "Hello!"}


def _read(*messages: dict[str, Any], **fields: Any) -> Conversation:
    body = {"model": "gpt", "messages": list(messages or (HELLO,)), **fields}
    return CODEC.parse_conversation(parse_chat_request(json.dumps(body).encode(), 64))


def _messages(*messages: dict[str, Any]) -> tuple[Message, ...]:
    return _read(*messages).messages


def _refusal(*messages: dict[str, Any], **fields: Any) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        _read(*messages, **fields)
    return caught.value


def _user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


def _call(call_id: str, name: str, arguments: str = "{}", **fields: Any) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}, **fields}


# --- messages ---------------------------------------------------------------------------------------------------------------------


def test_the_least_request():
    conversation = _read()

    assert conversation.model == "gpt"
    assert conversation.messages == (Message("user", (Text("Hello!"),)),)
    assert conversation == Conversation("gpt", conversation.messages, names=conversation.names)


def test_instructions_are_the_system_s_whatever_they_are_called():
    assert _messages(
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": [{"type": "text", "text": "Be"}, {"type": "text", "text": "kind."}]},
        HELLO,
    ) == (
        Message("system", (Text("Be brief."),)),
        Message("system", (Text("Be"), Text("kind."))),
        Message("user", (Text("Hello!"),)),
    )


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (
            {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}, "prompt_cache_breakpoint": {"mode": "explicit"}},
            Text("hi"),
        ),
        ({"type": "image_url", "image_url": {"url": "https://x/y.png"}}, Media("image", url="https://x/y.png")),
        ({"type": "image_url", "image_url": "https://x/y.png"}, Media("image", url="https://x/y.png")),
        (
            {"type": "image_url", "image_url": {"url": "data:image/PNG;base64,aGk=", "detail": "low"}},
            Media("image", "image/png", "aGk=", detail="low"),
        ),
        ({"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}}, Media("audio", "audio/wav", "aGk=")),
        ({"type": "input_audio", "input_audio": {"data": "aGk=", "format": "mp3"}}, Media("audio", "audio/mpeg", "aGk=")),
        (
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk="}},
            Media("file", "application/pdf", "aGk=", name="a.pdf"),
        ),
        ({"type": "file", "file": {"filename": "a.pdf", "file_data": "aGk="}}, Media("file", "application/pdf", "aGk=", name="a.pdf")),
    ],
)
def test_content_parts(part, expected):
    assert _messages(_user(part)) == (Message("user", (expected,)),)


def test_what_an_assistant_said_is_read_whole():
    said = {
        "role": "assistant",
        "content": "I look it up.",
        "refusal": None,
        "annotations": [],
        "audio": None,
        "function_call": None,
        "reasoning_content": "Where is it?",
        "tool_calls": [_call("a", "look_up", '{"x": 1}', index=0), _call("b", "send")],
    }

    assert _messages(HELLO, said)[1] == Message(
        "assistant",
        (Reasoning("Where is it?"), Text("I look it up."), ToolCall("a", "look_up", '{"x": 1}'), ToolCall("b", "send", "{}")),
    )


@pytest.mark.parametrize(
    ("fields", "parts"),
    [
        ({}, ()),
        ({"content": None}, ()),
        ({"content": ""}, ()),
        ({"content": [{"type": "text", "text": "a"}, {"type": "refusal", "refusal": "No."}]}, (Text("a"), Refusal("No."))),
        ({"refusal": "No."}, (Refusal("No."),)),
        ({"content": "a", "reasoning": "b"}, (Reasoning("b"), Text("a"))),
        (
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "b"}]}, {"type": "text", "text": "a"}]},
            (Reasoning("b"), Text("a")),
        ),
        (
            {
                "reasoning_content": "b",
                "reasoning_details": [
                    {"type": "reasoning.text", "text": "b", "signature": "seal", "format": "f", "index": 0},
                    {"type": "reasoning.encrypted", "data": "ZGF0YQ==", "id": "rs_1", "index": 1},
                    {"type": "reasoning.summary", "summary": ""},
                ],
            },
            (Reasoning("b", "seal"), Reasoning(redacted="ZGF0YQ==")),
        ),
        ({"reasoning": "b", "reasoning_details": [{"type": "reasoning.text", "text": "b"}]}, (Reasoning("b"),)),
    ],
)
def test_what_else_an_assistant_may_have_said(fields, parts):
    assert _messages({"role": "assistant", **fields}) == (Message("assistant", parts),)


def test_a_seal_over_a_tool_call_comes_back_from_where_it_was_put():
    said = {"role": "assistant", "tool_calls": [_call("a", "f", extra_content={"google": {"thought_signature": "seal"}})]}

    assert _messages(said)[0].parts == (ToolCall("a", "f", "{}", "seal"),)


def test_results_of_tools_that_follow_each_other_are_one_message_of_the_user():
    read = _messages(
        {"role": "assistant", "tool_calls": [_call("a", "look_up"), _call("b", "send")]},
        {"role": "tool", "tool_call_id": "a", "content": "found"},
        {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "x"}, {"type": "text", "text": "y"}]},
        HELLO,
        {"role": "tool", "tool_call_id": "c", "content": "", "name": "other"},
    )

    assert read[1:] == (
        Message("user", (ToolResult("a", (Text("found"),), "look_up"), ToolResult("b", (Text("x"), Text("y")), "send"))),
        Message("user", (Text("Hello!"),)),
        Message("user", (ToolResult("c", (), "other"),)),
    )


# --- how it is to be answered -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"stream": True, "stream_options": {"include_usage": True, "include_obfuscation": False}}, {"is_stream": True}),
        ({"max_tokens": 7}, {"output_limit_tokens": 7}),
        ({"max_tokens": 7, "max_completion_tokens": 5}, {"output_limit_tokens": 5}),
        ({"temperature": 0, "top_p": 0.5, "top_k": 3, "seed": -1}, {"temperature": 0.0, "top_p": 0.5, "top_k": 3, "seed": -1}),
        ({"frequency_penalty": -1, "presence_penalty": 1.5}, {"frequency_penalty": -1.0, "presence_penalty": 1.5}),
        ({"stop": "END", "n": 2}, {"stop": ("END",), "choices_count": 2}),
        ({"stop": ["a", "b"]}, {"stop": ("a", "b")}),
        ({"stop": []}, {"stop": ()}),
        ({"parallel_tool_calls": False}, {"has_parallel_tool_calls": False}),
        ({"logprobs": True, "top_logprobs": 3}, {"has_logprobs": True, "top_logprobs_count": 3}),
        ({"verbosity": "low", "user": "u"}, {"verbosity": "low", "end_user": "u"}),
        ({"safety_identifier": "s"}, {"end_user": "s"}),
        ({"reasoning_effort": "high"}, {"reasoning": ReasoningWish("high", is_shown=True)}),
        ({"reasoning_effort": "max"}, {"reasoning": ReasoningWish("xhigh", is_shown=True)}),
        ({"reasoning_effort": "none"}, {"reasoning": ReasoningWish("none", is_enabled=False)}),
        ({"response_format": {"type": "text"}}, {}),
        ({"response_format": {"type": "json_object"}}, {"output_format": OutputFormat("json")}),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": True}}},
            {"output_format": OutputFormat("schema", {"type": "object"}, "n", is_strict=True)},
        ),
        ({"tool_choice": "auto"}, {"tool_choice": ToolChoice("auto")}),
        ({"tool_choice": "required"}, {"tool_choice": ToolChoice("required")}),
        ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, {"tool_choice": ToolChoice("tool", "f")}),
        (
            {
                "tool_choice": {
                    "type": "allowed_tools",
                    "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "f"}}]},
                }
            },
            {"tool_choice": ToolChoice("required", allowed=("f",))},
        ),
        (
            {
                "tools": [
                    {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True}},
                    {"function": {"name": "g", "parameters": None}, "cache_control": {"type": "ephemeral"}},
                ]
            },
            {"tools": (Tool("f", "d", {"type": "object"}, True), Tool("g"))},
        ),
        (dict.fromkeys(["temperature", "tools", "tool_choice", "logit_bias", "unheard_of", "audio", "n", "stop"]), {}),
        ({"logit_bias": {}, "modalities": ["text"], "service_tier": "default", "functions": []}, {}),
        ({"metadata": {"a": "b"}, "store": True, "prompt_cache_key": "k", "prompt_cache_retention": "24h"}, {}),
    ],
)
def test_how_it_is_to_be_answered(fields, expected):
    conversation = _read(**fields)

    assert conversation == Conversation("gpt", conversation.messages, names=conversation.names, **expected)


def test_errors_name_what_the_client_wrote():
    refused = [
        _read(max_tokens=7).refuse("output_limit_tokens", "x").param,
        _read(max_completion_tokens=7).refuse("output_limit_tokens", "x").param,
        *(_read().refuse(name, "x").param for name in ("choices_count", "output_format", "has_logprobs", "reasoning", "end_user", "top_k")),
    ]

    assert refused == ["max_tokens", "max_completion_tokens", "n", "response_format", "logprobs", "reasoning_effort", "user", "top_k"]


# --- what is refused --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"logit_bias": {"50256": -100}}, "logit_bias"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"audio": {"voice": "alloy", "format": "mp3"}}, "audio"),
        ({"prediction": {"type": "content", "content": "x"}}, "prediction"),
        ({"web_search_options": {}}, "web_search_options"),
        ({"moderation": {"model": "m"}}, "moderation"),
        ({"service_tier": "flex"}, "service_tier"),
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"function_call": "auto"}, "function_call"),
        ({"unheard_of": 1}, "unheard_of"),
        ({"response_format": {"type": "grammar"}}, "response_format"),
        ({"tools": [{"type": "custom", "custom": {"name": "c"}}]}, "tools[0]"),
        ({"tools": [{"function": {"name": "f", "unheard_of": 1}}]}, "tools[0].function.unheard_of"),
        ({"tool_choice": {"type": "custom", "custom": {"name": "c"}}}, "tool_choice.custom"),
        ({"tool_choice": {"type": "web_search"}}, "tool_choice"),
    ],
)
def test_a_parameter_without_a_translation_is_named(fields, param):
    error = _refusal(**fields)

    assert isinstance(error, Untranslatable)
    assert (error.param, error.code, error.http_status) == (param, "unsupported_parameter", 400)


@pytest.mark.parametrize(
    ("message", "param"),
    [
        (_user({"type": "video_url", "video_url": {"url": "https://x"}}), "messages[1].content[0]"),
        (_user({"type": "text", "text": "a"}, {"type": "refusal", "refusal": "b"}), "messages[1].content[1]"),
        (_user({"type": "file", "file": {"file_id": "file-1"}}), "messages[1].content[0].file.file_id"),
        (_user({"type": "image_url", "image_url": {"url": "https://x", "crop": 1}}), "messages[1].content[0].image_url.crop"),
        ({"role": "user", "content": "hi", "name": "Ann"}, "messages[1].name"),
        ({"role": "system", "content": [{"type": "image_url", "image_url": "https://x"}]}, "messages[1].content[0]"),
        ({"role": "function", "name": "f", "content": "x"}, "messages[1].role"),
        ({"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}}, "messages[1].function_call"),
        ({"role": "assistant", "audio": {"id": "a"}}, "messages[1].audio"),
        ({"role": "assistant", "tool_calls": [{"id": "a", "type": "custom", "custom": {}}]}, "messages[1].tool_calls[0]"),
    ],
)
def test_a_part_of_a_message_without_a_translation_is_named(message, param):
    error = _refusal(HELLO, message)

    assert isinstance(error, Untranslatable)
    assert error.param == param


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"seed": "x"}, "seed"),
        ({"stop": [1]}, "stop[0]"),
        ({"tools": {}}, "tools"),
        ({"tools": ["f"]}, "tools[0]"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": [{"function": {"description": "x"}}]}, "tools[0].function.name"),
        ({"tool_choice": "any"}, "tool_choice"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.function"),
        ({"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "none", "tools": []}}}, "tool_choice.allowed_tools.mode"),
        ({"response_format": {}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"reasoning_effort": "very"}, "reasoning_effort"),
        ({"top_logprobs": -1}, "top_logprobs"),
    ],
)
def test_a_wrong_value_is_named(fields, param):
    error = _refusal(**fields)

    assert not isinstance(error, Untranslatable)
    assert error.param == param


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ({"role": "robot", "content": "x"}, "messages[1].role"),
        ({"role": "user"}, "messages[1].content"),
        (_user({"text": "x"}), "messages[1].content[0].type"),
        (_user({"type": "text"}), "messages[1].content[0].text"),
        (_user({"type": "image_url", "image_url": {"url": "data:text/plain,hi"}}), "messages[1].content[0].image_url.url"),
        (_user({"type": "file", "file": {"file_data": "aGk="}}), "messages[1].content[0].file.file_data"),
        ({"role": "tool", "content": "x"}, "messages[1].tool_call_id"),
        ({"role": "assistant", "tool_calls": [{"id": "a", "function": {"arguments": "{}"}}]}, "messages[1].tool_calls[0].function.name"),
        ({"role": "assistant", "tool_calls": ["a"]}, "messages[1].tool_calls[0]"),
    ],
)
def test_a_wrong_message_is_named(message, param):
    error = _refusal(HELLO, message)

    assert not isinstance(error, Untranslatable)
    assert error.param == param


# --- anything at all --------------------------------------------------------------------------------------------------------------


def test_the_recorded_requests_are_read_or_refused_by_name():
    refused = {}
    for exchange in recorded_exchanges():
        if exchange["host"] != "api.openai.com" or not exchange["path"].endswith("/chat/completions"):
            continue
        request = parse_chat_request(json.dumps(exchange["request"]).encode(), 64)
        try:
            assert CODEC.parse_conversation(request).messages
        except Untranslatable as error:
            refused[exchange["name"]] = error.param

    assert refused == {
        "test_openai_moderation_block_policy#0": "moderation",
        "test_openai_moderation_flagged#0": "moderation",
        "test_openai_moderation_stream#0": "moderation",
        "test_openai_web_search_tool_model_not_supported#0": "web_search_options",
        "test_openai_web_search_tool_with_user_location#0": "web_search_options",
    }


@unhurried
@given(
    like(
        {
            "messages": [
                {
                    "role": "assistant",
                    "content": [{"type": "text", "text": "x", "image_url": {"url": "data:"}, "file": {"file_data": "x"}}],
                    "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
                    "tool_call_id": "a",
                    "reasoning_details": [{"type": "reasoning.text", "text": "x", "signature": "y"}],
                }
            ],
            "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
            "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"type": "function"}]}},
            "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}},
            "stop": ["x"],
            "reasoning_effort": "low",
            "n": 1,
        }
    )
)
def test_no_values_end_in_anything_but_a_conversation_or_a_bad_request(fields):
    with contextlib.suppress(BadRequest):
        _read(**(fields if isinstance(fields, dict) else {"messages": fields}))
