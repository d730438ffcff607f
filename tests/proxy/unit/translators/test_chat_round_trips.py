"""What is written in OpenAI's chat dialect on one side is read as the same on the other."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import BadRequest
from proxy.snapshot import Target
from proxy.translators.clients import chat
from proxy.translators.conversation import (
    ArgumentsDelta,
    Choice,
    Conversation,
    Ended,
    Logprob,
    Media,
    Message,
    OutputFormat,
    Reasoning,
    ReasoningDelta,
    ReasoningWish,
    Refusal,
    RefusalDelta,
    Reply,
    Started,
    Stopped,
    StreamEvent,
    Text,
    TextDelta,
    Tool,
    ToolCall,
    ToolCallStarted,
    ToolChoice,
    ToolResult,
    UsageCounted,
)
from proxy.translators.providers import openai
from proxy.wire.model_request import ModelRequest
from proxy.wire.openai import parse_chat_request
from proxy.wire.usage import Usage
from tests.proxy.pieces import draw_pieces, unhurried
from tests.proxy.provider_help import create_backend, read_stream

_texts = st.text(min_size=1, max_size=8)
_words = st.sampled_from(["a", "b", "look_up", "call_1"])
_base64 = st.sampled_from(["aGk=", "ZGF0YQ=="])
_media = st.one_of(
    st.builds(Media, st.just("image"), st.just("image/png"), _base64, detail=st.sampled_from(["", "low"])),
    st.builds(lambda url: Media("image", url=url), st.just("https://x/y.png")),
    st.builds(Media, st.just("audio"), st.sampled_from(["audio/wav", "audio/mpeg"]), _base64),
    st.builds(Media, st.just("file"), st.just("application/pdf"), _base64, name=st.just("a.pdf")),
)
_calls = st.builds(ToolCall, _words, _words, st.sampled_from(["{}", '{"a": 1}', "no JSON"]))
_said = st.lists(st.builds(Text, _texts), max_size=2)


def _some(values: st.SearchStrategy[Any], minimum: int = 0) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(values, min_size=minimum, max_size=2).map(tuple)


_assistants = st.builds(
    lambda texts, refusals, calls: Message("assistant", (*texts, *refusals, *calls)),
    _said,
    st.lists(st.builds(Refusal, _texts), max_size=1),
    st.lists(_calls, max_size=2),
)
_turns = st.one_of(
    st.builds(Message, st.just("system"), _some(st.builds(Text, _texts))),
    st.builds(Message, st.just("user"), _some(st.builds(Text, _texts) | _media)),
    _assistants,
)
_numbers = st.none() | st.floats(-2, 2)
_tools = st.builds(Tool, _words, st.sampled_from(["", "d"]), st.none() | st.just({"type": "object"}), st.none() | st.booleans())


def _conversation(
    messages: list[Message], results: list[str], tools: tuple[Tool, ...], choice: ToolChoice | None, **fields: Any
) -> Conversation:
    """Return a conversation that ends with the results of some calls; without tools there is no choice of them."""
    if results:
        calls = tuple(ToolCall(call_id, "look_up", "{}") for call_id in results)
        answers = tuple(ToolResult(call_id, (Text("found"),), "look_up") for call_id in results)
        messages = [*messages, Message("assistant", calls), Message("user", answers)]
    parallel = fields.pop("parallel")
    about_tools = {"tools": tools, "tool_choice": choice, "has_parallel_tool_calls": parallel} if tools else {}
    return Conversation("gpt", tuple(messages or [Message("user", (Text("Hello!"),))]), **about_tools, **fields)


_conversations = st.builds(
    _conversation,
    st.lists(_turns, max_size=3),
    st.lists(st.sampled_from(["1", "2", "3"]), unique=True, max_size=2),
    _some(_tools),
    st.none()
    | st.builds(ToolChoice, st.sampled_from(["auto", "none", "required"]))
    | st.builds(ToolChoice, st.just("tool"), _words)
    | st.builds(ToolChoice, st.sampled_from(["auto", "required"]), allowed=_some(_words, 1)),
    parallel=st.none() | st.booleans(),
    is_stream=st.booleans(),
    output_limit_tokens=st.none() | st.integers(1, 99),
    temperature=_numbers,
    top_p=_numbers,
    stop=_some(_texts),
    seed=st.none() | st.integers(-5, 5),
    frequency_penalty=_numbers,
    presence_penalty=_numbers,
    choices_count=st.integers(1, 3),
    output_format=st.none()
    | st.just(OutputFormat("json"))
    | st.builds(
        OutputFormat, st.just("schema"), st.just({"type": "object"}), _words, st.sampled_from(["", "d"]), st.none() | st.booleans()
    ),
    has_logprobs=st.booleans(),
    top_logprobs_count=st.none() | st.integers(0, 5),
    reasoning=st.none() | st.sampled_from([ReasoningWish("high", is_shown=True), ReasoningWish("none", is_enabled=False)]),
    verbosity=st.sampled_from(["", "low"]),
    end_user=st.sampled_from(["", "u"]),
)


@unhurried
@given(_conversations)
def test_a_conversation_that_is_asked_is_read_as_the_same(conversation):
    body = openai.CODEC.dump_request(conversation, Target("b", "gpt"), create_backend("openai")).body

    read = chat.CODEC.parse_conversation(parse_chat_request(body, 64))

    assert read == replace(conversation, names=read.names)


# --- answers ----------------------------------------------------------------------------------------------------------------------

_usages = st.builds(
    Usage, st.integers(0, 99), st.integers(0, 99), cache_read_tokens=st.integers(0, 99), reasoning_tokens=st.integers(0, 99)
)
_logprobs = st.builds(Logprob, _texts, st.floats(-5, 0), _some(st.tuples(_texts, st.floats(-5, 0))))


def _request(**fields: Any) -> ModelRequest:
    return parse_chat_request(json.dumps({"model": "m", "messages": [{"role": "user", "content": "x"}], **fields}).encode(), 64)


def _choice(thought: list[str], texts: list[str], refusals: list[str], calls: list[ToolCall], reason: Any, logprobs: Any) -> Choice:
    parts = (*map(Reasoning, thought), *map(Text, texts), *map(Refusal, refusals), *calls)
    return Choice(parts, "tool_calls" if calls else "refusal" if refusals else reason, logprobs=logprobs)


_one = st.lists(_texts, max_size=1)
_choices = st.builds(
    _choice,
    _one,
    _one,
    _one,
    st.lists(_calls, max_size=2),
    st.sampled_from(["stop", "length", "content_filter"]),
    st.none() | _some(_logprobs, 1),
)


@unhurried
@given(st.builds(Reply, _words, _some(_choices, 1), st.none() | _usages, st.integers(1, 2**31)))
def test_an_answer_that_is_written_is_read_as_the_same(reply):
    assert openai.CODEC.parse_reply(chat.CODEC.dump_reply(reply, _request())) == reply


def _stream_events(choices: tuple[Choice, ...], usage: Usage | None) -> list[StreamEvent]:
    """Return the events of an answer in the order in which the reader tells them."""
    events: list[StreamEvent] = [Started("id")]
    for index, choice in enumerate(choices):
        count = 0
        for part in choice.parts:
            if isinstance(part, Text):
                events.append(TextDelta(part.text, index, choice.logprobs))
            elif isinstance(part, Reasoning):
                events.append(ReasoningDelta(part.text, choice=index))
            elif isinstance(part, Refusal):
                events.append(RefusalDelta(part.text, index))
            elif isinstance(part, ToolCall):
                events += [ToolCallStarted(count, f"{part.id}-{count}", part.name, index), ArgumentsDelta(count, part.arguments, index)]
                count += 1
    if usage is not None:
        events.append(UsageCounted(usage))
    return [*events, *(Stopped(choice.stop_reason, choice=index) for index, choice in enumerate(choices))]


@unhurried
@given(_some(_choices, 1), st.none() | _usages, st.data())
def test_a_stream_that_is_written_is_read_as_the_same(choices, usage, data):
    events = _stream_events(choices, usage)
    writer = chat.CODEC.begin_stream(_request(stream=True, stream_options={"include_usage": True}))

    written = writer.feed(events) + writer.end()

    assert read_stream(openai.CODEC.begin_stream(), draw_pieces(data, written)) == [*events, Ended()]


# --- requests with a few bytes changed ----------------------------------------------------------------------------------------------

VALID = json.dumps(
    {
        "model": "gpt",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "ü"}, {"type": "image_url", "image_url": {"url": "https://x"}}]},
            {"role": "assistant", "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "a", "content": "found"},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 5,
        "temperature": 0.5,
    },
    ensure_ascii=False,
).encode()


@unhurried
@given(st.data())
def test_a_request_with_a_few_bytes_changed_is_a_request_or_a_bad_one(data):
    body = bytearray(VALID)
    for at in data.draw(st.lists(st.integers(0, len(body) - 1), max_size=4)):
        body[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(body)) | st.just(len(body)))

    with contextlib.suppress(BadRequest):
        chat.CODEC.parse_conversation(parse_chat_request(bytes(body[:cut]), 64))
