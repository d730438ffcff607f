"""What a Responses request is refused for, by name, when it is for a model of another provider."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given

from proxy.errors import BadRequest, Untranslatable
from proxy.translators.clients.responses import CODEC
from proxy.wire.responses import parse_responses_request
from tests.proxy.pieces import unhurried
from tests.proxy.provider_help import like
from tests.proxy.recorded import recorded_exchanges
from tests.proxy.responses_help import asked

USER = {"role": "user", "content": "Hello!"}
CALL = {"type": "function_call", "call_id": "c1", "name": "look_up", "arguments": '{"a":1}'}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "4"}
PNG = "data:image/png;base64,aGk="


def _refused(**fields: Any) -> str | None:
    with pytest.raises(Untranslatable) as caught:
        CODEC.parse_conversation(asked(**fields))
    return caught.value.param


def _wrong(**fields: Any) -> str | None:
    with pytest.raises(BadRequest) as caught:
        CODEC.parse_conversation(asked(**fields))
    assert not isinstance(caught.value, Untranslatable)
    return caught.value.param


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"background": True}, "background"),
        ({"truncation": "auto"}, "truncation"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"max_tool_calls": 3}, "max_tool_calls"),
        ({"service_tier": "flex"}, "service_tier"),
        ({"moderation": {}}, "moderation"),
        ({"something_new": 1}, "something_new"),
        ({"stream": True, "stream_options": {"new": 1}}, "stream_options.new"),
        ({"include": ["reasoning.encrypted_content", "new"]}, "include[1]"),
        ({"text": {"new": 1}}, "text.new"),
        ({"text": {"format": {"type": "json_object", "new": 1}}}, "text.format.new"),
        ({"reasoning": {"mode": "pro"}}, "reasoning.mode"),
        ({"reasoning": {"new": 1}}, "reasoning.new"),
        ({"tools": [{"type": "function", "name": "f"}, {"type": "web_search"}]}, "tools[1]"),
        ({"tools": [{"type": "file_search", "vector_store_ids": []}]}, "tools[0]"),
        ({"tools": [{"type": "code_interpreter"}]}, "tools[0]"),
        ({"tools": [{"type": "computer_use_preview"}]}, "tools[0]"),
        ({"tools": [{"type": "mcp"}]}, "tools[0]"),
        ({"tools": [{"type": "image_generation"}]}, "tools[0]"),
        ({"tools": [{"type": "custom", "name": "c"}]}, "tools[0]"),
        ({"tools": [{"type": "function", "name": "f", "output_schema": {}}]}, "tools[0].output_schema"),
        ({"tools": [{"type": "function", "name": "f", "defer_loading": True}]}, "tools[0].defer_loading"),
        ({"tool_choice": {"type": "web_search"}}, "tool_choice"),
        ({"tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "mcp"}]}}, "tool_choice.tools[0]"),
        ({"input": [USER, {"type": "item_reference", "id": "msg_1"}]}, "input[1]"),
        ({"input": [{"type": "web_search_call", "id": "ws_1"}]}, "input[0]"),
        ({"input": [{"type": 5}]}, "input[0]"),
        ({"input": [USER | {"new": 1}]}, "input[0].new"),
        ({"input": [{"role": "user", "content": [{"type": "input_text", "text": "A"}, {"type": "video"}]}]}, "input[0].content[1]"),
        ({"input": [{"role": "user", "content": [{"type": "output_text", "text": "A"}]}]}, "input[0].content[0]"),
        ({"input": [{"role": "assistant", "content": [{"type": "input_text", "text": "A"}]}]}, "input[0].content[0]"),
        ({"input": [{"role": "system", "content": [{"type": "input_image", "image_url": PNG}]}]}, "input[0].content[0]"),
        ({"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "file_1"}]}]}, "input[0].content[0].file_id"),
        ({"input": [CALL, OUTPUT | {"output": [{"type": "refusal", "refusal": "x"}]}]}, "input[1].output[0]"),
        ({"input": [CALL | {"namespace": "n"}]}, "input[0].namespace"),
    ],
)
def test_what_nobody_else_has_a_word_for_is_refused_by_name(fields, param):
    assert _refused(**fields) == param


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": []}, "input"),
        ({"input": [{}]}, "input[0].role"),
        ({"input": [{"role": "tool", "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "user"}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": ["x"]}]}, "input[0].content[0]"),
        ({"input": [{"type": "function_call", "name": "f", "arguments": "{}"}]}, "input[0].call_id"),
        ({"input": [OUTPUT]}, "input[0].call_id"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "data:image/png,hi"}]}]},
            "input[0].content[0].image_url",
        ),
        ({"input": [{"role": "user", "content": [{"type": "input_file"}]}]}, "input[0].content[0]"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "x", "format": "odd"}}]}]},
            "input[0].content[0].input_audio.format",
        ),
        ({"top_p": "x"}, "top_p"),
        ({"instructions": ["x"]}, "instructions"),
        ({"tool_choice": "some"}, "tool_choice"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.name"),
        ({"tools": ["f"]}, "tools[0]"),
        ({"tools": [{"type": "function", "name": ""}]}, "tools[0].name"),
        ({"text": "json"}, "text"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"text": {"format": {"type": "json_schema", "name": "n"}}}, "text.format.schema"),
        ({"text": {"format": {"type": "json_schema", "schema": {}}}}, "text.format.name"),
        ({"reasoning": {"effort": "wild"}}, "reasoning.effort"),
    ],
)
def test_what_is_wrong_is_named(fields, param):
    assert _wrong(**fields) == param


def test_a_provider_refuses_by_the_clients_names():
    conversation = CODEC.parse_conversation(asked(max_output_tokens=5))

    assert conversation.refuse("output_limit_tokens", "p").param == "max_output_tokens"
    assert conversation.refuse("output_format", "p").param == "text.format"
    assert conversation.refuse("messages", "p").param == "input"


EXAMPLE = {
    "input": [
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_image", "text": "x", "image_url": PNG, "file_data": "x", "input_audio": {"data": "x", "format": "wav"}}
            ],
            "call_id": "c",
            "name": "f",
            "arguments": "{}",
            "output": [{"type": "input_text", "text": "x"}],
            "summary": [{"text": "x"}],
            "encrypted_content": "call:c:s",
            "id": "x",
        }
    ],
    "tools": [{"type": "function", "name": "f", "parameters": {}, "strict": True}],
    "tool_choice": {"type": "allowed_tools", "mode": "auto", "name": "f", "tools": [{"type": "function", "name": "f"}]},
    "text": {"format": {"type": "json_schema", "name": "n", "schema": {}}, "verbosity": "low"},
    "reasoning": {"effort": "low", "summary": "auto"},
    "include": ["reasoning.encrypted_content"],
    "temperature": 1,
    "instructions": "x",
    "stream_options": {"include_obfuscation": True},
}


@given(like(EXAMPLE))
@unhurried
def test_any_request_is_read_or_refused(fields):
    body = json.dumps({"model": "gpt", "stream": True, "input": "x", **(fields if isinstance(fields, dict) else {})}).encode()

    with contextlib.suppress(BadRequest):
        CODEC.parse_conversation(parse_responses_request(body, 64))


# --- recorded traffic -----------------------------------------------------------------------------------------------------------

_BUILT_IN = "tools[0]"  # the provider's own: web_search, code_interpreter, file_search, mcp
_REFUSED = {
    "test_background_mode_reasoning_vcr#0": "background",
    "test_background_mode_streaming_continuation_vcr#0": "background",
    "test_background_mode_streaming_starting_after_vcr#0": "background",
    "test_background_mode_streaming_without_starting_after_vcr#0": "background",
    "test_background_mode_vcr#0": "background",
    "test_background_mode_with_tool_vcr#0": "background",
    "test_background_mode_with_tool_vcr#2": "background",
    "test_openai_conversation_id_preserves_mismatched_history#1": "conversation",
    "test_openai_include_raw_annotations_streaming#0": _BUILT_IN,
    "test_openai_include_raw_annotations_streaming#1": _BUILT_IN,
    "test_openai_previous_response_id#1": "previous_response_id",
    "test_openai_previous_response_id_auto_mode#0": "previous_response_id",
    "test_openai_previous_response_id_seed_auto_chains_through_retries#1": "previous_response_id",
    "test_openai_previous_response_id_seed_auto_chains_through_retries#2": "previous_response_id",
    "test_openai_previous_response_id_seed_auto_chains_through_retries#3": "previous_response_id",
    "test_openai_responses_code_execution_return_image#0": _BUILT_IN,
    "test_openai_responses_compact_messages#3": "input[0]",  # a compaction, which only OpenAI can read
    "test_openai_responses_compact_stateful_mode#0": "context_management",
    "test_openai_responses_compact_stateful_mode#1": "context_management",
    "test_openai_responses_compact_stateful_mode#2": "context_management",
    "test_openai_responses_compact_stateful_mode#3": "context_management",
    "test_openai_responses_model_file_search_tool_stream#3": _BUILT_IN,
    "test_openai_responses_model_mcp_list_tools_stream_backfills_missing_results#0": _BUILT_IN,
    "test_openai_responses_model_mcp_server_tool#0": _BUILT_IN,
    "test_openai_responses_model_mcp_server_tool#1": "input[1]",  # mcp_list_tools
    "test_openai_responses_model_mcp_server_tool_stream#0": _BUILT_IN,
    "test_openai_responses_model_mcp_server_tool_with_connector#0": _BUILT_IN,
    "test_openai_responses_model_web_search_tool_stream#0": _BUILT_IN,
    "test_openai_responses_model_web_search_tool_stream#1": "input[2]",  # web_search_call
    "test_openai_responses_model_web_search_tool_with_invalid_region#0": _BUILT_IN,
    "test_openai_responses_model_web_search_tool_without_external_access#0": _BUILT_IN,
    "test_openai_responses_moderation_block_policy#0": "moderation",
    "test_openai_responses_moderation_stream#0": "moderation",
    "test_openai_responses_reasoning_generate_summary#0": "truncation",
    "test_openai_responses_thinking_with_code_execution_tool_stream#0": _BUILT_IN,
}


def test_recorded_requests_are_read_but_for_what_only_openai_does():
    refused: dict[str, str | None] = {}
    read_count = 0
    for exchange in recorded_exchanges():
        if not exchange["path"].endswith("/responses"):
            continue
        request = parse_responses_request(json.dumps(exchange["request"]).encode(), 64)
        try:
            conversation = CODEC.parse_conversation(request)
        except Untranslatable as error:
            refused[exchange["name"]] = error.param
            continue
        read_count += 1
        assert conversation.model == exchange["request"]["model"]
        assert len(conversation.tools) == len(exchange["request"].get("tools") or ())

    assert refused == _REFUSED
    assert read_count == 57
