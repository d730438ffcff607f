"""The official `openai` client, unchanged, against a real installation: what it gets when everything goes well."""

from __future__ import annotations

import asyncio
import json

import openai
import pytest

from tests.installation import Installation

HELLO = [{"role": "user", "content": "Hello!"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def _echo(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": f"Repeat: {text}"}]


def test_a_chat_completion_comes_whole(client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(model="sim-fast", messages=_echo("one two three"))

    assert completion.object == "chat.completion"
    assert completion.model == "sim-fast"
    assert completion.choices[0].message.content == "one two three"
    assert completion.choices[0].finish_reason == "stop"
    assert completion.usage is not None
    assert completion.usage.completion_tokens == 3
    assert completion.usage.total_tokens == completion.usage.prompt_tokens + 3
    assert completion._request_id


def test_a_chat_completion_streams(client: openai.OpenAI) -> None:
    with client.chat.completions.create(model="sim-chat", messages=_echo("one two three"), stream=True) as stream:
        chunks = list(stream)

    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "one two three"
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices[0].finish_reason] == ["stop"]


def test_a_stream_without_asking_for_usage_shows_no_usage_chunk(client: openai.OpenAI) -> None:
    with client.chat.completions.create(model="sim-fast", messages=HELLO, stream=True) as stream:
        chunks = list(stream)

    assert all(chunk.choices for chunk in chunks)
    assert all(chunk.usage is None for chunk in chunks)


def test_a_stream_with_usage_ends_with_one_usage_chunk_without_choices(client: openai.OpenAI) -> None:
    with client.chat.completions.create(
        model="sim-fast", messages=_echo("one two three"), stream=True, stream_options={"include_usage": True}
    ) as stream:
        chunks = list(stream)

    assert [bool(chunk.choices) for chunk in chunks] == [True] * (len(chunks) - 1) + [False]
    assert [chunk.usage for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 3


def test_the_streaming_helper_accumulates_an_answer(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(model="sim-fast", messages=_echo("one two three")) as stream:
        final = stream.get_final_completion()

    assert final.choices[0].message.content == "one two three"


def test_the_models_are_listed_and_retrieved(client: openai.OpenAI) -> None:
    listed = {model.id for model in client.models.list()}

    retrieved = client.models.retrieve("sim-chat")

    assert {"sim-chat", "sim-fast", "sim-tools", "sim-json", "test-hang"} <= listed
    assert (retrieved.id, retrieved.object) == ("sim-chat", "model")
    assert retrieved.created > 0
    assert retrieved.owned_by


def test_only_the_models_that_a_key_may_use_are_listed(installation: Installation, keys: dict[str, str]) -> None:
    with openai.OpenAI(base_url=f"{installation.base_url}/v1", api_key=keys["narrow"]) as narrow:
        listed = [model.id for model in narrow.models.list()]

    assert listed == ["sim-fast"]


def test_a_tool_is_called(client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(model="sim-tools", messages=HELLO, tools=[WEATHER])

    choice = completion.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    assert choice.message.tool_calls
    call = choice.message.tool_calls[0]
    assert call.type == "function"
    assert call.function.name == "get_weather"
    assert set(json.loads(call.function.arguments)) == {"city"}


def test_a_tool_call_streams_in_pieces(client: openai.OpenAI) -> None:
    named = {"type": "function", "function": {"name": "get_weather"}}

    with client.chat.completions.create(model="sim-tools", messages=HELLO, tools=[WEATHER], tool_choice=named, stream=True) as stream:
        deltas = [call for chunk in stream for call in chunk.choices[0].delta.tool_calls or ()]

    assert [call.function.name for call in deltas if call.function.name] == ["get_weather"]
    assert set(json.loads("".join(call.function.arguments for call in deltas))) == {"city"}


def test_json_mode_answers_with_an_object(client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(model="sim-json", messages=HELLO, response_format={"type": "json_object"})

    assert isinstance(json.loads(completion.choices[0].message.content or ""), dict)


def test_a_schema_is_passed_on_and_followed(client: openai.OpenAI) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "warm": {"type": "boolean"}},
        "required": ["city", "warm"],
        "additionalProperties": False,
    }

    completion = client.chat.completions.create(
        model="sim-json", messages=HELLO, response_format={"type": "json_schema", "json_schema": {"name": "w", "schema": schema}}
    )

    answer = json.loads(completion.choices[0].message.content or "")
    assert set(answer) == {"city", "warm"}
    assert isinstance(answer["warm"], bool)


@pytest.mark.parametrize("is_stream", [False, True])
async def test_the_async_client_works_alike(installation: Installation, keys: dict[str, str], is_stream: bool) -> None:
    async with openai.AsyncOpenAI(base_url=f"{installation.base_url}/v1", api_key=keys["everything"]) as client:
        answer = await client.chat.completions.create(model="sim-fast", messages=_echo("one two"), stream=is_stream)
        pieces = [chunk.choices[0].delta.content or "" async for chunk in answer] if is_stream else [answer.choices[0].message.content]

    assert "".join(pieces) == "one two"


async def test_parallel_streams_do_not_mix(installation: Installation, keys: dict[str, str]) -> None:
    async with openai.AsyncOpenAI(base_url=f"{installation.base_url}/v1", api_key=keys["everything"]) as client:

        async def stream(number: int) -> str:
            answer = await client.chat.completions.create(model="sim-chat", messages=_echo(f"stream {number} here"), stream=True)
            return "".join([chunk.choices[0].delta.content or "" async for chunk in answer])

        texts = await asyncio.gather(*(stream(number) for number in range(20)))

    assert texts == [f"stream {number} here" for number in range(20)]


def test_every_documented_header_is_there(client: openai.OpenAI) -> None:
    answer = client.chat.completions.with_raw_response.create(model="sim-fast", messages=HELLO)

    headers = answer.headers
    assert headers["x-request-id"] == headers["request-id"] == answer.request_id
    assert headers["x-gateway-backend"] == "simulator"
    assert headers["x-gateway-attempts"] == "1"
    assert int(headers["x-gateway-revision"]) >= 1
    assert float(headers["x-gateway-cost-usd"]) > 0
    assert headers["x-response-time"].endswith("ms")
    assert float(headers["x-response-time"].removesuffix("ms")) == pytest.approx(float(headers["x-process-time"]) * 1000, abs=0.02)
    assert {"authenticate", "reserve", "route", "upstream", "total"} <= {
        part.partition(";")[0].strip() for part in headers["server-timing"].split(",")
    }
    assert int(headers["x-ratelimit-limit-requests"]) >= int(headers["x-ratelimit-remaining-requests"]) >= 0
    assert headers["x-ratelimit-reset-requests"]
