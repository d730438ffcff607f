"""
What of a service's answers may be given again: HTTP's own rules for a shared cache, within one workspace.

Rules: pure. Only GET and HEAD, only answers of 200, only while both the service's TTL and the upstream's `cache-control` allow it.
When in doubt two requests differ, and an answer is not kept.
Source: RFC 9111
"""

from __future__ import annotations

import email.utils
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_plus

import msgspec

from proxy.exchange import CacheControl, Headers
from proxy.service_headers import SENT_BY_US, crossing
from proxy.snapshot import Service
from proxy.stages.look_up import CachePlan

STORED_MAX_BYTES: Final = 1024 * 1024
CONDITIONAL: Final = frozenset({b"if-none-match", b"if-modified-since"})
"""Conditions that the cache answers itself; the upstream must then give the whole answer."""
_KEYED: Final = frozenset({"accept", "accept-language"})
_UNANSWERABLE: Final = frozenset({b"range", b"if-range", b"if-match", b"if-unmodified-since"})
_NEVER: Final = frozenset({"no-store", "private", "no-cache"})
_NUMBER: Final = re.compile(r"[0-9]+")
_COUNT_MAX_DIGITS: Final = 9
_TAG: Final = re.compile(rb'"[^"]*"')
_encode = msgspec.json.Encoder().encode


def plan_service_cache(
    service: Service,
    workspace_id: str,
    method: str,
    path: str,
    query: str,
    headers: Headers,
    control: CacheControl,
    *,
    has_body: bool = False,
) -> CachePlan:
    """
    Decide what the cache may do for a request.

    The key: the workspace, where the service leads, the path as the upstream sees it, the query with its fields sorted by name, and those
    headers that choose among the answers: `accept`, `accept-language`, and all that the service lists.
    Cost: 6 us.
    """
    reason = _reason_against(service, method, headers, has_body=has_body)
    if reason:
        return CachePlan(reason=reason)
    endpoint = service.endpoint
    said = [
        workspace_id,
        [service.path, endpoint.scheme, endpoint.host, endpoint.port, endpoint.path, service.response_headers],
        path,
        _sorted_fields(query),
        _variant(service, headers),
    ]
    return CachePlan(
        fingerprint=hashlib.blake2b(_encode(said), digest_size=32, person=b"service").digest(),
        ttl_s=service.cache_get_ttl_s,
        may_read=control in {"", "only-if-cached"},
        may_store=control != "no-store" and method == "GET",
    )


def _reason_against(service: Service, method: str, headers: Headers, *, has_body: bool) -> str:
    if not service.cache_get_ttl_s:
        return "the service does not cache"
    if method not in {"GET", "HEAD"}:
        return f"{method} is not cached"
    if has_body:
        return "the request has a body"
    if any(name in _UNANSWERABLE for name, _ in headers):
        return "the request asks for a part, or under a condition that only the upstream can judge"
    return ""


def _variant(service: Service, headers: Headers) -> list[tuple[str, str]]:
    """Return the headers that are part of the key, sorted by name; lines of one name keep their order."""
    names = _keyed(service.request_headers)
    found = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers if name in names]
    return sorted(found, key=lambda header: header[0])


@lru_cache(512)
def _keyed(more: tuple[str, ...]) -> frozenset[bytes]:
    return frozenset(name.encode("latin-1", "replace") for name in _KEYED.union(more) & crossing(more))


def _sorted_fields(query: str) -> list[str]:
    """Return the fields as they were written, sorted by name: the order of fields with one name may mean something."""
    return sorted(query.split("&"), key=_name_of) if "&" in query else [query]


def _name_of(field: str) -> str:
    return unquote_plus(field.partition("=")[0])


@dataclass(frozen=True, slots=True)
class Freshness:
    """For how many seconds from now on an answer may be given again, 0 for not at all, and how old it is already."""

    fresh_s: int
    age_s: int = 0


def judge_freshness(headers: Iterable[tuple[bytes, bytes]], service: Service, now_s: float) -> Freshness:
    """Return what the upstream's headers allow of an answer of 200, at most the service's TTL."""
    named: dict[bytes, str] = {}
    for name, value in headers:
        text = value.decode("latin-1").lower()
        named[name] = f"{named[name]}, {text}" if name in named else text
    age_s = _parse_count(named.get(b"age", "0")) or 0
    if b"set-cookie" in named or not _is_bounded(named) or named.get(b"content-type", "").startswith("text/event-stream"):
        return Freshness(0, age_s)
    if not _is_covered(named.get(b"vary", ""), service):
        return Freshness(0, age_s)
    lifetime_s = _lifetime_s(named, now_s)
    if lifetime_s is None:
        return Freshness(service.cache_get_ttl_s, age_s)
    return Freshness(max(0, min(lifetime_s - age_s, service.cache_get_ttl_s)), age_s)


def _is_bounded(named: dict[bytes, str]) -> bool:
    """Tell whether the body says where it ends: one that ends with its connection may have been cut off."""
    return b"content-length" in named or b"transfer-encoding" in named


def _is_covered(vary: str, service: Service) -> bool:
    """Tell whether the key holds all that the answer varies by. What never crosses is the same for everybody."""
    if not vary:
        return True
    keyed = _KEYED.union(service.request_headers)
    differing = (crossing(service.request_headers) - keyed) | SENT_BY_US | {"*"}
    return differing.isdisjoint(name.strip() for name in vary.split(","))


def _lifetime_s(named: dict[bytes, str], now_s: float) -> int | None:
    """Return how long the upstream calls its answer fresh, None if it says nothing. What cannot be read is not fresh."""
    directives = [part.strip().partition("=") for part in named.get(b"cache-control", "").split(",")]
    names = {name for name, _, _ in directives}
    if _NEVER & names:
        return 0
    for wanted in ("s-maxage", "max-age"):
        if wanted in names:
            return min(_parse_count(value.strip('"')) or 0 for name, _, value in directives if name == wanted)
    expires = named.get(b"expires")
    return None if expires is None else int(_parse_date(expires, 0.0) - _parse_date(named.get(b"date", ""), now_s))


def _parse_count(text: str) -> int | None:
    if _NUMBER.fullmatch(text) is None:
        return None
    digits = text.lstrip("0")
    return 10**_COUNT_MAX_DIGITS if len(digits) > _COUNT_MAX_DIGITS else int(digits or "0")


def _parse_date(text: str, otherwise_s: float) -> float:
    try:
        return email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return otherwise_s


def etag_of(body: bytes) -> bytes:
    """Return a strong tag of ours for an upstream that gives none."""
    return b'"' + hashlib.blake2b(body, digest_size=16).hexdigest().encode() + b'"'


def is_not_modified(asked: Headers, kept: Headers) -> bool:
    """
    Tell whether the client has this very answer: by its tag, else by its date.

    Weak tags are compared as RFC 9110 says for `if-none-match`; a date only counts when it is the answer's own.
    """
    answer = dict(kept)
    tags = [value for name, value in asked if name == b"if-none-match"]
    if tags:
        etag = answer.get(b"etag")
        wanted = b", ".join(tags)
        return etag is not None and (wanted.strip() == b"*" or etag.removeprefix(b"W/") in _TAG.findall(wanted))
    since = dict(asked).get(b"if-modified-since")
    return since is not None and since == answer.get(b"last-modified")
