"""What a checked body says of itself when it is wrong: one `BadRequest` for whatever the decoder found, with the client's `param`."""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

from proxy.errors import BadRequest
from proxy.wire.json_body import check_depth, check_utf8

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""All that a decoder of ours raises for bytes that are not what it expects."""

_PATH = re.compile(r" - at `\$\.?([^`]*)`$")
_MISSING = re.compile(r"missing required field `([^`]+)`")
_fields_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
T = TypeVar("T")


def bad_request(error: Exception, where: str = "") -> BadRequest:
    """Return what a client is told of a body that a decoder refused; `where` is the place of what was decoded, empty for all of it."""
    text = str(error)
    if not isinstance(error, msgspec.ValidationError):
        return BadRequest(f"The body is not valid JSON: {text[:200]}", param=where or None)
    param = find_param(error, where)
    if missing := _MISSING.search(text):
        param = f"{param}.{missing[1]}" if param else missing[1]
        return BadRequest(f"Missing required parameter: '{param}'.", param=param)
    reason = _PATH.sub("", text)
    return BadRequest(f"Invalid value for '{param}': {reason}." if param else f"Invalid body: {reason}.", param=param)


def find_param(error: Exception, where: str = "") -> str | None:
    """Return where in the body the error is, such as `messages[0].content`; None when that is nowhere in particular."""
    path = _PATH.search(str(error))
    inner = path[1] if path and path[1] != "[...]" else ""
    if where and inner and not inner.startswith("["):
        return f"{where}.{inner}"
    return where + inner or None


def decode_body(body: bytes, depth_limit_count: int, decoder: msgspec.json.Decoder[T]) -> tuple[T, dict[str, msgspec.Raw]]:
    """
    Return a client's body twice: what `decoder` checks of it, and all its top-level fields as they were written, each name once.

    Errors: BadRequest, with `param` where it is known.
    """
    check_utf8(body)
    check_depth(body, depth_limit_count)
    try:
        return decoder.decode(body), _fields_decoder.decode(body)
    except UNREADABLE as error:
        raise bad_request(error) from error
