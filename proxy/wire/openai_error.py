"""
What OpenAI and those who speak its dialects say when they refuse.

Shapes: `{"error": {message, type, param, code}}`; `{"error": "text"}` (Hugging Face, Ollama); the error's fields at the top (Mistral, old
vLLM); `{"detail": ...}` (FastAPI); OpenRouter's own words stand in `error.metadata.raw`.
Source: https://platform.openai.com/docs/guides/error-codes, https://openrouter.ai/docs/api-reference/errors; recorded traffic.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from proxy.wire.bad_request import UNREADABLE
from proxy.wire.upstream_error import ErrorClass, UpstreamErrorDetail

_MESSAGE_LIMIT = 4000

_CLASSES_BY_CODE: Final[dict[str, ErrorClass]] = {
    "context_length_exceeded": "context_length",
    "exceed_context_size_error": "context_length",
    "string_above_max_length": "context_length",
    "content_filter": "content_policy",
    "content_policy_violation": "content_policy",
    "responsibleaipolicyviolation": "content_policy",
    "insufficient_quota": "quota",
    "billing_hard_limit_reached": "quota",
    "rate_limit_exceeded": "rate_limit",
    "rate_limit_error": "rate_limit",
    "engine_overloaded": "overloaded",
    "engine_overloaded_error": "overloaded",
    "overloaded": "overloaded",
    "overloaded_error": "overloaded",
    "model_not_found": "not_found",
    "deploymentnotfound": "not_found",
}
_CLASSES_BY_STATUS: Final[dict[int, ErrorClass]] = {
    402: "quota",
    404: "not_found",
    429: "rate_limit",
    503: "overloaded",
    529: "overloaded",
}
_TOO_LONG = re.compile(
    r"maximum context|context (?:length|window|size)|(?:prompt|input|request) is too long|too many (?:input )?tokens|reduce the length"
    r"|too large for model",
    re.IGNORECASE,
)


class _ErrorFields(msgspec.Struct):
    """Loosely typed: a field of an odd type must not hide the message."""

    message: Any = None
    type: Any = None
    param: Any = None
    code: Any = None
    metadata: Any = None


class _ErrorBody(_ErrorFields):
    error: _ErrorFields | str | None = None
    detail: Any = None


_decoder = msgspec.json.Decoder(_ErrorBody)
_encoder = msgspec.json.Encoder()


def parse_openai_error(status: int, body: bytes) -> UpstreamErrorDetail | None:
    """Return what an error body says, None when it says nothing that can be read. `status` 0 where there is none."""
    try:
        given = _decoder.decode(body)
    except UNREADABLE:
        return None
    if isinstance(given.error, str):
        return _detail(status, _ErrorFields(given.error))
    if given.error is not None:
        return _detail(status, given.error)
    if given.message is None:
        return _detail(status, _ErrorFields(given.detail, given.type, given.param, given.code))
    return _detail(status, given)


def parse_stream_error(data: bytes) -> UpstreamErrorDetail:
    """Return what an event or an answer says whose `error` is set."""
    return parse_openai_error(0, data) or UpstreamErrorDetail("The provider reported an error.")


def read_choice_error(error: object) -> UpstreamErrorDetail:
    """Return what the `error` of a single choice says (OpenRouter), given as JSON values."""
    return parse_stream_error(_encoder.encode({"error": error}))


def describe_error(detail: UpstreamErrorDetail) -> str:
    """Return what a client is told of an error that came where an answer was due."""
    kind = f" ({detail.error_class})" if detail.error_class else ""
    return f"The provider reported an error{kind}: {detail.message}"


def _detail(status: int, fields: _ErrorFields) -> UpstreamErrorDetail | None:
    message = _text(fields.message)
    if not message:
        return None
    raw = fields.metadata.get("raw") if isinstance(fields.metadata, dict) else None
    if raw and isinstance(raw, str):
        message = f"{message}: {raw}"
    kind = fields.type if isinstance(fields.type, str) else None
    param = fields.param if isinstance(fields.param, str) else None
    code = str(fields.code) if isinstance(fields.code, str | int) else None
    return UpstreamErrorDetail(message[:_MESSAGE_LIMIT], kind, param, code, _classify(status, code, kind, message))


def _text(message: object) -> str:
    """Return a message as text; Mistral and FastAPI send a list of what is wrong."""
    if message is None or isinstance(message, str):
        return message or ""
    return _encoder.encode(message).decode()


def _classify(status: int, code: str | None, kind: str | None, message: str) -> ErrorClass:
    for word in (code, kind):
        if word and (found := _CLASSES_BY_CODE.get(word.lower())):
            return found
    if not status and code and len(code) == len("429") and code.isdecimal():
        status = int(code)
    if status in (0, 400, 413, 422) and _TOO_LONG.search(message):
        return "context_length"
    return _CLASSES_BY_STATUS.get(status, "")
