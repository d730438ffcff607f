"""Answers in Anthropic's dialect: a whole message, and the words that a message and a stream share."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from common.ids import create_uuid7
from proxy.errors import UpstreamBroken
from proxy.translators.conversation import Part, Reasoning, Refusal, Reply, StopReason, Text, ToolCall
from proxy.wire.usage import Usage

STOP_REASONS: Final[dict[StopReason, str]] = {
    "stop": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "refusal": "refusal",
    "pause": "pause_turn",
}
_encoder = msgspec.json.Encoder()


def create_message_id() -> str:
    return f"msg_{create_uuid7().hex}"


def dump_message(reply: Reply, model: str) -> bytes:
    """Errors: UpstreamBroken for a tool call whose arguments are no JSON object, which this dialect cannot show, and for no answer."""
    if not reply.choices:
        raise UpstreamBroken("The provider answered with nothing.")
    choice = reply.choices[0]
    stop_reason = STOP_REASONS[choice.stop_reason]
    if choice.stop_reason == "stop" and any(isinstance(part, Refusal) for part in choice.parts):
        stop_reason = "refusal"
    content: list[dict[str, Any]] = []
    for part in choice.parts:
        content += _dump_part(part, is_cut=choice.stop_reason == "length")
    return _encoder.encode(
        start_message(reply.id or create_message_id(), model, reply.usage)
        | {
            "content": content,
            "stop_reason": stop_reason,
            "stop_sequence": choice.stop_sequence,
        }
    )


def start_message(message_id: str, model: str, usage: Usage | None) -> dict[str, Any]:
    """Return a message without content, as a stream begins with it."""
    return {
        "id": message_id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": dump_usage(usage or Usage()),  # the dialect has no word for a count that nobody made
    }


def dump_usage(usage: Usage) -> dict[str, Any]:
    """Return Anthropic's counts, whose `input_tokens` are the fresh ones alone."""
    body: dict[str, Any] = {
        "input_tokens": usage.fresh_input_tokens + usage.audio_input_tokens,
        "cache_creation_input_tokens": usage.cache_write_5m_tokens + usage.cache_write_1h_tokens,
        "cache_read_input_tokens": usage.cache_read_tokens,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_5m_tokens,
            "ephemeral_1h_input_tokens": usage.cache_write_1h_tokens,
        },
        "output_tokens": usage.output_tokens,
    }
    if usage.reasoning_tokens:
        body["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return body


def is_json_object(text: str) -> bool:
    try:
        return isinstance(msgspec.json.decode(text), dict)
    except (msgspec.MsgspecError, RecursionError):
        return False


def _dump_part(part: Part, *, is_cut: bool) -> list[dict[str, Any]]:
    """Return the blocks of a part. `is_cut`: the answer reached its limit, so its last call may be half of one, and half a call is none."""
    if isinstance(part, Text | Refusal):
        return [{"type": "text", "text": part.text}] if part.text else []
    if isinstance(part, Reasoning):
        if part.redacted:
            return [{"type": "redacted_thinking", "data": part.redacted}]
        return [_thinking(part.text, part.signature)]
    if isinstance(part, ToolCall):
        arguments = part.arguments.strip() or "{}"  # how some providers write a call without arguments
        if is_json_object(arguments):
            call = {"type": "tool_use", "id": part.id, "name": part.name, "input": msgspec.Raw(arguments.encode())}
            # A tool_use has no place for a signature: it stands in front, in a block of its own.
            return [_thinking("", part.signature), call] if part.signature else [call]
        if is_cut:
            return []
        raise UpstreamBroken("The model called a tool with arguments that are not a JSON object.")
    raise UpstreamBroken("The provider answered with something that Anthropic's dialect cannot show.")


def _thinking(text: str, signature: str) -> dict[str, Any]:
    return {"type": "thinking", "thinking": text, "signature": signature}
