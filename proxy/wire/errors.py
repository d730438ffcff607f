"""The contract's error bodies. The only place of the data plane that turns an error into bytes."""

from __future__ import annotations

import math

import msgspec

from proxy.errors import GatewayError, MethodNotAllowed, UpstreamRefused

_encoder = msgspec.json.Encoder()


def dump_openai_error(error: GatewayError) -> bytes:
    """Return OpenAI's error object: all four keys, `param` and `code` a string or null."""
    code = error.upstream_code if isinstance(error, UpstreamRefused) else error.code
    body = {"message": error.public_message, "type": error.type, "param": error.param, "code": code}
    return _encoder.encode({"error": body})


def dump_openai_stream_error(error: GatewayError) -> bytes:
    """Return the frames that end a stream which had already begun: the error, then the end mark."""
    body = {"message": error.public_message, "type": error.type, "param": error.param, "code": error.code}
    frame = {"error": body, "choices": [{"index": 0, "delta": {}, "finish_reason": "error"}]}
    return b"data: " + _encoder.encode(frame) + b"\n\ndata: [DONE]\n\n"


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
