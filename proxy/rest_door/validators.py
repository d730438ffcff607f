"""
Entity tags: what an answer is recognised by.

Each coding of an answer has a tag of its own (`"x"`, `"x-zstd"`), as strong tags must; what the REST application is told of them is the
tag without the coding, because a version is what it compares.
Source: RFC 9110, sections 8.8.3 and 13.1
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from proxy.exchange import Headers
from proxy.rest_door.compression import CODINGS

_TAG: Final = re.compile(rb'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_CODED: Final = re.compile(rb'-(?:%b)(?=")' % "|".join(CODINGS).encode())
_CONDITIONS: Final = frozenset({b"if-match", b"if-none-match"})


def create_etag(body: bytes) -> bytes:
    """Return a strong tag of a body. Cost: 1 us/KB."""
    return b'"%b"' % hashlib.blake2b(body, digest_size=16).hexdigest().encode()


def coded_etag(etag: bytes, coding: str) -> bytes:
    """Return the tag of the same answer in another coding; a weak one is the same for all."""
    if not coding or etag.startswith(b"W/"):
        return etag
    return b'%b-%b"' % (etag[:-1], coding.encode())


def is_known(if_none_match: bytes, etag: bytes) -> bool:
    """Tell whether the client has what `etag` names, by weak comparison."""
    if if_none_match.strip() == b"*":
        return True
    own = etag.removeprefix(b"W/")[1:-1]
    return own in _TAG.findall(if_none_match)


def without_codings(headers: Headers) -> Headers:
    """Return a request's headers with the tags in its conditions as the REST application gave them."""
    if not any(name in _CONDITIONS for name, _ in headers):
        return headers
    return [(name, _CODED.sub(b"", value) if name in _CONDITIONS else value) for name, value in headers]
