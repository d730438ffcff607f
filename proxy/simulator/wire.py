"""What the dialects share on the wire: parsing bodies, dumping JSON, SSE frames, identifiers and headers."""

from __future__ import annotations

import os
import re
from typing import Any, TypeVar

import msgspec

from proxy.simulator.errors import ProviderError, invalid_request
from proxy.simulator.reply import Headers

_T = TypeVar("_T")

SSE_HEADERS: Headers = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
)
JSON_HEADERS: Headers = ((b"content-type", b"application/json"),)
DONE = b"data: [DONE]\n\n"
BROKEN_SSE = b'data: {"id":"broken","choices":[{"index":0,"delta":{"content":"lo\n\n'

_encode = msgspec.json.Encoder().encode
_MISSING = re.compile(r"Object missing required field `(\w+)`(?: - at `\$\.?(.*)`)?")
_UNKNOWN = re.compile(r"Object contains unknown field `(.+?)`(?: - at `\$\.?(.*)`)?$")
_AT = re.compile(r" - at `\$\.?(.+)`$")


def parse_body(body: bytes, shape: type[_T]) -> _T:
    """Decode a JSON body. Errors: ProviderError 400, with `param` set where a field is to blame."""
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise explain(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise invalid_request(
            "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library correctly. "
            "The API expects a JSON payload, but what was sent was not valid JSON.)"
        ) from error


def explain(message: str) -> ProviderError:
    """Return the error for what msgspec says of a body that does not have its shape."""
    missing = _MISSING.match(message)
    if missing is not None:
        name = f"{missing[2]}.{missing[1]}" if missing[2] else missing[1]
        return invalid_request(f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter")
    unknown = _UNKNOWN.match(message)
    if unknown is not None:
        name = f"{unknown[2]}.{unknown[1]}" if unknown[2] else unknown[1]
        return invalid_request(f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
    at = _AT.search(message)
    if at is None:
        return invalid_request(f"Invalid request body: {message}.", code="invalid_type")
    code = "invalid_type" if ", got " in message else "invalid_value"
    return invalid_request(f"Invalid value for '{at[1]}': {message[: at.start()]}.", param=at[1], code=code)


def dump(value: Any) -> bytes:
    return _encode(value)


def sse(value: Any, event: str | None = None) -> bytes:
    """Return one SSE frame with `value` as JSON, with an `event:` line where the dialect has one."""
    head = f"event: {event}\n".encode() if event else b""
    return b"".join((head, b"data: ", _encode(value), b"\n\n"))


def create_id(prefix: str) -> str:
    return prefix + os.urandom(12).hex()


def retry_after(error: ProviderError) -> Headers:
    """Return the headers of an error that say when to come back and which methods are allowed."""
    headers: list[tuple[bytes, bytes]] = []
    if error.retry_after_s is not None:
        headers.append((b"retry-after", str(error.retry_after_s).encode()))
    if error.allow is not None:
        headers.append((b"allow", error.allow.encode()))
    return tuple(headers)
