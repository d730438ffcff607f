"""
Anthropic's Messages format as a client writes it: the fields that choose, meter or shape an answer.

Everything else passes as it came. What a provider writes in this format is in `messages_reply.py`.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from proxy.wire.bad_request import decode_body
from proxy.wire.model_request import ModelRequest

_encoder = msgspec.json.Encoder()
_ModelName = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
_Word = Annotated[str, msgspec.Meta(min_length=1)]


class _Block(msgspec.Struct):
    type: _Word


class _Message(msgspec.Struct):
    role: _Word
    content: str | list[_Block]


_Messages = Annotated[list[_Message], msgspec.Meta(min_length=1)]


class _Metadata(msgspec.Struct):
    user_id: str | None = None


class _CountTokensBody(msgspec.Struct):
    model: _ModelName
    messages: _Messages
    system: str | list[_Block] | None = None


class _MessagesBody(msgspec.Struct):
    model: _ModelName
    messages: _Messages
    max_tokens: Annotated[int, msgspec.Meta(ge=0)]  # 0 asks for nothing but filling the prompt cache
    system: str | list[_Block] | None = None
    stream: bool | None = None
    temperature: float | None = None
    metadata: _Metadata | None = None


_messages_decoder = msgspec.json.Decoder(_MessagesBody)
_count_tokens_decoder = msgspec.json.Decoder(_CountTokensBody)


def parse_messages_request(body: bytes, depth_limit_count: int, query: str = "") -> ModelRequest:
    """
    Read and check a request for a message. `query` is what may cross of the path's query (`beta=true`).

    Errors: BadRequest, with `param` where it is known.
    """
    checked, fields = decode_body(body, depth_limit_count, _messages_decoder)
    return ModelRequest(
        "messages",
        checked.model,
        bool(checked.stream),
        is_usage_wanted=True,
        fields=fields,
        output_limit_tokens=checked.max_tokens,
        is_deterministic=checked.temperature == 0,
        end_user=(checked.metadata.user_id if checked.metadata else None) or "",
        query=query,
    )


def parse_count_tokens_request(body: bytes, depth_limit_count: int, query: str = "") -> ModelRequest:
    """
    Read and check a request for the number of tokens that a message's input has.

    Errors: BadRequest, with `param` where it is known.
    """
    checked, fields = decode_body(body, depth_limit_count, _count_tokens_decoder)
    return ModelRequest(
        "count_tokens", checked.model, is_stream=False, is_usage_wanted=False, fields=fields, is_deterministic=True, query=query
    )


def dump_messages_request(request: ModelRequest, upstream_model: str) -> bytes:
    """Return the body for an upstream that speaks this dialect: as it was written, but for its own name of the model."""
    fields = request.fields
    if upstream_model != request.model:
        fields = fields | {"model": msgspec.Raw(_encoder.encode(upstream_model))}
    return _encoder.encode(fields)
