"""
Where words begin and end, in any script.

Rules: pure; a look at one character on either side. Chinese, Japanese, Thai and their like do not part words, and Korean hangs particles
on them, so beside such a letter a word may begin or end anywhere.
"""

from __future__ import annotations

import unicodedata

_UNSPACED = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1100, 0x11FF),
    (0x1780, 0x17FF),
    (0x3040, 0x318F),
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xAC00, 0xD7FF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)


def is_at_word_edges(text: str, start: int, end: int) -> bool:
    """Return whether `[start, end)` neither begins nor ends inside a word: no letter, digit, mark or underscore touches it."""
    if start > 0 and _goes_on(text[start - 1], text[start]):
        return False
    return not (end < len(text) and _goes_on(text[end], text[end - 1]))


def _goes_on(outside: str, edge: str) -> bool:
    if outside.isascii():
        return (outside.isalnum() or outside == "_") and not _is_unspaced(edge)
    if not (outside.isalnum() or unicodedata.category(outside)[0] == "M"):
        return False
    return not (_is_unspaced(outside) or _is_unspaced(edge))


def _is_unspaced(each: str) -> bool:
    if each < "\u0e00":
        return False
    code = ord(each)
    return any(first <= code <= last for first, last in _UNSPACED)
