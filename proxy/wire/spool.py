"""
The lines of a spool file: a request started, a request ended, the file ended.

Rules: one JSON array a line; the first item tells which. A line holds all its row needs, so that nothing is joined later. A new field
goes at the end with a default: lines that an older version wrote stay readable.
"""

from __future__ import annotations

import msgspec


class Started(msgspec.Struct, frozen=True, array_like=True, tag="started"):
    """Written before the upstream is called. Without an `Ended` of the same id the request was interrupted."""

    request_id: str
    workspace_id: str
    key_id: str
    model: str
    revision: int
    is_stream: bool


class Ended(msgspec.Struct, frozen=True, array_like=True, tag="ended"):
    """Written before the last byte is sent. Units: milliseconds, nano-dollars, LLM tokens."""

    request_id: str
    workspace_id: str
    key_id: str
    model: str
    revision: int
    is_stream: bool
    backend: str
    provider: str
    upstream_model: str
    status: int
    outcome: str
    error_code: str
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    cost_nano_usd: int
    usage_source: str
    attempts_count: int
    latency_ms: float
    first_token_ms: float | None


class Closed(msgspec.Struct, frozen=True, array_like=True, tag="closed"):
    """The writer ended this file itself: what is still open in it was written again to its next one."""


Line = Started | Ended | Closed

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Line)


def dump_line(line: Line) -> bytes:
    return _encoder.encode(line) + b"\n"


def parse_line(data: bytes) -> Line:
    """Errors: ValueError for a line that is cut off or not ours."""
    try:
        line: Line = _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError("not a spool line") from error
    return line
