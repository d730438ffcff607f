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
from dataclasses import dataclass
from functools import cache
from math import sqrt
from pathlib import Path

from guardrails.learned.hashing import SIZE, Reading, Sentence, read

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


@dataclass(frozen=True, slots=True, eq=False)
class LinearModel:
    """`weights` are whole numbers, -127 to 127, times `scale`: their sums are exact in any order."""

    weights: array[int]
    scale: float
    bias: float

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
        """Return the run of one to three sentences, or the whole text, that scores highest. Cost: 40 us per 1 KB."""
        return self.best_of(reading.sentences)

    def best_of(self, sentences: Sequence[Sentence]) -> Window:
        weigh = self.weights.__getitem__
        totals = [sum(map(weigh, each.features)) for each in sentences]
        counts = [len(each.features) for each in sentences]
        best, first, last = -math.inf, 0, 0
        for index in range(len(sentences)):
            total = count = 0
            for end in range(index, min(index + WINDOW_SENTENCES, len(sentences))):
                total += totals[end]
                count += counts[end]
                value = total / sqrt(count + SMOOTHING)
                if value > best:
                    best, first, last = value, index, end
        if not sentences:
            return NOTHING
        whole = sum(totals) / sqrt(sum(counts) + SMOOTHING)
        if whole > best:
            best, first, last = whole, 0, len(sentences) - 1
        logit = self.bias + self.scale * best
        return Window(logistic(logit), logit, sentences[first].start, sentences[last].end)


def logistic(value: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, value))))


@cache
def shared_model(name: str) -> LinearModel:
    """Return a model of this package by its name: `injection`, `toxicity`. Loaded when first asked for, then shared."""
    return LinearModel.load(WEIGHTS_FOLDER / f"{name}.bin")


def best_window(name: str, text: str) -> Window:
    """Return what a model of this package says of a text."""
    return shared_model(name).best_window(read(text))
