"""
OpenAI's chat format, as far as a gateway must understand it: the fields that choose, meter or shape an answer.

Everything else passes as it came. What a conversation means is read in `translators/`, where it has to be.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec

from proxy.errors import BadRequest, UpstreamBroken
from proxy.wire.bad_request import UNREADABLE, decode_body
from proxy.wire.model_request import ModelRequest
from proxy.wire.openai_error import describe_error, parse_stream_error, read_choice_error
from proxy.wire.openai_usage import UsageBody, read_usage
from proxy.wire.usage import Usage

ModelName = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
TokenCount = Annotated[int, msgspec.Meta(ge=1)]


class StreamOptions(msgspec.Struct, gc=False):
    include_usage: bool | None = None


class _Message(msgspec.Struct, gc=False):
    role: Annotated[str, msgspec.Meta(min_length=1)]
    content: str | list[dict[str, msgspec.Raw]] | None = None


class _ChatBody(msgspec.Struct, gc=False):
    model: ModelName
    messages: Annotated[list[_Message], msgspec.Meta(min_length=1)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: TokenCount | None = None
    max_completion_tokens: TokenCount | None = None
    n: TokenCount | None = None
    temperature: float | None = None
    top_p: float | None = None
    user: str | None = None
    safety_identifier: str | None = None


class _ReplyBody(msgspec.Struct):
    choices: list[msgspec.Raw] | None = None
    usage: UsageBody | None = None
    error: Any = None


class _Choice(msgspec.Struct):
    error: Any = None


_chat_decoder: Final = msgspec.json.Decoder(_ChatBody)
_options_decoder: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_reply_decoder: Final = msgspec.json.Decoder(_ReplyBody)
_choice_decoder: Final = msgspec.json.Decoder(_Choice)
_encoder: Final = msgspec.json.Encoder()
_TRUE: Final = msgspec.Raw(b"true")
_NULL: Final = b"null"


def parse_chat_request(body: bytes, depth_limit_count: int) -> ModelRequest:
    """
    Read and check a chat request.

    Errors: BadRequest, with `param` where it is known.
    """
    checked, fields = decode_body(body, depth_limit_count, _chat_decoder)
    return ModelRequest(
        "chat",
        checked.model,
        checked.stream is True,
        wants_usage(checked.stream, checked.stream_options),
        fields,
        checked.max_completion_tokens or checked.max_tokens,
        checked.n or 1,
        checked.temperature == 0,
        checked.user or checked.safety_identifier or "",
    )


def wants_usage(is_stream: bool | None, options: StreamOptions | None) -> bool:
    """Tell whether a client asked for usage in its stream. Errors: BadRequest for options without a stream."""
    if options is None:
        return False
    if not is_stream:
        raise BadRequest("'stream_options' is only allowed when 'stream' is true.", param="stream_options")
    return options.include_usage is True


def upstream_fields(request: ModelRequest, upstream_model: str) -> dict[str, msgspec.Raw]:
    """Return the fields for an upstream: its own name of the model, and on streams always with usage; all others as they are."""
    fields = request.fields
    if upstream_model != request.model or is_absent(fields, "model"):
        fields = fields | {"model": msgspec.Raw(_encoder.encode(upstream_model))}
    if request.is_stream and not request.is_usage_wanted:
        options = {} if is_absent(fields, "stream_options") else _options_decoder.decode(fields["stream_options"])
        fields = fields | {"stream_options": msgspec.Raw(_encoder.encode(options | {"include_usage": _TRUE}))}
    return fields


def is_absent(fields: dict[str, msgspec.Raw], name: str) -> bool:
    """Tell whether a field was not set: null is not set."""
    given = fields.get(name)
    return given is None or bytes(given) == _NULL


def parse_answer(body: bytes) -> Usage | None:
    """
    Check that `body` is a chat completion or a completion and return its usage, None when it holds none.

    Errors: ValueError for anything else; UpstreamBroken for an error in the place of an answer (OpenRouter).
    """
    try:
        reply = _reply_decoder.decode(body)
        if reply.error:
            raise UpstreamBroken(describe_error(parse_stream_error(body)))
        if reply.choices is None:
            raise ValueError("not a chat completion: no choices")
        if b'"error"' in body:
            _check_choices(reply.choices)
    except UNREADABLE as error:
        raise ValueError("not a chat completion") from error
    return read_usage(reply.usage)


def _check_choices(choices: list[msgspec.Raw]) -> None:
    for choice in choices:
        if error := _choice_decoder.decode(choice).error:
            raise UpstreamBroken(describe_error(read_choice_error(error)))
