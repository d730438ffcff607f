"""
Which headers cross between a client and a plain HTTP upstream.

Rules: only those of a list, ours and the service's own; never those of one connection, never a cookie, never a key of ours. Where a
redirect leads is told in the client's paths, and the upstream's own address does not leave.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from proxy.exchange import Headers
from proxy.ports import Endpoint
from proxy.snapshot import Service

FORBIDDEN: Final = frozenset(
    {
        *("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "http2-settings"),
        *("host", "content-length", "expect", "forwarded", "via"),
        *("authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie", "cookie2", "set-cookie", "set-cookie2"),
        *("x-request-id", "request-id"),
        *("x-cache", "x-response-time", "x-process-time", "server-timing"),
    }
)
"""What no service can add to its lists: headers of one connection, credentials, and what we write ourselves."""
FORBIDDEN_PREFIXES: Final = ("proxy-", "x-forwarded-", "x-gateway-", "x-ratelimit-", "access-control-")
"""The same for whole families; `proxy/cors.py` answers the last one once for everything."""
_REQUEST: Final = frozenset(
    {
        *("accept", "accept-language", "content-type", "content-encoding", "content-language", "user-agent"),
        *("traceparent", "tracestate", "baggage"),
        *("if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range", "range"),
    }
)
_RESPONSE: Final = frozenset(
    {
        *("content-type", "content-encoding", "content-language", "content-disposition", "content-range", "accept-ranges"),
        *("etag", "last-modified", "cache-control", "expires", "age", "vary", "retry-after", "allow", "location"),
    }
)
SENT_BY_US: Final = frozenset({"x-request-id", "x-forwarded-for"})
"""What an upstream sees besides, different for each request."""
_ABSOLUTE: Final = re.compile(rb"(?:(https?):)?//([^/?#]*)(.*)", re.IGNORECASE)
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@lru_cache(512)
def crossing(more: tuple[str, ...]) -> frozenset[str]:
    """Return the names of a client's headers that cross to a service which adds `more` to the list."""
    return frozenset(name for name in _REQUEST.union(more) if _may_be_listed(name))


@lru_cache(512)
def _allowed_in(more: tuple[str, ...]) -> frozenset[bytes]:
    return frozenset(name.encode("latin-1", "replace") for name in crossing(more))


@lru_cache(512)
def _allowed_out(more: tuple[str, ...]) -> frozenset[bytes]:
    return frozenset(name.encode("latin-1", "replace") for name in _RESPONSE.union(more) if _may_be_listed(name))


def _may_be_listed(name: str) -> bool:
    return name not in FORBIDDEN and not name.startswith(FORBIDDEN_PREFIXES)


def _without_hops(headers: Headers, allowed: frozenset[bytes]) -> Headers:
    """Return the allowed headers, less those that `connection` says are for the neighbour alone."""
    named = {name.strip().lower() for key, value in headers if key == b"connection" for name in value.split(b",")}
    if named:
        allowed -= named
    return [(name, value) for name, value in headers if name in allowed]


def request_headers(headers: Headers, service: Service, request_id: str, client_ip: str) -> Headers:
    """
    Return what the upstream sees: the allowed ones of the client's, our request id, and who asked.

    `x-forwarded-for` is the one address that was believed, never what the client wrote there.
    """
    found = _without_hops(headers, _allowed_in(service.request_headers))
    found.append((b"x-request-id", request_id.encode()))
    if client_ip:
        found.append((b"x-forwarded-for", client_ip.encode()))
    return found


def response_headers(headers: Iterable[tuple[bytes, bytes]], service: Service) -> Headers:
    """Return what the client sees of the upstream's headers."""
    found = _without_hops(list(headers), _allowed_out(service.response_headers))
    return [(name, rewrite_location(value, service) if name == b"location" else value) for name, value in found]


def rewrite_location(value: bytes, service: Service) -> bytes:
    """
    Return where a redirect leads in the client's eyes.

    A path of the upstream gets the service's prefix where that was taken off, and loses the path of the upstream's address. What leads to
    another host, and what is relative to the request, stays.
    """
    path = _path_at(value, service.endpoint)
    if path is None:
        return value
    base = service.endpoint.path.encode("latin-1", "replace")
    if base:
        if not _is_below(path, base):
            return path  # nothing of ours leads there
        path = path[len(base) :]
    prefix = service.path.encode("latin-1", "replace") if service.is_prefix_stripped else b""
    return b"/" + (prefix + path).lstrip(b"/")  # two slashes would name a host


def _is_below(path: bytes, base: bytes) -> bool:
    return path.startswith(base) and path[len(base) : len(base) + 1] in {b"", b"/", b"?", b"#"}


def _path_at(value: bytes, endpoint: Endpoint) -> bytes | None:
    """Return the path, query and fragment of a location at the upstream; None for one elsewhere and for a relative one."""
    absolute = _ABSOLUTE.fullmatch(value)
    if absolute is None:
        return value if value.startswith(b"/") else None
    scheme, authority, rest = absolute.groups()
    if authority.lower() not in _authorities(endpoint) or (scheme or endpoint.scheme.encode()).lower() != endpoint.scheme.encode():
        return None
    return bytes(rest) if rest.startswith(b"/") else b"/" + rest


def _authorities(endpoint: Endpoint) -> set[bytes]:
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    names = {f"{host}:{endpoint.port}"} | ({host} if endpoint.port == _DEFAULT_PORTS[endpoint.scheme] else set())
    return {name.lower().encode("idna" if not name.isascii() else "ascii") for name in names}
