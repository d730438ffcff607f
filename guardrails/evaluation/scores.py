"""Figures of a yes-or-no judgement, with the doubt that few rows leave. Pure arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

_Z = 1.959963984540054
"""Of the 95 % interval."""


def wilson(hits: int, total: int) -> tuple[float, float] | None:
    """Return Wilson's 95 % interval of a share, None for a share of nothing."""
    if total == 0:
        return None
    share, square = hits / total, _Z * _Z
    middle = share + square / (2 * total)
    spread = _Z * sqrt(share * (1 - share) / total + square / (4 * total * total))
    low, high = (middle - spread) / (1 + square / total), (middle + spread) / (1 + square / total)
    return (0.0 if hits == 0 else low, 1.0 if hits == total else high)


@dataclass(slots=True)
class Counts:
    """How often a judgement was right and wrong. Ratios of nothing are None."""

    true_positives: int = 0
    false_positives: int = 0
    true_negatives: int = 0
    false_negatives: int = 0

    def add(self, *, is_positive: bool, is_found: bool) -> None:
        if is_positive:
            self.true_positives += is_found
            self.false_negatives += not is_found
        else:
            self.false_positives += is_found
            self.true_negatives += not is_found

    @property
    def positives(self) -> int:
        return self.true_positives + self.false_negatives

    @property
    def negatives(self) -> int:
        return self.true_negatives + self.false_positives

    @property
    def precision(self) -> float | None:
        return _ratio(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float | None:
        return _ratio(self.true_positives, self.positives)

    @property
    def fpr(self) -> float | None:
        return _ratio(self.false_positives, self.negatives)

    @property
    def f1(self) -> float | None:
        return _ratio(2 * self.true_positives, 2 * self.true_positives + self.false_positives + self.false_negatives)

    def as_dict(self) -> dict[str, Any]:
        found = self.true_positives + self.false_positives
        return {
            "positives": self.positives,
            "negatives": self.negatives,
            "true_positives": self.true_positives,
            "false_positives": self.false_positives,
            "precision": self.precision,
            "precision_interval": wilson(self.true_positives, found),
            "recall": self.recall,
            "recall_interval": wilson(self.true_positives, self.positives),
            "f1": self.f1,
            "fpr": self.fpr,
            "fpr_interval": wilson(self.false_positives, self.negatives),
        }


def recall_at_fpr(scored: Iterable[tuple[float, bool]], most: float = 0.01) -> tuple[float, float] | None:
    """
    Return the best recall that any threshold reaches with at most this share of false positives, and that threshold.

    Shapes: (score, whether it is positive). A score of 0 is never a find. None without positives or without negatives.
    """
    rows = sorted(scored, reverse=True)
    positives = sum(is_positive for _, is_positive in rows)
    negatives = len(rows) - positives
    if not positives or not negatives:
        return None
    best, threshold = 0, 1.0
    true = false = 0
    for at, (score, is_positive) in enumerate(rows):
        if score <= 0:
            break
        true += is_positive
        false += not is_positive
        if false > most * negatives:
            break
        is_last_of_its_score = at + 1 == len(rows) or rows[at + 1][0] < score
        if is_last_of_its_score and true > best:
            best, threshold = true, score
    return best / positives, threshold


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the value below which this share of the values, in rising order, lies. Shapes: at least one value."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
