"""Anthropic: thinking, tool choice, prompt caching, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.simulator.app import Simulator
from proxy.simulator.testing import Called, call

USER: list[dict[str, Any]] = [{"role": "user", "content": "Repeat: one two"}]
THINKING = {"type": "enabled", "budget_tokens": 1024}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"name": "get_weather", "input_schema": SCHEMA}, {"name": "get_time", "input_schema": SCHEMA}]
ASKED = {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {}}]}
TOLD = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "12 C"}]}


async def post(**fields: Any) -> Called:
    body = {"model": "sim-fast", "max_tokens": 2000, "messages": USER} | fields
    return await call(Simulator(), "POST", "/v1/messages", body, {"anthropic-version": "2023-06-01"})


async def blocks(**fields: Any) -> list[dict[str, Any]]:
    return (await post(**fields)).json()["content"]


async def called_names(**fields: Any) -> list[str]:
    return [block["name"] for block in await blocks(tools=TOOLS, **fields) if block["type"] == "tool_use"]


async def usage(**fields: Any) -> dict[str, Any]:
    return (await post(**fields)).json()["usage"]


async def message_of_error(**fields: Any) -> str:
    called = await post(**fields)
    assert (called.status, called.json()["error"]["type"]) == (400, "invalid_request_error")
    return called.json()["error"]["message"]


async def test_thinking_comes_first_signed_and_counted():
    called = (await post(thinking=THINKING)).json()

    thought, text = called["content"]
    assert (thought["type"], text) == ("thinking", {"type": "text", "text": "one two"})
    assert thought["thinking"]
    assert thought["signature"]
    assert called["usage"]["output_tokens_details"] == {"thinking_tokens": 64}
    assert called["usage"]["output_tokens"] == 66


async def test_streamed_thinking_has_deltas_and_then_its_signature():
    whole, streamed = await blocks(thinking=THINKING), (await post(thinking=THINKING, stream=True)).events()

    deltas = [event["delta"] for event in streamed if event["type"] == "content_block_delta" and event["index"] == 0]
    begun = [event["content_block"] for event in streamed if event["type"] == "content_block_start"]
    assert begun == [{"type": "thinking", "thinking": "", "signature": ""}, {"type": "text", "text": ""}]
    assert "".join(delta["thinking"] for delta in deltas[:-1]) == whole[0]["thinking"]
    assert deltas[-1] == {"type": "signature_delta", "signature": whole[0]["signature"]}
    assert [event["index"] for event in streamed if event["type"] == "content_block_stop"] == [0, 1]


async def test_adaptive_thinking_follows_the_effort_and_none_is_done_when_disabled():
    adaptive = await usage(thinking={"type": "adaptive"}, output_config={"effort": "low"})
    disabled = await blocks(model="sim-reasoning", thinking={"type": "disabled"})

    assert adaptive["output_tokens_details"] == {"thinking_tokens": 16}
    assert [block["type"] for block in disabled] == ["text"]


async def test_omitted_thinking_keeps_its_signature_alone():
    thought, _ = await blocks(thinking={"type": "adaptive", "display": "omitted"})

    assert thought["thinking"] == ""
    assert thought["signature"]


async def test_thinking_may_be_sent_back_unchanged_and_not_otherwise():
    said = await blocks(thinking=THINKING)
    changed = [said[0] | {"thinking": "something else"}, said[1]]
    unsigned = [{"type": "thinking", "thinking": "x"}, said[1]]

    async def follow(content: list[dict[str, Any]]) -> Called:
        return await post(thinking=THINKING, messages=[*USER, {"role": "assistant", "content": content}, *USER])

    assert (await follow(said)).status == 200
    assert (await follow(changed)).json()["error"]["message"] == "messages.1.content.0: Invalid `signature` in `thinking` block"
    assert (await follow(unsigned)).json()["error"]["message"] == "messages.1.content.0.thinking.signature: Field required"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"thinking": {"type": "enabled"}}, "thinking.enabled.budget_tokens: Field required"),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 100}},
            "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
        ),
        ({"thinking": THINKING, "max_tokens": 1024}, "`max_tokens` must be greater than `thinking.budget_tokens`."),
        ({"thinking": THINKING, "temperature": 0.5}, "`temperature` may only be set to 1 when thinking is enabled."),
        (
            {"thinking": THINKING, "tools": TOOLS, "tool_choice": {"type": "any"}},
            "Thinking may not be enabled when tool_choice forces tool use.",
        ),
    ],
)
async def test_thinking_with_options_that_do_not_go_with_it_is_refused(fields, message):
    assert await message_of_error(**fields) == message


async def test_unknown_kind_of_thinking_is_refused():
    assert "'dreaming'" in await message_of_error(thinking={"type": "dreaming"})


async def test_tool_choice_decides_what_is_called():
    assert await called_names(model="sim-tools") == ["get_weather", "get_time"]
    assert await called_names(model="sim-tools", tool_choice={"type": "none"}) == []
    assert await called_names(model="sim-tools", tool_choice={"type": "auto", "disable_parallel_tool_use": True}) == ["get_weather"]
    assert await called_names(tool_choice={"type": "auto"}) == []
    assert await called_names(tool_choice={"type": "any"}) == ["get_weather", "get_time"]
    assert await called_names(tool_choice={"type": "any", "disable_parallel_tool_use": True}) == ["get_weather"]
    assert await called_names(tool_choice={"type": "tool", "name": "get_time"}) == ["get_time"]


async def test_streamed_input_begins_with_an_empty_delta():
    streamed = (await post(model="sim-tools", tools=TOOLS, stream=True)).events()

    deltas = [event["delta"] for event in streamed if event["type"] == "content_block_delta" and event["index"] == 0]
    assert deltas[0] == {"type": "input_json_delta", "partial_json": ""}


async def test_thinking_and_calls_share_one_message():
    assert [block["type"] for block in await blocks(model="sim-tools", tools=TOOLS, thinking=THINKING)] == [
        "thinking",
        "tool_use",
        "tool_use",
    ]


async def test_filtered_answer_is_a_refusal():
    assert (await post(model="sim-filtered", messages=[{"role": "user", "content": "Tell me"}])).json()["stop_reason"] == "refusal"


@pytest.mark.parametrize("place", ["output_config", "output_format"])
async def test_json_fits_its_schema_in_the_new_place_and_the_old(place):
    wanted = {"type": "json_schema", "schema": {"type": "object", "properties": {"ok": {"const": True}}, "required": ["ok"]}}
    fields = {"output_config": {"format": wanted}} if place == "output_config" else {"output_format": wanted}

    assert await blocks(**fields) == [{"type": "text", "text": '{"ok":true}'}]


async def test_prompt_without_marks_is_not_cached():
    told = await usage()

    assert told["cache_creation"] == {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}
    assert (told["cache_creation_input_tokens"], told["cache_read_input_tokens"]) == (0, 0)


async def test_marked_blocks_are_written_for_as_long_as_they_say():
    system = [{"type": "text", "text": "A long instruction. " * 20, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    marked = [{"type": "text", "text": "Repeat: one", "cache_control": {"type": "ephemeral"}}]
    messages = [{"role": "user", "content": marked}]
    counted = await call(
        Simulator(),
        "POST",
        "/v1/messages/count_tokens",
        {"model": "sim-fast", "system": system, "messages": messages},
        {"anthropic-version": "2023-06-01"},
    )

    told = await usage(system=system, messages=messages)

    created = told["cache_creation"]
    assert created["ephemeral_1h_input_tokens"] > created["ephemeral_5m_input_tokens"] > 0
    assert sum(created.values()) == told["cache_creation_input_tokens"] == counted.json()["input_tokens"]
    assert told["input_tokens"] == told["cache_read_input_tokens"] == 0


async def test_rest_of_the_prompt_after_the_last_mark_is_not_cached():
    system = [{"type": "text", "text": "A long instruction. " * 20, "cache_control": {"type": "ephemeral"}}]

    told = await usage(system=system)

    assert told["cache_creation_input_tokens"] > told["input_tokens"] > 0


async def test_known_prompt_is_read_from_the_cache():
    system = [{"type": "text", "text": "sim-cached instruction", "cache_control": {"type": "ephemeral"}}]
    whole, streamed = await usage(system=system), (await post(system=system, stream=True)).events()

    counts = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    assert whole["cache_read_input_tokens"] > 0
    assert whole["cache_creation_input_tokens"] == 0
    assert [streamed[0]["message"]["usage"][name] for name in counts] == [whole[name] for name in counts]
    assert [streamed[-2]["usage"][name] for name in counts] == [whole[name] for name in counts]


async def test_mark_on_the_request_caches_all_of_it():
    assert (await usage(cache_control={"type": "ephemeral"}))["input_tokens"] == 0


async def test_too_many_and_unknown_marks_are_refused():
    block = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}

    assert "Found 5" in await message_of_error(system=[block] * 5)
    assert "cache_control" in await message_of_error(system=[block | {"cache_control": {"type": "ephemeral", "ttl": "2h"}}])


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"max_tokens": None}, "max_tokens"),
        ({"frequency_penalty": 1}, "frequency_penalty: Extra inputs are not permitted"),
        ({"messages": [{"role": "system", "content": "x"}, *USER]}, 'Unexpected role "system"'),
        ({"messages": [{"role": "tool", "content": "x"}]}, 'Unexpected role "tool"'),
        ({"messages": [{"role": "user", "content": ""}]}, "messages.0: all messages must have non-empty content"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]}, "text content blocks must be non-empty"),
        ({"messages": [*USER, ASKED]}, "messages.1: `tool_use` ids were found without `tool_result` blocks"),
        ({"messages": [*USER, ASKED, *USER]}, "messages.1: `tool_use` ids were found without `tool_result` blocks"),
        ({"messages": [TOLD]}, "messages.0.content.0: unexpected `tool_use_id` found in `tool_result` blocks: toolu_1"),
        (
            {"messages": [*USER, {"role": "assistant", "content": [{"type": "tool_use", "id": "call:1", "name": "f", "input": {}}]}]},
            "messages.1.content.0.tool_use.id: String should match pattern",
        ),
        ({"tools": [{"name": "f", "parameters": SCHEMA}]}, "tools.0.custom.input_schema: Field required"),
        ({"tools": [{"name": "f", "input_schema": {}}]}, "tools.0.custom.input_schema.type: Field required"),
    ],
)
async def test_what_anthropic_refuses_is_refused_in_its_words(fields, words):
    assert words in await message_of_error(**fields)


async def test_instructions_may_stand_among_the_messages_and_no_tokens_fill_the_cache_alone():
    instructed = await post(messages=[*USER, {"role": "system", "content": "Be brief."}])
    silent = (await post(max_tokens=0)).json()

    assert instructed.status == 200
    assert (silent["content"], silent["stop_reason"], silent["usage"]["output_tokens"]) == ([], "max_tokens", 0)


async def test_missing_field_is_named():
    body = {"model": "sim-fast", "messages": USER}
    called = await call(Simulator(), "POST", "/v1/messages", body, {"anthropic-version": "2023-06-01"})

    assert called.json()["error"]["message"] == "max_tokens: Field required"


async def test_wrong_key_and_missing_key_are_authentication_errors():
    headers = {"anthropic-version": "2023-06-01"}
    body = {"model": "sim-fast", "max_tokens": 5, "messages": USER}
    wrong = await call(Simulator("right"), "POST", "/v1/messages", body, headers | {"x-api-key": "wrong"})
    missing = await call(Simulator("right"), "POST", "/v1/messages", body, headers)

    assert [each.json()["error"] for each in (wrong, missing)] == [
        {"type": "authentication_error", "message": "invalid x-api-key"},
        {"type": "authentication_error", "message": "x-api-key header is required"},
    ]


async def test_one_model_is_shown_in_anthropics_shape():
    shown = await call(Simulator(), "GET", "/v1/models/sim-chat", headers={"anthropic-version": "2023-06-01"})
    missing = await call(Simulator(), "GET", "/v1/models/sim-nothing", headers={"anthropic-version": "2023-06-01"})

    assert (shown.json()["type"], shown.json()["id"]) == ("model", "sim-chat")
    assert missing.json()["error"]["type"] == "not_found_error"
