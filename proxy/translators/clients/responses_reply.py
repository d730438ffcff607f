"""
A response as OpenAI writes it, whole: the items of the answer, and around them what was asked for.

The same pieces are the frames of a stream (`responses_stream.py`), so whole and streamed answers look alike.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from common.ids import create_uuid7
from proxy.translators.clients.responses_items import REDACTED_MARK, dump_call_seal
from proxy.translators.conversation import Logprob, Part, Reasoning, Refusal, Reply, StopReason, Text, ToolCall
from proxy.wire.model_request import ModelRequest
from proxy.wire.responses import dump_usage
from proxy.wire.usage import Usage

Object = dict[str, Any]

_encoder: Final = msgspec.json.Encoder()
_decode_object: Final = msgspec.json.Decoder(Object).decode

# What OpenAI says of a request that does not say it.
_DEFAULTS: Final[Object] = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "prompt_cache_key": None,
    "safety_identifier": None,
    "store": True,
    "temperature": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
_REASONING: Final[Object] = {"effort": None, "summary": None}
_TEXT: Final[Object] = {"format": {"type": "text"}, "verbosity": "medium"}
_INCOMPLETE: Final[dict[StopReason, str]] = {"length": "max_output_tokens", "content_filter": "content_filter", "pause": "pause"}


def create_item_id(prefix: str) -> str:
    """Return an id such as `msg_<32 hex>`."""
    return f"{prefix}_{create_uuid7().hex}"


def echo_request(request: ModelRequest) -> Object:
    """Return the fields of a response that repeat what was asked for, each as the client wrote it."""
    given = {name: raw for name, raw in request.fields.items() if bytes(raw) != b"null"}
    echo: Object = {"model": request.model} | {name: given.get(name, default) for name, default in _DEFAULTS.items()}
    echo["reasoning"] = _REASONING | _decode_object(given.get("reasoning", b"{}"))
    echo["text"] = _TEXT | _decode_object(given.get("text", b"{}"))
    echo["service_tier"] = "default"
    echo["previous_response_id"] = request.previous_response_id or None
    return echo


def incomplete_reason(reason: StopReason, has_refusal: bool) -> str:
    """Return why a response is incomplete, nothing for one that is complete: a refusal in words is an answer."""
    if reason == "refusal":
        return "" if has_refusal else "content_filter"
    return _INCOMPLETE.get(reason, "")


def dump_response(
    response_id: str,
    created_at_s: int,
    status: str,
    output: Sequence[Object],
    echo: Object,
    usage: Usage | None = None,
    incomplete: str = "",
) -> Object:
    """Return a response in one of its states: in_progress, completed, incomplete."""
    return {
        "id": response_id,
        "object": "response",
        "created_at": created_at_s,
        "completed_at": max(int(time.time()), created_at_s) if status == "completed" else None,
        "status": status,
        "error": None,
        "incomplete_details": {"reason": incomplete} if incomplete else None,
        "output": output,
        "usage": dump_usage(usage),
        **echo,
    }


# --- items ----------------------------------------------------------------------------------------------------------------------


def reasoning_item(item_id: str, text: str, sealed: str) -> Object:
    summary = [{"type": "summary_text", "text": text}] if text else []
    item: Object = {"id": item_id, "type": "reasoning", "summary": summary}
    return item | {"encrypted_content": sealed} if sealed else item


def message_item(item_id: str, status: str, content: Sequence[Object]) -> Object:
    return {"id": item_id, "type": "message", "status": status, "role": "assistant", "content": content}


def call_item(item_id: str, status: str, call: ToolCall) -> Object:
    named = {"call_id": call.id, "name": call.name, "arguments": call.arguments}
    return {"id": item_id, "type": "function_call", "status": status, **named}


def text_part(text: str, logprobs: Sequence[Object] = ()) -> Object:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": logprobs}


def refusal_part(refusal: str) -> Object:
    return {"type": "refusal", "refusal": refusal}


def dump_logprobs(logprobs: Sequence[Logprob] | None) -> list[Object]:
    return [
        _dump_token(token.text, token.logprob) | {"top_logprobs": [_dump_token(text, logprob) for text, logprob in token.top]}
        for token in logprobs or ()
    ]


def _dump_token(text: str, logprob: float) -> Object:
    return {"token": text, "bytes": list(text.encode()), "logprob": logprob}


def seal_of(part: Reasoning) -> str:
    """Return the `encrypted_content` of reasoning."""
    return f"{REDACTED_MARK}{part.redacted}" if part.redacted else part.signature


def _dump_items(parts: Sequence[Part], status: str, logprobs: Sequence[Object]) -> list[Object]:
    items: list[Object] = []
    content: list[Object] = []
    for part in parts:
        if isinstance(part, Text | Refusal):
            if not content:
                items.append(message_item(create_item_id("msg"), "completed", content))
            content.append(text_part(part.text, logprobs) if isinstance(part, Text) else refusal_part(part.text))
            if isinstance(part, Text):
                logprobs = ()  # all tokens stand at the first text
            continue
        content = []
        if isinstance(part, Reasoning):
            items.append(reasoning_item(create_item_id("rs"), part.text, seal_of(part)))
        elif isinstance(part, ToolCall):
            if part.signature:
                items.append(reasoning_item(create_item_id("rs"), "", dump_call_seal(part.id, part.signature)))
            items.append(call_item(create_item_id("fc"), "completed", part))
    if items and "status" in items[-1]:
        items[-1]["status"] = status  # where an answer met its limit, its last item is what was cut short
    return items


def dump_reply(reply: Reply, request: ModelRequest) -> bytes:
    """
    Return the body of a whole answer.

    Errors: ValueError for a reply without a choice.
    """
    if not reply.choices:
        raise ValueError("a reply without an answer")
    choice = reply.choices[0]
    incomplete = incomplete_reason(choice.stop_reason, any(isinstance(part, Refusal) for part in choice.parts))
    status = "incomplete" if incomplete else "completed"
    items = _dump_items(choice.parts, status, dump_logprobs(choice.logprobs))
    created_at_s = reply.created_at_s or int(time.time())
    response = dump_response(create_item_id("resp"), created_at_s, status, items, echo_request(request), reply.usage, incomplete)
    return _encoder.encode(response)
