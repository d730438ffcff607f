"""
Writes the head of an HTTP/1.1 request.

Rules: nothing a caller passes can end a line or add one; the headers that frame the message or belong to one hop are written here
or not at all. No I/O.
"""

from __future__ import annotations

import re
from functools import lru_cache

from proxy.ports import Headers

_TARGET = re.compile(r"/[\x21-\x7e]*")
_METHOD = re.compile(r"[A-Z]{1,20}")
_HEADER_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HOST = re.compile(r"[0-9A-Za-z._~%:-]+")
_BODYLESS_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "DELETE"})
# `host` and `content-length` are ours; the others would change where this message ends or what the connection is.
_OURS = frozenset(
    {
        b"connection",
        b"content-length",
        b"expect",
        b"host",
        b"http2-settings",
        b"keep-alive",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
_DEFAULT_PORTS = {"http": 80, "https": 443}


def dump_host(scheme: str, host: str, port: int) -> bytes:
    """Return the value of the `host` header. Errors: ValueError for what can be no host."""
    ascii_host = host if host.isascii() else host.encode("idna").decode("ascii")
    if _HOST.fullmatch(ascii_host) is None:
        raise ValueError(f"not a host name: {host!r}")
    if ":" in ascii_host:
        ascii_host = f"[{ascii_host}]"
    return (ascii_host if port == _DEFAULT_PORTS[scheme] else f"{ascii_host}:{port}").encode("ascii")


def dump_head(method: str, target: str, host: bytes, headers: Headers, body_bytes: int | None) -> bytes:
    """
    Return the request line and all headers, the empty line included. A body of unknown length (None) is announced as chunked.

    `accept-encoding: identity` is added unless the caller names one: this client unpacks nothing.
    Errors: ValueError for a method, target, header name or value that HTTP does not allow, or a header that is written here.
    """
    head = _dump_lines(method, target, host, tuple(headers))
    if body_bytes is None:
        return head + b"transfer-encoding: chunked\r\n\r\n"
    if body_bytes or method not in _BODYLESS_METHODS:
        return b"%bcontent-length: %d\r\n\r\n" % (head, body_bytes)
    return head + b"\r\n"


@lru_cache(512)
def _dump_lines(method: str, target: str, host: bytes, headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    """Return all lines but those that tell of the body. To one backend they mostly repeat, so most are checked and joined once."""
    if _METHOD.fullmatch(method) is None or method == "CONNECT":
        raise ValueError(f"not a method to send: {method!r}")
    if _TARGET.fullmatch(target) is None:
        raise ValueError("a request target begins with '/' and holds printable ASCII without spaces")
    lines = [f"{method} {target} HTTP/1.1\r\nhost: ".encode("ascii") + host]
    lines += [_prefix(name) + value for name, value in headers]
    head = b"\r\n".join(lines)
    # Three scans of the whole head instead of one per value: any CR or LF beyond our own came out of a value.
    if head.count(b"\r") != len(lines) or head.count(b"\n") != len(lines) or b"\0" in head:
        raise ValueError("a header value holds CR, LF or NUL")
    if b"\r\naccept-encoding: " not in head:
        return head + b"\r\naccept-encoding: identity\r\n"
    return head + b"\r\n"


@lru_cache(1024)
def _prefix(name: bytes) -> bytes:
    """Return the checked beginning of a header's line; names repeat from request to request, so each is checked once."""
    if _HEADER_NAME.fullmatch(name) is None:
        raise ValueError(f"not a header name: {name!r}")
    lowered = name.lower()
    if lowered in _OURS:
        raise ValueError(f"the header {lowered.decode()} is written by the client itself")
    return lowered + b": "
