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
from collections.abc import Iterable, Iterator, Sequence
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
from guardrails.learned.repetition import Told, tell_once

WEIGHTS_FOLDER = Path(__file__).parent / "weights"
WINDOW_SENTENCES = 3
SMOOTHING = 10
"""Added to the number of features: a sum over few features is worth less than one over many."""

_CLASSES_KEPT = 4_096
_DOUBTFUL_LOGIT = -2.0
"""From here on a window may count: texts that score less are not looked at again."""

_ROW_LOGIT = 3.0
"""What a table or a log must have more: its fields are words like `user`, `system` and `token`, in no sentence."""

_RAISE = 128
"""Makes all weights numbers that Python has ready: a list of them takes 8 bytes each, and no time to make one."""

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


_Weighed = tuple[int, int, int]
"""What a word and its beginning weigh together, what its pairs are made of, and its class."""


class _WeighedWords(dict[str, _Weighed]):
    """Words that were met before: most words of a text were in an earlier one."""

    def __init__(self, weights: array[int]) -> None:
        super().__init__()
        self._weights = weights

    def __missing__(self, word: str) -> _Weighed:
        numbers = numbers_of(word)
        weight = self._weights[numbers.word] + self._weights[numbers.beginning] if word else 0
        found = (weight, numbers.whole, numbers.kind)
        if len(word) <= LONGEST_KEPT:
            if len(self) >= WORDS_KEPT:
                self.clear()
            self[word] = found
        return found


class _WeighedClasses(dict[tuple[int, ...], tuple[int, int]]):
    """What the word classes of a sentence weigh together, and how many features they are."""

    def __init__(self, weights: Sequence[int]) -> None:
        super().__init__()
        self._weights = weights

    def __missing__(self, kinds: tuple[int, ...]) -> tuple[int, int]:
        numbers = features_of_classes(kinds)
        found = (sum(map(self._weights.__getitem__, numbers)), len(numbers))
        if len(self) >= _CLASSES_KEPT:
            self.clear()
        self[kinds] = found
        return found


@dataclass(frozen=True, slots=True, eq=False)
class LinearModel:
    """`weights` are whole numbers, -127 to 127, times `scale`: their sums are exact in any order."""

    weights: array[int]
    scale: float
    bias: float
    _raised: list[int] = field(init=False, repr=False)
    _words: _WeighedWords = field(init=False, repr=False)
    _classes: _WeighedClasses = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_raised", [weight + _RAISE for weight in self.weights])
        object.__setattr__(self, "_words", _WeighedWords(self.weights))
        object.__setattr__(self, "_classes", _WeighedClasses(self.weights))

    @classmethod
    def load(cls, path: Path) -> LinearModel:
        """Return the model of a file. Errors: BadModel; OSError. Cost: about 15 ms, 3 MB of memory."""
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
        Return the run of one to three sentences that scores highest; what is only said again is left out where that may matter.
        Cost: 45 us per 1 KB.

        There is no sum over the whole of a long text: it grows with the text's length, and says nothing that no window says.
        """
        sentences = reading.sentences
        if not sentences:
            return NOTHING
        totals, counts = self._weigh(sentences)
        window = self._best_of(sentences, _values(totals, counts))
        if window.logit < _DOUBTFUL_LOGIT or (told := tell_once(sentences)) is None:
            return window
        if not told.sentences:
            return NOTHING
        if told.is_shorter:
            totals, counts = self._weigh(told.sentences)
        return self._best_of(told.sentences, self._values_once(told, totals, counts))

    def _best_of(self, sentences: Sequence[Sentence], values: Iterable[list[float]]) -> Window:
        best, first, last = -math.inf, 0, 0
        for length, each in enumerate(values):
            highest = max(each)
            if highest > best:
                best, first = highest, each.index(highest)
                last = first + length
        logit = self.bias + self.scale * best
        return Window(logistic(logit), logit, sentences[first].start, sentences[last].end)

    def _values_once(self, told: Told, totals: list[int], counts: list[int]) -> list[list[float]]:
        """As `_values`; what is repeated adds nothing to those before it, and rows must say more than other texts."""
        added_totals = [0 if again else total for total, again in zip(totals, told.repeated, strict=True)]
        added_counts = [0 if again else count for count, again in zip(counts, told.repeated, strict=True)]
        less = _ROW_LOGIT / self.scale
        return [
            [value - less if True in told.rows[first : first + length] else value for first, value in enumerate(values)]
            for length, values in enumerate(_values(totals, counts, added_totals, added_counts), start=1)
        ]

    def _weigh(self, sentences: Sequence[Sentence]) -> tuple[list[int], list[int]]:
        """Return what the features of each sentence weigh together and how many they are, as `Sentence.features` has them."""
        words: list[str] = []
        for sentence in sentences:
            words.append(BEFORE_FIRST)
            words += sentence.words
        own, numbers, kinds = zip(*map(self._words.__getitem__, words), strict=True)
        weights = list(map(self._raised.__getitem__, pair_features(numbers)))
        near, wide = weights[::2], weights[1::2]
        totals: list[int] = []
        counts: list[int] = []
        start = 0
        for sentence in sentences:
            size = len(sentence.words)
            end = start + size
            total, count = self._classes[tuple(filter(None, kinds[start : end + 1]))]
            pairs = size + max(size - 2, 0)
            totals.append(total + sum(own[start : end + 1]) + sum(near[start:end]) + sum(wide[start + 1 : end - 1]) - _RAISE * pairs)
            counts.append(count + 2 * size + pairs)
            start = end + 1
        return totals, counts


def _values(
    totals: list[int], counts: list[int], added_totals: list[int] | None = None, added_counts: list[int] | None = None
) -> Iterator[list[float]]:
    """Yield what runs of one, two and three sentences are worth, by the first of them; `added` are those that come after the first."""
    more_totals, more_counts = added_totals or totals, added_counts or counts
    for length in range(min(WINDOW_SENTENCES, len(totals))):
        if length:
            totals, counts = list(map(add, totals, more_totals[length:])), list(map(add, counts, more_counts[length:]))
        yield [total / sqrt(count + SMOOTHING) for total, count in zip(totals, counts, strict=True)]


def logistic(value: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, value))))


@cache
def shared_model(name: str) -> LinearModel:
    """Return a model of this package by its name: `injection`, `toxicity`. Loaded when first asked for, then shared."""
    return LinearModel.load(WEIGHTS_FOLDER / f"{name}.bin")


def best_window(name: str, text: str) -> Window:
    """Return what a model of this package says of a text."""
    return shared_model(name).best_window(read(text))
