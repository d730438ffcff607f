"""Answers that the server gives itself, to requests that never reach the application."""

from __future__ import annotations

from http import HTTPStatus

from common.ids import create_uuid7
from proxy.errors import BadRequest, GatewayError, RequestTooLarge
from proxy.wire.errors import dump_openai_error, error_headers


class MalformedHttp(BadRequest):
    message = "The request is not valid HTTP/1.1."


class HeadTimeout(BadRequest):
    http_status = 408
    message = "The request line and headers did not arrive in time."


class HeadTooLarge(RequestTooLarge):
    http_status = 431
    message = "The request line and headers are larger than the gateway accepts."


def dump_refusal(error: GatewayError, default_headers: list[tuple[bytes, bytes]]) -> bytes:
    """
    Return the whole HTTP/1.1 answer to a request that was refused below the application, in OpenAI's shape.

    Its path may be unknown, so the dialect of `/v1/messages` is not considered. The connection is closed after it.
    """
    body = dump_openai_error(error)
    request_id = str(create_uuid7()).encode()
    headers = [
        *default_headers,
        *error_headers(error),
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", request_id),
        (b"request-id", request_id),
        (b"connection", b"close"),
    ]
    status = HTTPStatus(error.http_status)
    lines = [f"HTTP/1.1 {status.value} {status.phrase}".encode(), *(name + b": " + value for name, value in headers)]
    return b"\r\n".join([*lines, b"", body])
