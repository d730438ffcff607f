"""What we write, a server of the provider's dialect understands, and what it writes, we understand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from proxy.simulator.app import Simulator
from proxy.simulator.testing import Called, call
from proxy.snapshot import Target
from proxy.translators import gemini_count_tokens, gemini_embeddings, ollama_embeddings
from proxy.translators.conversation import (
    Conversation,
    Ended,
    Failed,
    Media,
    Message,
    OutputFormat,
    Reasoning,
    ReasoningWish,
    Reply,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from proxy.translators.fold import fold_reply
from proxy.translators.providers import gemini, ollama
from proxy.translators.translation import ProviderCodec, UpstreamCall
from proxy.wire.embeddings import parse_embeddings_request
from proxy.wire.messages import parse_count_tokens_request
from tests.proxy.provider_help import create_backend, dump, read_stream

CODECS: dict[str, tuple[ProviderCodec, str]] = {"gemini": (gemini.CODEC, "/v1beta"), "ollama": (ollama.CODEC, "")}
BOTH = pytest.mark.parametrize("provider", CODECS)
WAYS = pytest.mark.parametrize("is_stream", [False, True])
SAID = "Repeat: one two three"
TOOL = Tool("weather", "Tells the weather.", {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})
HELLO = Conversation("sim-fast", (Message("system", (Text("Be brief."),)), Message("user", (Text(SAID),))))
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


async def send(asked: UpstreamCall, prefix: str) -> Called:
    headers = {name.decode(): value.decode() for name, value in asked.headers}
    return await call(Simulator(), asked.method, prefix + asked.path, asked.body, headers)


async def ask(provider: str, conversation: Conversation) -> Reply:
    codec, prefix = CODECS[provider]
    called = await send(dump(codec, conversation), prefix)
    assert called.status == 200, called.body
    if conversation.is_stream:
        return fold_reply(read_stream(codec.begin_stream(), called.chunks))
    return codec.parse_reply(called.body)


def said(parts: Sequence[Any]) -> str:
    return "".join(part.text for part in parts if isinstance(part, Text))


@BOTH
@WAYS
async def test_text_and_its_counts(provider, is_stream):
    reply = await ask(provider, replace(HELLO, is_stream=is_stream, temperature=0.0, seed=1, stop=("never",)))

    (choice,) = reply.choices
    assert (said(choice.parts).strip(), choice.stop_reason) == ("one two three", "stop")
    assert reply.usage is not None
    assert reply.usage.input_tokens > 0
    assert reply.usage.output_tokens > 0


@BOTH
@WAYS
async def test_answer_ends_at_its_limit(provider, is_stream):
    reply = await ask(provider, replace(HELLO, is_stream=is_stream, output_limit_tokens=1))

    assert reply.choices[0].stop_reason == "length"


@BOTH
@WAYS
async def test_tool_is_called_and_its_result_read(provider, is_stream):
    conversation = replace(HELLO, model="sim-tools", tools=(TOOL,), tool_choice=ToolChoice("auto"), is_stream=is_stream)

    asked = await ask(provider, conversation)
    calls = [part for part in asked.choices[0].parts if isinstance(part, ToolCall)]
    results = tuple(ToolResult(each.id, (Text("sunny"),), each.name) for each in calls)
    answered = await ask(
        provider,
        replace(conversation, messages=(*HELLO.messages, Message("assistant", asked.choices[0].parts), Message("user", results))),
    )

    assert asked.choices[0].stop_reason == "tool_calls"
    assert [each.name for each in calls] == ["weather"] * len(calls) != []
    assert all("city" in msgspec.json.decode(each.arguments) for each in calls)
    assert (answered.choices[0].stop_reason, bool(said(answered.choices[0].parts))) == ("stop", True)


@BOTH
@WAYS
async def test_answer_follows_a_schema(provider, is_stream):
    schema = {"type": "object", "properties": {"a": {"const": 1}}, "required": ["a"]}

    reply = await ask(provider, replace(HELLO, is_stream=is_stream, output_format=OutputFormat("schema", schema)))

    assert msgspec.json.decode(said(reply.choices[0].parts)) == {"a": 1}


@BOTH
@WAYS
async def test_thoughts_are_read(provider, is_stream):
    reply = await ask(provider, replace(HELLO, is_stream=is_stream, reasoning=ReasoningWish("low", is_shown=True)))

    thoughts = [part for part in reply.choices[0].parts if isinstance(part, Reasoning)]
    assert "".join(part.text for part in thoughts)
    assert said(reply.choices[0].parts).strip() == "one two three"


@BOTH
async def test_images_are_taken(provider):
    reply = await ask(provider, replace(HELLO, messages=(Message("user", (Media("image", "image/png", PIXEL), Text(SAID))),)))

    assert reply.choices[0].stop_reason == "stop"


@WAYS
async def test_gemini_gives_several_candidates(is_stream):
    reply = await ask("gemini", replace(HELLO, is_stream=is_stream, choices_count=2))

    assert [choice.stop_reason for choice in reply.choices] == ["stop", "stop"]


@WAYS
async def test_gemini_gives_logprobs_of_each_token(is_stream):
    reply = await ask("gemini", replace(HELLO, is_stream=is_stream, has_logprobs=True, top_logprobs_count=2))

    (choice,) = reply.choices
    assert choice.logprobs is not None
    assert "".join(each.text for each in choice.logprobs) == said(choice.parts)
    assert all(len(each.top) == 2 for each in choice.logprobs)


@WAYS
async def test_gemini_says_that_it_filtered_an_answer(is_stream):
    reply = await ask("gemini", replace(HELLO, model="sim-filtered", is_stream=is_stream))

    assert reply.choices[0].stop_reason == "content_filter"


# --- failures -----------------------------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    ("model", "status", "error_class"), [("sim-nothing", 404, "not_found"), ("sim-429", 429, "rate_limit"), ("sim-500", 500, "")]
)
async def test_errors_are_read(provider, model, status, error_class):
    codec, prefix = CODECS[provider]

    called = await send(dump(codec, replace(HELLO, model=model)), prefix)

    detail = codec.parse_error(status, called.body)
    assert called.status == status
    assert detail is not None
    assert (detail.error_class, bool(detail.message)) == (error_class, True)


@BOTH
@pytest.mark.parametrize(("model", "outcome"), [("sim-error-in-stream", Failed), ("sim-malformed", ValueError)])
async def test_a_stream_that_breaks_does_not_end(provider, model, outcome):
    codec, prefix = CODECS[provider]

    called = await send(dump(codec, replace(HELLO, model=model, is_stream=True)), prefix)

    try:
        events = read_stream(codec.begin_stream(), called.chunks)
    except ValueError:
        events = []
        assert outcome is ValueError
    assert Ended() not in events
    assert any(isinstance(event, Failed) for event in events) == (outcome is Failed)


# --- other tasks --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("translation", "provider"), [(gemini_embeddings.TRANSLATION, "gemini"), (ollama_embeddings.TRANSLATION, "ollama")]
)
async def test_texts_are_embedded(translation, provider):
    request = parse_embeddings_request(b'{"model": "ours", "input": ["a limiter", "a budget"], "dimensions": 16}', 64)
    asked = translation.translate_request(request, Target(provider, "sim-embed"), create_backend(provider), [])

    called = await send(asked, CODECS[provider][1])

    assert called.status == 200, called.body
    answer = msgspec.json.decode(translation.translate_reply(called.body, request).body)
    assert [len(item["embedding"]) for item in answer["data"]] == [16, 16]
    assert answer["model"] == "ours"


async def test_tokens_are_counted():
    body = {"model": "ours", "system": "Be brief.", "messages": [{"role": "user", "content": SAID}]}
    request = parse_count_tokens_request(msgspec.json.encode(body), 64)
    translation = gemini_count_tokens.TRANSLATION
    asked = translation.translate_request(request, Target("gemini", "sim-fast"), create_backend("gemini"), [])

    called = await send(asked, "/v1beta")

    assert called.status == 200, called.body
    assert msgspec.json.decode(translation.translate_reply(called.body, request).body)["input_tokens"] > 0
