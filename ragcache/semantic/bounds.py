"""How sure an error rate is that was counted: exact binomial bounds, without a table or a library."""

from __future__ import annotations

from math import exp, lgamma, log, log1p
from typing import Final

_STEPS_COUNT: Final = 60


def upper_bound(errors_count: int, count: int, confidence: float = 0.95) -> float:
    """
    Return the one-sided Clopper-Pearson bound: the true rate is below it in at least `confidence` of all samples.

    1.0 without a sample. Cost: 60 sums of `errors_count` terms.
    """
    if not 0 <= errors_count <= count:
        raise ValueError("There are at most as many errors as trials.")
    if errors_count == count:
        return 1.0
    low, high = errors_count / count, 1.0
    for _ in range(_STEPS_COUNT):
        middle = (low + high) / 2
        if _at_most(errors_count, count, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def _at_most(errors_count: int, count: int, rate: float) -> float:
    """Return the probability of so few errors at a true rate."""
    if rate >= 1.0:
        return 0.0
    if rate <= 0.0:
        return 1.0
    base = lgamma(count + 1)
    return sum(
        exp(base - lgamma(k + 1) - lgamma(count - k + 1) + k * log(rate) + (count - k) * log1p(-rate)) for k in range(errors_count + 1)
    )
