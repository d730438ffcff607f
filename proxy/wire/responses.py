"""
OpenAI's Responses format, as far as a gateway must understand it: the fields that choose, meter or shape an answer.

Everything else passes as it came. What a conversation means is read in `translators/clients/responses.py`, where it has to be.
"""

from __future__ import annotations

import time
from typing import Annotated, Any, Final

import msgspec

from common.ids import create_uuid7
from proxy.errors import BadRequest, GatewayError
from proxy.wire.bad_request import decode_body
from proxy.wire.model_request import ModelRequest
from proxy.wire.sse import encode_event
from proxy.wire.usage import COUNT_MAX, Usage, clamp_tokens

# --- the request ----------------------------------------------------------------------------------------------------------------


class _Tool(msgspec.Struct):
    type: str | None = None


class _Body(msgspec.Struct):
    model: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    input: str | list[dict[str, msgspec.Raw]] | None = None
    stream: bool | None = None
    stream_options: dict[str, Any] | None = None
    max_output_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    temperature: float | None = None
    top_p: float | None = None
    store: bool | None = None
    background: bool | None = None
    previous_response_id: str | None = None
    conversation: Any = None
    prompt: Any = None
    tools: list[_Tool] | None = None
    user: str | None = None
    safety_identifier: str | None = None


_body_decoder: Final = msgspec.json.Decoder(_Body)


def parse_responses_request(body: bytes, depth_limit_count: int) -> ModelRequest:
    """
    Read and check a request for a response.

    Errors: BadRequest, with `param` where it is known.
    """
    checked, fields = decode_body(body, depth_limit_count, _body_decoder)
    if checked.input is None and not (checked.prompt or checked.conversation or checked.previous_response_id):
        raise BadRequest("Missing required parameter: 'input'.", param="input")
    if checked.stream_options is not None and not checked.stream:
        raise BadRequest("'stream_options' is only allowed when 'stream' is true.", param="stream_options")
    return ModelRequest(
        "responses",
        checked.model,
        is_stream=bool(checked.stream),
        is_usage_wanted=True,
        fields=fields,
        output_limit_tokens=checked.max_output_tokens,
        is_deterministic=_is_deterministic(checked),
        end_user=checked.safety_identifier or checked.user or "",
    )


def _is_deterministic(body: _Body) -> bool:
    """
    Tell whether an answer may be given out again: not where the same words mean something else tomorrow (state, tools that the
    provider runs), nor where the answer gets an id that its owner may continue from or delete.
    """
    if body.temperature != 0 or body.store is not False or body.background:
        return False
    if body.previous_response_id or body.conversation or body.prompt:
        return False
    return all(tool.type == "function" for tool in body.tools or ())


# --- the answer -----------------------------------------------------------------------------------------------------------------


class _CacheWrites(msgspec.Struct):
    ttl_12h_tokens: int | None = None


class _InputDetails(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_write_tokens_details: _CacheWrites | None = None


_NO_INPUT: Final = _InputDetails()


class _OutputDetails(msgspec.Struct):
    reasoning_tokens: int | None = None


class UsageBody(msgspec.Struct):
    """`usage` of a response: the details are parts of the counts beside them."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: _InputDetails | None = None
    output_tokens_details: _OutputDetails | None = None


class ResponseBody(msgspec.Struct):
    """A response, whole or within an event. `output` stays unread."""

    id: str
    status: str | None = None
    output: list[msgspec.Raw] | None = None
    usage: UsageBody | None = None


def parse_usage(body: UsageBody | None) -> Usage | None:
    """
    Return the counts in classes that do not overlap, None where nothing was counted.

    Guarantee: `input_tokens` and `output_tokens` of the result are the provider's, whatever the details claim.
    """
    if body is None:
        return None
    given = body.input_tokens_details or _NO_INPUT
    fresh = clamp_tokens(body.input_tokens)
    cached = min(clamp_tokens(given.cached_tokens), fresh)
    fresh -= cached
    written = min(clamp_tokens(given.cache_write_tokens), fresh)
    writes = given.cache_write_tokens_details
    written_12h = min(clamp_tokens(writes.ttl_12h_tokens), written) if writes else 0
    output = clamp_tokens(body.output_tokens)
    reasoning = min(clamp_tokens(body.output_tokens_details.reasoning_tokens), output) if body.output_tokens_details else 0
    return Usage(
        fresh_input_tokens=fresh - written,
        text_output_tokens=output - reasoning,
        cache_read_tokens=cached,
        cache_write_5m_tokens=written - written_12h,
        cache_write_1h_tokens=written_12h,
        reasoning_tokens=reasoning,
    )


def dump_usage(usage: Usage | None) -> dict[str, Any] | None:
    """Return `usage` of a response: every class counted within `input_tokens` or `output_tokens`."""
    if usage is None:
        return None
    written = min(usage.cache_write_5m_tokens + usage.cache_write_1h_tokens, COUNT_MAX)
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cache_read_tokens, "cache_write_tokens": written},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.total_tokens,
    }


# --- the stream -----------------------------------------------------------------------------------------------------------------

TERMINAL_EVENTS: Final = frozenset({"response.completed", "response.incomplete"})
"""What ends a stream that succeeded; an incomplete response is an answer that met its limit."""


class LifecycleEvent(msgspec.Struct):
    """An event that carries the whole response."""

    response: ResponseBody


class RawLifecycleEvent(msgspec.Struct):
    """The same with the response as it was written."""

    response: msgspec.Raw


def begin_response() -> dict[str, Any]:
    """Return a response that has just begun, under an id of its own, for a stream whose provider had not begun one."""
    fields: dict[str, Any] = {"error": None, "incomplete_details": None, "output": [], "usage": None}
    return {"id": f"resp_{create_uuid7().hex}", "object": "response", "created_at": int(time.time()), "status": "in_progress", **fields}


def dump_failure(response: dict[str, Any], error: GatewayError, sequence_number: int) -> bytes:
    """Return the event that says that a response, which the client has seen begin, failed."""
    failed = response | {"status": "failed", "error": {"code": error.code, "message": error.public_message}}
    return _event({"type": "response.failed", "sequence_number": sequence_number, "response": failed})


def dump_failed_start(response: dict[str, Any], error: GatewayError) -> bytes:
    """Return the events of a response of which the client has seen nothing yet: the SDKs want it to begin before it fails."""
    return _event({"type": "response.created", "sequence_number": 0, "response": response}) + dump_failure(response, error, 1)


def dump_stream_error(error: GatewayError, request_id: str) -> bytes:
    """Return what ends a stream that has begun with nothing but keepalives."""
    return dump_failed_start(begin_response(), error)


def _event(fields: dict[str, Any]) -> bytes:
    return encode_event(msgspec.json.encode(fields), fields["type"].encode())
