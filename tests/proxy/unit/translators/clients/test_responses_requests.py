"""Requests of the Responses dialect, read into the neutral form."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.translators.clients.responses import CODEC, HINTS
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
from tests.proxy.responses_help import asked

NAMES = CODEC.parse_conversation(asked()).names
HELLO = (Message("user", (Text("Hello!"),)),)
USER = {"role": "user", "content": "Hello!"}
CALL = {"type": "function_call", "call_id": "c1", "name": "look_up", "arguments": '{"a":1}'}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "4"}
PNG = "data:image/png;base64,aGk="


def _read(**fields: Any) -> Conversation:
    return CODEC.parse_conversation(asked(**fields))


def _messages(*items: Any) -> tuple[Message, ...]:
    return _read(input=list(items)).messages


def _part(**part: Any) -> Any:
    (message,) = _messages({"role": "user", "content": [part]})
    return message.parts[0]


def test_a_text_is_what_the_user_says():
    assert _read() == Conversation("gpt", HELLO, names=NAMES)


def test_everything_asked_for_is_read():
    conversation = _read(
        instructions="Be brief.",
        stream=True,
        stream_options={"include_obfuscation": False},
        max_output_tokens=50,
        temperature=0.5,
        top_p=0.9,
        top_logprobs=2,
        include=["message.output_text.logprobs", "reasoning.encrypted_content"],
        tools=[
            {"type": "function", "name": "look_up", "description": "Look.", "parameters": {"type": "object"}, "strict": True},
            {"type": "function", "name": "send", "parameters": None, "strict": None, "description": None},
        ],
        tool_choice="required",
        parallel_tool_calls=False,
        text={"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True}, "verbosity": "low"},
        reasoning={"effort": "high", "summary": "auto"},
        truncation="disabled",
        background=False,
        service_tier="auto",
        metadata={"a": "b"},
        store=False,
        user="u",
        prompt_cache_key="k",
        safety_identifier="s",
    )

    assert conversation == Conversation(
        model="gpt",
        messages=(Message("system", (Text("Be brief."),)), *HELLO),
        is_stream=True,
        tools=(Tool("look_up", "Look.", {"type": "object"}, True), Tool("send")),
        tool_choice=ToolChoice("required"),
        has_parallel_tool_calls=False,
        output_limit_tokens=50,
        temperature=0.5,
        top_p=0.9,
        output_format=OutputFormat("schema", {"type": "object"}, "n", is_strict=True),
        has_logprobs=True,
        top_logprobs_count=2,
        reasoning=ReasoningWish("high", is_shown=True),
        verbosity="low",
        end_user="s",
        names=NAMES,
    )


def test_null_is_not_set():
    fields = dict.fromkeys(
        [
            *HINTS,
            *["instructions", "stream", "max_output_tokens", "temperature", "top_p", "top_logprobs", "include", "tools", "tool_choice"],
            *["parallel_tool_calls", "text", "reasoning", "truncation", "background", "service_tier", "conversation", "prompt"],
            *["previous_response_id", "max_tool_calls", "something_new"],
        ]
    )

    assert _read(**fields, input=[USER | {"id": None, "new": None}]) == Conversation("gpt", HELLO, names=NAMES)


def test_hints_change_nothing():
    assert _read(**{name: {"a": 1} for name in HINTS - {"store", "user", "safety_identifier"}}, store=True) == _read()


def test_logprobs_that_were_not_included_are_not_asked_for():
    assert _read(top_logprobs=3).top_logprobs_count is None


# --- items ----------------------------------------------------------------------------------------------------------------------


def test_roles_are_read():
    messages = _messages(
        {"role": "system", "content": "A"},
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "B"}]},
        {"type": "message", "id": "msg_1", "status": "completed", "role": "user", "content": [{"type": "input_text", "text": "C"}]},
        {"role": "assistant", "content": "D", "phase": "commentary"},
    )

    assert messages == (
        Message("system", (Text("A"),)),
        Message("system", (Text("B"),)),
        Message("user", (Text("C"),)),
        Message("assistant", (Text("D"),)),
    )


def test_what_an_assistant_did_in_one_turn_is_one_message():
    written = {"type": "output_text", "text": "B", "annotations": [{"a": 1}], "logprobs": []}
    messages = _messages(
        USER,
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "A"}], "encrypted_content": "sealed"},
        {"type": "message", "role": "assistant", "content": [written, {"type": "refusal", "refusal": "C"}]},
        CALL,
        CALL | {"call_id": "c2", "id": "fc_2", "status": "completed"},
        OUTPUT,
        OUTPUT | {"call_id": "c2", "output": [{"type": "input_text", "text": "5"}, {"type": "input_image", "image_url": PNG}]},
        {"role": "assistant", "content": "D"},
        USER,
    )

    assert messages == (
        *HELLO,
        Message(
            "assistant",
            (
                Reasoning("A", "sealed"),
                Text("B"),
                Refusal("C"),
                ToolCall("c1", "look_up", '{"a":1}'),
                ToolCall("c2", "look_up", '{"a":1}'),
            ),
        ),
        Message(
            "user",
            (
                ToolResult("c1", (Text("4"),), "look_up"),
                ToolResult("c2", (Text("5"), Media("image", "image/png", "aGk=")), "look_up"),
            ),
        ),
        Message("assistant", (Text("D"),)),
        *HELLO,
    )


@pytest.mark.parametrize(
    ("item", "parts"),
    [
        ({"summary": []}, ()),
        ({"summary": [{"type": "summary_text", "text": "A"}, {"type": "summary_text", "text": "B"}]}, (Reasoning("A\n\nB"),)),
        ({"summary": [{"text": "A"}], "content": [{"type": "reasoning_text", "text": "B"}]}, (Reasoning("B"),)),
        ({"summary": [], "encrypted_content": "s"}, (Reasoning(signature="s"),)),
        ({"summary": [], "encrypted_content": "gemini:s"}, (Reasoning(signature="gemini:s"),)),
        ({"summary": [], "encrypted_content": "redacted:aGk="}, (Reasoning(redacted="aGk="),)),
    ],
)
def test_reasoning_is_read(item, parts):
    assert _messages(USER, {"type": "reasoning", **item}, {"role": "assistant", "content": "A"}) == (
        *HELLO,
        Message("assistant", (*parts, Text("A"))),
    )


def test_the_seal_over_a_call_finds_its_call():
    seals = [{"type": "reasoning", "summary": [], "encrypted_content": f"call:c{number}:gemini:s{number}"} for number in (2, 1)]

    messages = _messages(USER, *seals, CALL, CALL | {"call_id": "c2"})

    assert messages[1:] == (
        Message("assistant", (ToolCall("c1", "look_up", '{"a":1}', "gemini:s1"), ToolCall("c2", "look_up", '{"a":1}', "gemini:s2"))),
    )


@pytest.mark.parametrize(
    ("part", "read"),
    [
        ({"type": "input_text", "text": "A", "prompt_cache_breakpoint": {"mode": "explicit"}}, Text("A")),
        ({"type": "input_image", "image_url": PNG, "detail": "low"}, Media("image", "image/png", "aGk=", detail="low")),
        ({"type": "input_image", "image_url": "https://a/b.png"}, Media("image", url="https://a/b.png")),
        (
            {"type": "input_file", "file_data": "data:application/pdf;base64,aGk=", "filename": "a.pdf"},
            Media("file", "application/pdf", "aGk=", name="a.pdf"),
        ),
        ({"type": "input_file", "file_data": "aGk=", "filename": "a.pdf"}, Media("file", "application/pdf", "aGk=", name="a.pdf")),
        ({"type": "input_file", "file_data": "aGk="}, Media("file", "application/octet-stream", "aGk=")),
        ({"type": "input_file", "file_url": "https://a/b.pdf"}, Media("file", url="https://a/b.pdf")),
        ({"type": "input_audio", "input_audio": {"data": "aGk=", "format": "mp3"}}, Media("audio", "audio/mpeg", "aGk=")),
    ],
)
def test_parts_are_read(part, read):
    assert _part(**part) == read


# --- options --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choice", "read"),
    [
        ("auto", ToolChoice("auto")),
        ("none", ToolChoice("none")),
        ({"type": "function", "name": "f"}, ToolChoice("tool", "f")),
        (
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}, {"type": "function", "name": "g"}]},
            ToolChoice("auto", allowed=("f", "g")),
        ),
        ({"type": "allowed_tools", "mode": "required", "tools": []}, ToolChoice("required")),
    ],
)
def test_the_tool_choice_is_read(choice, read):
    assert _read(tool_choice=choice).tool_choice == read


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({"format": {"type": "text"}}, None),
        ({"format": {"type": "json_object"}}, OutputFormat("json")),
        ({"verbosity": "high"}, None),
        (
            {"format": {"type": "json_schema", "name": "n", "description": "d", "schema": {}, "strict": None}},
            OutputFormat("schema", {}, "n", "d"),
        ),
    ],
)
def test_the_format_is_read(given, read):
    assert _read(text=given).output_format == read


@pytest.mark.parametrize(
    ("reasoning", "wish"),
    [
        ({}, None),
        ({"effort": None, "summary": None}, None),
        ({"context": "all_turns", "mode": "standard"}, None),
        ({"effort": "minimal"}, ReasoningWish("minimal")),
        ({"effort": "none"}, ReasoningWish("none", is_enabled=False)),
        ({"effort": "max"}, ReasoningWish("xhigh")),
        ({"summary": "concise"}, ReasoningWish(is_shown=True)),
        ({"effort": "low", "generate_summary": "auto"}, ReasoningWish("low", is_shown=True)),
    ],
)
def test_the_wish_for_reasoning_is_read(reasoning, wish):
    assert _read(reasoning=reasoning).reasoning == wish
