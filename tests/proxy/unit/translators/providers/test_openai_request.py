"""Conversations as OpenAI and the vendors of its dialect are asked."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given

from common.secret import Secret
from proxy.errors import Untranslatable
from proxy.ports import Endpoint, Timeouts
from proxy.snapshot import Backend, Target
from proxy.translators.conversation import (
    Conversation,
    Media,
    Message,
    OutputFormat,
    Part,
    Reasoning,
    ReasoningWish,
    Refusal,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from proxy.translators.providers.openai import CODEC
from tests.proxy.pieces import unhurried
from tests.proxy.provider_help import SECRET, conversations, create_backend, is_asked_or_refused

HELLO = Message("user", (Text("Hello!"),))
MINIMAL = {"model": "gpt", "messages": [{"role": "user", "content": "Hello!"}]}
OPENAI = create_backend("openai")


def _ask(*messages: Message, backend: Backend = OPENAI, model: str = "gpt", **fields: Any) -> dict[str, Any]:
    conversation = Conversation(model, messages or (HELLO,), **fields)
    body: dict[str, Any] = json.loads(CODEC.dump_request(conversation, Target("b", model), backend).body)
    return body


def _asked(backend: Backend = OPENAI, model: str = "gpt", **fields: Any) -> dict[str, Any]:
    """Return what is asked beyond the model and the messages."""
    body = _ask(backend=backend, model=model, **fields)
    return {name: value for name, value in body.items() if name not in ("model", "messages")}


def _vendor(name: str) -> Backend:
    return create_backend("openai_compatible", vendor=name)


def _messages(*messages: Message, vendor: str = "") -> list[dict[str, Any]]:
    backend = _vendor(vendor) if vendor else OPENAI
    said: list[dict[str, Any]] = _ask(*messages, backend=backend)["messages"]
    return said


def _user(*parts: Part) -> Message:
    return Message("user", parts)


# --- the call ---------------------------------------------------------------------------------------------------------------------


def test_the_call():
    call = CODEC.dump_request(Conversation("x", (HELLO,)), Target("b", "their-name"), OPENAI)

    assert (call.method, call.path) == ("POST", "/chat/completions")
    assert call.headers == [
        (b"content-type", b"application/json"),
        (b"accept", b"application/json"),
        (b"authorization", b"Bearer " + SECRET.encode()),
    ]
    assert json.loads(call.body) == MINIMAL | {"model": "their-name"}


def test_a_stream_asks_for_usage():
    call = CODEC.dump_request(Conversation("gpt", (HELLO,), is_stream=True), Target("b", "gpt"), OPENAI)

    assert (b"accept", b"text/event-stream") in call.headers
    assert json.loads(call.body) == MINIMAL | {"stream": True, "stream_options": {"include_usage": True}}


@pytest.mark.parametrize(
    ("version", "limit_field"),
    [("", "max_completion_tokens"), ("2024-06-01", "max_tokens"), ("2025-01-01-preview", "max_completion_tokens")],
)
def test_azure_is_called_by_deployment(version, limit_field):
    backend = Backend("a", "azure", Endpoint("https", "x.example", 443, ""), Timeouts(), Secret("key"), api_version=version)
    call = CODEC.dump_request(Conversation("gpt", (HELLO,), output_limit_tokens=5), Target("b", "gpt"), backend)

    assert call.path.startswith("/openai/deployments/gpt/chat/completions")
    assert (b"api-key", b"key") in call.headers
    assert json.loads(call.body)[limit_field] == 5


# --- messages ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (Media("image", url="https://x/y.png"), {"type": "image_url", "image_url": {"url": "https://x/y.png"}}),
        (
            Media("image", "image/png", "aGk=", detail="low"),
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk=", "detail": "low"}},
        ),
        (Media("audio", "audio/x-wav", "aGk="), {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}}),
        (Media("audio", "audio/mpeg", "aGk="), {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "mp3"}}),
        (
            Media("file", "application/pdf", "aGk=", name="a.pdf"),
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk="}},
        ),
        (
            Media("file", "application/pdf", "aGk="),
            {"type": "file", "file": {"filename": "file", "file_data": "data:application/pdf;base64,aGk="}},
        ),
        (
            Media("file", "text/plain", base64.b64encode("hü".encode()).decode(), name="a.txt"),
            {"type": "text", "text": '<document name="a.txt">\nhü\n</document>'},
        ),
    ],
)
def test_images_sounds_and_files(part, expected):
    assert _messages(_user(Text("See:"), part)) == [{"role": "user", "content": [{"type": "text", "text": "See:"}, expected]}]


@pytest.mark.parametrize(
    "part",
    [
        Media("audio", "audio/ogg", "aGk="),
        Media("audio", url="https://x/y.wav"),
        Media("file", url="https://x/y.pdf"),
        Media("file", "text/plain", "/w=="),
        Media("file", "text/plain", "no base64"),
    ],
)
def test_what_openai_has_no_form_for_is_refused(part):
    with pytest.raises(Untranslatable) as caught:
        _messages(_user(part))

    assert caught.value.param == "messages"


def test_what_was_said_before():
    assert _messages(
        Message("system", (Text("Be brief."),)),
        Message("system", (Text("Be"), Text("kind."))),
        HELLO,
        Message("assistant", (Reasoning("Hm.", "seal"), Text("Hi."), ToolCall("a", "f", '{"x": 1}'), ToolCall("b", "g", " "))),
        Message("assistant", (Refusal("No."),)),
        Message("assistant", ()),
        Message("user", ()),
    ) == [
        {"role": "system", "content": "Be brief."},
        {"role": "system", "content": [{"type": "text", "text": "Be"}, {"type": "text", "text": "kind."}]},
        {"role": "user", "content": "Hello!"},
        {
            "role": "assistant",
            "content": "Hi.",
            "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}},
                {"id": "b", "type": "function", "function": {"name": "g", "arguments": "{}"}},
            ],
        },
        {"role": "assistant", "content": None, "refusal": "No."},
        {"role": "assistant", "content": ""},
        {"role": "user", "content": ""},
    ]


@pytest.mark.parametrize(
    ("vendor", "field"),
    [("", None), ("groq", None), ("deepseek", "reasoning_content"), ("cerebras", "reasoning"), ("openrouter", "reasoning")],
)
def test_reasoning_goes_back_to_those_who_want_it(vendor, field):
    (said,) = _messages(Message("assistant", (Reasoning("Hm."), Text("Hi."))), vendor=vendor)

    assert said == {"role": "assistant", "content": "Hi."} | ({field: "Hm."} if field else {})


def test_results_of_tools_go_right_behind_the_calls():
    image = Media("image", url="https://x/y.png")
    shown = {"type": "image_url", "image_url": {"url": "https://x/y.png"}}

    assert _messages(
        _user(
            Text("Look!"),
            ToolResult("a", (Text("found"),)),
            ToolResult("b", (Text("x"), Text("y"))),
            ToolResult("c", ()),
            ToolResult("d", (Text("not found"),), is_error=True),
            ToolResult("e", (), is_error=True),
            ToolResult("f", (image,)),
            ToolResult("g", (Text("two"), image, image)),
        )
    ) == [
        {"role": "tool", "tool_call_id": "a", "content": "found"},
        {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "x"}, {"type": "text", "text": "y"}]},
        {"role": "tool", "tool_call_id": "c", "content": ""},
        {"role": "tool", "tool_call_id": "d", "content": "Error: not found"},
        {"role": "tool", "tool_call_id": "e", "content": "Error:"},
        {"role": "tool", "tool_call_id": "f", "content": "See the user's next message."},
        {"role": "tool", "tool_call_id": "g", "content": "two"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look!"},
                {"type": "text", "text": "What the tool call f returned:"},
                shown,
                {"type": "text", "text": "What the tool call g returned:"},
                shown,
                shown,
            ],
        },
    ]


# --- how it is to be answered -----------------------------------------------------------------------------------------------------

TOOLS = (Tool("f", "d", {"type": "object"}, True), Tool("g"))
DUMPED = [
    {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True}},
    {"type": "function", "function": {"name": "g"}},
]
NAMED = {"type": "function", "function": {"name": "f"}}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {}),
        ({"output_limit_tokens": 5}, {"max_completion_tokens": 5}),
        ({"temperature": 0.0, "top_p": 0.5, "seed": 7, "stop": ("a",)}, {"temperature": 0.0, "top_p": 0.5, "seed": 7, "stop": ["a"]}),
        ({"frequency_penalty": 1.0, "presence_penalty": -1.0}, {"frequency_penalty": 1.0, "presence_penalty": -1.0}),
        ({"choices_count": 2, "verbosity": "low", "end_user": "u"}, {"n": 2, "verbosity": "low", "user": "u"}),
        ({"has_logprobs": True, "top_logprobs_count": 2}, {"logprobs": True, "top_logprobs": 2}),
        ({"output_format": OutputFormat("json")}, {"response_format": {"type": "json_object"}}),
        (
            {"output_format": OutputFormat("schema", {"type": "object"}, "n", "d", True)},
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "n", "schema": {"type": "object"}, "description": "d", "strict": True},
                }
            },
        ),
        (
            {"output_format": OutputFormat("schema", {"type": "object"})},
            {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}}},
        ),
        ({"tools": TOOLS, "has_parallel_tool_calls": False}, {"tools": DUMPED, "parallel_tool_calls": False}),
        ({"has_parallel_tool_calls": False, "tool_choice": ToolChoice("auto")}, {}),
        ({"tools": TOOLS, "tool_choice": ToolChoice("required")}, {"tools": DUMPED, "tool_choice": "required"}),
        ({"tools": TOOLS, "tool_choice": ToolChoice("tool", "f")}, {"tools": DUMPED, "tool_choice": NAMED}),
        (
            {"tools": TOOLS, "tool_choice": ToolChoice("required", allowed=("f",))},
            {
                "tools": DUMPED,
                "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [NAMED]}},
            },
        ),
    ],
)
def test_how_it_is_to_be_answered(fields, expected):
    assert _asked(**fields) == expected


@pytest.mark.parametrize(
    ("model", "wish", "effort"),
    [
        ("gpt-4o", None, None),
        ("o3", ReasoningWish("high", is_shown=True), "high"),
        ("o3", ReasoningWish("none", is_enabled=False), "none"),
        ("gpt-4o", ReasoningWish("none", is_enabled=False), "none"),
        ("gpt-4o", ReasoningWish(is_enabled=False), None),
        ("gpt-5.1", ReasoningWish(is_enabled=False), "none"),
        ("openai/o4-mini", ReasoningWish(is_enabled=False), "none"),
        ("o3", ReasoningWish(budget_tokens=2000), "low"),
        ("o3", ReasoningWish(is_shown=True), None),
    ],
)
def test_how_hard_to_think(model, wish, effort):
    assert _asked(model=model, reasoning=wish) == ({"reasoning_effort": effort} if effort else {})


@pytest.mark.parametrize(
    ("vendor", "fields", "expected"),
    [
        ("", {"output_limit_tokens": 5}, {"max_tokens": 5}),
        ("groq", {"output_limit_tokens": 5, "seed": 1}, {"max_tokens": 5, "seed": 1}),
        (
            "mistral",
            {"output_limit_tokens": 5, "seed": 1, "end_user": "u", "is_stream": True},
            {"max_tokens": 5, "random_seed": 1, "stream": True},
        ),
        ("mistral", {"tools": TOOLS, "tool_choice": ToolChoice("required")}, {"tools": DUMPED, "tool_choice": "any"}),
        ("vllm", {"top_k": 3}, {"top_k": 3}),
        ("groq", {"tools": TOOLS, "tool_choice": ToolChoice("auto", allowed=("g",))}, {"tools": DUMPED[1:], "tool_choice": "auto"}),
        ("groq", {"tools": TOOLS, "tool_choice": ToolChoice("auto", allowed=("h",))}, {}),
    ],
)
def test_a_vendor_is_asked_in_its_words(vendor, fields, expected):
    assert _asked(_vendor(vendor), **fields) == expected


def test_top_k_is_refused_where_nobody_knows_it():
    for backend in (OPENAI, create_backend("azure"), _vendor(""), _vendor("groq")):
        with pytest.raises(Untranslatable) as caught:
            _asked(backend, top_k=3, names={"top_k": "topK"})

        assert caught.value.param == "topK"


@unhurried
@given(conversations)
def test_any_conversation_is_asked_or_refused_by_name(conversation):
    assert is_asked_or_refused(CODEC, conversation)
