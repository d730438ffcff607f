"""
What a text is made of for a linear model: numbers of its words, of pairs of words, and of the word classes that meet in a sentence.

Rules: pure Python and no floats, so that every machine makes the same numbers; a text is cut into sentences first, and no feature
reaches over the end of one, so a window of sentences costs one addition. What is read of a text is bounded, and says so.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from struct import pack, unpack
from typing import NamedTuple

import msgspec
import re2

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

WORDS_KEPT = 8_192
LONGEST_KEPT = 24
"""Words that are remembered from text to text, and how long they may be: at most 4 MB."""

_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3"
_PIECE = re.compile(r"[^.!?;\n\r|\u3002\uff01\uff1f\uff1b]+")
_WORD = re.compile(rf"[{_CJK}]|[^\W{_CJK}]+|[<>\[\]{{}}]+")
_ASCII_WORD = re.compile(r"[a-z0-9_]+|[<>\[\]{}]+")
_OPTIONS = re2.Options()
_OPTIONS.encoding = re2.Options.Encoding.LATIN1
_INTEREST = re2.compile(
    rb"(?i)\b(?:ignor|disregard|forget|overrid|bypass|instruct|system prompt|assistant|unrestricted|jailbreak|pretend|you are now|from now"
    rb"|your (?:re(?:ply|sponse)|answer|output)|developer mode|do anything)",
    _OPTIONS,
)


def _plain_table() -> bytes:
    ends, kept = ".!?;\n\r|", "_<>[]{}"
    letters = [chr(code) for code in range(128)]
    plain = "".join("\n" if each in ends else each.lower() if each.isalnum() or each in kept else " " for each in letters)
    return plain.encode() + bytes(128)


_PLAIN = _plain_table()
"""What ASCII characters are to a reader of words: lower case, the end of a piece, or a space."""

_ODD = re.compile(r"[0-9<>\[\]{}]")

_FIRST = 0x51ED27  # what comes before a sentence's first word
_PAIR, _SKIP = 0x2C1B3C6D, 0x297A2D39
_OTHER = 0x1656673F
_TRIPLE_FIRST, _TRIPLE_SECOND, _TRIPLE_THIRD = 0x1B873593, 0x0CC9E2D5, 0x3F4A7C15
_CLASS_REACH = 4  # how many classes further a pair may reach

BEFORE_FIRST = ""
"""Stands before a sentence's first word; no word is empty."""


class Sentence(msgspec.Struct, frozen=True):
    """Where a sentence lies in the text that was read, and its words in lower case, `0` for every number."""

    start: int
    end: int
    words: list[str]

    @property
    def features(self) -> list[int]:
        """The numbers of what the sentence holds, as often as it holds them. Cost: 0.7 us per word."""
        return _features_of(self.words)


@dataclass(frozen=True, slots=True)
class Reading:
    """A text cut into sentences. `is_partial`: the text was too long, and `characters` of it were read."""

    sentences: tuple[Sentence, ...]
    characters: int
    is_partial: bool = False


def read(text: str) -> Reading:
    """Return the sentences of a text. Cost: 0.02 ms per 1 KB, and no more than 0.2 ms."""
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
    middle = text[END_CHARACTERS:last].encode("latin-1", "replace")  # a byte for each character
    for found in _INTEREST.finditer(middle):
        start, end = max(END_CHARACTERS + found.start() - 200, spans[-1][1]), min(END_CHARACTERS + found.end() + 300, last)
        if end <= start:
            continue
        spans.append((start, min(end, start + left)))
        left -= end - start
        if left <= 0:
            break
    spans.append((last, len(text)))
    return spans


def _sentences(text: str, start: int, end: int) -> list[Sentence]:
    """Short pieces join the next one, so that a word on each line is no way to hide a sentence; long ones are cut."""
    found: list[Sentence] = []
    words: list[str] = []
    first = -1
    for at, piece in _ascii_pieces(text, start, end) if text.isascii() else _pieces(text, start, end):
        if first < 0:
            first, words = at, []
        words += _words_of(piece)
        if len(words) >= MIN_WORDS:
            _cut(words, first, at + len(piece), found)
            first = -1
    if first >= 0 and words:
        _cut(words, first, end, found)
    return found


def _ascii_pieces(text: str, start: int, end: int) -> Iterator[tuple[int, str]]:
    """Yield what lies between ends of sentences, in plain letters, and where it begins."""
    at = start
    for piece in _plain(text[start:end]).split("\n"):
        if piece:
            yield at, piece
        at += len(piece) + 1


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, str]]:
    for found in _PIECE.finditer(text, start, end):
        piece = found.group()
        yield found.start(), _plain(piece) if piece.isascii() else piece


def _plain(text: str) -> str:
    return text.encode("ascii").translate(_PLAIN).decode("ascii")


def _words_of(piece: str) -> list[str]:
    if not piece.isascii():
        words = _WORD.findall(piece.lower())
    elif _ODD.search(piece) is None:
        return piece.split()
    else:
        words = _ASCII_WORD.findall(piece)
    return ["0" if word.isdigit() else word for word in words]


def _cut(words: list[str], start: int, end: int, found: list[Sentence]) -> None:
    if len(words) <= MAX_WORDS:
        found.append(Sentence(start, end, words))
        return
    parts = -(-len(words) // MAX_WORDS)
    size = -(-len(words) // parts)
    width = end - start
    for index in range(parts):
        found.append(
            Sentence(start + width * index // parts, start + width * (index + 1) // parts, words[index * size : (index + 1) * size])
        )


class Numbers(NamedTuple):
    """What is needed of a word: its feature, that of its beginning, what pairs are made of, and its class (0 for none)."""

    word: int
    beginning: int
    whole: int
    kind: int


class _KnownNumbers(dict[str, Numbers]):
    def __missing__(self, word: str) -> Numbers:
        found = numbers_of(word)
        if len(word) <= LONGEST_KEPT:
            if len(self) >= WORDS_KEPT:
                self.clear()
            self[word] = found
        return found


def numbers_of(word: str) -> Numbers:
    """Return the numbers of a word in lower case, or those of `BEFORE_FIRST`, of which only `whole` counts. Cost: 3 us."""
    if not word:
        return Numbers(0, 0, _FIRST, 0)
    is_number = word.isdigit()
    number = _number("0" if is_number else word)
    beginning = _number("^" + word[:5]) if len(word) > 5 and not is_number else number
    return Numbers(number & _MASK, beginning & _MASK, number, find_class(word))


def _number(word: str) -> int:
    return zlib.crc32(word.encode("utf-8", "surrogatepass")) & 0xFFFFFF


_NUMBERS = _KnownNumbers()


def pair_features(numbers: Sequence[int]) -> tuple[int, ...]:
    """
    Return for each word the feature of it with the next, and that of it with the next but one, by turns; what reaches over the end is
    to be left out. Cost: 0.03 us per word.

    All are made at once, in one large number of 64 bits a word: no product of a word's 24 bits and a factor's 30 reaches its neighbour.
    """
    size = 8 * len(numbers)
    row = int.from_bytes(pack(f"<{len(numbers)}Q", *numbers), "little")
    seconds = row * _OTHER
    near = row * _PAIR + (seconds >> 64) >> 11
    wide = row * _SKIP + (seconds >> 128) >> 11
    mask = _lane_masks(len(numbers))
    return unpack(f"<{2 * len(numbers)}I", (near & mask | (wide & mask) << 32).to_bytes(size, "little"))


@lru_cache(maxsize=32)
def _lane_masks(count: int) -> int:
    """A number with the bits of a feature in each of so many lanes."""
    return int.from_bytes(_MASK.to_bytes(8, "little") * count, "little")


def _features_of(words: list[str]) -> list[int]:
    own, beginnings, numbers, kinds = zip(*map(_NUMBERS.__getitem__, (BEFORE_FIRST, *words)), strict=True)
    pairs = pair_features(numbers)
    return [*own[1:], *beginnings[1:], *pairs[:-2:2], *pairs[3:-4:2], *features_of_classes(kinds)]


def features_of_classes(kinds: Sequence[int]) -> list[int]:
    """Classes, ordered pairs of near ones, and three in a row: what `ignore`, `ignora` and `vergiss` have in common."""
    classes = [each for each in kinds if each][:MAX_CLASSES]
    found = [WORDS + each for each in classes]
    for index, first in enumerate(classes[:-1], start=1):
        base = first * _PAIR_STEP + _PAIRS_AT
        found += [base + second for second in classes[index : index + _CLASS_REACH]]
    triples = zip(classes, classes[1:], classes[2:], strict=False)
    found += [_TRIPLES_AT + (a * _TRIPLE_FIRST + b * _TRIPLE_SECOND + c * _TRIPLE_THIRD >> 9 & _TRIPLE_MASK) for a, b, c in triples]
    return found
