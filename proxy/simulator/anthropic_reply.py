"""Writes an answer as Anthropic's message: its content blocks, its usage, and the events of a stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from proxy.simulator.answer import Answer, ToolCall
from proxy.simulator.anthropic_checks import sign_thought
from proxy.simulator.behaviour import Behaviour
from proxy.simulator.options import Object
from proxy.simulator.prompt_cache import CacheUse
from proxy.simulator.reply import Headers, StreamReply
from proxy.simulator.wire import SSE_HEADERS, create_id, sse

OVERLOADED: Object = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
_BROKEN = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_del\n\n'
_PING = b'event: ping\ndata: {"type": "ping"}\n\n'
_STOP_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}


@dataclass(frozen=True, slots=True)
class Told:
    """Everything that a message is written from; `shows_thought` is false where the thoughts were asked for without their text."""

    model: str
    given: Answer
    input_tokens: int
    cache: CacheUse
    shows_thought: bool = True


def provider_headers(base: Headers) -> Headers:
    return (*base, (b"anthropic-organization-id", b"simulator"), (b"request-id", create_id("req_").encode()))


def whole_message(told: Told) -> Object:
    given = told.given
    usage = _usage(told, given.output_tokens)
    if given.thought:
        usage["output_tokens_details"] = {"thinking_tokens": given.thought_tokens}
    return _message(told, usage) | {"content": [block.whole() for block in _blocks(told)]} | _stop(given)


def stream_message(told: Told, behaviour: Behaviour) -> StreamReply:
    """Return the stream: every block begins, comes token by token and stops; a ping follows the first beginning."""
    opening = [_event("message_start", message=_message(told, _usage(told, 1)))]
    paced: list[bytes] = []
    for index, block in enumerate(_blocks(told)):
        begun, *later = block.events(index)
        if index:
            paced.append(begun)
        else:
            opening += [begun, _PING]
        paced += later
    if len(opening) == 1:
        opening.append(_PING)
    whole = _usage(told, told.given.output_tokens)
    counted = {name: whole[name] for name in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")}
    closing = [_event("message_delta", delta=_stop(told.given), usage=counted), _event("message_stop")]
    headers = provider_headers(SSE_HEADERS)
    return StreamReply(opening, paced, closing, (sse(OVERLOADED, "error"),), _BROKEN, headers, behaviour, told.model)


def _message(told: Told, usage: Object) -> Object:
    return {
        "id": create_id("msg_"),
        "type": "message",
        "role": "assistant",
        "model": told.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
        "usage": usage,
    }


def _usage(told: Told, output_tokens: int) -> Object:
    cache = told.cache
    return {
        "input_tokens": told.input_tokens - cache.tokens,
        "cache_creation_input_tokens": cache.written_tokens,
        "cache_read_input_tokens": cache.read_tokens,
        "cache_creation": {"ephemeral_5m_input_tokens": cache.written_5m_tokens, "ephemeral_1h_input_tokens": cache.written_1h_tokens},
        "output_tokens": output_tokens,
        "service_tier": "standard",
    }


def _stop(given: Answer) -> Object:
    reason = "stop_sequence" if given.stop_sequence is not None else _STOP_REASONS[given.finish]
    return {"stop_reason": reason, "stop_sequence": given.stop_sequence}


@dataclass(frozen=True, slots=True)
class _Block:
    """One content block: what it is at its beginning, what is filled in, and the deltas that fill it."""

    begun: Object
    filled: Object
    deltas: list[Object]

    def whole(self) -> Object:
        return self.begun | self.filled

    def events(self, index: int) -> list[bytes]:
        return [
            _event("content_block_start", index=index, content_block=self.begun),
            *(_event("content_block_delta", index=index, delta=delta) for delta in self.deltas),
            _event("content_block_stop", index=index),
        ]


def _blocks(told: Told) -> list[_Block]:
    given = told.given
    blocks = [_thinking_block(given.thought if told.shows_thought else ())] if given.thought else []
    blocks += [_tool_block(call) for call in given.tool_calls]
    if given.pieces:  # a message that was cut before its first word has no text at all
        deltas: list[Object] = [{"type": "text_delta", "text": piece} for piece in given.pieces]
        blocks.append(_Block({"type": "text", "text": ""}, {"text": given.text}, deltas))
    return blocks


def _thinking_block(thought: tuple[str, ...]) -> _Block:
    text = "".join(thought)
    signature = sign_thought(text)
    deltas: list[Object] = [{"type": "thinking_delta", "thinking": piece} for piece in thought]
    deltas.append({"type": "signature_delta", "signature": signature})
    return _Block({"type": "thinking", "thinking": "", "signature": ""}, {"thinking": text, "signature": signature}, deltas)


def _tool_block(call: ToolCall) -> _Block:
    # The real one begins every input with an empty delta.
    deltas: list[Object] = [{"type": "input_json_delta", "partial_json": piece} for piece in ("", *call.pieces)]
    return _Block({"type": "tool_use", "id": create_id("toolu_"), "name": call.name, "input": {}}, {"input": _parsed(call)}, deltas)


def _parsed(call: ToolCall) -> Any:
    try:
        return msgspec.json.decode(call.arguments)
    except msgspec.DecodeError:
        return {}  # cut off by max_tokens; a body that is one JSON object cannot show the half of another


def _event(kind: str, **fields: Any) -> bytes:
    return sse({"type": kind, **fields}, kind)
