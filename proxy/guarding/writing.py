"""
Other texts in the place of those that `places.py` found.

Rules: only what is changed is written; every other byte stays.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Final

from guardrails.json_text import CannotRewrite, NotJson, find_leaves, quote_like, replace_leaves
from proxy.guarding.places import Reading, Spot

_QUOTE: Final = ord('"')
_SURROGATES: Final = re.compile("[\ud800-\udfff]")


def write_places(raw: bytes, reading: Reading, texts: Mapping[int, str]) -> bytes:
    """
    Return the JSON with other texts at some places, by index into `reading.spots`, and without what is spent then.

    Errors: CannotRewrite.
    """
    spots = reading.spots
    pieces = [
        (each.start, each.end, each.empty)
        for each in reading.spent
        if any(spots[number].steps[: len(each.steps)] == each.steps for number in texts)
    ]
    inner: dict[tuple[int, int], dict[int, str]] = {}
    for number, text in texts.items():
        spot = spots[number]
        if spot.is_fixed or spot.start < 0:
            raise CannotRewrite(f"the text at {spot.path!r} cannot be replaced")
        if spot.inner >= 0:
            inner.setdefault((spot.start, spot.end), {})[spot.inner] = text
        else:
            pieces.append((spot.start, spot.end, _written(text, spot, raw)))
    for (start, end), replacements in inner.items():
        arguments = replace_leaves(json.loads(raw[start:end]), replacements)
        pieces.append((start, end, quote_like(arguments, raw)))
    return splice(raw, pieces)


def splice(raw: bytes, pieces: Sequence[tuple[int, int, bytes]]) -> bytes:
    """Return the bytes with others in the place of some. Errors: CannotRewrite for pieces that overlap."""
    kept: list[bytes] = []
    at = 0
    for start, end, new in sorted(pieces):
        if start < at:
            raise CannotRewrite("a text was to be replaced within another")
        kept += (raw[at:start], new)
        at = end
    return b"".join((*kept, raw[at:]))


def _written(text: str, spot: Spot, raw: bytes) -> bytes:
    if not spot.is_call or raw[spot.start] == _QUOTE:
        return quote_like(_SURROGATES.sub("\ufffd", text), raw)  # halves of characters are refused by most parsers
    try:
        find_leaves(text)
        return text.encode()
    except (NotJson, UnicodeEncodeError) as error:
        raise CannotRewrite(f"the arguments at {spot.path!r} would be no JSON") from error
