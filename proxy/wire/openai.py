"""
OpenAI's chat format, as far as a gateway must understand it: the fields that choose, meter or shape an answer.

Everything else passes as it came. OpenAI's own field names appear here and nowhere else in the data plane.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from proxy.errors import BadRequest
from proxy.wire.json_body import check_depth, check_utf8

ModelName = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
TokenCount = Annotated[int, msgspec.Meta(ge=1)]


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class _Message(msgspec.Struct):
    role: Annotated[str, msgspec.Meta(min_length=1)]
    content: str | list[dict[str, msgspec.Raw]] | None = None


class _ChatBody(msgspec.Struct):
    model: ModelName
    messages: Annotated[list[_Message], msgspec.Meta(min_length=1)]
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    max_tokens: TokenCount | None = None
    max_completion_tokens: TokenCount | None = None
    n: TokenCount | None = None
    temperature: float | None = None
    top_p: float | None = None
    user: str | None = None


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """
    A checked chat request. `fields` are the top-level fields as they were written, each name once.

    A repeated name keeps its last value: what was checked is what the upstream gets.
    """

    model: str
    is_stream: bool
    is_usage_wanted: bool
    fields: dict[str, msgspec.Raw]


@dataclass(frozen=True, slots=True)
class Usage:
    """What an answer took, in LLM tokens. `cached_input_tokens` are part of `input_tokens`."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0


class _TokenDetails(msgspec.Struct):
    cached_tokens: int | None = None


class _UsageBody(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _TokenDetails | None = None


class _ReplyBody(msgspec.Struct):
    choices: list[msgspec.Raw]
    usage: _UsageBody | None = None


class _Chunk(msgspec.Struct):
    choices: list[dict[str, Any]] | None = None
    usage: _UsageBody | None = None
    error: Any = None


class _ErrorFields(msgspec.Struct):
    message: str | None = None
    type: str | None = None
    param: str | None = None
    code: str | int | None = None


class _ErrorBody(msgspec.Struct):
    error: _ErrorFields | str | None = None


@dataclass(frozen=True, slots=True)
class UpstreamErrorDetail:
    """What an upstream said was wrong."""

    message: str
    type: str | None = None
    param: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """What one chunk of a stream means to the pipeline."""

    has_content: bool = False
    is_usage_only: bool = False
    usage: Usage | None = None
    error: UpstreamErrorDetail | None = None


_chat_decoder = msgspec.json.Decoder(_ChatBody)
_fields_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_reply_decoder = msgspec.json.Decoder(_ReplyBody)
_chunk_decoder = msgspec.json.Decoder(_Chunk)
_error_decoder = msgspec.json.Decoder(_ErrorBody)
_encoder = msgspec.json.Encoder()
_COUNT_MAX = 2**31 - 1  # what a usage record can hold; an upstream that claims more must not stop the records of all others
_PATH = re.compile(r" - at `\$\.?([^`]*)`$")
_TRUE = msgspec.Raw(b"true")


def _bad_request(error: Exception) -> BadRequest:
    text = str(error)
    if not isinstance(error, msgspec.ValidationError):
        return BadRequest(f"The body is not valid JSON: {text[:200]}")
    path = _PATH.search(text)
    param = path[1] if path and path[1] and path[1] != "[...]" else None
    if missing := re.search(r"missing required field `([^`]+)`", text):
        param = f"{param}.{missing[1]}" if param else missing[1]
        return BadRequest(f"Missing required parameter: '{param}'.", param=param)
    reason = _PATH.sub("", text)
    return BadRequest(f"Invalid value for '{param}': {reason}." if param else f"Invalid body: {reason}.", param=param)


def parse_chat_request(body: bytes, depth_limit_count: int) -> ChatRequest:
    """
    Read and check a chat request.

    Errors: BadRequest, with `param` where it is known.
    """
    check_utf8(body)
    check_depth(body, depth_limit_count)
    try:
        checked = _chat_decoder.decode(body)
        fields = _fields_decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _bad_request(error) from error
    if checked.stream_options is not None and not checked.stream:
        raise BadRequest("'stream_options' is only allowed when 'stream' is true.", param="stream_options")
    wanted = checked.stream_options is not None and bool(checked.stream_options.include_usage)
    return ChatRequest(checked.model, bool(checked.stream), wanted, fields)


def dump_chat_request(request: ChatRequest, upstream_model: str) -> bytes:
    """Return the body for an upstream: its own name of the model, and on streams always with usage."""
    fields = request.fields
    if upstream_model != request.model:
        fields = fields | {"model": msgspec.Raw(_encoder.encode(upstream_model))}
    if request.is_stream and not request.is_usage_wanted:
        options: dict[str, msgspec.Raw] = {}
        if (given := fields.get("stream_options")) is not None and bytes(given) != b"null":
            options = _fields_decoder.decode(given)
        fields = fields | {"stream_options": msgspec.Raw(_encoder.encode(options | {"include_usage": _TRUE}))}
    return _encoder.encode(fields)


def _usage(body: _UsageBody | None) -> Usage | None:
    if body is None:
        return None
    cached = body.prompt_tokens_details.cached_tokens if body.prompt_tokens_details else 0
    return Usage(_count(body.prompt_tokens), _count(body.completion_tokens), _count(cached))


def _count(tokens: int | None) -> int:
    return min(max(tokens or 0, 0), _COUNT_MAX)


def parse_chat_reply(body: bytes) -> Usage | None:
    """
    Check that `body` is a chat completion and return its usage, None when it holds none.

    Errors: ValueError for anything else.
    """
    try:
        return _usage(_reply_decoder.decode(body).usage)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError("not a chat completion") from error


def parse_error(body: bytes) -> UpstreamErrorDetail | None:
    """Return what an upstream's error body says, None when it is not in OpenAI's shape."""
    try:
        error = _error_decoder.decode(body).error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if isinstance(error, str):
        return UpstreamErrorDetail(error)
    if error is None or not error.message:
        return None
    return UpstreamErrorDetail(error.message, error.type, error.param, None if error.code is None else str(error.code))


def _has_content(choice: dict[str, Any]) -> bool:
    if choice.get("finish_reason"):
        return True
    delta = choice.get("delta")
    return isinstance(delta, dict) and any(value for name, value in delta.items() if name != "role")


def parse_chunk(data: bytes) -> StreamEvent:
    """
    Read the data of one event of a chat stream.

    Errors: ValueError for what is no chunk.
    """
    try:
        chunk = _chunk_decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError("not a chat completion chunk") from error
    if chunk.error:
        return StreamEvent(error=parse_error(data) or UpstreamErrorDetail("The provider reported an error."))
    if chunk.choices is None:
        raise ValueError("a chunk without choices")
    usage = _usage(chunk.usage)
    return StreamEvent(any(map(_has_content, chunk.choices)), usage is not None and not chunk.choices, usage)


def dump_models(models: list[tuple[str, int]]) -> bytes:
    """Return OpenAI's list of models from (name, created at in unix seconds)."""
    return _encoder.encode({"object": "list", "data": [_model(name, created) for name, created in models]})


def dump_model(name: str, created_at_s: int) -> bytes:
    return _encoder.encode(_model(name, created_at_s))


def _model(name: str, created_at_s: int) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": created_at_s, "owned_by": "gatewaysite"}
