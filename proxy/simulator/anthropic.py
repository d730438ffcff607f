"""Anthropic's dialect: messages, token counts, models, and how it writes errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from proxy.simulator.answer import Answer, Ask, Conversation, ToolCall, answer, read_conversation
from proxy.simulator.behaviour import BEHAVIOURS, Behaviour
from proxy.simulator.errors import ProviderError, invalid_request
from proxy.simulator.exchange import Request
from proxy.simulator.openai import Count, get_chat_behaviour
from proxy.simulator.options import Object, read_format, read_tool_choice, read_tools
from proxy.simulator.reply import Headers, JsonReply, Reply, StreamReply
from proxy.simulator.wire import JSON_HEADERS, SSE_HEADERS, create_id, dump, parse_body, retry_after, sse

_ERROR_TYPES: Mapping[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found_error",
    405: "invalid_request_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
}
_STOP_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}
_OVERLOADED: Object = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
_BROKEN = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_del\n\n'
_PING = b'event: ping\ndata: {"type": "ping"}\n\n'


class OutputOptions(msgspec.Struct):
    format: Object | None = None


class CountRequest(msgspec.Struct):
    model: str
    messages: Annotated[list[Object], msgspec.Meta(min_length=1)]
    system: str | list[Object] | None = None
    tools: list[Object] | None = None


class MessagesRequest(msgspec.Struct):
    model: str
    max_tokens: Count
    messages: Annotated[list[Object], msgspec.Meta(min_length=1)]
    system: str | list[Object] | None = None
    stream: bool | None = None
    stop_sequences: list[str] | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    tools: list[Object] | None = None
    tool_choice: Object | None = None
    output_config: OutputOptions | None = None


def render_error(error: ProviderError) -> JsonReply:
    headers = _headers(JSON_HEADERS)
    message = f"model: {error.model}" if error.code == "model_not_found" else error.message
    body = {
        "type": "error",
        "error": {"type": _ERROR_TYPES.get(error.status, "api_error"), "message": message},
        "request_id": headers[-1][1].decode(),
    }
    return JsonReply(dump(body), error.status, (*headers, *retry_after(error)), model=error.model)


def messages(request: Request) -> Reply:
    """POST /v1/messages"""
    _check_version(request)
    asked = parse_body(request.body, MessagesRequest)
    is_json, schema = read_format(asked.output_config.format if asked.output_config else None, "output_config.format")
    ask = Ask(
        _read(asked.messages, asked.system, asked.tools),
        get_chat_behaviour(asked.model),
        asked.max_tokens,
        asked.stop_sequences or (),
        read_tools(asked.tools),
        read_tool_choice(asked.tool_choice),
        is_json,
        schema,
    )
    given = answer(ask)
    if asked.stream:
        return _stream(asked.model, given, ask)
    body = _message(asked.model, ask.conversation.tokens, given.output_tokens) | {"content": _blocks(given)} | _stop(given)
    return JsonReply(
        dump(body),
        headers=_headers(JSON_HEADERS),
        behaviour=ask.behaviour,
        output_tokens=given.output_tokens,
        model=asked.model,
        error_body=dump(_OVERLOADED),
    )


def count_tokens(request: Request) -> Reply:
    """POST /v1/messages/count_tokens"""
    _check_version(request)
    asked = parse_body(request.body, CountRequest)
    behaviour: Behaviour = get_chat_behaviour(asked.model).delayed(0.0)
    conversation = _read(asked.messages, asked.system, asked.tools)
    return JsonReply(dump({"input_tokens": conversation.tokens}), headers=_headers(JSON_HEADERS), behaviour=behaviour, model=asked.model)


def models(_request: Request) -> Reply:
    """GET /v1/models, asked by Anthropic's client"""
    names = list(BEHAVIOURS)
    data = [{"type": "model", "id": name, "display_name": name, "created_at": "2025-01-01T00:00:00Z"} for name in names]
    body = {"data": data, "has_more": False, "first_id": names[0], "last_id": names[-1]}
    return JsonReply(dump(body), headers=_headers(JSON_HEADERS))


def _headers(base: Headers) -> Headers:
    return (*base, (b"anthropic-organization-id", b"simulator"), (b"request-id", create_id("req_").encode()))


def _check_version(request: Request) -> None:
    # The real one insists, so a gateway that forgets the header should find out here.
    if b"anthropic-version" not in request.headers:
        raise invalid_request("anthropic-version: header is required")


def _read(said: list[Object], system: str | list[Object] | None, tools: list[Object] | None) -> Conversation:
    if isinstance(system, list):
        system = "\n".join(str(block.get("text", "")) for block in system)
    return read_conversation(said, system=system or "", tools=tools)


def _message(model: str, input_tokens: int, output_tokens: int) -> Object:
    return {
        "id": create_id("msg_"),
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {
            "input_tokens": input_tokens,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": output_tokens,
            "service_tier": "standard",
        },
    }


def _stop(given: Answer) -> Object:
    reason = "stop_sequence" if given.stop_sequence is not None else _STOP_REASONS[given.finish]
    return {"stop_reason": reason, "stop_sequence": given.stop_sequence}


def _blocks(given: Answer) -> list[Object]:
    if not given.tool_calls:
        return [{"type": "text", "text": given.text}]
    return [_tool_use(call, _parsed(call)) for call in given.tool_calls]


def _tool_use(call: ToolCall, arguments: Any) -> Object:
    return {"type": "tool_use", "id": create_id("toolu_"), "name": call.name, "input": arguments}


def _parsed(call: ToolCall) -> Any:
    try:
        return msgspec.json.decode(call.arguments)
    except msgspec.DecodeError:
        return {}  # cut off by max_tokens; a body that is one JSON object cannot show the half of another


def _stream(model: str, given: Answer, ask: Ask) -> StreamReply:
    start = _event("message_start", message=_message(model, ask.conversation.tokens, 1))
    opening: list[bytes] = [start]
    paced: list[bytes] = []
    if given.tool_calls:
        for index, call in enumerate(given.tool_calls):
            paced += _block(index, _tool_use(call, {}), "input_json_delta", "partial_json", call.pieces)
    else:
        block = _block(0, {"type": "text", "text": ""}, "text_delta", "text", given.pieces)
        opening += [block[0], _PING]
        paced += block[1:]
    closing = [
        _event("message_delta", delta=_stop(given), usage={"output_tokens": given.output_tokens}),
        _event("message_stop"),
    ]
    error = (sse(_OVERLOADED, "error"),)
    return StreamReply(opening, paced, closing, error, _BROKEN, _headers(SSE_HEADERS), ask.behaviour, model)


def _block(index: int, begun: Object, delta_type: str, field: str, pieces: tuple[str, ...]) -> list[bytes]:
    """Return the events of one content block: its start, a delta for each token, its stop."""
    frames = [_event("content_block_start", index=index, content_block=begun)]
    frames += [_event("content_block_delta", index=index, delta={"type": delta_type, field: piece}) for piece in pieces]
    frames.append(_event("content_block_stop", index=index))
    return frames


def _event(kind: str, **fields: Any) -> bytes:
    return sse({"type": kind, **fields}, kind)
