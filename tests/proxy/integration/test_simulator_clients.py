"""The official clients of OpenAI, Azure and Anthropic, unchanged, against the simulator as a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest
from anthropic import Anthropic
from openai import AzureOpenAI, OpenAI

from proxy.simulator.testing import RunningSimulator, running_simulator

USER: Any = [{"role": "user", "content": "Repeat: one two"}]
THINKING: Any = {"type": "enabled", "budget_tokens": 1024}
TOOL: Any = {"name": "get_weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}
KEY = "right"
WAIT_S = 20.0


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with running_simulator("--require-key", KEY) as running:
        yield running


@pytest.fixture
def claude(simulator: RunningSimulator) -> Iterator[Anthropic]:
    with Anthropic(base_url=simulator.base_url, api_key=KEY, max_retries=0, timeout=WAIT_S) as made:
        yield made


@pytest.fixture
def client(simulator: RunningSimulator) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{simulator.base_url}/v1", api_key=KEY, max_retries=0, timeout=WAIT_S) as made:
        yield made


@pytest.fixture
def azure(simulator: RunningSimulator) -> Iterator[AzureOpenAI]:
    with AzureOpenAI(azure_endpoint=simulator.base_url, api_version="2024-10-21", api_key=KEY, max_retries=0, timeout=WAIT_S) as made:
        yield made


def test_anthropic_client_reads_thinking_whole_and_streamed(claude):
    options: Any = {"model": "sim-fast", "max_tokens": 2000, "thinking": THINKING, "messages": USER}
    whole = claude.messages.create(**options)
    with claude.messages.stream(**options) as stream:
        streamed = stream.get_final_message()

    assert [block.type for block in whole.content] == [block.type for block in streamed.content] == ["thinking", "text"]
    assert whole.content[0].thinking == streamed.content[0].thinking
    assert whole.content[0].signature == streamed.content[0].signature
    assert whole.usage.output_tokens == streamed.usage.output_tokens == 66


def test_anthropic_client_sends_thinking_and_calls_back(claude):
    options: Any = {"model": "sim-tools", "max_tokens": 2000, "thinking": THINKING, "tools": [TOOL]}
    called = claude.messages.create(messages=USER, **options)
    uses = [block for block in called.content if block.type == "tool_use"]
    results = [{"type": "tool_result", "tool_use_id": use.id, "content": "12 C"} for use in uses]
    followed = claude.messages.create(
        messages=[*USER, {"role": "assistant", "content": called.content}, {"role": "user", "content": results}], **options
    )

    assert called.stop_reason == "tool_use"
    assert len(uses) == 2
    assert (followed.content[-1].type, followed.stop_reason) == ("text", "end_turn")


def test_anthropic_client_collects_streamed_inputs(claude):
    with claude.messages.stream(model="sim-tools", max_tokens=500, messages=USER, tools=[TOOL], tool_choice={"type": "any"}) as stream:
        final = stream.get_final_message()

    assert [block.name for block in final.content] == ["get_weather", "get_weather"]
    assert all(isinstance(block.input["city"], str) for block in final.content)


@pytest.mark.parametrize(
    ("model", "error"),
    [
        ("sim-500", anthropic.InternalServerError),
        ("sim-429", anthropic.RateLimitError),
        ("sim-overloaded", anthropic.InternalServerError),
        ("sim-nothing", anthropic.NotFoundError),
    ],
)
def test_anthropic_client_raises_the_errors_of_failing_models(claude, model, error):
    with pytest.raises(error):
        claude.messages.create(model=model, max_tokens=5, messages=USER)


def test_azure_client_chats_whole_and_streamed_and_embeds(azure):
    whole = azure.chat.completions.create(model="sim-fast", messages=USER)
    with azure.chat.completions.create(model="sim-fast", messages=USER, stream=True) as stream:
        chunks = list(stream)
    embedded = azure.embeddings.create(model="sim-embed", input="one", dimensions=8)

    assert whole.choices[0].message.content == "one two"
    assert chunks[0].choices == []
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks[1:]) == "one two"
    assert len(embedded.data[0].embedding) == 8


def test_azure_client_raises_what_the_front_door_says(azure):
    with pytest.raises(openai.NotFoundError) as caught:
        azure.chat.completions.create(model="sim-nothing", messages=USER)

    assert caught.value.code == "DeploymentNotFound"


def test_client_keeps_a_conversation_by_its_responses(client):
    first = client.responses.create(model="sim-fast", input="Repeat: one", reasoning={"effort": "low", "summary": "auto"})
    second = client.responses.create(model="sim-fast", input="Repeat: two", previous_response_id=first.id)
    items = client.responses.input_items.list(second.id, order="asc")

    assert [item.type for item in first.output] == ["reasoning", "message"]
    assert client.responses.retrieve(second.id).output_text == "two"
    assert [item.type for item in items] == ["message", "reasoning", "message", "message"]
    client.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(first.id)


def test_client_cancels_a_background_response(client):
    made = client.responses.create(model="sim-hang", input="x", background=True)

    assert (made.status, client.responses.cancel(made.id).status) == ("queued", "cancelled")


def test_client_reads_streamed_reasoning(client):
    with client.responses.stream(model="sim-fast", input="Repeat: one two", reasoning={"effort": "low", "summary": "auto"}) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_response()

    assert "response.reasoning_summary_text.delta" in kinds
    assert final.output_text == "one two"


def test_client_reads_moderations_logprobs_and_counts(client):
    moderated = client.moderations.create(input="sim-flagged")
    answered = client.chat.completions.create(model="sim-fast", messages=USER, logprobs=True, top_logprobs=2)
    counted = client.responses.input_tokens.count(model="sim-fast", input="one two")

    assert moderated.results[0].categories.violence is True
    assert [entry.token for entry in answered.choices[0].logprobs.content] == ["one", " two"]
    assert counted.input_tokens > 0


def test_clients_read_answers_of_ten_megabytes(client, claude):
    said = client.chat.completions.create(model="sim-big-line", messages=[{"role": "user", "content": "Tell me"}])
    with claude.messages.stream(model="sim-big-line", max_tokens=500, messages=[{"role": "user", "content": "Tell me"}]) as stream:
        streamed = stream.get_final_text()

    assert len(said.choices[0].message.content) > 10 * 1024 * 1024
    assert len(streamed) > 10 * 1024 * 1024
