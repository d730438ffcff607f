"""
Cross-origin requests, answered once for everything that browsers may call with a key of ours.

Rules: off without origins. A preflight is answered before keys and limits are looked at; browsers send none with it. Cookies never
count (`access-control-allow-credentials` is not sent), so any page may be let in without acting for its visitor.
Source: https://fetch.spec.whatwg.org/#http-cors-protocol
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping, Sequence
from typing import Any, Final

from proxy.asgi_types import Scope, Send

_METHODS: Final = b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
_MAX_AGE_S: Final = b"600"
_REQUEST_NAMES: Final = frozenset(
    {
        *("authorization", "x-api-key", "accept", "content-type", "idempotency-key"),
        *("cache-control", "if-none-match", "if-match", "if-modified-since", "range", "traceparent", "tracestate", "x-no-compression"),
    }
)
_REQUEST_PREFIXES: Final = ("x-gateway-", "x-stainless-", "openai-", "anthropic-")
_EXPOSED: Final = ", ".join(
    [
        *("x-request-id", "request-id", "x-response-time", "x-process-time", "server-timing", "x-should-retry"),
        *("retry-after", "retry-after-ms", "x-cache", "x-cache-similarity", "x-cache-status", "age", "etag", "location", "allow"),
        *("content-disposition", "content-range", "accept-ranges"),
        *(f"x-ratelimit-{part}-{unit}" for unit in ("requests", "tokens") for part in ("limit", "remaining", "reset")),
        *(f"anthropic-ratelimit-{unit}-{part}" for unit in ("requests", "tokens") for part in ("limit", "remaining", "reset")),
        *("x-gateway-backend", "x-gateway-attempts", "x-gateway-revision", "x-gateway-cost-usd"),
        *("x-gateway-idempotent-replay", "x-gateway-first-request-id"),
    ]
).encode()
_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/?#@,*]+")
_VARY: Final = (b"vary", b"origin")
_VARY_PREFLIGHT: Final = (b"vary", b"origin, access-control-request-method, access-control-request-headers")
_READABLE: Final = (b"access-control-expose-headers", _EXPOSED)

Message = MutableMapping[str, Any]


def _header(scope: Scope, name: bytes) -> bytes | None:
    for key, value in scope["headers"]:
        if key == name:
            found: bytes = value
            return found
    return None


class Cors:
    """
    Which origins may call. `origins` are written as browsers send them (`https://app.example`), or hold `*` for all.

    Errors: ValueError for what can be no origin.
    Cost: 1 to 2 us a request while it is on, 4 more with an origin.
    """

    def __init__(self, origins: Sequence[str]) -> None:
        self._is_any = "*" in origins
        self._origins = frozenset(_parse_origin(origin) for origin in origins if origin != "*")
        self.is_on = bool(origins)

    def _is_allowed(self, origin: bytes) -> bool:
        return self._is_any or origin in self._origins

    async def answer_preflight(self, scope: Scope, send: Send) -> bool:
        """Answer a preflight; return whether it was one. An `OPTIONS` that asks for no method is a request like any other."""
        if scope["method"] != "OPTIONS":
            return False
        origin, method = _header(scope, b"origin"), _header(scope, b"access-control-request-method")
        if origin is None or method is None:
            return False
        if not self._is_allowed(origin):
            await _send_empty(send, 403, [_VARY_PREFLIGHT, (b"content-length", b"0")])
            return True
        headers = [
            (b"access-control-allow-origin", origin),
            (b"access-control-allow-methods", _METHODS),
            (b"access-control-max-age", _MAX_AGE_S),
            _VARY_PREFLIGHT,
        ]
        if names := _allowed_names(_header(scope, b"access-control-request-headers") or b""):
            headers.append((b"access-control-allow-headers", names))
        await _send_empty(send, 204, headers)
        return True

    def wrap(self, scope: Scope, send: Send) -> Send:
        """
        Return a `send` that lets the calling page read the answer, if its origin may.

        Every answer says that it varies by origin: else a cache would give one without the headers to a page that needs them.
        """
        origin = _header(scope, b"origin")
        own = [_VARY]
        if origin is not None and self._is_allowed(origin):
            own = [(b"access-control-allow-origin", origin), _READABLE, _VARY]

        async def send_readable(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *own]}
            await send(message)

        return send_readable


def _parse_origin(text: str) -> bytes:
    origin = text.rstrip("/").lower()
    if _ORIGIN.fullmatch(origin) is None or not origin.isascii():
        raise ValueError(f"{text!r} is no origin: write scheme, host and port alone, such as https://app.example, or `*`.")
    return origin.encode("ascii")


def _allowed_names(asked: bytes) -> bytes:
    names = (name.strip() for name in asked.decode("latin-1").lower().split(","))
    return ", ".join(name for name in names if name in _REQUEST_NAMES or name.startswith(_REQUEST_PREFIXES)).encode("latin-1")


async def _send_empty(send: Send, status: int, headers: list[tuple[bytes, bytes]]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
