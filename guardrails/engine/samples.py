"""
What a report may show of a value that was found.

Rules: never the value; the first letter of its first words, and only of words long enough to keep their secret.
"""

from __future__ import annotations

_MASK = "***"
_WORDS_COUNT = 3
_SHORTEST_WORD = 4
_LOOKED_AT = 120
_SEPARATORS = frozenset("@.-_:/ ")


def mask(value: str) -> str:
    """Return a masked sample: `j***@e***.***`. Guarantee: the value is no part of it. Cost: a look at its first characters."""
    pieces: list[str] = []
    words_count, word = 0, ""
    for each in value[:_LOOKED_AT] + " ":
        if each.isalnum():
            word += each
            continue
        if word:
            pieces.append(word[0] + _MASK if len(word) >= _SHORTEST_WORD else _MASK)
            word, words_count = "", words_count + 1
            if words_count == _WORDS_COUNT:
                break
        if each in _SEPARATORS and pieces and pieces[-1] != each:
            pieces.append(each)
    sample = "".join(pieces).strip() or _MASK
    return "" if value in sample else sample
