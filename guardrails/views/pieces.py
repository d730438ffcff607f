"""
Long texts, piece by piece: one call over a megabyte holds the interpreter for 50 ms, and whoever else runs waits for it.

Rules: pure; what is done to a text does not depend on where it is cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

PIECE_CHARACTERS = 16 * 1024


def translated(text: str, table: Mapping[int, int] | Mapping[int, str]) -> str:
    """Return `text.translate(table)`."""
    if len(text) <= PIECE_CHARACTERS:
        return text.translate(table)
    return "".join([text[at : at + PIECE_CHARACTERS].translate(table) for at in range(0, len(text), PIECE_CHARACTERS)])


def found_words(expression: re.Pattern[str], text: str) -> set[str]:
    """Return the different matches of an expression that matches no blank and looks at none of its neighbours."""
    words: set[str] = set()
    for start, end in _between_blanks(text):
        words.update(expression.findall(text, start, end))
    return words


def _between_blanks(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    while start < len(text):
        blank = text.find(" ", start + PIECE_CHARACTERS)
        end = blank if blank >= 0 else len(text)
        yield start, end
        start = end
