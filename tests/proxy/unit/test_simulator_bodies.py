"""Bodies with a value of the wrong kind at every place: each is answered or refused, and none is a crash."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from proxy.simulator.app import Simulator
from proxy.simulator.testing import call

HEADERS = {"anthropic-version": "2023-06-01", "x-sim-delay-ms": "0"}
STRAY: tuple[Any, ...] = (None, True, -1, 2**70, "x", [], [None], {"a": 1}, [{}])
SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "string", "pattern": "^a{2}$"}, "b": {"type": "array", "items": {"type": "integer"}, "minItems": 1}},
    "required": ["a"],
}
FUNCTION = {"type": "function", "function": {"name": "f", "parameters": SCHEMA}}
CHAT = {
    "model": "sim-fast",
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "x"}, {"type": "image_url", "image_url": {"url": "u"}}]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c", "content": "r"},
    ],
    "tools": [FUNCTION],
    "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [FUNCTION]}},
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}},
    "logprobs": True,
    "top_logprobs": 2,
    "n": 2,
    "reasoning_effort": "low",
    "stop": ["a"],
    "stream": True,
    "stream_options": {"include_usage": True},
}
RESPONSE = {
    "model": "sim-fast",
    "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "x"}]},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "x"}]},
        {"type": "reasoning", "summary": []},
    ],
    "reasoning": {"effort": "low", "summary": "auto"},
    "include": ["message.output_text.logprobs"],
    "text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA}},
    "tools": [{"type": "function", "name": "f", "parameters": SCHEMA}],
    "background": True,
    "stream": True,
}
MESSAGE = {
    "model": "sim-fast",
    "max_tokens": 2000,
    "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "x"}, {"type": "image", "source": {"type": "base64", "data": "x"}}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "r"}]}]},
    ],
    "tools": [{"name": "f", "input_schema": SCHEMA}],
    "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}, "effort": "low"},
    "stream": True,
}
CONTENTS = {
    "contents": [
        {"role": "user", "parts": [{"text": "x"}, {"inlineData": {"mimeType": "image/png", "data": "x"}}]},
        {"role": "model", "parts": [{"functionCall": {"id": "i", "name": "f", "args": {}}}]},
        {"role": "user", "parts": [{"functionResponse": {"id": "i", "name": "f", "response": {"r": 1}}}]},
    ],
    "systemInstruction": {"parts": [{"text": "s"}]},
    "tools": [{"functionDeclarations": [{"name": "f", "parameters": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}}]}],
    "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
    "generationConfig": {
        "candidateCount": 2,
        "responseMimeType": "application/json",
        "responseSchema": {"type": "OBJECT", "properties": {"a": {"type": "INTEGER", "minimum": 1}}},
        "responseLogprobs": True,
        "logprobs": 2,
        "thinkingConfig": {"includeThoughts": True, "thinkingBudget": 10},
        "maxOutputTokens": 100,
    },
}
OLLAMA = {
    "model": "sim-fast",
    "messages": [
        {"role": "user", "content": "x", "images": ["a"]},
        {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": {}}}]},
        {"role": "tool", "content": "x", "tool_name": "f"},
    ],
    "tools": [FUNCTION],
    "format": SCHEMA,
    "options": {"num_predict": 50, "stop": ["a"]},
    "think": "low",
}
EMBED = {"model": "models/sim-embed", "content": {"parts": [{"text": "x"}]}, "outputDimensionality": 4}
BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": CHAT,
    "/v1/completions": {"model": "sim-fast", "prompt": ["a", [1, 2]], "logprobs": 2, "echo": True, "n": 2},
    "/v1/embeddings": {"model": "sim-embed", "input": ["a", [1]], "dimensions": 8},
    "/v1/moderations": {"input": [{"type": "text", "text": "x"}, {"type": "image_url", "image_url": {"url": "u"}}]},
    "/v1/responses": RESPONSE,
    "/v1/messages": MESSAGE,
    "/v1beta/models/sim-fast:generateContent": CONTENTS,
    "/v1beta/models/sim-fast:streamGenerateContent?alt=sse": CONTENTS,
    "/v1beta/models/sim-fast:countTokens": {"generateContentRequest": {"contents": [{"parts": [{"text": "x"}]}]}},
    "/v1beta/models/sim-embed:batchEmbedContents": {"requests": [EMBED]},
    "/openai/deployments/sim-fast/chat/completions?api-version=2024-10-21": {"messages": [{"role": "user", "content": "x"}]},
    "/api/chat": OLLAMA,
    "/api/generate": {"model": "sim-fast", "prompt": "x", "system": "s", "images": ["a"], "think": True, "format": "json"},
    "/api/show": {"model": "sim-fast"},
}


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Return the path to every value inside `value`."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*at, key)
        yield from places(inner, (*at, key))


def changed(body: dict[str, Any], at: tuple[Any, ...], stray: Any) -> dict[str, Any]:
    body = copy.deepcopy(body)
    holder: Any = body
    for key in at[:-1]:
        holder = holder[key]
    holder[at[-1]] = stray
    return body


@pytest.mark.parametrize("path", BODIES)
async def test_body_is_answered(path):
    called = await call(Simulator(), "POST", path, BODIES[path], HEADERS)

    assert (called.status, called.is_complete) == (200, True)


@pytest.mark.parametrize("stray", STRAY, ids=repr)
@pytest.mark.parametrize("path", BODIES)
async def test_stray_value_anywhere_is_answered_or_refused(path, stray):
    app = Simulator()

    statuses = {(await call(app, "POST", path, changed(BODIES[path], at, stray), HEADERS)).status for at in places(BODIES[path])}

    assert statuses <= {200, 400, 404}
