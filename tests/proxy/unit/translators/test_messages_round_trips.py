"""What one side of Anthropic's dialect writes the other side reads: requests, answers and streams."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from proxy.snapshot import Target
from proxy.translators.clients.messages import CODEC as CLIENT
from proxy.translators.conversation import (
    Choice,
    Conversation,
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
from proxy.translators.providers.anthropic import CODEC as PROVIDER
from proxy.translators.translated import TranslatedStream
from proxy.wire.messages import parse_messages_request
from proxy.wire.usage import Usage
from tests.proxy.messages_help import BACKEND, asked, delta, event, message, message_delta, start_block, stop_block
from tests.proxy.pieces import draw_pieces

NAMES = st.text("abcXYZ_-09", min_size=1, max_size=8)
WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
OBJECTS = st.dictionaries(NAMES, st.integers(-(2**70), 2**70) | WORDS | st.none() | st.lists(st.booleans(), max_size=2), max_size=3)
ARGUMENTS = OBJECTS.map(lambda value: json.dumps(value, separators=(",", ":"), ensure_ascii=False))
MEDIA = (
    st.builds(Media, st.just("image"), st.sampled_from(["image/png", "image/jpeg"]), st.just("AAAA"))
    | st.builds(Media, st.just("image"), url=WORDS)
    | st.builds(Media, st.just("file"), st.just("application/pdf"), st.just("AAAA"), name=WORDS)
)
SEALED = st.builds(Reasoning, WORDS, st.just("c2VhbA==")) | st.builds(Reasoning, redacted=st.just("AAAA"))
SAID_BY_USER = st.lists(st.builds(Text, WORDS) | MEDIA, min_size=1, max_size=3).map(tuple)


@st.composite
def _messages(draw) -> tuple[Message, ...]:
    """Draw turns that alternate: a question, then answers of the model with calls, and the results of exactly these calls."""
    messages = [Message("system", (Text(draw(WORDS)),))] if draw(st.booleans()) else []
    messages.append(Message("user", draw(SAID_BY_USER)))
    for turn in range(draw(st.integers(0, 2))):
        calls = [ToolCall(f"c{turn}_{at}", draw(NAMES), draw(ARGUMENTS)) for at in range(draw(st.integers(0, 2)))]
        said = draw(st.lists(st.builds(Text, WORDS) | SEALED, min_size=1, max_size=2))
        messages.append(Message("assistant", (*said, *calls)))
        results = [
            ToolResult(call.id, draw(st.lists(st.builds(Text, WORDS) | MEDIA, max_size=2).map(tuple)), call.name, draw(st.booleans()))
            for call in calls
        ]
        messages.append(Message("user", (*results, *draw(SAID_BY_USER))))
    return tuple(messages)


@st.composite
def _conversations(draw) -> Conversation:
    tools = tuple(
        draw(st.lists(st.builds(Tool, NAMES, WORDS, st.just({"type": "object", "x": 1}), st.sampled_from([None, True])), max_size=2))
    )
    choice = draw(st.none() | st.sampled_from([ToolChoice("auto"), ToolChoice("required"), ToolChoice("tool", "f")])) if tools else None
    reasoning = draw(
        st.none() | st.sampled_from([ReasoningWish("low"), ReasoningWish("xhigh", is_shown=True), ReasoningWish(is_enabled=False)])
    )
    return Conversation(
        model="claude-opus-4-8",
        messages=draw(_messages()),
        is_stream=draw(st.booleans()),
        tools=tools,
        tool_choice=choice,
        has_parallel_tool_calls=False if choice is not None and draw(st.booleans()) else None,
        output_limit_tokens=draw(st.integers(1, 9999)),
        temperature=None if reasoning else draw(st.none() | st.floats(0, 1)),
        stop=tuple(draw(st.lists(WORDS, max_size=2))),
        output_format=draw(st.none() | st.just(OutputFormat("schema", {"type": "object"}, is_strict=True))),
        reasoning=reasoning,
        end_user=draw(st.sampled_from(["", "user_1"])),
    )


@given(_conversations())
def test_a_conversation_that_is_written_is_read_back(conversation):
    call = PROVIDER.dump_request(conversation, Target("claude", conversation.model), BACKEND)

    found = CLIENT.parse_conversation(parse_messages_request(call.body, 64))

    assert replace(found, names={}) == conversation


@st.composite
def _replies(draw) -> Reply:
    parts: list = []
    for part in draw(st.lists(st.builds(Text, WORDS) | SEALED | st.builds(ToolCall, NAMES, NAMES, ARGUMENTS), max_size=4)):
        if not (isinstance(part, Text) and parts and isinstance(parts[-1], Text)):  # texts that follow each other are read as one
            parts.append(part)
    reason = draw(st.sampled_from(["stop", "length", "tool_calls", "refusal", "pause"]))
    usage = Usage(*draw(st.lists(st.integers(0, 99), min_size=6, max_size=6)))
    return Reply(draw(NAMES), (Choice(tuple(parts), reason),), usage)


@given(_replies())
def test_an_answer_that_is_written_is_read_back(reply):
    assert PROVIDER.parse_reply(CLIENT.dump_reply(reply, asked())) == reply


def _dump_stream(reply: Reply) -> bytes:
    """Return the stream that Anthropic would send for a whole answer."""
    body = json.loads(CLIENT.dump_reply(reply, asked()))
    sent = [event("message_start", message=message(id=body["id"], usage=body["usage"] | {"output_tokens": 1}))]
    for index, block in enumerate(body["content"]):
        kind = block.pop("type")
        if kind == "text":
            sent += [start_block(index, kind, text=""), delta(index, "text_delta", text=block["text"])]
        elif kind == "thinking":
            sent += [start_block(index, kind, thinking="", signature=""), delta(index, "thinking_delta", thinking=block["thinking"])]
            sent.append(delta(index, "signature_delta", signature=block["signature"]))
        elif kind == "tool_use":
            arguments = json.dumps(block["input"], separators=(",", ":"), ensure_ascii=False)
            sent += [start_block(index, kind, **block | {"input": {}}), delta(index, "input_json_delta", partial_json=arguments)]
        else:
            sent.append(start_block(index, kind, **block))
        sent.append(stop_block(index))
    return b"".join([*sent, message_delta(body["stop_reason"], **body["usage"]), event("message_stop")])


@given(_replies(), st.data())
def test_a_stream_that_goes_through_both_sides_tells_the_same(reply, data):
    stream = TranslatedStream(CLIENT, PROVIDER, asked(stream=True))

    shown = b"".join([stream.feed(piece) for piece in draw_pieces(data, _dump_stream(reply))])
    shown += stream.close() + stream.tail

    reader = PROVIDER.begin_stream()
    assert fold_reply([*reader.feed(shown), *reader.close()]) == reply
    assert stream.usage == reply.usage
