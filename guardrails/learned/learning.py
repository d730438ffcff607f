"""
How rows become a model: each row as a whole first, then the windows that the last model found most telling.

Rules: a model answers with its best window, so it must be taught with windows: a long harmless text is judged by its worst sentence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from guardrails.learned.fit import CLASS_PENALTY, Example, fit
from guardrails.learned.hashing import Reading, read
from guardrails.learned.model import WINDOW_SENTENCES, LinearModel
from guardrails.learned.rows import Row

NEGATIVE_WEIGHT = 1.5
"""A false alarm costs more than a miss: most texts are harmless."""

WINDOW_WEIGHT = 0.7
HARD_WINDOWS = 2


@dataclass(frozen=True, slots=True)
class Teaching:
    """How a model is taught, see `fit.fit`. `rounds`: how often it is taught anew with the windows that it finds most telling."""

    penalty: float = 7e-7
    class_penalty: float = CLASS_PENALTY
    rounds: int = 2


def learn(rows: Sequence[Row], teaching: Teaching = Teaching()) -> LinearModel:
    """Return the model that these rows teach. Cost: about 1 s per 1,000 rows and round."""
    penalty, class_penalty = teaching.penalty, teaching.class_penalty
    readings = [read(row.text) for row in rows]
    weights = _weights(rows)
    examples = [
        Example(_all_features(reading), row.is_positive, weight)
        for row, reading, weight in zip(rows, readings, weights, strict=True)
        if reading.sentences
    ]
    model = fit(examples, penalty, class_penalty=class_penalty)
    for _ in range(teaching.rounds):
        windows = _window_examples(rows, readings, weights, model)
        model = fit([*examples, *windows], penalty, class_penalty=class_penalty)
    return model


def _weights(rows: Sequence[Row]) -> list[float]:
    """Large sources count less per row than small ones, so that none drowns the others."""
    sizes = Counter((row.source, row.is_positive) for row in rows)
    return [(NEGATIVE_WEIGHT if not row.is_positive else 1.0) * (1000 / sizes[row.source, row.is_positive]) ** 0.4 for row in rows]


def _window_examples(rows: Sequence[Row], readings: Sequence[Reading], weights: Sequence[float], model: LinearModel) -> list[Example]:
    found: list[Example] = []
    for row, reading, weight in zip(rows, readings, weights, strict=True):
        if len(reading.sentences) < 2:
            continue
        ranked = sorted(_windows(reading, model), key=lambda each: -each[0])
        for _, features in ranked[: 1 if row.is_positive else HARD_WINDOWS]:
            found.append(Example(features, row.is_positive, weight * WINDOW_WEIGHT))
    return found


def _windows(reading: Reading, model: LinearModel) -> list[tuple[float, list[int]]]:
    sentences = reading.sentences
    found: list[tuple[float, list[int]]] = []
    for first in range(len(sentences)):
        features: list[int] = []
        for sentence in sentences[first : first + WINDOW_SENTENCES]:
            features = features + sentence.features
            found.append((model.logit(sum(map(model.weights.__getitem__, features)), len(features)), features))
    return found


def _all_features(reading: Reading) -> list[int]:
    return [number for sentence in reading.sentences for number in sentence.features]
