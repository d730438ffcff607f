"""What rules are shown of requests: the texts of every dialect, who wrote them, and what is new."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.errors import BadRequest
from proxy.guarding.texts import read_request
from tests.proxy.texts_help import exact_units, request_of, shown

_WEATHER: dict[str, Any] = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Bonn", "days": 3}'}}


def _chat(*messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"messages": list(messages), **fields}


# --- chat -----------------------------------------------------------------------------------------------------------------------


def test_chat_texts_have_the_trust_of_their_role() -> None:
    body = _chat(
        {"role": "system", "content": "a"},
        {"role": "developer", "content": "b"},
        {"role": "user", "content": "c"},
        {"role": "assistant", "content": "d"},
        {"role": "nobody", "content": "e"},
    )

    assert shown("chat", body) == [
        ("messages.0.content", "system", "a"),
        ("messages.1.content", "system", "b"),
        ("messages.2.content", "user", "c"),
        ("messages.3.content", "assistant", "d"),
        ("messages.4.content", "user", "e"),
    ]


def test_chat_parts_are_texts_and_addresses_but_no_bytes_of_media() -> None:
    parts = [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": "https://a.example/b.png", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}},
        {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "wav"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,QUJD", "filename": "report.pdf"}},
    ]

    assert shown("chat", _chat({"role": "user", "content": parts})) == [
        ("messages.0.content.0.text", "user", "look"),
        ("messages.0.content.1.image_url.url", "user", "https://a.example/b.png"),
        ("messages.0.content.4.file.filename", "user", "report.pdf"),
    ]


def test_chat_call_is_a_unit_and_so_are_the_strings_in_it() -> None:
    request = request_of("chat", _chat({"role": "user", "content": "?"}, {"role": "assistant", "content": None, "tool_calls": [_WEATHER]}))

    call, city = read_request(request).units[1:]

    assert (call.text, call.is_call, call.tool, call.direction) == (_WEATHER["function"]["arguments"], True, "weather", "tool_arguments")
    assert (city.text, city.is_call, city.tool, city.direction) == ("Bonn", False, "weather", "tool_arguments")
    assert city.path == "messages.1.tool_calls.0.function.arguments.city"


def test_tool_result_is_data_of_the_tool_that_was_called() -> None:
    body = _chat(
        {"role": "user", "content": "?"},
        {"role": "assistant", "content": None, "tool_calls": [_WEATHER]},
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
    )

    unit = read_request(request_of("chat", body)).units[-1]

    assert (unit.text, unit.trust, unit.direction, unit.tool, unit.is_latest) == ("rain", "data", "tool_results", "weather", True)


@pytest.mark.parametrize("arguments", ["", "{}", '{"a": "b"}', "no json", "null"])
def test_every_call_has_a_unit_whatever_its_arguments(arguments: str) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "wipe", "arguments": arguments}}
    request = request_of("chat", _chat({"role": "user", "content": "?"}, {"role": "assistant", "tool_calls": [call]}))

    calls = [unit for unit in read_request(request).units if unit.is_call]

    assert [(unit.tool, unit.text) for unit in calls] == [("wipe", arguments)]


def test_call_without_arguments_has_a_unit() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "wipe"}}
    request = request_of("chat", _chat({"role": "user", "content": "?"}, {"role": "assistant", "tool_calls": [call]}))

    assert [unit.tool for unit in read_request(request).units if unit.is_call] == ["wipe"]


def test_arguments_that_are_no_json_are_text_too() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "run", "arguments": "rm -rf / #{"}}
    units = read_request(request_of("chat", _chat({"role": "assistant", "tool_calls": [call]}))).units

    assert [(unit.text, unit.is_call) for unit in units] == [("rm -rf / #{", True), ("rm -rf / #{", False)]


def test_keys_and_numbers_of_arguments_are_texts_if_they_may_say_something() -> None:
    arguments = json.dumps({"city": 1, "bob@example.com": 4111111111111111})
    call = {"id": "c1", "type": "function", "function": {"name": "run", "arguments": arguments}}
    units = read_request(request_of("chat", _chat({"role": "assistant", "tool_calls": [call]}))).units

    assert [unit.text for unit in units[1:]] == ["bob@example.com", "4111111111111111"]


def test_call_with_too_many_strings_is_one_text() -> None:
    arguments = json.dumps(["x"] * 2001)
    call = {"id": "c1", "type": "function", "function": {"name": "run", "arguments": arguments}}
    units = read_request(request_of("chat", _chat({"role": "assistant", "tool_calls": [call]}))).units

    assert [(unit.text == arguments, unit.is_call) for unit in units] == [(True, True), (True, False)]


def test_descriptions_of_tools_are_the_operators_words() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string", "description": "where"}}}
    tools = [{"type": "function", "function": {"name": "weather", "description": "Tells it", "parameters": schema}}]

    assert shown("chat", _chat({"role": "user", "content": "?"}, tools=tools)) == [
        ("tools.0.function.description", "system", "Tells it"),
        ("tools.0.function.parameters.properties.city.description", "system", "where"),
        ("messages.0.content", "user", "?"),
    ]


def test_documents_beside_the_conversation_are_data() -> None:
    body = _chat({"role": "user", "content": "?"}, documents=[{"title": "t", "text": "d"}])

    assert shown("chat", body)[:2] == [("documents.0.title", "data", "t"), ("documents.0.text", "data", "d")]


def test_unknown_field_of_a_message_is_text() -> None:
    assert shown("chat", _chat({"role": "user", "content": "a", "reasoning_content": "b"})) == [
        ("messages.0.content", "user", "a"),
        ("messages.0.reasoning_content", "user", "b"),
    ]


# --- what is new ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("roles", "new"),
    [
        ("u", [0]),
        ("su", [0, 1]),
        ("suau", [3]),
        ("suauu", [3, 4]),
        ("uaua", [2, 3]),
        ("ua", [0, 1]),
        ("uas", [0, 1, 2]),
        ("uausa", [2, 3, 4]),
    ],
)
@pytest.mark.parametrize("is_plain", [True, False])
def test_new_is_what_came_after_the_last_turn_of_the_model_that_was_answered(roles: str, new: list[int], *, is_plain: bool) -> None:
    names = {"s": "system", "u": "user", "a": "assistant"}
    extra = {} if is_plain else {"weight": 1}
    messages = [{"role": names[role], "content": str(number), **extra} for number, role in enumerate(roles)]

    units = read_request(request_of("chat", _chat(*messages))).units

    assert [int(unit.text) for unit in units if unit.is_latest] == new


def test_results_of_one_turn_are_all_new_also_if_calls_stand_between_them() -> None:
    items = [
        {"role": "user", "content": "?"},
        {"type": "function_call", "call_id": "1", "name": "a", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "1", "output": "first"},
        {"type": "function_call", "call_id": "2", "name": "b", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "2", "output": "second"},
    ]

    units = read_request(request_of("responses", {"input": items})).units

    assert [(unit.text, unit.tool) for unit in units if unit.is_latest and not unit.is_call] == [("first", "a"), ("second", "b")]


# --- facts ----------------------------------------------------------------------------------------------------------------------


def test_facts_tell_of_the_conversation() -> None:
    tools = [{"type": "function", "function": {"name": "weather"}}, {"type": "custom", "custom": {"name": "sql"}}]
    body = _chat(
        {"role": "system", "content": "See https://Docs.Example.com/x."},
        {"role": "user", "content": "and http://me@shop.example:8080/?q=1 (www.third.example)"},
        {"role": "assistant", "content": "https://evil.example", "tool_calls": [_WEATHER]},
        {"role": "tool", "tool_call_id": "c1", "content": "https://worse.example"},
        tools=tools,
    )

    facts = read_request(request_of("chat", body), 77).facts

    assert facts.model == "m"
    assert facts.system_texts == ("See https://Docs.Example.com/x.",)
    assert facts.hosts == {"docs.example.com", "shop.example", "www.third.example"}
    assert facts.declared_tools == ("weather", "sql")
    assert facts.called_tools == ("weather",)
    assert (facts.has_data, facts.messages_count, facts.input_tokens) == (True, 4, 77)


def test_builtin_tools_are_declared_by_their_type() -> None:
    tools = [{"type": "web_search_preview"}, {"type": "function", "name": "f", "parameters": {}}]
    request = request_of("responses", {"input": "?", "tools": tools})

    assert read_request(request).facts.declared_tools == ("web_search_preview", "web_search", "f")


# --- the other dialects ---------------------------------------------------------------------------------------------------------


def test_messages_texts() -> None:
    body = {
        "max_tokens": 9,
        "system": [{"type": "text", "text": "be kind", "cache_control": {"type": "ephemeral"}}],
        "tools": [{"name": "weather", "description": "Tells it", "input_schema": {"type": "object"}}],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "hi"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"}},
                    {"type": "document", "title": "t", "source": {"data": "words", "type": "text", "media_type": "text/plain"}},
                    {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "page"}]}},
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "hm", "signature": "QUJD"},
                    {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Bonn"}},
                ],
            },
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "rain"}]}]},
        ],
    }

    assert shown("messages", body) == [
        ("tools.0.description", "system", "Tells it"),
        ("system.0.text", "system", "be kind"),
        ("messages.0.content.0.text", "user", "hi"),
        ("messages.0.content.2.title", "data", "t"),
        ("messages.0.content.2.source.data", "data", "words"),
        ("messages.0.content.3.source.content.0.text", "data", "page"),
        ("messages.1.content.0.thinking", "assistant", "hm"),
        ("messages.1.content.1.input", "assistant", '{"city": "Bonn"}'),
        ("messages.1.content.1.input.city", "assistant", "Bonn"),
        ("messages.2.content.0.content.0.text", "data", "rain"),
    ]
    assert read_request(request_of("messages", body)).units[-1].tool == "weather"
    assert shown("count_tokens", body) == shown("messages", body)


def test_responses_texts() -> None:
    body = {
        "instructions": "be kind",
        "input": [
            {
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": "hi"}, {"type": "input_image", "image_url": "data:x"}],
            },
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "QUJD"},
            {"type": "function_call", "call_id": "1", "name": "weather", "arguments": '{"city":"Bonn"}'},
            {"type": "function_call_output", "call_id": "1", "output": "rain"},
            {"type": "custom_tool_call", "call_id": "2", "name": "sql", "input": "select 1"},
            {"type": "custom_tool_call_output", "call_id": "2", "output": [{"type": "input_text", "text": "1"}]},
        ],
    }

    assert shown("responses", body) == [
        ("instructions", "system", "be kind"),
        ("input.0.content.0.text", "user", "hi"),
        ("input.1.summary.0.text", "assistant", "hm"),
        ("input.2.arguments", "assistant", '{"city":"Bonn"}'),
        ("input.2.arguments.city", "assistant", "Bonn"),
        ("input.3.output", "data", "rain"),
        ("input.4.input", "assistant", "select 1"),
        ("input.4.input", "assistant", "select 1"),
        ("input.5.output.0.text", "data", "1"),
    ]
    assert shown("responses", {"input": "hi"}) == [("input", "user", "hi")]


@pytest.mark.parametrize(
    ("operation", "body", "expected"),
    [
        ("completions", {"prompt": "a", "suffix": "b"}, [("suffix", "b"), ("prompt", "a")]),
        ("completions", {"prompt": ["a", "", "b"]}, [("prompt.0", "a"), ("prompt.2", "b")]),
        ("completions", {"prompt": [1, 2]}, []),
        ("completions", {}, []),
        ("embeddings", {"input": "a"}, [("input", "a")]),
        ("embeddings", {"input": ["a", "b"]}, [("input.0", "a"), ("input.1", "b")]),
        ("embeddings", {"input": [[1, 2], [1234567890]]}, []),
        ("moderations", {"input": "a"}, [("input", "a")]),
        (
            "moderations",
            {"input": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "https://a.example"}}]},
            [("input.0.text", "a"), ("input.1.image_url.url", "https://a.example")],
        ),
    ],
)
def test_texts_without_a_conversation(operation: str, body: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert [(path, text) for path, trust, text in shown(operation, body) if trust == "user"] == expected


# --- both ways to read ----------------------------------------------------------------------------------------------------------

_ANSWERED = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]


@pytest.mark.parametrize("beside", ["be kind", "", None, "größe\n", [{"type": "text", "text": "be kind"}], [], 1])
@pytest.mark.parametrize(
    ("operation", "field", "body"),
    [
        ("messages", "system", {"max_tokens": 1, "messages": _ANSWERED}),
        ("messages", "system", {"max_tokens": 1, "messages": _ANSWERED[:1]}),
        ("messages", "system", {"max_tokens": 1, "messages": [{**_ANSWERED[0], "weight": "1"}]}),
        ("responses", "instructions", {"input": _ANSWERED}),
        ("responses", "instructions", {"input": "hi"}),
        ("responses", "prompt", {"input": "hi"}),
        ("completions", "suffix", {"prompt": ["a", "b"]}),
        ("completions", "suffix", {"prompt": [1, 2]}),
        ("chat", "prediction", {"messages": _ANSWERED}),
        ("chat", "documents", {"messages": _ANSWERED}),
        ("chat", "tools", {"messages": _ANSWERED}),
    ],
)
def test_texts_beside_a_conversation_are_read_alike(operation: str, field: str, body: dict[str, Any], beside: Any) -> None:
    try:
        request = request_of(operation, {**body, field: beside})
    except BadRequest:
        return

    assert list(read_request(request).units) == exact_units(request)


def test_arguments_deep_in_a_request_can_be_replaced() -> None:
    for depth in (1, 30, 60, 62, 64, 70):
        for key in ("a", "directory"):
            inner = json.loads(f'{{"{key}":' * depth + '"bob"' + "}" * depth)
            block = {"type": "tool_use", "id": "t1", "name": "f", "input": inner}
            request = request_of("messages", {"max_tokens": 1, "messages": [{"role": "assistant", "content": [block]}]})
            texts = read_request(request)

            assert list(texts.units) == exact_units(request)
            assert b'"[X]"' in bytes(texts.rewrite({len(texts.units) - 1: "[X]"}).fields["messages"])


@pytest.mark.parametrize(
    ("text", "hosts"),
    [("a/b", set()), ("://", set()), ("http://a.example", {"a.example"}), ("www.a.example", {"www.a.example"}), ("wwwa.example", set())],
)
def test_hosts_of_a_text(text: str, hosts: set[str]) -> None:
    assert read_request(request_of("chat", _chat({"role": "user", "content": text}))).facts.hosts == hosts
