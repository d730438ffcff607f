"""
The lines of a spool file: a request started, a request ended, the file ended.

Rules: one JSON array a line; the first item tells which. A line holds all its row needs, so that nothing is joined later. A new field
goes at the end with a default: lines that an older version wrote stay readable. The types say what a row can hold and are checked when
a line is read: one that a damaged disk changed is none, and does not stop those behind it.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

_REST_OF_ID = r"[0-9a-f]{7}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z"
RequestId = Annotated[str, msgspec.Meta(pattern=rf"^[0-9a-d]{_REST_OF_ID}")]
"""A UUIDv7 of a year that a date can have."""
RowId = Annotated[str, msgspec.Meta(pattern=rf"^[0-9a-f]{_REST_OF_ID}")]
Text = Annotated[str, msgspec.Meta(max_length=200, pattern=r"^[^\x00]*\Z")]
Word = Annotated[str, msgspec.Meta(max_length=64, pattern=r"^[^\x00]*\Z")]
Small = Annotated[int, msgspec.Meta(ge=0, le=2**15 - 1)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
Big = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


Tag = Annotated[str, msgspec.Meta(max_length=129, pattern=r"^[^\x00]*\Z")]
User = Annotated[str, msgspec.Meta(max_length=128, pattern=r"^[^\x00]*\Z")]


class Started(msgspec.Struct, frozen=True, array_like=True, tag="started"):
    """
    Written before the upstream is called. Without an `Ended` of the same id the request was interrupted.

    `reserved_nano_usd` and `reserved_tokens` are what the limits hold back for it until it ends; `reserved_input_tokens` is the part of
    the tokens that is input.
    """

    request_id: RequestId
    workspace_id: RowId
    key_id: RowId
    model: Text
    revision: Big
    is_stream: bool
    endpoint: Word = "chat"
    end_user: User = ""
    tags: tuple[Tag, ...] = ()
    reserved_nano_usd: Big = 0
    reserved_tokens: Big = 0
    reserved_input_tokens: Big = 0


class Ended(msgspec.Struct, frozen=True, array_like=True, tag="ended"):
    """
    Written before the last byte is sent. Units: milliseconds, nano-dollars, LLM tokens.

    `input_tokens` and `output_tokens` are all of a kind, the other classes parts of them. `price_effective_at` (unix seconds) says
    which version of the price was used, None for none. `decision` is the JSON of `/v1/requests/{id}`.
    """

    request_id: RequestId
    workspace_id: RowId
    key_id: RowId
    model: Text
    revision: Big
    is_stream: bool
    backend: Text
    provider: Word
    upstream_model: Text
    status: Small
    outcome: Word
    error_code: Word
    input_tokens: Count
    cache_read_tokens: Count
    output_tokens: Count
    cost_nano_usd: Big
    usage_source: Word
    attempts_count: Small
    latency_ms: float
    first_token_ms: float | None
    cache_write_5m_tokens: Count = 0
    cache_write_1h_tokens: Count = 0
    reasoning_tokens: Count = 0
    audio_input_tokens: Count = 0
    audio_output_tokens: Count = 0
    reserved_nano_usd: Big = 0
    price_effective_at: float | None = None
    endpoint: Word = "chat"
    cache: Word = ""
    end_user: User = ""
    tags: tuple[Tag, ...] = ()
    decision: msgspec.Raw = msgspec.Raw(b"null")
    reserved_tokens: Big = 0


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
