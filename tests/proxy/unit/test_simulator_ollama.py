"""Ollama: thinking, tools, images, what is loaded, what is shown, and what Go's decoder refuses."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.simulator.app import Simulator
from proxy.simulator.testing import Called, call

USER: list[dict[str, Any]] = [{"role": "user", "content": "Repeat: one two"}]
TOOL = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}


async def chat(**fields: Any) -> Called:
    return await call(Simulator(), "POST", "/api/chat", {"model": "sim-fast", "messages": USER} | fields)


async def test_thinking_is_a_field_of_its_own_in_both_endpoints():
    whole = (await chat(think=True, stream=False)).json()
    generated = (
        await call(Simulator(), "POST", "/api/generate", {"model": "sim-fast", "prompt": "Repeat: a", "think": True, "stream": False})
    ).json()

    assert whole["message"]["content"] == "one two"
    assert whole["message"]["thinking"]
    assert whole["eval_count"] == 32 + 2
    assert (generated["response"], bool(generated["thinking"])) == ("a", True)


async def test_streamed_thinking_comes_before_the_content():
    *lines, last = (await chat(think="minimal")).lines()

    assert ["thinking" in line["message"] for line in lines] == [True] * 8 + [False] * 2
    assert [line["message"]["content"] for line in lines] == [""] * 8 + ["one", " two"]
    assert last["message"] == {"role": "assistant", "content": ""}


async def test_model_that_thinks_by_itself_can_be_told_not_to():
    thinking = (await chat(model="sim-reasoning", stream=False)).json()["message"]
    quiet = (await chat(model="sim-reasoning", think=False, stream=False)).json()["message"]

    assert "thinking" in thinking
    assert "thinking" not in quiet


async def test_tool_calls_have_an_identifier_and_a_number():
    calls = (await chat(model="sim-tools", tools=[TOOL], stream=False)).json()["message"]["tool_calls"]

    assert [each["function"]["index"] for each in calls] == [0, 1]
    assert len({each["id"] for each in calls}) == 2
    assert isinstance(calls[0]["function"]["arguments"]["city"], str)


async def test_images_are_counted_in_both_endpoints():
    counts = []
    for images in ([], ["aGVsbG8="]):
        chatted = (await chat(messages=[USER[0] | {"images": images}], stream=False)).json()
        body = {"model": "sim-fast", "prompt": "Repeat: a", "images": images, "stream": False}
        generated = (await call(Simulator(), "POST", "/api/generate", body)).json()
        counts.append((chatted["prompt_eval_count"], generated["prompt_eval_count"]))

    assert [after - before for before, after in zip(*counts, strict=True)] == [85, 85]


async def test_nothing_said_only_loads_the_model():
    chatted = (await chat(messages=[])).json()
    generated = (await call(Simulator(), "POST", "/api/generate", {"model": "sim-fast"})).json()

    assert (chatted["done"], chatted["done_reason"], chatted["message"]["content"]) == (True, "load", "")
    assert (generated["done"], generated["done_reason"], generated["response"]) == (True, "load", "")


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([{"role": "user", "content": [{"type": "text", "text": "x"}]}], "cannot unmarshal array into Go struct field"),
        (
            [*USER, {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}],
            "cannot unmarshal string into Go struct field ChatRequest.messages.tool_calls.function.arguments",
        ),
    ],
)
async def test_shapes_of_other_dialects_are_refused(messages, words):
    called = await chat(messages=messages)

    assert called.status == 400
    assert words in called.json()["error"]


async def test_result_of_a_tool_is_answered_in_words():
    asked = {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "get_weather", "arguments": {"city": "Vienna"}}}]}
    told = {"role": "tool", "tool_name": "get_weather", "content": "12 C"}
    answered = (await chat(model="sim-tools", tools=[TOOL], messages=[*USER, asked, told], stream=False)).json()

    assert "tool_calls" not in answered["message"]
    assert answered["message"]["content"]


async def test_show_tells_what_a_model_can_do():
    shown = await call(Simulator(), "POST", "/api/show", {"model": "sim-chat:latest"})
    embedding = await call(Simulator(), "POST", "/api/show", {"name": "sim-embed"})
    failing = await call(Simulator(), "POST", "/api/show", {"model": "sim-500"})
    missing = await call(Simulator(), "POST", "/api/show", {"model": "sim-nothing"})

    assert shown.json()["capabilities"] == ["completion", "tools", "vision", "thinking"]
    assert shown.json()["model_info"]["simulator.context_length"] == 131_072
    assert embedding.json()["capabilities"] == ["embedding"]
    assert failing.status == 200
    assert (missing.status, missing.json()) == (404, {"error": 'model "sim-nothing" not found, try pulling it first'})
