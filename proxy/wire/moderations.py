"""OpenAI's moderations format, as far as a gateway must understand it; everything else passes as it came."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from proxy.errors import BadRequest, UpstreamBroken
from proxy.wire.bad_request import UNREADABLE, decode_body
from proxy.wire.model_request import ModelRequest
from proxy.wire.openai import ModelName
from proxy.wire.openai_error import describe_error, parse_stream_error

DEFAULT_MODEL: Final = "omni-moderation-latest"
"""What OpenAI takes for a request that names no model."""


class _ModerationsBody(msgspec.Struct):
    input: str | list[str | dict[str, msgspec.Raw]]
    model: ModelName | None = None


class _ReplyBody(msgspec.Struct):
    results: list[msgspec.Raw] | None = None
    error: Any = None


_decoder: Final = msgspec.json.Decoder(_ModerationsBody)
_reply_decoder: Final = msgspec.json.Decoder(_ReplyBody)


def parse_moderations_request(body: bytes, depth_limit_count: int) -> ModelRequest:
    """
    Read and check a moderations request: text, texts, or parts of text and images.

    Errors: BadRequest, with `param` where it is known.
    """
    checked, fields = decode_body(body, depth_limit_count, _decoder)
    if isinstance(checked.input, list) and not checked.input:
        raise BadRequest("'input' must not be empty.", param="input")
    return ModelRequest("moderations", checked.model or DEFAULT_MODEL, False, False, fields, is_deterministic=True)


def check_moderations_reply(body: bytes) -> None:
    """Errors: ValueError for what is no moderation; UpstreamBroken for an error in the place of one."""
    try:
        reply = _reply_decoder.decode(body)
    except UNREADABLE as error:
        raise ValueError("not a moderation") from error
    if reply.error:
        raise UpstreamBroken(describe_error(parse_stream_error(body)))
    if reply.results is None:
        raise ValueError("not a moderation")
