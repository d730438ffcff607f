"""What Ollama's errors say: `{"error": "..."}`, with an object in place of the text where it repeats what another server said."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from proxy.wire.bad_request import UNREADABLE
from proxy.wire.upstream_error import ErrorClass, UpstreamErrorDetail

OllamaError = str | dict[str, Any] | None

_UNTOLD: Final = "The provider reported an error."
# "the input length exceeds the context length"; "the prompt is longer than the context length currently available to the model"
_TOO_LONG: Final = re.compile(r"(exceeds|longer than) the (maximum |available )?context|maximum context length", re.IGNORECASE)
_CLASSES: Final[dict[int, ErrorClass]] = {404: "not_found", 429: "rate_limit", 503: "overloaded"}


class _ErrorBody(msgspec.Struct):
    error: OllamaError = None


_decoder: Final = msgspec.json.Decoder(_ErrorBody)


def parse_error(status: int, body: bytes) -> UpstreamErrorDetail | None:
    """Return what an error body says, None for what is none of Ollama's."""
    try:
        error = _decoder.decode(body).error
    except UNREADABLE:
        return None
    return read_error(error, status) if error else None


def read_error(error: str | dict[str, Any], status: int = 0) -> UpstreamErrorDetail:
    message = error if isinstance(error, str) else error.get("message")
    told = message if isinstance(message, str) and message else _UNTOLD
    return UpstreamErrorDetail(told, error_class="context_length" if _TOO_LONG.search(told) else _CLASSES.get(status, ""))
