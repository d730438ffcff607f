"""Requests in Anthropic's dialect as neutral conversations: all of it is there, or it is refused by its name."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import BadRequest, GatewayError, Untranslatable
from proxy.translators.clients.messages import CODEC
from proxy.translators.conversation import (
    Conversation,
    Media,
    Message,
    OutputFormat,
    Reasoning,
    ReasoningWish,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from tests.proxy.messages_help import asked

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
HELLO = Message("user", (Text("Hello!"),))


def read(**fields) -> Conversation:
    """Return a conversation without the client's names."""
    return replace(CODEC.parse_conversation(asked(**fields)), names={})


def read_turn(*blocks, role: str = "user") -> tuple:
    return read(messages=[{"role": role, "content": list(blocks)}]).messages[0].parts


def conversation(**fields) -> Conversation:
    return Conversation(**({"model": "claude", "messages": (HELLO,), "output_limit_tokens": 100} | fields))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {}),
        ({"stream": True}, {"is_stream": True}),
        ({"temperature": 0.5, "top_p": 0.9, "top_k": 7}, {"temperature": 0.5, "top_p": 0.9, "top_k": 7}),
        ({"stop_sequences": ["a", "b"]}, {"stop": ("a", "b")}),
        ({"metadata": {"user_id": "u"}}, {"end_user": "u"}),
        ({"system": "Be kind."}, {"messages": (Message("system", (Text("Be kind."),)), HELLO)}),
        ({"system": ""}, {}),
        (
            {"system": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}, {"type": "text", "text": "b"}]},
            {"messages": (Message("system", (Text("a"), Text("b"))), HELLO)},
        ),
        (
            {"tools": [{"name": "f", "description": "d", "input_schema": SCHEMA, "strict": True, "type": "custom"}]},
            {"tools": (Tool("f", "d", SCHEMA, is_strict=True),)},
        ),
        (
            {"tools": [{"name": "f", "input_schema": SCHEMA, "defer_loading": False, "input_examples": [], "allowed_callers": ["direct"]}]},
            {"tools": (Tool("f", "", SCHEMA),)},
        ),
        ({"tool_choice": {"type": "auto"}}, {"tool_choice": ToolChoice("auto")}),
        ({"tool_choice": {"type": "any"}}, {"tool_choice": ToolChoice("required")}),
        ({"tool_choice": {"type": "tool", "name": "f"}}, {"tool_choice": ToolChoice("tool", "f")}),
        ({"tool_choice": {"type": "none"}}, {"tool_choice": ToolChoice("none")}),
        (
            {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
            {"tool_choice": ToolChoice("auto"), "has_parallel_tool_calls": False},
        ),
        ({"tool_choice": {"type": "auto", "disable_parallel_tool_use": False}}, {"tool_choice": ToolChoice("auto")}),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, {"reasoning": ReasoningWish("", 2000, is_shown=True)}),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000, "display": "omitted"}}, {"reasoning": ReasoningWish("", 2000)}),
        ({"thinking": {"type": "adaptive"}}, {"reasoning": ReasoningWish()}),
        ({"thinking": {"type": "adaptive", "display": "summarized"}}, {"reasoning": ReasoningWish(is_shown=True)}),
        ({"thinking": {"type": "disabled"}}, {"reasoning": ReasoningWish(is_enabled=False)}),
        ({"output_config": {"effort": "low"}}, {"reasoning": ReasoningWish("low")}),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}, {"reasoning": ReasoningWish("xhigh")}),
        (
            {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
            {"output_format": OutputFormat("schema", SCHEMA, is_strict=True)},
        ),
        ({"output_format": {"type": "json_schema", "schema": SCHEMA}}, {"output_format": OutputFormat("schema", SCHEMA, is_strict=True)}),
        # What asks for nothing is no obstacle.
        ({"service_tier": "standard_only", "speed": "standard", "cache_control": {"type": "ephemeral", "ttl": "1h"}}, {}),
        ({"container": None, "mcp_servers": [], "context_management": {}, "tools": [], "thinking": None, "tool_choice": None}, {}),
        ({"system": None, "stop_sequences": None, "temperature": None, "output_config": None, "metadata": None}, {}),
    ],
)
def test_what_is_asked_for_is_in_the_conversation(fields, expected):
    assert read(**fields) == conversation(**expected)


@pytest.mark.parametrize(
    ("block", "parts"),
    [
        ({"type": "text", "text": "a", "citations": None, "cache_control": {"type": "ephemeral"}}, (Text("a"),)),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
            (Media("image", "image/png", "AAAA"),),
        ),
        ({"type": "image", "source": {"type": "url", "url": "https://x/i.png"}}, (Media("image", url="https://x/i.png"),)),
        (
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}, "title": "t"},
            (Media("file", "application/pdf", "AAAA", name="t"),),
        ),
        (
            {"type": "document", "source": {"type": "url", "url": "https://x/a.pdf"}, "context": "c", "citations": {"enabled": False}},
            (Text("c"), Media("file", "application/pdf", url="https://x/a.pdf")),
        ),
        (
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "abc"}, "title": "t", "context": "c"},
            (Text("t"), Text("c"), Text("abc")),
        ),
        ({"type": "document", "source": {"type": "content", "content": "abc"}}, (Text("abc"),)),
        (
            {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "a"}]}, "title": "t"},
            (Text("t"), Text("a")),
        ),
        ({"type": "tool_result", "tool_use_id": "c1"}, (ToolResult("c1", ()),)),
        (
            {"type": "tool_result", "tool_use_id": "c1", "content": "42", "is_error": True},
            (ToolResult("c1", (Text("42"),), is_error=True),),
        ),
        (
            {
                "type": "tool_result",
                "tool_use_id": "c1",
                "content": [{"type": "text", "text": "a"}, {"type": "image", "source": {"type": "url", "url": "u"}}],
            },
            (ToolResult("c1", (Text("a"), Media("image", url="u"))),),
        ),
    ],
)
def test_what_a_user_says_is_read(block, parts):
    assert read_turn(block) == parts


@pytest.mark.parametrize(
    ("block", "parts"),
    [
        ({"type": "text", "text": "a", "citations": [], "parsed_output": None}, (Text("a"),)),
        (
            {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": [1, 2.5]}, "caller": {"type": "direct"}},
            (ToolCall("c1", "f", '{"a":[1,2.5]}'),),
        ),
        ({"type": "thinking", "thinking": "Hm.", "signature": "s"}, (Reasoning("Hm.", "s"),)),
        ({"type": "redacted_thinking", "data": "AAAA"}, (Reasoning(redacted="AAAA"),)),
    ],
)
def test_what_a_model_said_is_read(block, parts):
    assert read_turn(block, role="assistant") == parts


def test_a_tools_result_has_the_name_of_its_call():
    messages = read(
        messages=[
            {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "f", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "42"}]},
        ]
    ).messages

    assert messages[1] == Message("user", (ToolResult("c1", (Text("42"),), "f"),))


def test_a_system_message_in_the_middle_stays_there():
    messages = read(
        messages=[{"role": "user", "content": "a"}, {"role": "system", "content": "b"}, {"role": "user", "content": "c"}]
    ).messages

    assert messages == (Message("user", (Text("a"),)), Message("system", (Text("b"),)), Message("user", (Text("c"),)))


def test_a_signature_in_front_of_a_call_is_the_calls_when_it_bears_another_providers_mark():
    call = {"type": "tool_use", "id": "c1", "name": "f", "input": {}}

    marked = read_turn({"type": "thinking", "thinking": "", "signature": "gemini:abc"}, call, role="assistant")
    bare = read_turn({"type": "thinking", "thinking": "", "signature": "abc"}, call, role="assistant")

    assert marked == (ToolCall("c1", "f", "{}", "gemini:abc"),)
    assert bare == (Reasoning("", "abc"), ToolCall("c1", "f", "{}"))


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"container": "c1"}, "container"),
        ({"mcp_servers": [{"type": "url"}]}, "mcp_servers"),
        ({"context_management": {"edits": [{}]}}, "context_management"),
        ({"inference_geo": "eu"}, "inference_geo"),
        ({"speed": "fast"}, "speed"),
        ({"service_tier": "priority"}, "service_tier"),
        ({"something_new": 1}, "something_new"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools[0].type"),
        ({"tools": [{"name": "f", "input_schema": {}}, {"type": "bash_20250124", "name": "bash"}]}, "tools[1].type"),
        ({"tools": [{"name": "f", "input_schema": {}, "defer_loading": True}]}, "tools[0].defer_loading"),
        ({"tools": [{"name": "f", "input_schema": {}, "allowed_callers": ["code_execution_20260120"]}]}, "tools[0].allowed_callers"),
        ({"tools": [{"name": "f", "input_schema": {}, "input_examples": [{"a": 1}]}]}, "tools[0].input_examples"),
        ({"tool_choice": {"type": "auto", "new": 1}}, "tool_choice.new"),
        ({"thinking": {"type": "between_tools"}}, "thinking.type"),
        ({"thinking": {"type": "disabled"}, "output_config": {"effort": "low"}}, "output_config.effort"),
        ({"output_config": {"effort": "extreme"}}, "output_config.effort"),
        ({"output_config": {"task_budget": {}}}, "output_config.task_budget"),
        ({"output_config": {"format": {"type": "grammar", "schema": {}}}}, "output_config.format.type"),
        ({"output_format": {"type": "grammar", "schema": {}}}, "output_format.type"),
    ],
)
def test_what_has_no_neutral_form_is_refused_by_name(fields, param):
    with pytest.raises(Untranslatable) as caught:
        read(**fields)

    assert caught.value.param == param


@pytest.mark.parametrize(
    ("role", "block", "param"),
    [
        ("user", {"type": "search_result", "source": "s", "title": "t", "content": []}, "[0]"),
        ("user", {"type": "container_upload", "file_id": "f"}, "[0]"),
        ("user", {"type": "tool_use", "id": "c", "name": "f", "input": {}}, "[0]"),
        ("user", {"type": "text", "text": "a", "citations": [{"type": "char_location"}]}, "[0].citations"),
        ("user", {"type": "image", "source": {"type": "file", "file_id": "f"}}, "[0].source"),
        ("user", {"type": "image", "source": {"type": "url", "url": "u"}, "transformations": {"a": 1}}, "[0].transformations"),
        ("user", {"type": "document", "source": {"type": "file", "file_id": "f"}}, "[0].source"),
        ("user", {"type": "document", "source": {"type": "url", "url": "u"}, "citations": {"enabled": True}}, "[0].citations"),
        ("user", {"type": "tool_result", "tool_use_id": "c", "content": [{"type": "tool_reference"}]}, "[0].content[0]"),
        ("assistant", {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}, "[0]"),
        ("assistant", {"type": "image", "source": {"type": "url", "url": "u"}}, "[0]"),
        ("assistant", {"type": "tool_use", "id": "c", "name": "f", "input": {}, "caller": {"type": "x"}}, "[0].caller"),
        ("system", {"type": "image", "source": {"type": "url", "url": "u"}}, "[0]"),
    ],
)
def test_a_block_without_a_neutral_form_is_refused_by_its_place(role, block, param):
    with pytest.raises(Untranslatable) as caught:
        read(messages=[{"role": "user", "content": "x"}, {"role": role, "content": [block]}])

    assert caught.value.param == f"messages[1].content{param}"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": 5}]}]}, "messages[0].content[0].text"),
        ({"messages": [{"role": "user", "content": [{"type": "image", "source": "x"}]}]}, "messages[0].content[0].source"),
        ({"tools": [{"name": "f"}]}, "tools[0].input_schema"),
        ({"tools": ["f"]}, "tools[0]"),
        ({"tool_choice": {"type": "maybe"}}, "tool_choice.type"),
        ({"tool_choice": "auto"}, "tool_choice"),
        ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
        ({"thinking": True}, "thinking"),
        ({"stop_sequences": "a"}, "stop_sequences"),
        ({"top_k": "many"}, "top_k"),
        ({"output_config": {"format": {"type": "json_schema"}}}, "output_config.format.schema"),
    ],
)
def test_a_bad_parameter_is_named(fields, param):
    with pytest.raises(BadRequest) as caught:
        read(**fields)

    assert caught.value.param == param


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("output_limit_tokens", "max_tokens"),
        ("stop", "stop_sequences"),
        ("has_parallel_tool_calls", "tool_choice.disable_parallel_tool_use"),
        ("output_format", "output_config.format"),
        ("reasoning", "thinking"),
        ("top_k", "top_k"),
    ],
)
def test_a_provider_refuses_by_the_clients_name(field, name):
    assert CODEC.parse_conversation(asked()).refuse(field, "ollama").param == name


def test_the_older_name_of_the_output_format_is_refused_by_it():
    asked_for = asked(output_format={"type": "json_schema", "schema": SCHEMA})

    assert CODEC.parse_conversation(asked_for).refuse("output_format", "ollama").param == "output_format"


# --- whatever comes, it is read or refused with an error of ours ----------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KINDS = ["text", "image", "document", "tool_use", "tool_result", "thinking", "redacted_thinking", "base64", "url", "content", "x"]
KEYS = ["type", "text", "source", "media_type", "data", "url", "content", "id", "name", "input", "tool_use_id", "thinking", "title"]
BLOCK = st.recursive(
    st.dictionaries(st.sampled_from(KEYS), JSON | st.sampled_from(KINDS), max_size=6),
    lambda inner: st.fixed_dictionaries(
        {"type": st.sampled_from(KINDS)}, optional={key: inner | st.lists(inner) | JSON for key in KEYS[1:]}
    ),
    max_leaves=4,
)
FIELDS = ["system", "tools", "tool_choice", "thinking", "output_config", "stop_sequences", "top_p", "metadata", "x", "service_tier"]


@given(
    st.lists(
        st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant", "system", "x"]), "content": st.lists(BLOCK) | st.text()}),
        min_size=1,
        max_size=3,
    ),
    st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4),
)
def test_any_request_is_read_or_refused_with_an_error_of_ours(messages, fields):
    with suppress(GatewayError):
        CODEC.parse_conversation(asked(messages=json.loads(json.dumps(messages)), **fields))


def test_what_the_client_encoded_is_not_decoded():
    data = base64.b64encode(b"\x00\xff").decode()

    assert read_turn({"type": "image", "source": {"type": "base64", "media_type": "image/x-new", "data": data}}) == (
        Media("image", "image/x-new", data),
    )
