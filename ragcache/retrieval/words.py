"""
Which words of a text count when it is searched: folded, without stop words, stemmed for English.

Rules: documents and questions go through the same function, or nothing would be found. Scripts without spaces are cut into pairs of
characters, so that they are found at all. A change here asks for nothing to be re-indexed on disk: indexes live in memory.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterable
from typing import Final

from Stemmer import Stemmer

MAX_WORD_CHARACTERS: Final = 64
"""A longer run of letters was not written by a person: it is cut into words of this size."""

MAX_MEMORY_WORDS: Final = 50_000
"""A thread remembers the terms of this many words, 8 MB: most words of a text were seen before."""

_STOP_WORDS = """
a about after all also am an and any are as at be because been before being but by can could did do does doing for from had has have
having he her here hers him his how i if in into is it its just me more most my no not of on or our ours out over own same she should so
some such than that the their theirs them then there these they this those through to too under until up very was we were what when
where which while who whom why will with would you your yours
"""
STOP_WORDS: Final = frozenset(_STOP_WORDS.split())

_WORD: Final = re.compile(rf"[^\W_]{{1,{MAX_WORD_CHARACTERS}}}")
_APOSTROPHE: Final = re.compile(r"['’](?:s\b)?")
_COMBINING: Final = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+")
_SPACELESS: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]+"
)
_local = threading.local()


class _Stems(dict[str, str]):
    """Words with their terms, "" for a stop word. One for each thread, as a stemmer must not be used by two at a time."""

    def __init__(self) -> None:
        super().__init__()
        self._stem = Stemmer("english").stemWord

    def __missing__(self, word: str) -> str:
        if len(self) >= MAX_MEMORY_WORDS:
            self.clear()
        self[word] = term = "" if word in STOP_WORDS else self._stem(word)
        return term


def terms_of(text: str) -> list[str]:
    """Return the terms of a text in their order, repeats included. Cost: about 0.03 us a character."""
    is_ascii = text.isascii()
    folded = text.lower() if is_ascii else _fold(text)
    if "'" in folded or "’" in folded:
        folded = _APOSTROPHE.sub("", folded)
    terms = [each for each in map(_stems().__getitem__, _WORD.findall(folded)) if each]
    return terms if is_ascii or _SPACELESS.search(folded) is None else list(_pairs(terms))


def _fold(text: str) -> str:
    """Fold case, width and accents: who searches for `cafe` means `Café`."""
    return unicodedata.normalize("NFC", _COMBINING.sub("", unicodedata.normalize("NFKD", text).casefold()))


def _pairs(terms: Iterable[str]) -> Iterable[str]:
    for term in terms:
        if _SPACELESS.search(term) is None:
            yield term
        else:
            yield from _pairs_of(term)


def _pairs_of(term: str) -> Iterable[str]:
    position = 0
    for run in _SPACELESS.finditer(term):
        if run.start() > position:
            yield term[position : run.start()]
        text, position = run.group(), run.end()
        yield from (text[at : at + 2] for at in range(max(1, len(text) - 1)))
    if position < len(term):
        yield term[position:]


def _stems() -> _Stems:
    try:
        stems: _Stems = _local.stems
    except AttributeError:
        stems = _local.stems = _Stems()
    return stems
