"""
The letters behind accents, combining marks, styles and look-alikes of other scripts.

Rules: letters of other scripts are folded only in words that mix them with Latin ones, and then in words that are look-alikes through
and through; a Greek or Russian text stays what it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import re2

from guardrails.views.confusables import CONFUSABLE, letters_table
from guardrails.views.offsets import LazyOffsets, Offsets
from guardrails.views.pieces import translated
from guardrails.views.view import View

_TABLE = letters_table()
_FOREIGN = "".join(map(re.escape, CONFUSABLE))
# A range for what lies beyond the basic plane: single characters there are tried one by one.
_MARKED = re.compile(f"[{''.join(chr(code) for code in _TABLE if code < 0x10000)}\U0001f1e6-\U0001f1ff]")
_DROPPED_RUN = re.compile(f"[{''.join(chr(code) for code, form in _TABLE.items() if not form)}]+")
_MIXED = re2.compile(f"[A-Za-z][{_FOREIGN}]|[{_FOREIGN}][A-Za-z]")
_WORD = re.compile(r"[^\W_]+")
_IS_MIXED = re.compile(f"[A-Za-z][{_FOREIGN}]|[{_FOREIGN}][A-Za-z]").search
_HAS_FOREIGN = re.compile(f"[{_FOREIGN}]").search
_LARGE = 64 * 1024
"""Longer texts are folded throughout: going through their words would take too long."""
_FOREIGN_TABLE = str.maketrans(CONFUSABLE)


def plain_letters(main: View) -> View | None:
    """
    Return the view with Latin letters plain, None where they already are.

    Cost: 5 us/KB where there is nothing to do, 30 us/KB otherwise, 100 us/KB in a text with words of mixed script; linear.
    """
    text = main.text
    offsets = main.offsets
    limit = 64 + len(text) // 64
    plain, count = _MARKED.subn(_letter, text, limit)
    if count:
        if count >= limit:
            plain = translated(text, _TABLE)
        if len(plain) != len(text):
            offsets = LazyOffsets(len(plain) + 1, lambda: _without_marks(main))
    if _MIXED.search(main.data if not count else plain.encode()):
        plain = _WORD.sub(_latin, plain) if len(plain) <= _LARGE else translated(plain, _FOREIGN_TABLE)
    return None if plain == text else View("letters", plain, offsets, is_disguised=True)


def _letter(match: re.Match[str]) -> str:
    return _TABLE[ord(match[0])]


def _latin(match: re.Match[str]) -> str:
    word = match[0]
    if word.isascii() or not _HAS_FOREIGN(word):
        return word
    if _IS_MIXED(word) or all(each in CONFUSABLE for each in word):
        return word.translate(_FOREIGN_TABLE)
    return word


def _without_marks(main: View) -> Offsets:
    offsets = Offsets()
    origins = main.offsets
    at = 0
    for match in _DROPPED_RUN.finditer(main.text):
        _copy(offsets, origins, at, match.start())
        at = match.end()
    _copy(offsets, origins, at, len(main.text) + 1)
    return offsets


def _copy(offsets: Offsets, origins: Sequence[int] | None, start: int, end: int) -> None:
    if origins is None:
        offsets.run(start, end - start)
    else:
        offsets.many(origins[start:end])
