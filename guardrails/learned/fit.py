"""
Fits the weights of a linear model: logistic loss with a penalty on large weights, by L-BFGS over all rows at once.

Needs numpy, which the product does not: this runs where models are made, never where they are used.
Rules: no randomness, one order of rows; the same rows give the same bytes.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from guardrails.learned.hashing import SIZE, WORDS
from guardrails.learned.model import SMOOTHING, LinearModel

Floats = npt.NDArray[np.float64]

CLASS_PENALTY = 0.2
"""
Of that of words, by default. Word classes may weigh more than words: they are what texts that nobody has seen yet have in common with those
that are known.
"""

_HISTORY = 8


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """What one row, or one window of one, teaches: its features, whether it is to be found, and how much it counts."""

    features: Sequence[int]
    is_positive: bool
    weight: float = 1.0


def fit(examples: Sequence[Example], penalty: float = 7e-7, iterations: int = 300, class_penalty: float = CLASS_PENALTY) -> LinearModel:
    """
    Return the model of these examples. `penalty` is per squared weight and unit of example weight; `class_penalty` is the share of it that
    weights of word classes pay. Cost: seconds.
    """
    problem = _Problem(examples, penalty, class_penalty)
    solution = _minimise(problem, np.zeros(problem.width + 1), iterations)
    return _quantise(problem.columns, solution[:-1], float(solution[-1]))


class _Problem:
    def __init__(self, examples: Sequence[Example], penalty: float, class_penalty: float) -> None:
        lengths = np.array([len(each.features) for each in examples], dtype=np.int64)
        used = np.concatenate([np.asarray(each.features, dtype=np.int64) for each in examples])
        self.columns, self._index = np.unique(used, return_inverse=True)
        self.width = len(self.columns)
        self._starts = np.concatenate(([0], np.cumsum(lengths)[:-1]))
        self._lengths = lengths
        self._norm = 1 / np.sqrt(lengths + SMOOTHING)
        self._sign = np.where([each.is_positive for each in examples], 1.0, -1.0)
        counts = np.array([each.weight for each in examples])
        self._counts = counts / counts.sum()
        self._penalty = np.where(self.columns >= WORDS, penalty * class_penalty, penalty)

    def value(self, point: Floats) -> tuple[float, Floats]:
        """Return the loss and its gradient."""
        weights, bias = point[:-1], point[-1]
        margins = self._sign * (np.add.reduceat(weights[self._index], self._starts) * self._norm + bias)
        loss = float(self._counts @ np.logaddexp(0, -margins)) + float(self._penalty @ (weights * weights))
        pull = -self._sign * self._counts / (1 + np.exp(np.clip(margins, -60, 60)))
        gradient = np.bincount(self._index, weights=np.repeat(pull * self._norm, self._lengths), minlength=self.width)
        return loss, np.append(gradient + 2 * self._penalty * weights, pull.sum())


def _minimise(problem: _Problem, point: Floats, iterations: int) -> Floats:
    """L-BFGS with steps halved until they help enough."""
    loss, gradient = problem.value(point)
    moves: list[Floats] = []
    turns: list[Floats] = []
    for _ in range(iterations):
        direction = _direction(gradient, moves, turns)
        slope = float(gradient @ direction)
        step = 1.0 if moves else 1 / max(1e-12, float(np.abs(gradient).sum()))
        for _ in range(25):
            new = point + step * direction
            new_loss, new_gradient = problem.value(new)
            if new_loss <= loss + 1e-4 * step * slope:
                break
            step /= 2
        if loss - new_loss < 1e-7 * abs(loss):
            return new if new_loss < loss else point
        move, turn = new - point, new_gradient - gradient
        if float(move @ turn) > 1e-14:
            moves, turns = [*moves, move][-_HISTORY:], [*turns, turn][-_HISTORY:]
        point, loss, gradient = new, new_loss, new_gradient
    return point


def _direction(gradient: Floats, moves: list[Floats], turns: list[Floats]) -> Floats:
    found = -gradient
    factors: list[float] = []
    for move, turn in zip(reversed(moves), reversed(turns), strict=True):
        factor = float(move @ found) / float(move @ turn)
        factors.append(factor)
        found = found - factor * turn
    if moves:
        found = found * (float(moves[-1] @ turns[-1]) / float(turns[-1] @ turns[-1]))
    for move, turn, factor in zip(moves, turns, reversed(factors), strict=True):
        found = found + (factor - float(turn @ found) / float(move @ turn)) * move
    return found


def _quantise(columns: npt.NDArray[np.int64], weights: Floats, bias: float) -> LinearModel:
    """Whole numbers of one byte; the few largest weights are cut, so that the others keep their precision."""
    top = float(np.quantile(np.abs(weights), 0.9995))
    scale = float(np.float32(top / 127)) or 1.0
    whole = np.clip(np.rint(weights / scale), -127, 127).astype(np.int8)
    table = np.zeros(SIZE, dtype=np.int8)
    table[columns] = whole
    return LinearModel(array("b", table.tobytes()), scale, float(np.round(bias, 6)))
