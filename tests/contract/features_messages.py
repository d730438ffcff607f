"""Messages, with the official `anthropic` client."""

from __future__ import annotations

from typing import Any, Final

import anthropic
import pytest
from pydantic import BaseModel

from tests.contract.features import Clients, feature
from tests.contract.features_chat import LONG_TEXT, WEATHER, png, say

MESSAGES: Final = "messages"
TOOL: Final[Any] = {"name": "get_weather", "description": "The weather now.", "input_schema": WEATHER}
OTHER_TOOL: Final[Any] = {"name": "get_time", "input_schema": WEATHER}


class City(BaseModel):
    name: str
    people: int


def _create(clients: Clients, content: Any = "Repeat: one two three", model: str = "sim-fast", **fields: Any) -> Any:
    fields = {"max_tokens": 1000, "messages": say(content)} | fields
    return clients.anthropic.messages.create(model=clients.model(model), **fields)


def _text(message: Any) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def _calls(message: Any) -> list[tuple[str, set[str]]]:
    return sorted((block.name, set(block.input)) for block in message.content if block.type == "tool_use")


@feature(MESSAGES, "text")
def _(clients: Clients) -> None:
    message = _create(clients)

    assert (_text(message), message.stop_reason, message.usage.output_tokens) == ("one two three", "end_turn", 3)
    assert message.usage.input_tokens > 0


@feature(MESSAGES, "stream")
def _(clients: Clients) -> None:
    with clients.anthropic.messages.stream(model=clients.model(), max_tokens=100, messages=say("Repeat: one two three")) as stream:
        text = "".join(stream.text_stream)
        message = stream.get_final_message()

    assert text == "one two three" == _text(message)
    assert (message.stop_reason, message.usage.output_tokens) == ("end_turn", 3)


@feature(MESSAGES, "system prompt")
def _(clients: Clients) -> None:
    system = _create(clients, system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}])
    usage = system.usage

    read = usage.input_tokens + (usage.cache_creation_input_tokens or 0) + (usage.cache_read_input_tokens or 0)
    assert _text(system) == "one two three"
    assert read > _create(clients).usage.input_tokens


@feature(MESSAGES, "stop sequences")
def _(clients: Clients) -> None:
    message = _create(clients, stop_sequences=["two"])

    assert _text(message).strip() == "one"
    assert message.stop_reason in {"stop_sequence", "end_turn"}  # OpenAI's dialect and Gemini's do not tell them apart


@feature(MESSAGES, "max_tokens")
def _(clients: Clients) -> None:
    message = _create(clients, max_tokens=2)

    assert (message.stop_reason, message.usage.output_tokens) == ("max_tokens", 2)


@feature(MESSAGES, "temperature, top_p")
def _(clients: Clients) -> None:
    assert _text(_create(clients, extra_body={"temperature": 0.5})) == "one two three"


@feature(MESSAGES, "top_k", "openai azure azure-v1 openai_compatible", "top_k")
def _(clients: Clients) -> None:
    assert _text(_create(clients, extra_body={"top_k": 5})) == "one two three"


@feature(MESSAGES, "tool call")
def _(clients: Clients) -> None:
    message = _create(clients, model="sim-tools", tools=[TOOL])

    assert message.stop_reason == "tool_use"
    assert {name for name, _ in _calls(message)} == {"get_weather"}


@feature(MESSAGES, "parallel tool calls")
def _(clients: Clients) -> None:
    message = _create(clients, model="sim-tools", tools=[TOOL, OTHER_TOOL])

    assert _calls(message) == [("get_time", {"city"}), ("get_weather", {"city"})]


@feature(MESSAGES, "disable_parallel_tool_use", "gemini ollama", "tool_choice.disable_parallel_tool_use")
def _(clients: Clients) -> None:
    choice = {"type": "auto", "disable_parallel_tool_use": True}

    assert len(_calls(_create(clients, model="sim-tools", tools=[TOOL, OTHER_TOOL], tool_choice=choice))) == 1


@feature(MESSAGES, "tool calls in a stream")
def _(clients: Clients) -> None:
    model = clients.model("sim-tools")
    with clients.anthropic.messages.stream(model=model, max_tokens=1000, messages=say("Hello!"), tools=[TOOL, OTHER_TOOL]) as stream:
        message = stream.get_final_message()

    assert _calls(message) == [("get_time", {"city"}), ("get_weather", {"city"})]
    assert message.stop_reason == "tool_use"


@feature(MESSAGES, "tool result")
def _(clients: Clients) -> None:
    question = say("Hello!")
    called = _create(clients, model="sim-tools", messages=question, tools=[TOOL, OTHER_TOOL])
    results = [
        {"type": "tool_result", "tool_use_id": block.id, "content": "12 degrees"} for block in called.content if block.type == "tool_use"
    ]
    turns: Any = [{"role": "assistant", "content": called.content}, {"role": "user", "content": results}]

    answered = _create(clients, model="sim-tools", messages=[*question, *turns], tools=[TOOL, OTHER_TOOL])

    assert len(results) == 2
    assert _text(answered)
    assert answered.stop_reason == "end_turn"


@feature(MESSAGES, "tool_choice: any", "ollama", "tool_choice")
def _(clients: Clients) -> None:
    assert _calls(_create(clients, "Hello!", tools=[TOOL], tool_choice={"type": "any"}))


@feature(MESSAGES, "tool_choice: one tool", "ollama", "tool_choice")
def _(clients: Clients) -> None:
    message = _create(clients, "Hello!", tools=[TOOL, OTHER_TOOL], tool_choice={"type": "tool", "name": "get_time"})

    assert {name for name, _ in _calls(message)} == {"get_time"}


@feature(MESSAGES, "tool_choice: none")
def _(clients: Clients) -> None:
    assert not _calls(_create(clients, "Hello!", model="sim-tools", tools=[TOOL], tool_choice={"type": "none"}))


@feature(MESSAGES, "thinking")
def _(clients: Clients) -> None:
    message = _create(clients, "Repeat: yes", model="sim-reasoning", max_tokens=3000, thinking={"type": "enabled", "budget_tokens": 1024})

    assert _text(message) == "yes"
    assert [block.type for block in message.content] == ["thinking", "text"]


@feature(MESSAGES, "thinking in a stream")
def _(clients: Clients) -> None:
    with clients.anthropic.messages.stream(
        model=clients.model("sim-reasoning"),
        max_tokens=3000,
        messages=say("Repeat: yes"),
        thinking={"type": "enabled", "budget_tokens": 1024},
    ) as stream:
        message = stream.get_final_message()

    assert [block.type for block in message.content] == ["thinking", "text"]


@feature(MESSAGES, "thinking sent back with a tool result")
def _(clients: Clients) -> None:
    more: Any = {"model": "sim-tools", "tools": [TOOL], "max_tokens": 3000, "thinking": {"type": "enabled", "budget_tokens": 1024}}
    called = _create(clients, "Hello!", **more)
    results = [{"type": "tool_result", "tool_use_id": block.id, "content": "12"} for block in called.content if block.type == "tool_use"]
    turns: Any = [{"role": "assistant", "content": called.content}, {"role": "user", "content": results}]

    assert results
    assert _text(_create(clients, messages=[*say("Hello!"), *turns], **more))


@feature(MESSAGES, "structured output, parsed")
def _(clients: Clients) -> None:
    message = clients.anthropic.messages.parse(model=clients.model(), max_tokens=1000, messages=say("Which city?"), output_format=City)

    assert isinstance(message.parsed_output, City)


@feature(MESSAGES, "image as data")
def _(clients: Clients) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": png()}

    assert _text(_create(clients, [{"type": "image", "source": source}, {"type": "text", "text": "Repeat: seen"}])) == "seen"


@feature(MESSAGES, "image by address", "ollama", "messages")
def _(clients: Clients) -> None:
    source = {"type": "url", "url": "https://images.example/one.png"}

    assert _text(_create(clients, [{"type": "image", "source": source}, {"type": "text", "text": "Repeat: seen"}])) == "seen"


@feature(MESSAGES, "web search of Anthropic", "openai azure azure-v1 gemini ollama openai_compatible", "tools[0].type")
def _(clients: Clients) -> None:
    assert _create(clients, tools=[{"type": "web_search_20250305", "name": "web_search"}]).content


@feature(MESSAGES, "count_tokens")
def _(clients: Clients) -> None:
    counted = clients.anthropic.messages.count_tokens(model=clients.model(), messages=say("one two three"))

    assert counted.input_tokens > 0


@feature(MESSAGES, "error: rate limit of the provider")
def _(clients: Clients) -> None:
    with pytest.raises(anthropic.RateLimitError) as caught:
        _create(clients, model="sim-429")

    assert caught.value.type == "rate_limit_error"


@feature(MESSAGES, "error: failure of the provider")
def _(clients: Clients) -> None:
    with pytest.raises(anthropic.InternalServerError) as caught:
        _create(clients, model="sim-500")

    assert (caught.value.status_code, caught.value.type) == (502, "api_error")


@feature(MESSAGES, "error: prompt too long")
def _(clients: Clients) -> None:
    with pytest.raises(anthropic.BadRequestError) as caught:
        _create(clients, LONG_TEXT)

    assert caught.value.type == "invalid_request_error"
