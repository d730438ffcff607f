"""Tools in chat completions, with the official `openai` client."""

from __future__ import annotations

import json
from typing import Any, Final

import openai

from tests.contract.features import Clients, feature
from tests.contract.features_chat import WEATHER, Person, say

TOOLS: Final = "tools in chat completions"
TOOL: Final[Any] = {"type": "function", "function": {"name": "get_weather", "description": "The weather now.", "parameters": WEATHER}}
OTHER_TOOL: Final[Any] = {"type": "function", "function": {"name": "get_time", "parameters": WEATHER}}
NAMED: Final[Any] = {"type": "function", "function": {"name": "get_weather"}}


def _calls(completion: Any) -> list[tuple[str, set[str]]]:
    calls = completion.choices[0].message.tool_calls or []
    return [(call.function.name, set(json.loads(call.function.arguments))) for call in calls]


@feature(TOOLS, "tool call")
def _(clients: Clients) -> None:
    completion = clients.openai.chat.completions.create(model=clients.model("sim-tools"), messages=say("Hello!"), tools=[TOOL])

    assert completion.choices[0].finish_reason == "tool_calls"
    assert {name for name, _ in _calls(completion)} == {"get_weather"}
    assert all(names == {"city"} for _, names in _calls(completion))


@feature(TOOLS, "parallel tool calls")
def _(clients: Clients) -> None:
    completion = clients.openai.chat.completions.create(model=clients.model("sim-tools"), messages=say("Hello!"), tools=[TOOL, OTHER_TOOL])

    assert sorted(name for name, _ in _calls(completion)) == ["get_time", "get_weather"]


@feature(TOOLS, "parallel_tool_calls: false", "gemini ollama", "parallel_tool_calls")
def _(clients: Clients) -> None:
    completion = clients.openai.chat.completions.create(
        model=clients.model("sim-tools"), messages=say("Hello!"), tools=[TOOL, OTHER_TOOL], parallel_tool_calls=False
    )

    assert len(_calls(completion)) == 1


@feature(TOOLS, "tool calls in a stream")
def _(clients: Clients) -> None:
    with clients.openai.chat.completions.stream(
        model=clients.model("sim-tools"), messages=say("Hello!"), tools=[TOOL, OTHER_TOOL]
    ) as events:
        completion = events.get_final_completion()

    assert sorted(_calls(completion)) == [("get_time", {"city"}), ("get_weather", {"city"})]
    assert completion.choices[0].finish_reason == "tool_calls"


@feature(TOOLS, "tool result")
def _(clients: Clients) -> None:
    create = clients.openai.chat.completions.create
    model, question = clients.model("sim-tools"), say("Hello!")
    message = create(model=model, messages=question, tools=[TOOL, OTHER_TOOL]).choices[0].message
    results: Any = [{"role": "tool", "tool_call_id": call.id, "content": "12 degrees"} for call in message.tool_calls or ()]

    answered = create(model=model, messages=[*question, message.model_dump(exclude_none=True), *results], tools=[TOOL, OTHER_TOOL])

    assert len(results) == 2
    assert answered.choices[0].message.content
    assert answered.choices[0].finish_reason == "stop"


@feature(TOOLS, "tool_choice: none")
def _(clients: Clients) -> None:
    completion = clients.openai.chat.completions.create(
        model=clients.model("sim-tools"), messages=say("Hello!"), tools=[TOOL], tool_choice="none"
    )

    assert completion.choices[0].message.content
    assert not completion.choices[0].message.tool_calls


@feature(TOOLS, "tool_choice: required", "ollama", "tool_choice")
def _(clients: Clients) -> None:
    completion = clients.openai.chat.completions.create(model=clients.model(), messages=say("Hello!"), tools=[TOOL], tool_choice="required")

    assert {name for name, _ in _calls(completion)} == {"get_weather"}


@feature(TOOLS, "tool_choice: one tool", "ollama", "tool_choice")
def _(clients: Clients) -> None:
    completion = clients.openai.chat.completions.create(
        model=clients.model(), messages=say("Hello!"), tools=[TOOL, OTHER_TOOL], tool_choice=NAMED
    )

    assert {name for name, _ in _calls(completion)} == {"get_weather"}


@feature(TOOLS, "strict tool, parsed")
def _(clients: Clients) -> None:
    completion = clients.openai.chat.completions.parse(
        model=clients.model("sim-tools"), messages=say("Hello!"), tools=[openai.pydantic_function_tool(Person)]
    )

    calls = completion.choices[0].message.tool_calls
    assert calls
    assert all(isinstance(call.function.parsed_arguments, Person) for call in calls)
