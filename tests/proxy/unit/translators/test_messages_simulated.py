"""Both sides of Anthropic's dialect against the simulator, which refuses what Anthropic refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.errors import UpstreamBroken
from proxy.simulator.app import Simulator
from proxy.simulator.testing import Called, call
from proxy.snapshot import Target
from proxy.translators.clients.messages import CODEC as CLIENT
from proxy.translators.conversation import (
    Choice,
    Conversation,
    Message,
    OutputFormat,
    Reasoning,
    ReasoningWish,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from proxy.translators.direct_messages import DIRECT
from proxy.translators.fold import fold_reply
from proxy.translators.providers.anthropic import CODEC
from proxy.translators.translated import TranslatedStream
from proxy.translators.translation import UpstreamCall
from tests.proxy.messages_help import BACKEND, asked, parse_events

FAST = Target("sim", "sim-fast")
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}
WEATHER = Tool("get_weather", "Tells the weather.", SCHEMA)
REPEAT = Message("user", (Text("Repeat: one two"),))
USER: list[dict[str, Any]] = [{"role": "user", "content": "Repeat: one two"}]


async def send(called: UpstreamCall) -> Called:
    headers = {name.decode(): value.decode() for name, value in called.headers}
    return await call(Simulator(), called.method, f"/v1{called.path}", called.body, headers)


async def ask(*messages: Message, target: Target = FAST, **fields: Any) -> Choice:
    """Return the answer to a conversation, after it was seen that it is the same when streamed."""
    conversation = Conversation(**({"model": "m", "messages": messages} | fields))
    whole = await send(CODEC.dump_request(conversation, target, BACKEND))
    assert whole.status == 200, whole.body
    streamed = await send(
        CODEC.dump_request(Conversation(**({"model": "m", "messages": messages, "is_stream": True} | fields)), target, BACKEND)
    )
    stream = CODEC.begin_stream()
    folded = fold_reply([*stream.feed(streamed.body), *stream.close()])
    reply = CODEC.parse_reply(whole.body)
    assert folded.usage is not None
    assert reply.usage is not None
    assert (folded.usage.input_tokens, folded.usage.output_tokens) == (reply.usage.input_tokens, reply.usage.output_tokens)
    assert [_without_id(part) for part in folded.choices[0].parts] == [_without_id(part) for part in reply.choices[0].parts]
    return reply.choices[0]


def _without_id(part: object) -> object:
    """Return what is the same in two answers to one question: the simulator names each call anew and writes its own blanks."""
    return (part.name, json.loads(part.arguments)) if isinstance(part, ToolCall) else part


async def test_a_conversation_is_answered():
    assert await ask(Message("system", (Text("Be kind."),)), REPEAT) == Choice((Text("one two"),), "stop")


async def test_tools_are_called_and_told_what_they_gave():
    choice = await ask(REPEAT, tools=(WEATHER,), tool_choice=ToolChoice("required"))
    called = [part for part in choice.parts if isinstance(part, ToolCall)]

    answer = await ask(
        REPEAT,
        Message("assistant", tuple(called)),
        Message("user", tuple(ToolResult(part.id, (Text("12 C"),), part.name) for part in called)),
        tools=(WEATHER,),
    )

    assert (choice.stop_reason, answer.stop_reason) == ("tool_calls", "stop")
    assert called
    assert all(part.name == "get_weather" and set(json.loads(part.arguments)) == {"city"} for part in called)


async def test_a_schema_is_kept():
    choice = await ask(REPEAT, output_format=OutputFormat("schema", SCHEMA, "city"))

    assert set(json.loads("".join(part.text for part in choice.parts if isinstance(part, Text)))) == {"city"}


async def test_thoughts_come_with_their_seal_and_go_back():
    choice = await ask(REPEAT, reasoning=ReasoningWish("low"))
    thought = choice.parts[0]

    assert isinstance(thought, Reasoning)
    assert thought.text
    assert thought.signature
    assert (await ask(REPEAT, Message("assistant", choice.parts), REPEAT, reasoning=ReasoningWish("low"))).stop_reason == "stop"


@pytest.mark.parametrize(("fields", "reason"), [({"output_limit_tokens": 1}, "length"), ({"stop": ("two",)}, "stop_sequence")])
async def test_why_it_ended_is_understood(fields, reason):
    assert (await ask(REPEAT, **fields)).stop_reason == reason


@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_request_that_passes_is_answered(is_stream):
    request = asked("beta=true", messages=USER, stream=is_stream)

    called = await send(DIRECT.translate_request(request, FAST, BACKEND, []))

    assert called.status == 200
    if not is_stream:
        assert DIRECT.translate_reply(called.body, request).usage is not None
        return
    direct = DIRECT.begin_stream(request)
    passed = b"".join([direct.feed(chunk) for chunk in called.chunks]) + direct.close() + direct.tail
    assert passed == called.body
    assert direct.usage is not None


@pytest.mark.parametrize("model", ["sim-cut", "sim-error-in-stream", "sim-malformed"])
@pytest.mark.parametrize("is_direct", [True, False])
async def test_a_stream_that_fails_does_not_succeed(model, is_direct):
    request = asked(messages=USER, stream=True, max_tokens=50)
    called = await send(DIRECT.translate_request(request, Target("sim", model), BACKEND, []))
    stream = DIRECT.begin_stream(request) if is_direct else TranslatedStream(CLIENT, CODEC, request)

    with pytest.raises((UpstreamBroken, ValueError)):
        for chunk in called.chunks:
            stream.feed(chunk)
        stream.close()

    assert not stream.is_done


async def test_a_refusal_is_understood():
    called = await send(DIRECT.translate_request(asked(), Target("sim", "sim-429"), BACKEND, []))

    detail = CODEC.parse_error(429, called.body)
    assert called.status == 429
    assert detail is not None
    assert (detail.type, detail.error_class) == ("rate_limit_error", "rate_limit")


async def test_an_answer_through_both_sides_is_one_of_the_dialect():
    request = asked(messages=USER, stream=True)
    called = await send(DIRECT.translate_request(request, FAST, BACKEND, []))
    stream = TranslatedStream(CLIENT, CODEC, request)

    shown = b"".join([stream.feed(chunk) for chunk in called.chunks]) + stream.close() + stream.tail

    names = [name for name, _ in parse_events(shown)]
    assert (names[0], names[-2:]) == ("message_start", ["message_delta", "message_stop"])
    assert parse_events(shown)[0][1]["message"]["model"] == "claude"
