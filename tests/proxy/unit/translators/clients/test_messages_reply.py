"""Neutral answers as messages of Anthropic's dialect."""

from __future__ import annotations

import json

import pytest
from anthropic.types import Message as SdkMessage

from proxy.errors import UpstreamBroken
from proxy.translators.clients.messages import CODEC
from proxy.translators.conversation import Choice, Media, Reasoning, Refusal, Reply, Text, ToolCall
from proxy.wire.usage import Usage
from tests.proxy.messages_help import asked

USAGE = Usage(5, 10, 100, 20, 30, 4, 1, 2)


def dump(*parts, stop_reason="stop", stop_sequence=None, usage=None, reply_id="r1") -> dict:
    reply = Reply(reply_id, (Choice(parts, stop_reason, stop_sequence),), usage)
    return json.loads(CODEC.dump_reply(reply, asked()))


def test_an_answer_is_a_message():
    assert dump(Text("Hi."), usage=USAGE) == {
        "id": "r1",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [{"type": "text", "text": "Hi."}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 6,
            "cache_creation_input_tokens": 50,
            "cache_read_input_tokens": 100,
            "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 30},
            "output_tokens": 16,
            "output_tokens_details": {"thinking_tokens": 4},
        },
    }


def test_the_sdk_reads_it():
    message = SdkMessage.model_validate(dump(Reasoning("Hm.", "s"), Text("Hi."), ToolCall("c", "f", '{"a": 1}'), usage=USAGE))

    assert [block.type for block in message.content] == ["thinking", "text", "tool_use"]
    assert message.usage.output_tokens == 16


def test_an_answer_that_nobody_counted_has_zeros_because_the_dialect_has_no_other_word():
    usage = dump(Text("Hi."))["usage"]

    assert (usage["input_tokens"], usage["output_tokens"]) == (0, 0)
    assert "output_tokens_details" not in usage


def test_an_answer_without_an_id_gets_one():
    assert dump(Text("Hi."), reply_id="")["id"].startswith("msg_")


@pytest.mark.parametrize(
    ("part", "blocks"),
    [
        (Text(""), []),
        (Refusal("No."), [{"type": "text", "text": "No."}]),
        (Reasoning("Hm."), [{"type": "thinking", "thinking": "Hm.", "signature": ""}]),
        (Reasoning("", "s"), [{"type": "thinking", "thinking": "", "signature": "s"}]),
        (Reasoning(redacted="AAAA"), [{"type": "redacted_thinking", "data": "AAAA"}]),
        (
            ToolCall("c", "f", '{"a": [1.0, 12345678901234567890123]}'),
            [{"type": "tool_use", "id": "c", "name": "f", "input": {"a": [1.0, 12345678901234567890123]}}],
        ),
        (ToolCall("c", "f", " "), [{"type": "tool_use", "id": "c", "name": "f", "input": {}}]),
        (
            ToolCall("c", "f", "{}", "gemini:s"),
            [
                {"type": "thinking", "thinking": "", "signature": "gemini:s"},
                {"type": "tool_use", "id": "c", "name": "f", "input": {}},
            ],
        ),
    ],
)
def test_a_part_is_a_block(part, blocks):
    assert dump(part)["content"] == blocks


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("stop", "end_turn"),
        ("stop_sequence", "stop_sequence"),
        ("length", "max_tokens"),
        ("tool_calls", "tool_use"),
        ("content_filter", "refusal"),
        ("refusal", "refusal"),
        ("pause", "pause_turn"),
    ],
)
def test_why_it_ended_is_told(reason, word):
    body = dump(Text("a"), stop_reason=reason, stop_sequence="END" if reason == "stop_sequence" else None)

    assert (body["stop_reason"], body["stop_sequence"]) == (word, "END" if reason == "stop_sequence" else None)


def test_a_refusal_ends_an_answer_as_one():
    assert dump(Refusal("No."))["stop_reason"] == "refusal"


@pytest.mark.parametrize("arguments", ["{", "[1]", "1", "null", "{'a': 1}", '{"a": 1} x'])
def test_arguments_that_are_no_object_are_not_made_into_one(arguments):
    with pytest.raises(UpstreamBroken, match="not a JSON object"):
        dump(ToolCall("c", "f", arguments))


def test_half_a_call_at_the_limit_is_left_out():
    body = dump(Text("a"), ToolCall("c", "f", '{"a": 1}'), ToolCall("d", "f", '{"a'), stop_reason="length")

    assert [block["type"] for block in body["content"]] == ["text", "tool_use"]
    assert body["stop_reason"] == "max_tokens"


def test_what_the_dialect_cannot_show_is_a_failure():
    with pytest.raises(UpstreamBroken):
        dump(Media("audio", "audio/wav", "AAAA"))


def test_no_answer_is_a_failure():
    with pytest.raises(UpstreamBroken):
        CODEC.dump_reply(Reply("r1", (), None), asked())
