"""A whole answer as a chat completion, and the pieces of it that a stream is made of too."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from proxy.translators.conversation import Choice, Logprob, Part, Reasoning, Refusal, Reply, StopReason, Text, ToolCall
from proxy.translators.ids import create_reply_id
from proxy.wire.model_request import ModelRequest
from proxy.wire.openai_usage import dump_usage

Object = dict[str, Any]

_encoder: Final = msgspec.json.Encoder()
_FINISH_REASONS: Final[dict[StopReason, str]] = {
    "stop": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "pause": "stop",
}


def dump_reply(reply: Reply, request: ModelRequest) -> bytes:
    body: Object = {
        "id": reply.id or create_reply_id(),
        "object": "chat.completion",
        "created": reply.created_at_s or int(time.time()),
        "model": request.model,
        "choices": [_dump_choice(index, choice) for index, choice in enumerate(reply.choices)],
    }
    if reply.usage is not None:
        body["usage"] = dump_usage(reply.usage)
    return _encoder.encode(body)


def finish_reason(reason: StopReason, has_refusal: bool) -> str:
    """Return OpenAI's word: a model that refuses in words has stopped, one that was made to refuse was filtered."""
    if reason == "refusal":
        return "stop" if has_refusal else "content_filter"
    return _FINISH_REASONS[reason]


def dump_logprobs(logprobs: Sequence[Logprob]) -> Object:
    tokens = [
        _dump_token(token.text, token.logprob) | {"top_logprobs": [_dump_token(text, logprob) for text, logprob in token.top]}
        for token in logprobs
    ]
    return {"content": tokens, "refusal": None}


def _dump_token(text: str, logprob: float) -> Object:
    return {"token": text, "logprob": logprob, "bytes": list(text.encode())}


def dump_call(call_id: str, name: str, arguments: str, signature: str) -> Object:
    """A signature goes where Google's own OpenAI layer has it, because clients send it back from there."""
    call: Object = {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
    return call | {"extra_content": {"google": {"thought_signature": signature}}} if signature else call


def dump_detail(part: Reasoning, index: int) -> Object:
    """Return reasoning that a provider has sealed, in OpenRouter's form, because clients send it back in this one."""
    if part.redacted:
        return {"type": "reasoning.encrypted", "data": part.redacted, "index": index}
    return {"type": "reasoning.text", "text": part.text, "signature": part.signature, "index": index}


def _dump_choice(index: int, choice: Choice) -> Object:
    message = _dump_message(choice.parts)
    return {
        "index": index,
        "message": message,
        "logprobs": None if choice.logprobs is None else dump_logprobs(choice.logprobs),
        "finish_reason": finish_reason(choice.stop_reason, message["refusal"] is not None),
    }


def _dump_message(parts: Sequence[Part]) -> Object:
    text = "".join(part.text for part in parts if isinstance(part, Text))
    refusal = "".join(part.text for part in parts if isinstance(part, Refusal))
    reasoning = [part for part in parts if isinstance(part, Reasoning)]
    calls = [dump_call(part.id, part.name, part.arguments, part.signature) for part in parts if isinstance(part, ToolCall)]
    message: Object = {"role": "assistant", "content": text, "refusal": refusal or None}
    if not text and (calls or refusal):
        message["content"] = None
    if thought := "".join(part.text for part in reasoning):
        message["reasoning_content"] = thought
    if any(part.signature or part.redacted for part in reasoning):
        message["reasoning_details"] = [dump_detail(part, index) for index, part in enumerate(reasoning)]
    if calls:
        message["tool_calls"] = calls
    return message
