"""
A linear model over hashed features: small weights in one file, a sum and a logistic at run time.

Rules: a file whose bytes are not those that were written is refused; loaded once per process, when first asked for.
"""

from __future__ import annotations

import hashlib
import math
import struct
import zlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from math import sqrt
from operator import add
from pathlib import Path

from guardrails.learned.hashing import (
    BEFORE_FIRST,
    LONGEST_KEPT,
    SIZE,
    WORDS_KEPT,
    Reading,
    Sentence,
    features_of_classes,
    numbers_of,
    pair_features,
    read,
)

WEIGHTS_FOLDER = Path(__file__).parent / "weights"
WINDOW_SENTENCES = 3
SMOOTHING = 10
"""Added to the number of features: a sum over few features is worth less than one over many."""

_MAGIC = b"GWLM1\n"
_HEAD = struct.Struct("<dd")


class BadModel(ValueError):
    """A weights file that is damaged or of another kind."""


@dataclass(frozen=True, slots=True)
class Window:
    """The most telling run of sentences of a text: its score, 0 to 1, and where it lies."""

    score: float
    logit: float
    start: int
    end: int


NOTHING = Window(0.0, -30.0, 0, 0)


_Weighed = tuple[int, int, int, int, int]
"""What a word and its beginning weigh, and the rest of its numbers."""


class _WeighedWords(dict[str, _Weighed]):
    """Words that were met before: most words of a text were in an earlier one."""

    def __init__(self, weights: array[int]) -> None:
        super().__init__()
        self._weights = weights

    def __missing__(self, word: str) -> _Weighed:
        numbers = numbers_of(word)
        weight = self._weights[numbers.word] + self._weights[numbers.beginning] if word else 0
        found = (weight, numbers.first, numbers.second, numbers.skipped, numbers.kind)
        if len(word) <= LONGEST_KEPT:
            if len(self) >= WORDS_KEPT:
                self.clear()
            self[word] = found
        return found


@dataclass(frozen=True, slots=True, eq=False)
class LinearModel:
    """`weights` are whole numbers, -127 to 127, times `scale`: their sums are exact in any order."""

    weights: array[int]
    scale: float
    bias: float
    _words: _WeighedWords = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_words", _WeighedWords(self.weights))

    @classmethod
    def load(cls, path: Path) -> LinearModel:
        """Return the model of a file. Errors: BadModel; OSError. Cost: about 2 ms, 256 KB of memory."""
        data = path.read_bytes()
        start = len(_MAGIC)
        digest, body = data[start : start + 32], data[start + 32 :]
        if data[:start] != _MAGIC or hashlib.sha256(body).digest() != digest:
            raise BadModel(f"{path.name} is damaged, or is no model of this version.")
        content = zlib.decompress(body)
        scale, bias = _HEAD.unpack_from(content)
        weights = array("b", content[_HEAD.size :])
        if len(weights) != SIZE:
            raise BadModel(f"{path.name} has {len(weights)} weights instead of {SIZE}.")
        return cls(weights, scale, bias)

    def dump(self) -> bytes:
        """Return the bytes of the model's file: the same for the same weights."""
        body = zlib.compress(_HEAD.pack(self.scale, self.bias) + self.weights.tobytes(), 9)
        return _MAGIC + hashlib.sha256(body).digest() + body

    def score(self, features: Sequence[int]) -> float:
        """Return 0 to 1 for the features of one text, as `hashing.features` gives them."""
        return logistic(self.logit(sum(map(self.weights.__getitem__, features)), len(features)))

    def logit(self, total: int, count: int) -> float:
        return self.bias + self.scale * total / math.sqrt(count + SMOOTHING) if count else -30.0

    def best_window(self, reading: Reading) -> Window:
        """
        Return the run of one to three sentences that scores highest. Cost: 40 us per 1 KB.

        There is no sum over the whole of a long text: it grows with the text's length, and says nothing that no window says.
        """
        return self.best_of(reading.sentences)

    def best_of(self, sentences: Sequence[Sentence]) -> Window:
        if not sentences:
            return NOTHING
        totals, counts = self._weigh(sentences)
        run_totals, run_counts = totals, counts
        best, first, last = -math.inf, 0, 0
        for length in range(min(WINDOW_SENTENCES, len(sentences))):
            if length:
                run_totals, run_counts = list(map(add, run_totals, totals[length:])), list(map(add, run_counts, counts[length:]))
            values = [total / sqrt(count + SMOOTHING) for total, count in zip(run_totals, run_counts, strict=False)]
            highest = max(values)
            if highest > best:
                best, first = highest, values.index(highest)
                last = first + length
        logit = self.bias + self.scale * best
        return Window(logistic(logit), logit, sentences[first].start, sentences[last].end)

    def _weigh(self, sentences: Sequence[Sentence]) -> tuple[list[int], list[int]]:
        """Return what the features of each sentence weigh together and how many they are, as `Sentence.features` has them."""
        words: list[str] = []
        for sentence in sentences:
            words.append(BEFORE_FIRST)
            words += sentence.words
        own, firsts, seconds, skipped, kinds = zip(*map(self._words.__getitem__, words), strict=True)
        weigh = self.weights.__getitem__
        pairs = list(map(weigh, pair_features(firsts, seconds[1:])))
        wide = list(map(weigh, pair_features(skipped, seconds[2:])))
        totals: list[int] = []
        counts: list[int] = []
        start = 0
        for sentence in sentences:
            size = len(sentence.words)
            end = start + size
            total = sum(own[start : end + 1]) + sum(pairs[start:end]) + sum(wide[start + 1 : end - 1])
            count = 3 * size + max(size - 2, 0)
            if any(kinds[start : end + 1]):
                classes = features_of_classes(kinds[start : end + 1])
                total += sum(map(weigh, classes))
                count += len(classes)
            totals.append(total)
            counts.append(count)
            start = end + 1
        return totals, counts


def logistic(value: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, value))))


@cache
def shared_model(name: str) -> LinearModel:
    """Return a model of this package by its name: `injection`, `toxicity`. Loaded when first asked for, then shared."""
    return LinearModel.load(WEIGHTS_FOLDER / f"{name}.bin")


def best_window(name: str, text: str) -> Window:
    """Return what a model of this package says of a text."""
    return shared_model(name).best_window(read(text))
