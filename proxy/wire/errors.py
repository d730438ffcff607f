"""The contract's error bodies. The only place of the data plane that turns an error into bytes."""

from __future__ import annotations

import math
from typing import Any, Final

import msgspec

from proxy.errors import CallerError, GatewayError, MethodNotAllowed, Overloaded, UpstreamRefused
from proxy.wire.sse import DONE, encode_event

_encoder = msgspec.json.Encoder()
_OVERLOADED_STATUS: Final = 529
_ANTHROPIC_TYPES: Final = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    _OVERLOADED_STATUS: "overloaded_error",
}
_ANTHROPIC_WORDS: Final = frozenset(_ANTHROPIC_TYPES.values())


def dump_openai_error(error: GatewayError) -> bytes:
    """Return OpenAI's error object: all four keys, `param` and `code` a string or null; ours is `details`, where there are any."""
    code = error.upstream_code if isinstance(error, UpstreamRefused) else error.code
    body: dict[str, Any] = {"message": error.public_message, "type": error.type, "param": error.param, "code": code}
    if details := getattr(error, "details", None):  # some errors carry more, such as a budget's state
        body["details"] = details
    return _encoder.encode({"error": body})


def dump_openai_stream_error(error: GatewayError) -> bytes:
    """Return the frames that end a stream which had already begun: the error, then the end mark."""
    body = {"message": error.public_message, "type": error.type, "param": error.param, "code": error.code}
    frame = {"error": body, "choices": [{"index": 0, "delta": {}, "finish_reason": "error"}]}
    return encode_event(_encoder.encode(frame)) + encode_event(DONE)


def anthropic_status(error: GatewayError) -> int:
    """Return the status that Anthropic's dialect has for an error: a busy gateway is 529, else it is the error's own."""
    return _OVERLOADED_STATUS if isinstance(error, Overloaded) else error.http_status


def dump_anthropic_error(error: GatewayError, request_id: str) -> bytes:
    """
    Return Anthropic's error object. Our code is in `error.details.error_code`, where Anthropic's SDK looks for one.

    `request_id` and `error.param` are left out when they are empty or unknown.
    """
    return _encoder.encode(_anthropic_error(error, request_id))


def dump_anthropic_stream_error(error: GatewayError, request_id: str) -> bytes:
    """Return the event that ends a stream which had already begun; there is no end mark after it."""
    return encode_event(_encoder.encode(_anthropic_error(error, request_id)), b"error")


def _anthropic_error(error: GatewayError, request_id: str) -> dict[str, Any]:
    fields: dict[str, Any] = {"type": _anthropic_type(error), "message": error.public_message}
    if error.param:
        fields["param"] = error.param
    if code := error.upstream_code if isinstance(error, UpstreamRefused) else error.code:
        fields["details"] = {"error_code": code} | getattr(error, "details", {})  # some errors carry more, such as a budget's state
    body: dict[str, Any] = {"type": "error", "error": fields}
    return body | {"request_id": request_id} if request_id else body


def _anthropic_type(error: GatewayError) -> str:
    status = anthropic_status(error)
    if isinstance(error, CallerError) and status >= 500:
        return error.type
    if "insufficient_quota" in {error.type, error.code, getattr(error, "upstream_code", None)}:
        return "billing_error"
    if isinstance(error, UpstreamRefused) and error.type in _ANTHROPIC_WORDS:  # what Anthropic said, more exact than its status
        return error.type
    return _ANTHROPIC_TYPES.get(status) or ("invalid_request_error" if status < 500 else "api_error")


def error_headers(error: GatewayError) -> list[tuple[bytes, bytes]]:
    """Return the headers that tell an SDK whether and when to try again."""
    headers: list[tuple[bytes, bytes]] = []
    if error.is_retryable is not None:
        headers.append((b"x-should-retry", b"true" if error.is_retryable else b"false"))
    if error.retry_after_s is not None:
        # Rounded up: who comes back a part of a millisecond too early is refused again.
        headers.append((b"retry-after", b"%d" % max(1, math.ceil(error.retry_after_s))))
        headers.append((b"retry-after-ms", b"%d" % max(1, math.ceil(error.retry_after_s * 1000))))
    if isinstance(error, MethodNotAllowed):
        headers.append((b"allow", error.allowed.encode()))
    return headers
