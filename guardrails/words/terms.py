"""
Many words and phrases looked for among the words of a sentence: one look-up per word, whatever their number.

Rules: letter case and plural endings do not matter; `invest*` stands for every word that begins so; scripts without blanks between
words are searched as they stand.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

UNSPACED: Final = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\U00020000-\U0003ffff]"
)
"""Scripts that set no blank between words, or hang particles on them: Thai, Lao, Burmese, Khmer, kana, Han, Hangul."""

WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


def words_of(text: str) -> list[str]:
    """Return the words of a text, lower case, apostrophes plain. Cost: 20 us per 1 KB."""
    found: list[str] = WORD.findall(text.lower().replace("’", "'"))
    return found


def _plain(word: str) -> Iterator[str]:
    """A word and what it may be a plural or possessive of."""
    yield word
    if word.endswith("'s"):
        yield word[:-2]
    elif word.endswith("s") and len(word) > 3:
        yield word[:-1]
        if word.endswith("es"):
            yield word[:-2]


class Terms:
    """A set of words and phrases. Immutable after construction."""

    __slots__ = ("_prefix_sizes", "_starts", "_substrings")

    def __init__(self, terms: Iterable[str]) -> None:
        starts: dict[str, list[tuple[str, ...]]] = {}
        substrings: list[str] = []
        sizes: set[int] = set()
        for term in terms:
            plain = unicodedata.normalize("NFKC", term)
            if UNSPACED.search(plain):
                substrings.append(plain.casefold())
                continue
            parts = [part + ("*" if star else "") for part, star in _split(plain)]
            if not parts:
                substrings.append(plain.casefold())
                continue
            starts.setdefault(parts[0], []).append(tuple(parts[1:]))
            if parts[0].endswith("*"):
                sizes.add(len(parts[0]) - 1)
        self._starts = {word: tuple(sorted(rests, key=len, reverse=True)) for word, rests in starts.items()}
        self._prefix_sizes = tuple(sorted(sizes, reverse=True))
        self._substrings = tuple(substrings)

    def __bool__(self) -> bool:
        return bool(self._starts or self._substrings)

    def has_any(self, text: str, words: list[str]) -> bool:
        """Whether one of the terms stands in a text whose words are given."""
        return next(self.find(text, words), None) is not None

    def find(self, text: str, words: list[str]) -> Iterator[tuple[int, int]]:
        """Yield `(first, last + 1)` of the words that are a term; `(-1, -1)` for one in a script without blanks."""
        if self._substrings:
            folded = text.casefold()
            if any(each in folded for each in self._substrings):
                yield -1, -1
        starts = self._starts
        if not starts:
            return
        for index, word in enumerate(words):
            for key in self._keys(word):
                for rest in starts.get(key, ()):
                    if _goes_on(words, index + 1, rest):
                        yield index, index + 1 + len(rest)

    def _keys(self, word: str) -> Iterator[str]:
        yield from _plain(word)
        for size in self._prefix_sizes:
            if size <= len(word):
                yield word[:size] + "*"


def _split(term: str) -> Iterator[tuple[str, bool]]:
    text = term.lower().replace("’", "'")
    for found in WORD.finditer(text):
        yield found.group(), text[found.end() : found.end() + 1] == "*"


def _goes_on(words: list[str], at: int, rest: tuple[str, ...]) -> bool:
    if len(words) - at < len(rest):
        return False
    return all(
        word.startswith(part[:-1]) if part.endswith("*") else part in _plain(word) for word, part in zip(words[at:], rest, strict=False)
    )
