"""
What a GET asks, in a form in which equal questions are equal: the key of kept answers and of shared calls.

Rules: in it is all that an answer may depend on: the workspace, the permissions of the key, scheme, path, query and `accept`. Names in
a query are sorted, the values of one name stay in order, because the last of them counts.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_to_bytes

import msgspec

from apikeys.hotpath import Principal
from proxy.rest_door.compression import choose_coding

_encoder = msgspec.msgpack.Encoder()
_NOT_SHARED: Final = frozenset({b"range", b"if-match", b"if-modified-since", b"if-unmodified-since", b"transfer-encoding"})


@dataclass(frozen=True, slots=True)
class Question:
    """`key` is 16 bytes. `coding` is the one that the client likes best, empty for none."""

    key: bytes
    workspace_id: str
    resource: str
    coding: str
    if_none_match: bytes


def wanted_coding(headers: dict[bytes, bytes]) -> str:
    accepted = headers.get(b"accept-encoding")
    return choose_coding(accepted) if accepted and b"x-no-compression" not in headers else ""


def find_question(scope: dict[str, Any], headers: dict[bytes, bytes], principal: Principal, resource: str) -> Question | None:
    """Return what is asked, None where others must not have the same answer. Cost: 4 us."""
    if scope["method"] != "GET" or not resource or headers.get(b"content-length", b"0") != b"0" or not _NOT_SHARED.isdisjoint(headers):
        return None
    asked = (
        principal.workspace_id,
        sorted(principal.permissions),
        scope.get("scheme", ""),
        headers.get(b"x-forwarded-proto", b""),
        scope["path"],
        canonical_query(scope["query_string"]),
        headers.get(b"accept", b""),
    )
    key = hashlib.blake2b(_encoder.encode(asked), digest_size=16).digest()
    return Question(key, principal.workspace_id, resource, wanted_coding(headers), headers.get(b"if-none-match", b""))


def canonical_query(query: bytes) -> bytes:
    if b"&" not in query:
        return query
    parts: list[bytes] = [part for part in query.split(b"&") if part]
    parts.sort(key=_name)
    return b"&".join(parts)


def _name(part: bytes) -> bytes:
    name = part.partition(b"=")[0]
    return unquote_to_bytes(name.replace(b"+", b" ")) if b"%" in name or b"+" in name else name
