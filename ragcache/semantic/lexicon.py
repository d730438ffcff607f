"""
The word lists, ready for look-ups: stems, synonyms, alternatives, the words a question is framed in.

Rules: built once, when the first question is read (10 ms). A thread has a stemmer of its own, as one must not be used by two at a time.
"""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from Stemmer import Stemmer

from ragcache.semantic.words.alternatives import KINDS, OPPOSITES
from ragcache.semantic.words.synonyms import FRAME, SYNONYMS

MAX_MEMORY_WORDS: Final = 50_000
_local = threading.local()


class _Stems(dict[str, str]):
    def __init__(self) -> None:
        super().__init__()
        self._stem: Callable[[str], str] = Stemmer("english").stemWord

    def __missing__(self, word: str) -> str:
        if len(self) >= MAX_MEMORY_WORDS:
            self.clear()
        self[word] = stem = self._stem(word)
        return stem


def stem_of(word: str) -> str:
    """Return the stem of a folded word, remembered by each thread."""
    try:
        stems: _Stems = _local.stems
    except AttributeError:
        stems = _local.stems = _Stems()
    return stems[word]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """
    `synonyms`: stem to the stem that stands for all. `members`: stem to its places in groups, as (group, member) numbers.
    `phrases`: first word to the words behind it that make one, joined by `_`, the longest first.
    """

    synonyms: Mapping[str, str]
    members: Mapping[str, tuple[tuple[int, int], ...]]
    frame: frozenset[str]
    phrases: Mapping[str, tuple[tuple[str, ...], ...]]

    def canonical(self, stem: str) -> str:
        return self.synonyms.get(stem, stem)


@cache
def lexicon() -> Lexicon:
    """Return the lexicon of this process."""
    lines = [[[each] for each in line.split(" = ")] for line in _lines(SYNONYMS)]
    synonyms: dict[str, str] = {}
    for spellings in lines:
        stems = [stem_of(each[0].strip()) for each in spellings]
        synonyms |= {stem: synonyms.get(stems[0], stems[0]) for stem in stems if stem not in synonyms}
    members: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    words = [each[0].strip() for spellings in lines for each in spellings]
    for group, line in enumerate((*_lines(OPPOSITES), *_lines(KINDS))):
        for member, text in enumerate(line.split(" | ")):
            for spelling in text.split(" = "):
                words.append(spelling.strip())
                place = (group, member)
                if place not in members[stem_of(words[-1])]:
                    members[stem_of(words[-1])].append(place)
    frame = frozenset(stem_of(word) for word in FRAME.split()) | frozenset(FRAME.split())
    return Lexicon(synonyms, {stem: tuple(places) for stem, places in members.items()}, frame, _phrases(words))


def _lines(text: str) -> Iterator[str]:
    """Yield the lines of a list; one that begins with `|` goes on with the one before."""
    return (line.strip() for line in text.replace("\n|", " |").splitlines() if line.strip())


def _phrases(words: list[str]) -> dict[str, tuple[tuple[str, ...], ...]]:
    found: defaultdict[str, set[tuple[str, ...]]] = defaultdict(set)
    for word in words:
        if "_" in word:
            first, *others = re.split("_", word)
            found[first].add(tuple(others))
    return {first: tuple(sorted(others, key=lambda each: (-len(each), each))) for first, others in found.items()}
