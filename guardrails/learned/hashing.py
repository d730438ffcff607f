"""
What a text is made of for a linear model: numbers of its words, of pairs of words, and of the word classes that meet in a sentence.

Rules: pure Python and no floats, so that every machine makes the same numbers; a text is cut into sentences first, and no feature
reaches over the end of one, so a window of sentences costs one addition. What is read of a text is bounded, and says so.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from guardrails.learned.lexicon import find_class

WORDS = 1 << 18
"""How many numbers there are for words and pairs of them; word classes have numbers of their own above."""

SIZE = WORDS + (1 << 16) + (1 << 13)
_MASK = WORDS - 1
_PAIRS_AT = WORDS + 64
_PAIR_STEP = 64
_TRIPLES_AT = WORDS + (1 << 13)
_TRIPLE_MASK = (1 << 16) - 1

MAX_CHARACTERS = 6_144
"""Longer texts are read at their head, at their tail and around words of the lexicon, this many characters in all."""

END_CHARACTERS = 2_048
MAX_WORDS = 48
MIN_WORDS = 4
MAX_CLASSES = 12
_WORDS_CACHED = 20_000

_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3"
_PIECE = re.compile(r"[^.!?;\n\r|\u3002\uff01\uff1f\uff1b]+")
_WORD = re.compile(rf"[{_CJK}]|[^\W{_CJK}]+|[<>\[\]{{}}]+")
_ASCII_WORD = re.compile(r"[a-z0-9_]+|[<>\[\]{}]+")
_INTEREST = re.compile(
    r"(?i)\b(?:ignor|disregard|forget|overrid|bypass|instruct|system prompt|assistant|unrestricted|jailbreak|pretend|you are now|from now"
    r"|your (?:re(?:ply|sponse)|answer|output)|developer mode|do anything)"
)

_FIRST = 0x51ED27  # what comes before a sentence's first word
_PAIR, _SKIP = 0x2C1B3C6D, 0x297A2D39
_OTHER = 0x1656673F
_TRIPLE_FIRST, _TRIPLE_SECOND, _TRIPLE_THIRD = 0x1B873593, 0x0CC9E2D5, 0x3F4A7C15
_CLASS_REACH = 4  # how many classes further a pair may reach


@dataclass(frozen=True, slots=True)
class Sentence:
    """Where a sentence lies in the text that was read, and the numbers of what it holds, as often as it holds them."""

    start: int
    end: int
    features: list[int]


@dataclass(frozen=True, slots=True)
class Reading:
    """A text cut into sentences. `is_partial`: the text was too long, and `characters` of it were read."""

    sentences: tuple[Sentence, ...]
    characters: int
    is_partial: bool = False


def read(text: str) -> Reading:
    """Return the sentences of a text with their features. Cost: about 0.1 ms per 1 KB, and no more than 1.5 ms."""
    if len(text) <= MAX_CHARACTERS:
        return Reading(tuple(_sentences(text, 0, len(text))), len(text))
    spans = _spans_of_interest(text)
    sentences = [sentence for start, end in spans for sentence in _sentences(text, start, end)]
    return Reading(tuple(sentences), sum(end - start for start, end in spans), is_partial=True)


def features(text: str) -> list[int]:
    """Return the features of all sentences of a text, one sentence after the other: what a model is trained on."""
    return [number for sentence in read(text).sentences for number in sentence.features]


def _spans_of_interest(text: str) -> list[tuple[int, int]]:
    """Head, tail, and pieces of the middle around telling words, in order and without overlap."""
    last = len(text) - END_CHARACTERS
    spans = [(0, END_CHARACTERS)]
    left = MAX_CHARACTERS - 2 * END_CHARACTERS
    for found in _INTEREST.finditer(text, END_CHARACTERS, last):
        start, end = max(found.start() - 200, spans[-1][1]), min(found.end() + 300, last)
        if end <= start:
            continue
        spans.append((start, min(end, start + left)))
        left -= end - start
        if left <= 0:
            break
    spans.append((last, len(text)))
    return spans


def _sentences(text: str, start: int, end: int) -> Iterator[Sentence]:
    """Short pieces join the next one, so that a word on each line is no way to hide a sentence; long ones are cut."""
    words: list[str] = []
    first = start
    is_open = False
    find = (_ASCII_WORD if text.isascii() else _WORD).findall
    for piece in _PIECE.finditer(text, start, end):
        if not is_open:
            first, words, is_open = piece.start(), [], True
        words += find(piece.group().lower())
        if len(words) >= MIN_WORDS:
            yield from _cut(words, first, piece.end())
            is_open = False
    if is_open and words:
        yield from _cut(words, first, end)


def _cut(words: list[str], start: int, end: int) -> Iterator[Sentence]:
    if len(words) <= MAX_WORDS:
        yield Sentence(start, end, _features_of(words))
        return
    parts = -(-len(words) // MAX_WORDS)
    size = -(-len(words) // parts)
    width = end - start
    for index in range(parts):
        yield Sentence(
            start + width * index // parts, start + width * (index + 1) // parts, _features_of(words[index * size : (index + 1) * size])
        )


class _Numbers(dict[str, tuple[int, int, int, int, int, int]]):
    """
    What is needed of a word, made when it is first met: its feature, that of its beginning, its part in a pair as the first, as the
    second and as the first but one, and its class (0 for none).
    """

    def __missing__(self, word: str) -> tuple[int, int, int, int, int, int]:
        if len(self) >= _WORDS_CACHED:
            self.clear()
        shape = "0" if word.isdigit() else word
        number = _number(shape)
        beginning = _number("^" + shape[:5]) if len(shape) > 5 else number
        self[word] = found = (
            number & _MASK,
            beginning & _MASK,
            number * _PAIR,
            number * _OTHER,
            number * _SKIP,
            find_class(word),
        )
        return found


def _number(word: str) -> int:
    return zlib.crc32(word.encode("utf-8", "surrogatepass")) & 0xFFFFFF


_NUMBERS = _Numbers()


def _features_of(words: list[str]) -> list[int]:
    own, beginnings, firsts, seconds, skipped, classes = zip(*map(_NUMBERS.__getitem__, words), strict=True)
    found = [*own, *beginnings, _FIRST * _PAIR + seconds[0] >> 11 & _MASK]
    found += [a + b >> 11 & _MASK for a, b in zip(firsts, seconds[1:], strict=False)]
    found += [a + b >> 11 & _MASK for a, b in zip(skipped, seconds[2:], strict=False)]
    if any(classes):
        found += _features_of_classes([each for each in classes if each][:MAX_CLASSES])
    return found


def _features_of_classes(classes: list[int]) -> list[int]:
    """Classes, ordered pairs of near ones, and three in a row: what `ignore`, `ignora` and `vergiss` have in common."""
    found = [WORDS + each for each in classes]
    for index, first in enumerate(classes[:-1], start=1):
        base = first * _PAIR_STEP + _PAIRS_AT
        found += [base + second for second in classes[index : index + _CLASS_REACH]]
    triples = zip(classes, classes[1:], classes[2:], strict=False)
    found += [_TRIPLES_AT + (a * _TRIPLE_FIRST + b * _TRIPLE_SECOND + c * _TRIPLE_THIRD >> 9 & _TRIPLE_MASK) for a, b, c in triples]
    return found
