"""In which shape a client of an endpoint is told of errors and kept waiting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from proxy.errors import GatewayError
from proxy.wire.errors import (
    anthropic_status,
    dump_anthropic_error,
    dump_anthropic_stream_error,
    dump_openai_error,
    dump_openai_stream_error,
)
from proxy.wire.responses import dump_stream_error as dump_responses_stream_error


@dataclass(frozen=True, slots=True)
class Dialect:
    """
    `dump_error` takes the error and the request's id; `dump_stream_error` ends a stream that has begun with nothing but keepalives.
    """

    name: str
    dump_error: Callable[[GatewayError, str], bytes]
    dump_stream_error: Callable[[GatewayError, str], bytes]
    status_of: Callable[[GatewayError], int]
    keepalive: bytes


def _openai_status(error: GatewayError) -> int:
    return error.http_status


OPENAI: Final = Dialect(
    "openai",
    lambda error, _: dump_openai_error(error),
    lambda error, _: dump_openai_stream_error(error),
    _openai_status,
    b": keepalive\n\n",
)
RESPONSES: Final = Dialect("openai", OPENAI.dump_error, dump_responses_stream_error, _openai_status, OPENAI.keepalive)
ANTHROPIC: Final = Dialect(
    "anthropic",
    dump_anthropic_error,
    dump_anthropic_stream_error,
    anthropic_status,
    b'event: ping\ndata: {"type": "ping"}\n\n',
)
