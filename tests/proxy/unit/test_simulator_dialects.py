"""Embeddings, Responses, Anthropic and Ollama: their shapes and the order of their events."""

from __future__ import annotations

import math
from array import array
from base64 import b64decode
from typing import Any

import msgspec
import pytest

from proxy.simulator.app import Simulator
from proxy.simulator.testing import Called, call

ANTHROPIC = {"anthropic-version": "2023-06-01"}
USER = [{"role": "user", "content": "Repeat: one two three"}]
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}}


async def post(path: str, **body: Any) -> Called:
    return await call(Simulator(), "POST", path, body, ANTHROPIC)


# Embeddings


async def embed(text: Any, **options: Any) -> list[list[float]]:
    called = await post("/v1/embeddings", model="sim-embed", input=text, **options)
    return [each["embedding"] for each in called.json()["data"]]


def similarity(left: list[float], right: list[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


async def test_embedding_is_deterministic_and_of_unit_length():
    (first,), (again,) = await embed("a rate limiter"), await embed("a rate limiter")

    assert first == again
    assert len(first) == 1536
    assert math.isclose(similarity(first, first), 1, abs_tol=1e-5)


async def test_embeddings_of_similar_texts_lie_closer_than_those_of_others():
    question, paraphrase, other = await embed(["reset my password", "How can I reset passwords?", "capital of France"])

    assert similarity(question, paraphrase) > 0.5 > similarity(question, other)


async def test_embedding_honours_dimensions_and_base64():
    (numbers,) = await embed("a rate limiter", dimensions=64)
    (encoded,) = await embed("a rate limiter", dimensions=64, encoding_format="base64")

    assert array("f", b64decode(encoded)).tolist() == pytest.approx(numbers)
    assert len(numbers) == 64


async def test_embeddings_accept_texts_and_token_numbers_and_count_them():
    called = await post("/v1/embeddings", model="text-embedding-3-small", input=[[1, 2, 3], "four"])

    assert [each["index"] for each in called.json()["data"]] == [0, 1]
    assert called.json()["usage"] == {"prompt_tokens": 4, "total_tokens": 4}


@pytest.mark.parametrize("options", [{"input": ""}, {"input": []}, {"input": ["a", ""]}, {"input": "a", "dimensions": 0}, {}])
async def test_embeddings_refuse_empty_inputs_and_senseless_dimensions(options):
    called = await post("/v1/embeddings", model="sim-embed", **options)

    assert (called.status, called.json()["error"]["type"]) == (400, "invalid_request_error")


# Responses


async def test_response_answers_with_one_message_and_its_usage():
    called = await post("/v1/responses", model="sim-fast", input="Repeat: one two three", instructions="Be brief.")

    response = called.json()
    assert response["status"] == "completed"
    assert response["output"][0]["content"][0]["text"] == "one two three"
    assert response["usage"]["output_tokens"] == 3
    assert response["usage"]["total_tokens"] == response["usage"]["input_tokens"] + 3


async def test_response_stream_has_rising_numbers_and_the_documented_order():
    called = await post("/v1/responses", model="sim-fast", input="Repeat: one two", stream=True)

    events = called.events()
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [event["type"].removeprefix("response.") for event in events] == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert events[-1]["response"]["output"][0]["content"][0]["text"] == "one two"


async def test_response_cut_by_its_limit_is_incomplete():
    whole = await post("/v1/responses", model="sim-fast", input="Repeat: one two", max_output_tokens=1)
    streamed = await post("/v1/responses", model="sim-fast", input="Repeat: one two", max_output_tokens=1, stream=True)

    assert whole.json()["status"] == "incomplete"
    assert whole.json()["incomplete_details"] == {"reason": "max_output_tokens"}
    assert streamed.events()[-1]["type"] == "response.incomplete"


async def test_response_streams_parallel_function_calls():
    tools = [{"type": "function", "name": name, "parameters": PARAMETERS} for name in ("get_weather", "get_time")]
    called = await post("/v1/responses", model="sim-tools", input="How is it?", tools=tools, stream=True)

    events = called.events()
    output = events[-1]["response"]["output"]
    for index, item in enumerate(output):
        deltas = [e["delta"] for e in events if e["type"] == "response.function_call_arguments.delta" and e["output_index"] == index]
        assert "".join(deltas) == item["arguments"]
    assert [item["name"] for item in output] == ["get_weather", "get_time"]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))


async def test_response_to_a_function_output_is_in_words():
    items = [
        {"role": "user", "content": [{"type": "input_text", "text": "How is it?"}]},
        {"type": "function_call", "call_id": "1", "name": "get_weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "1", "output": "12 C"},
    ]
    tools = [{"type": "function", "name": "get_weather", "parameters": PARAMETERS}]
    called = await post("/v1/responses", model="sim-tools", input=items, tools=tools)

    assert called.json()["output"][0]["type"] == "message"


async def test_failing_response_stream_ends_in_response_failed_with_a_higher_number():
    called = await post("/v1/responses", model="sim-error-in-stream", input="Hello", stream=True)

    *_, before, last = called.events()
    assert last["type"] == "response.failed"
    assert last["response"]["error"]["code"] == "server_error"
    assert last["sequence_number"] > before["sequence_number"]


# Anthropic


async def test_message_answers_with_a_text_block():
    called = await post("/v1/messages", model="sim-fast", max_tokens=100, messages=USER)

    message = called.json()
    assert message["content"] == [{"type": "text", "text": "one two three"}]
    assert (message["stop_reason"], message["stop_sequence"]) == ("end_turn", None)
    assert message["usage"]["output_tokens"] == 3
    assert called.headers["request-id"].startswith("req_")


async def test_message_stream_has_anthropics_events():
    called = await post("/v1/messages", model="sim-fast", max_tokens=2, messages=USER, stream=True)

    events = called.events()
    named = [line[7:] for line in called.body.decode().split("\n") if line.startswith("event: ")]
    assert (
        named
        == [event["type"] for event in events]
        == [
            "message_start",
            "content_block_start",
            "ping",
            "content_block_delta",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]
    )
    assert events[0]["message"]["usage"]["input_tokens"] > 0
    assert events[-2] == {
        "type": "message_delta",
        "delta": {"stop_reason": "max_tokens", "stop_sequence": None},
        "usage": {
            "input_tokens": events[0]["message"]["usage"]["input_tokens"],
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 2,
        },
    }


async def test_message_streams_tool_use_with_partial_json():
    tools = [{"name": "get_weather", "input_schema": PARAMETERS}]
    options = {"model": "sim-tools", "max_tokens": 200, "messages": [{"role": "user", "content": "How is it?"}], "tools": tools}
    whole, streamed = await post("/v1/messages", **options), await post("/v1/messages", **options, stream=True)

    blocks = whole.json()["content"]
    assert whole.json()["stop_reason"] == "tool_use"
    assert [block["type"] for block in blocks] == ["tool_use", "tool_use"]
    assert blocks[0]["input"] != blocks[1]["input"]
    deltas = [e["delta"]["partial_json"] for e in streamed.events() if e["type"] == "content_block_delta" and e["index"] == 1]
    assert msgspec.json.decode("".join(deltas)) == blocks[1]["input"]


async def test_message_after_a_tool_result_is_in_words():
    said = [
        {"role": "user", "content": "How is it?"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "get_weather", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "12 C"}]},
    ]
    tools = [{"name": "get_weather", "input_schema": PARAMETERS}]
    called = await post("/v1/messages", model="sim-tools", max_tokens=200, messages=said, tools=tools)

    assert [block["type"] for block in called.json()["content"]] == ["text"]


async def test_message_names_the_stop_sequence_that_ended_it():
    called = await post("/v1/messages", model="sim-fast", max_tokens=100, messages=USER, stop_sequences=[" three"])

    assert (called.json()["stop_reason"], called.json()["stop_sequence"]) == ("stop_sequence", " three")


async def test_count_tokens_is_what_the_message_is_charged_for():
    system = [{"type": "text", "text": "Be brief."}]
    counted = await post("/v1/messages/count_tokens", model="sim-fast", messages=USER, system=system)
    answered = await post("/v1/messages", model="sim-fast", max_tokens=100, messages=USER, system=system)

    assert counted.json() == {"input_tokens": answered.json()["usage"]["input_tokens"]}


@pytest.mark.parametrize(
    ("options", "status", "kind"),
    [
        ({"messages": USER}, 400, "invalid_request_error"),
        ({"messages": USER, "max_tokens": 5, "model": "sim-429"}, 429, "rate_limit_error"),
        ({"messages": USER, "max_tokens": 5, "model": "sim-500"}, 500, "api_error"),
        ({"messages": USER, "max_tokens": 5, "model": "sim-nothing"}, 404, "not_found_error"),
    ],
)
async def test_anthropic_errors_have_anthropics_shape(options, status, kind):
    called = await post("/v1/messages", **{"model": "sim-fast"} | options)

    error = called.json()
    assert called.status == status
    assert (error["type"], error["error"]["type"]) == ("error", kind)
    assert error["request_id"] == called.headers["request-id"]


async def test_anthropic_insists_on_its_version_header():
    called = await call(Simulator(), "POST", "/v1/messages", {"model": "sim-fast", "max_tokens": 5, "messages": USER})

    assert (called.status, called.json()["error"]["message"]) == (400, "anthropic-version: header is required")


async def test_error_in_an_anthropic_stream_is_an_error_event():
    called = await post(
        "/v1/messages", model="sim-error-in-stream", max_tokens=100, messages=[{"role": "user", "content": "Hello"}], stream=True
    )

    assert called.body.endswith(b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n')


async def test_models_speak_anthropic_to_anthropics_client():
    called = await call(Simulator(), "GET", "/v1/models", headers=ANTHROPIC)

    assert called.json()["data"][0]["type"] == "model"
    assert called.json()["has_more"] is False


# Ollama


async def test_ollama_streams_lines_unless_told_otherwise():
    streamed = await post("/api/chat", model="sim-fast", messages=USER)
    whole = await post("/api/chat", model="sim-fast", messages=USER, stream=False)

    *said, last = streamed.lines()
    assert streamed.headers["content-type"] == "application/x-ndjson"
    assert "".join(line["message"]["content"] for line in said) == whole.json()["message"]["content"] == "one two three"
    assert [line["done"] for line in said] == [False] * 3
    assert (last["done"], last["done_reason"], last["eval_count"]) == (True, "stop", 3)


async def test_ollama_generate_honours_num_predict():
    called = await post("/api/generate", model="sim-fast", prompt="Repeat: one two three", stream=False, options={"num_predict": 2})

    assert (called.json()["response"], called.json()["done_reason"]) == ("one two", "length")


async def test_ollama_format_may_be_a_schema():
    called = await post(
        "/api/chat", model="sim-fast", messages=USER, stream=False, format={"type": "object", "properties": {"a": {"const": 1}}}
    )

    assert called.json()["message"]["content"] == '{"a":1}'


async def test_ollama_sends_each_tool_call_whole():
    tools = [{"type": "function", "function": {"name": "get_weather", "parameters": PARAMETERS}}]
    called = await post("/api/chat", model="sim-tools", messages=[{"role": "user", "content": "How is it?"}], tools=tools)

    *said, last = called.lines()
    names = [each["function"]["name"] for line in said for each in line["message"]["tool_calls"]]
    assert names == ["get_weather", "get_weather"]
    assert all(isinstance(line["message"]["tool_calls"][0]["function"]["arguments"], dict) for line in said)
    assert last["done"] is True


async def test_ollama_embeds_and_lists_its_models():
    embedded = await post("/api/embed", model="all-minilm", input=["one", "two"])
    listed = await call(Simulator(), "GET", "/api/tags")

    assert [len(vector) for vector in embedded.json()["embeddings"]] == [384, 384]
    assert "sim-chat:latest" in [model["name"] for model in listed.json()["models"]]


async def test_ollama_errors_are_one_sentence():
    called = await post("/api/chat", model="sim-nothing", messages=USER)

    assert (called.status, called.json()) == (404, {"error": 'model "sim-nothing" not found, try pulling it first'})
