"""No field of a request is a way around a policy: whatever a provider would get is looked at first."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.guarding.texts import read_request
from tests.proxy.chat_help import answer
from tests.proxy.guard_help import guarded_site, numbers, published
from tests.proxy.texts_help import exact_units, request_of, shown

VALUE = "ticket 12345"
PATHS = {
    "chat": "/v1/chat/completions",
    "completions": "/v1/completions",
    "embeddings": "/v1/embeddings",
    "moderations": "/v1/moderations",
    "messages": "/v1/messages",
    "count_tokens": "/v1/messages/count_tokens",
    "responses": "/v1/responses",
}
PLAIN: dict[str, dict[str, Any]] = {
    "chat": {"messages": [{"role": "user", "content": "hello"}]},
    "completions": {"prompt": "hello"},
    "embeddings": {"input": "hello"},
    "moderations": {"input": "hello"},
    "messages": {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 9},
    "count_tokens": {"messages": [{"role": "user", "content": "hello"}]},
    "responses": {"input": "hello"},
}


def _schema(**fields: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"city": {"type": "string", **fields}}, "required": ["city"]}


def _tool(**fields: Any) -> list[dict[str, Any]]:
    return [{"type": "function", "function": {"name": "weather", "parameters": _schema(**fields)}}]


def _form(**fields: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "form", "schema": _schema(**fields)}}


REPLACEABLE: list[tuple[str, dict[str, Any]]] = [
    *((operation, {"x_unknown": VALUE}) for operation in PLAIN),
    *((operation, {"x_unknown": {"deep": [{"type": VALUE}]}}) for operation in PLAIN),
    *((operation, {"user": VALUE}) for operation in ("chat", "completions", "embeddings", "responses")),
    *(("chat", {"stop": each}) for each in (VALUE, ["end", VALUE])),
    *((operation, {"metadata": {"id": VALUE}}) for operation in ("chat", "responses")),
    ("chat", {"safety_identifier": VALUE}),
    ("chat", {"tool_choice": {"type": "function", "function": {"name": VALUE}}}),
    ("chat", {"reasoning_effort": VALUE}),
    ("chat", {"web_search_options": {"user_location": {"approximate": {"city": VALUE}}}}),
    ("chat", {"stream": True, "stream_options": {"include_usage": True, "x": VALUE}}),
    ("chat", {"seed": VALUE}),
    ("chat", {"tools": _tool(enum=["a", VALUE])}),
    ("chat", {"tools": _tool(const=VALUE)}),
    ("chat", {"tools": _tool(default=VALUE)}),
    ("chat", {"tools": _tool(examples=[{"deep": VALUE}])}),
    ("chat", {"tools": _tool(title=VALUE)}),
    ("chat", {"functions": [{"name": "weather", "parameters": _schema(enum=[VALUE])}]}),
    ("chat", {"response_format": _form(enum=[VALUE])}),
    ("chat", {"response_format": _form(description=VALUE)}),
    ("completions", {"stop": VALUE}),
    ("messages", {"stop_sequences": [VALUE]}),
    ("messages", {"metadata": {"user_id": VALUE}}),
    ("messages", {"tools": [{"name": "weather", "input_schema": _schema(enum=[VALUE])}]}),
    ("messages", {"mcp_servers": [{"type": "url", "url": "https://a.example", "authorization_token": VALUE}]}),
    ("responses", {"tools": [{"type": "function", "name": "weather", "parameters": _schema(default=VALUE)}]}),
    ("responses", {"text": {"format": {"type": "json_schema", "name": "form", "schema": _schema(const=VALUE)}}}),
    ("responses", {"prompt_cache_key": VALUE}),
]
FIXED: list[tuple[str, dict[str, Any]]] = [
    *((operation, {"metadata": {VALUE: "x"}}) for operation in ("chat", "responses")),
    ("chat", {"tools": [{"type": "function", "function": {"name": VALUE}}]}),
    ("chat", {"tools": _tool(properties={VALUE: {"type": "string"}})}),
    ("chat", {"response_format": {"type": "json_schema", "json_schema": {"name": VALUE, "schema": _schema()}}}),
    ("messages", {"tools": [{"name": VALUE, "input_schema": _schema()}]}),
]


def _body(operation: str, fields: dict[str, Any]) -> bytes:
    return json.dumps({"model": "gpt", **PLAIN[operation], **fields}).encode()


@pytest.mark.parametrize(("operation", "fields"), [*REPLACEABLE, *FIXED])
async def test_a_value_in_any_field_is_found(operation, fields):
    site = guarded_site(published("house", numbers("block", "request")))

    talk = await site.call(path=PATHS[operation], body=_body(operation, fields))

    assert talk.status == 400
    assert b"content_filter" in talk.body
    assert site.bench.upstream.sent == []


@pytest.mark.parametrize(("operation", "fields"), REPLACEABLE)
def test_a_value_in_any_field_is_replaced_where_it_stands(operation, fields):
    request = request_of(operation, PLAIN[operation] | fields)
    texts = read_request(request)
    (place,) = [number for number, unit in enumerate(texts.units) if unit.text == VALUE]

    changed = texts.rewrite({place: "[TICKET]"})

    (name,) = [name for name, raw in request.fields.items() if VALUE.encode() in bytes(raw)]
    for each, raw in request.fields.items():
        expected = bytes(raw).replace(VALUE.encode(), b"[TICKET]") if each == name else bytes(raw)
        assert bytes(changed.fields[each]) == expected


@pytest.mark.parametrize(("operation", "fields"), FIXED)
async def test_a_value_that_is_a_key_or_a_name_stops_the_request_because_it_cannot_be_hidden(operation, fields):
    site = guarded_site(published("house", numbers("redact", "request")))

    talk = await site.call(path=PATHS[operation], body=_body(operation, fields))

    assert talk.status == 400
    assert site.bench.upstream.sent == []


@pytest.mark.parametrize(("operation", "fields"), [*REPLACEABLE, *FIXED])
def test_the_quick_reading_of_fields_is_the_exact_one(operation, fields):
    request = request_of(operation, PLAIN[operation] | fields)

    assert list(read_request(request).units) == exact_units(request)


async def test_user_and_metadata_are_hidden_before_they_are_sent():
    site = guarded_site(published("house", numbers("redact", "request")))
    site.bench.upstream.answer(answer())

    talk = await site.ask(messages=[{"role": "user", "content": "hello"}], user=f"of {VALUE}", metadata={"a": VALUE})

    assert talk.status == 200
    sent = json.loads(site.bench.upstream.sent[0].body)
    assert (sent["user"], sent["metadata"]) == ("of [TICKET]", {"a": "[TICKET]"})


@pytest.mark.parametrize("number", [4111111111111111, -4111111111111111, [4111111111111111]])
async def test_a_long_number_in_an_unknown_field_is_a_text(number):
    cards = {"patterns": [{"name": "card", "expression": r"4\d{15}", "label": "CARD"}]}
    site = guarded_site(published("house", numbers("redact", "request", parameters=cards)))

    talk = await site.ask(messages=[{"role": "user", "content": "hello"}], x_unknown=number)

    assert talk.status == 400


QUIET: dict[str, dict[str, Any]] = {
    "chat": {
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0,
        "top_p": 1,
        "seed": 1234567890123,
        "n": 1,
        "presence_penalty": 0.5,
        "logit_bias": {"50256": -100},
        "logprobs": True,
        "tool_choice": "auto",
        "parallel_tool_calls": False,
        "reasoning_effort": "low",
        "response_format": {"type": "json_object"},
        "service_tier": "default",
        "stop": None,
    },
    "completions": {"echo": True, "logprobs": 3, "best_of": 2},
    "embeddings": {"encoding_format": "float", "dimensions": 8},
    "messages": {"thinking": {"type": "enabled", "budget_tokens": 1024}, "tool_choice": {"type": "auto"}, "top_k": 4, "stream": False},
    "responses": {
        "reasoning": {"effort": "low", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
        "truncation": "auto",
        "store": False,
        "text": {"format": {"type": "text"}, "verbosity": "low"},
        "tools": [{"type": "function", "name": "weather", "parameters": _schema(minimum=0, maximum=9007199254740991), "strict": True}],
    },
}


@pytest.mark.parametrize("operation", QUIET)
def test_fields_that_only_choose_are_no_texts(operation):
    assert len(shown(operation, PLAIN[operation] | QUIET[operation])) == 1


def test_fields_that_no_model_reads_come_last_and_are_the_callers():
    body = {"user": "bob", "messages": [{"role": "user", "content": "a"}], "tools": _tool(enum=["x y"])}

    assert shown("chat", body) == [
        ("tools.0.function.parameters.properties.city.enum.0", "system", "x y"),
        ("messages.0.content", "user", "a"),
        ("user", "user", "bob"),
    ]


def test_a_flood_of_strings_in_a_field_is_one_text_that_cannot_be_changed():
    texts = read_request(request_of("chat", PLAIN["chat"] | {"metadata": {"many": ["x"] * 3000}}))

    assert [(unit.path, len(unit.text) > 9000) for unit in texts.units] == [("messages.0.content", False), ("metadata", True)]


async def test_a_key_that_is_a_value_is_not_written_down():
    site = guarded_site(published("house", numbers("block", "request")))

    await site.ask(messages=[{"role": "user", "content": "hello"}], metadata={VALUE: "x"})

    line = bytes(site.bench.spool.ends[0].decision)
    assert b"12345" not in line
    assert json.loads(line)["verdicts"][0]["samples"][0]["path"] == "metadata.\u2026"
