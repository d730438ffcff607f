"""
Whether a URL carries something away: what its query, path, fragment and host name say beyond where it leads.

Rules: sizes, versions, hashes of pictures and the names of pages are no data. Texts, encoded texts, long random values, addresses of
people and places left open for data are.
"""

from __future__ import annotations

import re

from guardrails.detectors.url_parts import Url
from guardrails.views import View, fold
from guardrails.views.runs import decode_runs

_MAX_CHARACTERS = 2000
_OPEN_PLACE = re.compile(
    r"\{\{?[^{}]{1,60}\}?\}|\$\{|<[A-Za-z_ ]{2,40}>|\[[A-Z_ ]{3,40}\]|%7B|%5B[A-Z_]{3}|\b[A-Z]{3,}_[A-Z_]{3,}\b|\bDATA\b|\bSECRET\b"
)
_QUOTED = re.compile("%([0-9A-Fa-f]{2})")
_HARMLESS_NAMES = """w h width height q quality fit crop auto fm format dpr v ver version s sz size rect ar blur bg fill ixlib ixid page p
lang hl gl tbm
utm_source utm_medium utm_campaign utm_content utm_term ref source t ts cb style logo color label labelcolor branch badge resize
strip ssl cache rev revision scale theme download raw tab dl"""
_HARMLESS = frozenset(_HARMLESS_NAMES.split())
_TELLING_NAMES = """data d payload exfil leak secret secrets token key password passwd pwd info content message msg text body
conversation history chat
prompt system context summary user email name query input output c cookie log note session memory"""
_TELLING = frozenset(_TELLING_NAMES.split())
_SEARCHES = frozenset({"q", "query", "search", "s", "k", "keyword", "keywords", "term"})
_MAIL = re.compile(r"[A-Za-z0-9._+\-]{1,64}(?:@|%40)[A-Za-z0-9\-]{1,63}\.[A-Za-z]{2,}")
_RANDOM = re.compile(r"[A-Za-z0-9_\-+/=]{24,}")
_HEX = re.compile(r"[0-9a-f\-]{24,}", re.IGNORECASE)
_LONG_DIGITS = re.compile(r"(?<![0-9])[0-9](?:[ \-+]?[0-9]){8,}(?![0-9])")
_LONG_LABEL = 24
_SLUG = re.compile(r"[a-z0-9]+(?:[-_.][a-z0-9]+)+", re.IGNORECASE)


def carries_data(url: Url, *, is_image: bool) -> bool:
    """Tell whether a URL carries data. An image's counts sooner: it is fetched without a click. Cost: 5-30 us."""
    query, path = url.query[:_MAX_CHARACTERS], url.path[:_MAX_CHARACTERS]
    fragment = url.fragment[:_MAX_CHARACTERS]
    if _OPEN_PLACE.search(query) or _OPEN_PLACE.search(fragment) or _OPEN_PLACE.search(path):
        return True
    if any(_is_telling(*pair, is_image=is_image) for pair in _pairs(query)):
        return True
    if any(_says_something(segment, is_image=is_image) for segment in path.split("/")):
        return True
    return is_image and any(len(label) >= _LONG_LABEL and _is_encoded(label) for label in url.host.split("."))


def _pairs(query: str) -> list[tuple[str, str]]:
    found = []
    for part in re.split("[&;]", query):
        name, equals, value = part.partition("=")
        found.append((name.lower(), value) if equals else ("", name))
    return found


def _is_telling(name: str, value: str, *, is_image: bool) -> bool:
    plain = _unquoted(value).replace("+", " ").strip()
    if not plain:
        return False
    if _MAIL.search(plain) or _is_encoded(plain) or _LONG_DIGITS.search(plain):
        return True
    if not is_image and name in _SEARCHES:
        return False
    words = len(plain.split())
    if name in _TELLING and (len(plain) >= 4 or words > 1):
        return is_image or len(plain) >= 12
    if name in _HARMLESS and words <= 3:
        return False
    if is_image:
        return words >= 2 or (len(plain) >= 16 and _HEX.fullmatch(plain) is None)
    return words >= 4 or (_is_random(plain) and len(plain) >= 40)


def _says_something(segment: str, *, is_image: bool) -> bool:
    if len(segment) < 12:
        return False
    plain = _unquoted(segment).replace("+", " ")
    if _MAIL.search(plain) or _is_encoded(plain):
        return True
    return is_image and len(plain.split()) >= 5 and not _SLUG.fullmatch(plain)


def _is_encoded(value: str) -> bool:
    """Tell whether a value reads as text once decoded."""
    return len(value) >= 16 and decode_runs(View("value", fold(value).text), _MAX_CHARACTERS) is not None


def _is_random(value: str) -> bool:
    run = _RANDOM.fullmatch(value)
    if run is None or _HEX.fullmatch(value) or _SLUG.fullmatch(value):
        return False
    return any(each.isdigit() for each in value) and any(each.isupper() for each in value) and any(each.islower() for each in value)


def _unquoted(value: str) -> str:
    return _QUOTED.sub(lambda match: chr(int(match[1], 16)), value)
