"""Figures of a yes-or-no judgement against numbers worked out by hand."""

from __future__ import annotations

import pytest

from guardrails.evaluation.comparison import _sign_test
from guardrails.evaluation.scores import Counts, percentile, recall_at_fpr, wilson


def counted(true_positives: int, false_positives: int, true_negatives: int, false_negatives: int) -> Counts:
    counts = Counts()
    for times, is_positive, is_found in (
        (true_positives, True, True),
        (false_positives, False, True),
        (true_negatives, False, False),
        (false_negatives, True, False),
    ):
        for _ in range(times):
            counts.add(is_positive=is_positive, is_found=is_found)
    return counts


def test_counts_give_the_four_ratios():
    counts = counted(8, 2, 18, 2)

    assert (counts.precision, counts.recall, counts.f1, counts.fpr) == (0.8, 0.8, 0.8, 0.1)


def test_ratios_of_nothing_are_unknown():
    figures = counted(0, 0, 3, 0).as_dict()

    assert {name: figures[name] for name in ("precision", "recall", "f1", "recall_interval")} == {
        "precision": None,
        "recall": None,
        "f1": None,
        "recall_interval": None,
    }
    assert figures["fpr"] == 0.0


@pytest.mark.parametrize(
    ("hits", "total", "expected"),
    [(0, 10, (0.0, 0.2775)), (10, 10, (0.7225, 1.0)), (5, 10, (0.2366, 0.7634)), (81, 263, (0.2553, 0.3662))],
)
def test_interval_is_that_of_wilson(hits: int, total: int, expected: tuple[float, float]):
    assert wilson(hits, total) == pytest.approx(expected, abs=1e-4)


def test_recall_at_fpr_takes_the_lowest_threshold_that_the_negatives_allow():
    positives = [(score, True) for score in (0.9, 0.8, 0.7, 0.3)]
    negatives = [(0.75, False), (0.2, False), *((0.0, False) for _ in range(98))]

    assert recall_at_fpr([*positives, *negatives], 0.01) == (0.75 + 0.25, 0.3)
    assert recall_at_fpr([*positives, *negatives], 0.0) == (0.5, 0.8)


def test_recall_at_fpr_never_parts_equal_scores():
    rows = [(0.5, True), (0.5, False), (0.4, True), *((0.0, False) for _ in range(20))]

    assert recall_at_fpr(rows, 0.01) == (0.0, 1.0)


def test_recall_at_fpr_counts_no_row_without_a_score():
    assert recall_at_fpr([(0.0, True), (0.0, False)], 1.0) == (0.0, 1.0)
    assert recall_at_fpr([(0.9, True)], 0.01) is None


def test_percentile_is_a_value_that_was_seen():
    assert [percentile([1.0, 2.0, 3.0, 4.0], share) for share in (0.0, 0.5, 0.99, 1.0)] == [1.0, 3.0, 4.0, 4.0]


def test_sign_test_tells_chance_from_difference():
    assert _sign_test(0, 0) == 1.0
    assert _sign_test(5, 5) == 1.0
    assert _sign_test(8, 1) == pytest.approx(2 * 10 / 512)
    assert _sign_test(3000, 2000) < 1e-40
