"""OpenAI's embeddings format, as far as a gateway must understand it; everything else passes as it came."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from proxy.errors import BadRequest, UpstreamBroken
from proxy.wire.bad_request import UNREADABLE, decode_body
from proxy.wire.model_request import ModelRequest
from proxy.wire.openai import ModelName, TokenCount
from proxy.wire.openai_error import describe_error, parse_stream_error
from proxy.wire.openai_usage import UsageBody, read_usage
from proxy.wire.usage import Usage


class _EmbeddingsBody(msgspec.Struct):
    model: ModelName
    input: str | list[str | int | list[int]]
    dimensions: TokenCount | None = None
    encoding_format: str | None = None
    user: str | None = None


class _ReplyBody(msgspec.Struct):
    data: list[msgspec.Raw] | None = None
    usage: UsageBody | None = None
    error: Any = None


_decoder: Final = msgspec.json.Decoder(_EmbeddingsBody)
_reply_decoder: Final = msgspec.json.Decoder(_ReplyBody)


def parse_embeddings_request(body: bytes, depth_limit_count: int) -> ModelRequest:
    """
    Read and check an embeddings request: text, texts, tokens, or lists of tokens.

    Errors: BadRequest, with `param` where it is known.
    """
    checked, fields = decode_body(body, depth_limit_count, _decoder)
    given = checked.input
    if not given:
        raise BadRequest("'input' must not be empty.", param="input")
    if isinstance(given, list) and any(type(item) is not type(given[0]) for item in given):
        raise BadRequest("Invalid value for 'input': texts and tokens cannot be mixed.", param="input")
    return ModelRequest("embeddings", checked.model, False, False, fields, is_deterministic=True, end_user=checked.user or "")


def parse_embeddings_reply(body: bytes) -> Usage | None:
    """
    Check that `body` is a list of embeddings and return its usage, None when it holds none.

    Errors: ValueError for anything else; UpstreamBroken for an error in the place of an answer.
    """
    try:
        reply = _reply_decoder.decode(body)
    except UNREADABLE as error:
        raise ValueError("not a list of embeddings") from error
    if reply.error:
        raise UpstreamBroken(describe_error(parse_stream_error(body)))
    if reply.data is None:
        raise ValueError("not a list of embeddings")
    return read_usage(reply.usage)
