"""What the suites of several providers' codecs share: a backend, streams fed in pieces, any conversation at all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec
from hypothesis import strategies as st

from common.secret import Secret
from proxy.errors import GatewayError
from proxy.ports import Endpoint, Timeouts
from proxy.snapshot import Backend, Target
from proxy.translators.conversation import (
    Conversation,
    Media,
    Message,
    OutputFormat,
    Reasoning,
    ReasoningWish,
    Refusal,
    StreamEvent,
    Text,
    Tool,
    ToolCall,
    ToolCallStarted,
    ToolChoice,
    ToolResult,
)
from proxy.translators.translation import ProviderCodec, ProviderStream, UpstreamCall

SECRET = "the-providers-key"


def create_backend(provider: str, credential: str = SECRET, vendor: str = "") -> Backend:
    endpoint = Endpoint("https", "provider.example", 443, "/base")
    return Backend(provider, provider, endpoint, Timeouts(), Secret(credential) if credential else None, vendor=vendor)


def dump(codec: ProviderCodec, conversation: Conversation) -> UpstreamCall:
    return codec.dump_request(conversation, Target(codec.name, conversation.model), create_backend(codec.name))


def dump_body(codec: ProviderCodec, conversation: Conversation) -> Any:
    return msgspec.json.decode(dump(codec, conversation).body)


def is_asked_or_refused(codec: ProviderCodec, conversation: Conversation) -> bool:
    """Tell whether a conversation becomes JSON or is refused by the name of a parameter; anything else is raised."""
    try:
        body = dump(codec, conversation).body
    except GatewayError as error:
        return bool(error.param)
    return isinstance(json.loads(body), dict)


def read_stream(stream: ProviderStream, pieces: Sequence[bytes]) -> list[StreamEvent]:
    events = [event for piece in pieces for event in stream.feed(piece)]
    return [*events, *stream.close()]


def with_numbered_calls(events: Sequence[StreamEvent]) -> list[StreamEvent]:
    """Put numbers in the place of the ids that a codec makes up, which are others each time."""
    return [event._replace(id=f"call-{event.index}") if isinstance(event, ToolCallStarted) else event for event in events]


_texts = st.text(max_size=8)
_names = st.sampled_from(["", "look_up", "send", "9"])
_objects = st.dictionaries(st.sampled_from(["type", "properties", "$ref", "enum"]), st.none() | st.integers() | _texts, max_size=3)
_parts = st.one_of(
    st.builds(Text, _texts),
    st.builds(Refusal, _texts),
    st.builds(Reasoning, _texts, _texts, _texts),
    st.builds(
        Media, st.sampled_from(["image", "audio", "file"]), st.sampled_from(["", "image/png"]), st.sampled_from(["", "aGk="]), _texts
    ),
    st.builds(ToolCall, _texts, _names, _texts | st.sampled_from(["{}", '{"a": 1e999}', "[1]", '{"a": "\\ud800"}']), _texts),
    st.builds(
        ToolResult,
        _texts,
        st.lists(st.builds(Text, _texts) | st.builds(Media, st.just("image"), st.just("image/png"), st.just("aGk=")), max_size=2).map(
            tuple
        ),
        _names,
        st.booleans(),
    ),
)
_messages = st.builds(Message, st.sampled_from(["system", "user", "assistant"]), st.lists(_parts, max_size=3).map(tuple))
_numbers = st.none() | st.floats(-2, 2)
_counts = st.none() | st.integers(-5, 100_000)

conversations = st.builds(
    Conversation,
    model=st.sampled_from(["gemini-2.5-flash", "gemini-3-pro-preview", "gemini-1.5-flash", "models/x", "llama3.2:3b", "ü"]),
    messages=st.lists(_messages, max_size=4).map(tuple),
    is_stream=st.booleans(),
    tools=st.lists(st.builds(Tool, _names, _texts, st.none() | _objects, st.none() | st.booleans()), max_size=2).map(tuple),
    tool_choice=st.none()
    | st.builds(ToolChoice, st.sampled_from(["auto", "none", "required", "tool"]), _names, st.lists(_names, max_size=2).map(tuple)),
    has_parallel_tool_calls=st.none() | st.booleans(),
    output_limit_tokens=_counts,
    temperature=_numbers,
    top_p=_numbers,
    top_k=_counts,
    stop=st.lists(_texts, max_size=2).map(tuple),
    seed=_counts,
    frequency_penalty=_numbers,
    presence_penalty=_numbers,
    choices_count=st.integers(1, 2),
    output_format=st.none() | st.builds(OutputFormat, st.sampled_from(["json", "schema"]), st.none() | _objects),
    has_logprobs=st.booleans(),
    top_logprobs_count=_counts,
    reasoning=st.none()
    | st.builds(
        ReasoningWish, st.sampled_from(["", "none", "minimal", "low", "high", "xhigh", "odd"]), _counts, st.booleans(), st.booleans()
    ),
    verbosity=st.sampled_from(["", "medium", "low"]),
)
"""Any conversation, senseless ones too."""


def like(example: Any) -> st.SearchStrategy[Any]:
    """Return JSON in the shape of an example in which any place may hold something else, be empty or be missing."""
    odd: st.SearchStrategy[Any] = (
        st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | _texts
    )
    odd = odd | st.just([]) | st.just({}) | st.just([None])
    if isinstance(example, dict):
        shaped: st.SearchStrategy[Any] = st.fixed_dictionaries({}, optional={name: like(value) for name, value in example.items()})
    elif isinstance(example, list):
        shaped = st.lists(like(example[0]), max_size=3)
    else:
        shaped = st.just(example)
    return st.integers(0, 9).flatmap(lambda chance: odd if chance == 0 else shaped)
