"""
A topic learned from a handful of examples: a linear model over the shared hashes, trained when a policy is compiled.

Rules: what everybody says is known from a fixed background of ordinary sentences, so that examples alone suffice; the same examples
make the same model on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from guardrails.detectors.topic_presets.background import BACKGROUND, COMMON_WORDS
from guardrails.errors import BadRule
from guardrails.learned.hashing import features
from guardrails.words.terms import words_of

MAX_EXAMPLES = 500
_ROUNDS = 25
_RATE = 0.6
_DECAY = 2e-4


@dataclass(frozen=True, slots=True)
class ExampleModel:
    """`telling_words` are those of the examples that speak for the topic; a sentence without any of them is not on it."""

    weights: dict[int, float]
    bias: float
    telling_words: tuple[str, ...]

    def score(self, text: str) -> float:
        """Return 0 to 1. Cost: 0.1 ms per 1 KB."""
        return _logistic(self.bias + _margin(self.weights, features(text)))


def train(examples: Sequence[str], counter_examples: Sequence[str]) -> ExampleModel:
    """Return a model of the examples. Errors: BadRule for too many of them. Cost: 0.1 s for 50 examples, 0.6 s for 500."""
    if len(examples) + len(counter_examples) > MAX_EXAMPLES:
        raise BadRule(f"{len(examples) + len(counter_examples)} examples are too many: {MAX_EXAMPLES} are allowed.")
    others = (*counter_examples, *BACKGROUND)
    rows = [(features(text), 1.0) for text in examples] + [(features(text), 0.0) for text in others]
    rows = [row for row in rows if row[0]]
    balance = len(others) / len(examples)
    weights: dict[int, float] = {}
    bias = -1.0
    for turn in range(_ROUNDS):
        rate = _RATE / (1 + turn / 5)
        for index in range(len(rows)):
            numbers, wanted = rows[index * 7919 % len(rows)]  # a fixed order that mixes both kinds
            step = rate * (wanted - _logistic(bias + _margin(weights, numbers))) * (math.sqrt(balance) if wanted else 1.0)
            if abs(step) < 1e-3:
                continue
            bias += step * 0.05
            step *= 4 / math.sqrt(len(numbers))
            for number in numbers:
                weights[number] = weights.get(number, 0.0) * (1 - _DECAY) + step
    return ExampleModel(weights, bias, _telling_words(examples, counter_examples))


def _margin(weights: dict[int, float], numbers: Sequence[int]) -> float:
    if not numbers:
        return -30.0
    return sum(weights.get(number, 0.0) for number in numbers) / math.sqrt(len(numbers))


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, value))))


def _telling_words(examples: Sequence[str], counter_examples: Sequence[str]) -> tuple[str, ...]:
    seen: dict[str, int] = {}
    for text in examples:
        for word in set(words_of(text)):
            seen[word] = seen.get(word, 0) + 1
    for text in counter_examples:
        for word in set(words_of(text)):
            if word in seen:
                seen[word] -= 1
    words = sorted(word for word, count in seen.items() if count > 0 and len(word) > 2 and word not in COMMON_WORDS and not word.isdigit())
    if not words:
        raise BadRule("The examples of a topic have no words of their own: give sentences that name what the topic is about.")
    return tuple(words)
