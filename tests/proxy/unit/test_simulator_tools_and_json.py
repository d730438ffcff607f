"""Tool calls and JSON answers, and the values that fit a schema."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from proxy.simulator.app import Simulator
from proxy.simulator.errors import ProviderError
from proxy.simulator.schema import write_value
from proxy.simulator.testing import Called, call
from proxy.simulator.text import Dice

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"enum": ["celsius", "fahrenheit"]}},
            "required": ["city"],
        },
    },
}
CLOCK = {"type": "function", "function": {"name": "get_time", "parameters": {"type": "object", "properties": {"zone": {"type": "string"}}}}}
USER = {"role": "user", "content": "How is the weather?"}
CALLED = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}],
}


async def chat(model: str = "sim-tools", messages: list[dict[str, Any]] | None = None, **options: Any) -> Called:
    return await call(Simulator(), "POST", "/v1/chat/completions", {"model": model, "messages": messages or [USER], **options})


async def tool_names(**options: Any) -> list[str]:
    message = (await chat(**options)).json()["choices"][0]["message"]
    return [each["function"]["name"] for each in message.get("tool_calls", [])]


async def test_tools_are_called_in_parallel_with_arguments_that_fit():
    called = await chat(tools=[WEATHER, CLOCK])

    (choice,) = called.json()["choices"]
    first, second = choice["message"]["tool_calls"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    assert [first["function"]["name"], second["function"]["name"]] == ["get_weather", "get_time"]
    assert first["id"] != second["id"]
    assert msgspec.json.decode(first["function"]["arguments"])["unit"] in ("celsius", "fahrenheit")


async def test_one_tool_is_called_twice_with_different_arguments():
    calls = (await chat(tools=[WEATHER])).json()["choices"][0]["message"]["tool_calls"]

    assert len({each["function"]["arguments"] for each in calls}) == 2


async def test_streamed_tool_calls_join_to_the_whole_ones():
    whole, streamed = await chat(tools=[WEATHER, CLOCK]), await chat(tools=[WEATHER, CLOCK], stream=True)

    joined: dict[int, dict[str, str]] = {}
    for event in streamed.events()[:-1]:
        for part in event["choices"][0]["delta"].get("tool_calls", []):
            if "id" in part:
                joined[part["index"]] = {"name": part["function"]["name"], "arguments": ""}
            joined[part["index"]]["arguments"] += part["function"]["arguments"]
    assert list(joined.values()) == [each["function"] for each in whole.json()["choices"][0]["message"]["tool_calls"]]
    assert streamed.events()[0]["choices"][0]["delta"] == {"role": "assistant", "content": None}
    assert streamed.events()[-2]["choices"][0]["finish_reason"] == "tool_calls"


async def test_tool_choice_decides_what_is_called():
    tools = [WEATHER, CLOCK]
    named = {"type": "function", "function": {"name": "get_time"}}

    assert await tool_names(tools=tools, tool_choice="none") == []
    assert await tool_names(tools=tools, tool_choice=named) == ["get_time"]
    assert await tool_names(tools=tools, parallel_tool_calls=False) == ["get_weather"]
    assert await tool_names(tools=tools, model="sim-fast") == []
    assert await tool_names(tools=tools, model="sim-fast", tool_choice="required") == ["get_weather", "get_time"]


async def test_named_tool_finishes_with_stop_and_an_unknown_one_is_a_bad_request():
    named = await chat(tools=[CLOCK], tool_choice={"type": "function", "function": {"name": "get_time"}})
    unknown = await chat(tools=[CLOCK], tool_choice={"type": "function", "function": {"name": "get_rain"}})

    assert named.json()["choices"][0]["finish_reason"] == "stop"
    assert (unknown.status, unknown.json()["error"]["param"]) == (400, "tool_choice")


async def test_conversation_that_ends_with_a_tool_result_is_answered_in_words():
    messages = [USER, CALLED, {"role": "tool", "tool_call_id": "1", "content": "12 C"}]

    message = (await chat(tools=[WEATHER], messages=messages)).json()["choices"][0]["message"]

    assert message["content"]
    assert "tool_calls" not in message


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        ([USER, CALLED], "messages"),
        ([USER, CALLED, USER], "messages"),
        ([USER, CALLED, {"role": "tool", "tool_call_id": "2", "content": "x"}], "messages"),
        ([USER, {"role": "tool", "tool_call_id": "1", "content": "x"}], "messages.[1].role"),
    ],
)
async def test_calls_without_results_and_results_without_calls_are_refused(messages, param):
    called = await chat(messages=messages)

    assert (called.status, called.json()["error"]["param"]) == (400, param)


async def test_allowed_tools_leave_only_these():
    some = [{"type": "function", "function": {"name": "get_time"}}]
    automatic = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": some}}
    required = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": some}}

    assert set(await tool_names(tools=[WEATHER, CLOCK], tool_choice=automatic)) == {"get_time"}
    assert await tool_names(tools=[WEATHER, CLOCK], tool_choice=automatic, model="sim-fast") == []
    assert set(await tool_names(tools=[WEATHER, CLOCK], tool_choice=required, model="sim-fast")) == {"get_time"}


async def test_single_streamed_call_begins_with_the_role_and_two_do_not():
    one = await chat(tools=[WEATHER], parallel_tool_calls=False, stream=True)
    two = await chat(tools=[WEATHER, CLOCK], stream=True)

    assert list(one.events()[0]["choices"][0]["delta"]) == ["role", "content", "tool_calls", "refusal"]
    assert two.events()[0]["choices"][0]["delta"] == {"role": "assistant", "content": None}


async def test_arguments_cut_by_the_token_limit_finish_with_length():
    (choice,) = (await chat(tools=[WEATHER], max_tokens=9)).json()["choices"]

    assert choice["finish_reason"] == "length"
    assert choice["message"]["tool_calls"][0]["function"]["arguments"] == '{"'


async def test_json_model_answers_an_object_in_every_mode():
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}

    free = await chat("sim-json")
    mode = await chat("sim-fast", response_format={"type": "json_object"})
    fitted = await chat("sim-fast", response_format=wanted)

    for called in (free, mode):
        assert isinstance(msgspec.json.decode(called.json()["choices"][0]["message"]["content"]), dict)
    assert msgspec.json.decode(fitted.json()["choices"][0]["message"]["content"])["ok"] in (True, False)


async def test_streamed_json_joins_to_one_object():
    called = await chat("sim-json", stream=True)

    text = "".join(event["choices"][0]["delta"].get("content", "") for event in called.events()[:-1])
    assert set(msgspec.json.decode(text)) == {"title", "summary", "category", "tags", "confidence"}


async def test_schema_with_senseless_values_is_a_bad_request():
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "array", "minItems": "many"}}}

    called = await chat("sim-json", response_format=wanted)

    assert (called.status, called.json()["error"]["code"]) == (400, "invalid_schema")


NODE = {"type": "object", "properties": {"value": {"type": "integer"}, "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}}}
NODE["required"] = ["value", "next"]  # type: ignore[assignment]


def value(schema: dict[str, Any], seed: str = "x") -> Any:
    return write_value(schema, Dice(seed))


@pytest.mark.parametrize("seed", ["a", "b", "c", "d", "e"])
@pytest.mark.parametrize(
    ("schema", "fits"),
    [
        ({"const": 7}, lambda v: v == 7),
        ({"enum": ["a", None]}, lambda v: v in ("a", None)),
        ({"type": "integer", "minimum": 3, "maximum": 5}, lambda v: v in (3, 4, 5)),
        ({"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 5}, lambda v: v == 4),
        ({"type": "integer", "minimum": 10, "maximum": 20, "multipleOf": 7}, lambda v: v == 14),
        ({"type": "number", "minimum": 0, "maximum": 1}, lambda v: 0 <= v <= 1),
        ({"type": "number", "maximum": -5}, lambda v: v <= -5),
        ({"type": "string", "maxLength": 4}, lambda v: len(v) <= 4),
        ({"type": "string", "minLength": 300}, lambda v: len(v) >= 300),
        ({"type": "string", "format": "date"}, lambda v: len(v) == 10),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 5}, lambda v: len(v) == 5 and set(v) <= {True, False}),
        ({"type": "array", "maxItems": 0}, lambda v: v == []),
        ({"type": ["string", "null"]}, lambda v: isinstance(v, str)),
        ({"oneOf": [{"type": "null"}, {"type": "string"}]}, lambda v: v is None),
        ({"allOf": [{"properties": {"a": {"const": 1}}}, {"properties": {"b": {"const": 2}}}]}, lambda v: v == {"a": 1, "b": 2}),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"const": "there"}}}, lambda v: v == "there"),
        ({"type": "object", "required": ["unknown"]}, lambda v: v == {"unknown": None}),
    ],
)
def test_value_fits_its_schema(schema, fits, seed):
    assert fits(value(schema, seed))


def test_value_of_a_recursive_schema_ends():
    chain = value({"$ref": "#/$defs/node", "$defs": {"node": NODE}})

    length = 0
    while chain is not None:
        assert isinstance(chain["value"], int)
        chain, length = chain["next"], length + 1
    assert 1 <= length <= 10


def test_value_of_a_schema_that_never_ends_is_still_written():
    endless = {"type": "object", "properties": {"again": {"$ref": "#"}, "more": {"$ref": "#"}}, "required": ["again", "more"]}

    assert set(value(endless)) == {"again", "more"}


def test_value_is_the_same_for_the_same_seed():
    schema = {"type": "object", "properties": {"city": {"type": "string"}, "n": {"type": "integer"}}}

    assert value(schema, "a") == value(schema, "a")


def test_value_refuses_a_schema_it_cannot_read():
    with pytest.raises(ProviderError):
        value({"type": "object", "properties": 7})
