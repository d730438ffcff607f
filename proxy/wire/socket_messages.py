"""
The messages of `/ws/v1/stream`, as JSON text.

Rules: no I/O. An event's own JSON is put into a chunk as bytes and never parsed. Reference: docs/reference/websocket.md.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class RequestCreate(msgspec.Struct, tag="request.create", frozen=True):
    """`headers` are those of an HTTP request that say something of this one: `x-gateway-tags`, `anthropic-beta` and others."""

    id: Id
    endpoint: str
    body: msgspec.Raw
    headers: dict[str, str] = {}


class RequestCancel(msgspec.Struct, tag="request.cancel", frozen=True):
    id: Id


class Auth(msgspec.Struct, tag="auth", frozen=True):
    """
    `api_key` as in the header `Authorization`, without the word `Bearer`; or `key_id`, the id of a key that the console's user may manage.
    """

    api_key: str = ""
    key_id: str = ""


class Ping(msgspec.Struct, tag="ping", frozen=True):
    pass


Message = RequestCreate | RequestCancel | Auth | Ping

_decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)
_encode = msgspec.json.Encoder().encode
PONG = '{"type":"pong"}'
AUTHENTICATED = '{"type":"authenticated"}'


def parse_message(text: str | bytes) -> Message:
    """Errors: ValueError, with a text that says what is wrong."""
    try:
        return _decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(str(error)[:200]) from error


def dump_started(request: str, request_id: str) -> str:
    return _encode({"type": "response.started", "id": request, "request_id": request_id}).decode()


class ChunkWriter:
    """Writes the chunks of one request, numbered from 0. Cost: 1 us a chunk."""

    __slots__ = ("_head", "_number")

    def __init__(self, request: str) -> None:
        self._head = b'{"type":"response.chunk","id":' + _encode(request) + b',"seq":'
        self._number = 0

    def dump(self, data: bytes) -> str:
        """`data` is JSON."""
        text = b"%b%d%b%b}" % (self._head, self._number, b',"data":', data)
        self._number += 1
        return text.decode("utf-8", "replace")


def dump_completed(request: str, request_id: str, usage: dict[str, int] | None, cost_usd: str) -> str:
    body = {"type": "response.completed", "id": request, "request_id": request_id, "usage": usage, "cost_usd": cost_usd}
    return _encode(body).decode()


def dump_error(
    error: Any, status: int, request: str | None = None, request_id: str | None = None, retry_after_ms: int | None = None
) -> str:
    """`error` is the error object of the endpoint's dialect, as HTTP has it. What is None is left out."""
    body: dict[str, Any] = {"type": "error", "status": status, "error": error}
    others = {"id": request, "request_id": request_id, "retry_after_ms": retry_after_ms}
    body |= {name: value for name, value in others.items() if value is not None}
    return _encode(body).decode()
