"""Responses, with the official `openai` client."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import openai
import pytest

from tests.contract.features import FEATURES, Check, Clients, feature
from tests.contract.features_chat import IN_OTHER_WORDS, WEATHER, Person, check_too_long, png

RESPONSES: Final = "responses"
TOOL: Final[Any] = {"type": "function", "name": "get_weather", "description": "The weather now.", "parameters": WEATHER, "strict": False}
OTHER_TOOL: Final[Any] = {"type": "function", "name": "get_time", "parameters": WEATHER, "strict": False}
_TRANSLATED: Final = "anthropic gemini ollama openai_compatible"


def _feature(name: str, refused: str = "", param: str = "", **more: Any) -> Callable[[Check], Check]:
    """Put a check into the table: deployments of Azure take no responses at all, which have a path of their own there."""

    def keep(check: Check) -> Check:
        kept = feature(RESPONSES, name, refused, param, **more)(check)
        FEATURES[-1] = replace(FEATURES[-1], refused={**FEATURES[-1].refused, "azure": "model"})
        return kept

    return keep


def _create(clients: Clients, input_: Any = "Repeat: one two three", model: str = "sim-fast", **fields: Any) -> Any:
    return clients.openai.responses.create(model=clients.model(model), input=input_, **fields)


def _calls(response: Any) -> list[tuple[str, set[str]]]:
    return sorted((item.name, set(json.loads(item.arguments))) for item in response.output if item.type == "function_call")


@_feature("text")
def _(clients: Clients) -> None:
    response = _create(clients)

    assert (response.output_text, response.status, response.usage.output_tokens) == ("one two three", "completed", 3)
    assert response.usage.input_tokens > 0


@_feature("stream")
def _(clients: Clients) -> None:
    with clients.openai.responses.stream(model=clients.model(), input="Repeat: one two three") as events:
        deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
        response = events.get_final_response()

    assert "".join(deltas) == "one two three" == response.output_text
    assert response.usage is not None
    assert response.usage.output_tokens == 3


@_feature("instructions")
def _(clients: Clients) -> None:
    with_instructions = _create(clients, instructions="Be brief.")

    assert with_instructions.output_text == "one two three"
    assert with_instructions.usage.input_tokens > _create(clients).usage.input_tokens


@_feature("max_output_tokens")
def _(clients: Clients) -> None:
    response = _create(clients, max_output_tokens=2)

    assert (response.status, response.incomplete_details.reason) == ("incomplete", "max_output_tokens")


@_feature("tool calls")
def _(clients: Clients) -> None:
    assert _calls(_create(clients, model="sim-tools", tools=[TOOL, OTHER_TOOL])) == [("get_time", {"city"}), ("get_weather", {"city"})]


@_feature("tool calls in a stream")
def _(clients: Clients) -> None:
    with clients.openai.responses.stream(model=clients.model("sim-tools"), input="Hello!", tools=[TOOL, OTHER_TOOL]) as events:
        response = events.get_final_response()

    assert _calls(response) == [("get_time", {"city"}), ("get_weather", {"city"})]


@_feature("tool result")
def _(clients: Clients) -> None:
    called = _create(clients, "Hello!", model="sim-tools", tools=[TOOL])
    calls = [item for item in called.output if item.type == "function_call"]
    results = [{"type": "function_call_output", "call_id": call.call_id, "output": "12 degrees"} for call in calls]

    answered = _create(clients, [{"role": "user", "content": "Hello!"}, *called.output, *results], model="sim-tools", tools=[TOOL])

    assert calls
    assert answered.output_text


@_feature("tool result after previous_response_id")
def _(clients: Clients) -> None:
    called = _create(clients, "Hello!", model="sim-tools", tools=[TOOL])
    calls = [item for item in called.output if item.type == "function_call"]
    results = [{"type": "function_call_output", "call_id": call.call_id, "output": "12 degrees"} for call in calls]

    answered = _create(clients, results, model="sim-tools", tools=[TOOL], previous_response_id=called.id)

    assert calls
    assert answered.output_text


@_feature("tool_choice: one tool", "ollama", "tool_choice")
def _(clients: Clients) -> None:
    response = _create(clients, tools=[TOOL, OTHER_TOOL], tool_choice={"type": "function", "name": "get_time"})

    assert {name for name, _ in _calls(response)} == {"get_time"}


@_feature("structured output, parsed")
def _(clients: Clients) -> None:
    response = clients.openai.responses.parse(model=clients.model(), input="Who?", text_format=Person)

    assert isinstance(response.output_parsed, Person)


@_feature("JSON mode", "anthropic", "text.format")
def _(clients: Clients) -> None:
    response = _create(clients, "Answer in JSON.", text={"format": {"type": "json_object"}})

    assert isinstance(json.loads(response.output_text), dict)


@_feature("reasoning")
def _(clients: Clients) -> None:
    response = _create(clients, "Repeat: yes", model="sim-reasoning", reasoning={"effort": "low", "summary": "auto"})

    assert response.output_text == "yes"
    assert [item.type for item in response.output] == ["reasoning", "message"]


@_feature("image as data")
def _(clients: Clients) -> None:
    image = {"type": "input_image", "image_url": f"data:image/png;base64,{png()}", "detail": "auto"}
    content = [image, {"type": "input_text", "text": "Repeat: seen"}]

    assert _create(clients, [{"role": "user", "content": content}]).output_text == "seen"


@_feature("previous_response_id")
def _(clients: Clients) -> None:
    first = _create(clients, "Hello!")
    second = _create(clients, "Repeat: again", previous_response_id=first.id)

    assert second.output_text == "again"
    assert second.previous_response_id == first.id
    assert second.usage.input_tokens > first.usage.input_tokens


@_feature("retrieve")
def _(clients: Clients) -> None:
    created = _create(clients)
    retrieved = clients.openai.responses.retrieve(created.id)

    assert (retrieved.id, retrieved.output_text, retrieved.status) == (created.id, "one two three", "completed")


@_feature("delete")
def _(clients: Clients) -> None:
    created = _create(clients)
    clients.openai.responses.delete(created.id)

    with pytest.raises(openai.NotFoundError):
        clients.openai.responses.retrieve(created.id)


@_feature("store: false")
def _(clients: Clients) -> None:
    created = _create(clients, store=False)

    with pytest.raises(openai.NotFoundError):
        clients.openai.responses.retrieve(created.id)


@_feature("background", _TRANSLATED, "background")
def _(clients: Clients) -> None:
    assert _create(clients, background=True).status in {"queued", "in_progress", "completed"}


@_feature("web search of OpenAI", _TRANSLATED, "tools[0]")
def _(clients: Clients) -> None:
    assert _create(clients, tools=[{"type": "web_search"}]).output


@_feature("error: rate limit of the provider")
def _(clients: Clients) -> None:
    with pytest.raises(openai.RateLimitError):
        _create(clients, model="sim-429")


@_feature("error: failure of the provider")
def _(clients: Clients) -> None:
    with pytest.raises(openai.InternalServerError) as caught:
        _create(clients, model="sim-500")

    assert (caught.value.status_code, caught.value.code) == (502, "upstream_error")


@_feature("error: prompt too long", absent=IN_OTHER_WORDS)
def _(clients: Clients) -> None:
    check_too_long(lambda text: _create(clients, text))
