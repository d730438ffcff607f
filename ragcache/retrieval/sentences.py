"""
Where sentences begin and end, as offsets: in the blocks of a document, and in an answer.

Rules: linear time whatever the text; a mistake costs a sentence cut short or two taken for one, never a character.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_END: Final = re.compile(r"[.!?…]+[\"'”’)\]]{0,3}(?=\s)|[。！？]+[”」』）]{0,2}")
_SPACE: Final = re.compile(r"\s*")
_LAST_WORD_CHARACTERS: Final = 16
_LAST_WORD: Final = re.compile(r"[\w.]+$")
_ABBREVIATION_LIST: Final = """
al approx ca cf co corp dept dr e.g ed eds eq eqs etc fig figs gen i.e inc jr ltd mr mrs ms no nos p pp prof ref refs resp sec sr st viz
vol vs
"""
_ABBREVIATIONS: Final = frozenset(_ABBREVIATION_LIST.split())


def sentence_spans(text: str, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int]]:
    """Yield the spans of the sentences in `text[start:end]`, without the white space around them."""
    end = len(text) if end is None else end
    begin = _after_space(text, start, end)
    for found in _END.finditer(text, begin, end):
        if found.end() > begin and _is_end(text, begin, found, end):
            yield begin, found.end()
            begin = _after_space(text, found.end(), end)
    if begin < end:
        yield begin, begin + len(text[begin:end].rstrip())


def line_spans(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the spans of the lines in `text[start:end]` that hold something, for text that has no sentences."""
    while start < end:
        stop = text.find("\n", start, end)
        stop = end if stop < 0 else stop
        if text[start:stop].strip():
            yield start, stop
        start = stop + 1


def _is_end(text: str, begin: int, found: re.Match[str], end: int) -> bool:
    """A full stop ends nothing after an abbreviation or an initial, nor before a small letter."""
    after = _after_space(text, found.end(), end)
    if after < end and text[after].islower():
        return False
    if found[0] != ".":
        return True
    word = _LAST_WORD.search(text[max(begin, found.start() - _LAST_WORD_CHARACTERS) : found.start()])
    if word is None:
        return True
    is_initial = len(word[0]) == 1 and word[0].isalpha() and word[0].isupper()
    return not is_initial and word[0].lower() not in _ABBREVIATIONS


def _after_space(text: str, position: int, end: int) -> int:
    found = _SPACE.match(text, position, end)
    return found.end() if found else position
