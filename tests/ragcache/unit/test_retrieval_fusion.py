from __future__ import annotations

import numpy as np
import pytest

from ragcache.retrieval.fusion import fuse_ranks, fuse_scores
from ragcache.retrieval.hybrid import HybridOptions, search_hybrid
from ragcache.retrieval.ranking import Hit
from ragcache.retrieval.vectors import ExactVectors

WORDS = [Hit("a", 9.0), Hit("b", 6.0), Hit("c", 5.0)]
MEANING = [Hit("b", 0.9), Hit("d", 0.7), Hit("a", 0.5)]


def test_ranks_are_fused_by_reciprocal_sums() -> None:
    fused = fuse_ranks([WORDS, MEANING], k=10)

    assert fused == [
        Hit("b", pytest.approx(1 / 12 + 1 / 11)),
        Hit("a", pytest.approx(1 / 11 + 1 / 13)),
        Hit("d", pytest.approx(1 / 12)),
        Hit("c", pytest.approx(1 / 13)),
    ]
    assert fuse_ranks([WORDS, MEANING], k=10, limit=2) == fused[:2]


def test_scores_are_fused_on_one_scale() -> None:
    fused = fuse_scores([WORDS, MEANING], (0.4, 0.6))

    assert fused == [
        Hit("b", pytest.approx(0.4 * 0.25 + 0.6)),
        Hit("a", pytest.approx(0.4)),
        Hit("d", pytest.approx(0.6 * 0.5)),
        Hit("c", pytest.approx(0.0)),
    ]


@pytest.mark.parametrize(("rankings", "expected"), [([[], []], []), ([[Hit("a", 3.0)], []], [Hit("a", 0.5)])])
def test_one_or_no_hit_is_fused(rankings: list[list[Hit]], expected: list[Hit]) -> None:
    assert fuse_scores(rankings) == expected


def test_equal_sums_stand_in_the_order_of_first_appearance() -> None:
    assert [hit.id for hit in fuse_ranks([[Hit("x", 1), Hit("y", 1)], [Hit("y", 1), Hit("x", 1)]])] == ["x", "y"]


def test_weights_are_as_many_as_rankings() -> None:
    with pytest.raises(ValueError, match="zip"):
        fuse_scores([WORDS], (0.5, 0.5))


def unit(*values: float) -> np.ndarray:
    vector = np.array(values, dtype=np.float32)
    return vector / np.linalg.norm(vector)


def test_vectors_are_searched_exactly_and_by_group() -> None:
    vectors = ExactVectors(["a", "b", "c"], np.stack([unit(1, 0), unit(1, 1), unit(0, 1)]), ["g", "g", "h"])

    assert [hit.id for hit in vectors.nearest(unit(1, 0.1), 2)] == ["a", "b"]
    assert [hit.id for hit in vectors.nearest(unit(1, 0.1), 5, groups={"h", "unknown"})] == ["c"]
    assert vectors.nearest(unit(1, 0), 0) == []
    assert vectors.vectors_of(["c", "a"]).tolist() == [[0.0, 1.0], [1.0, 0.0]]


def test_vectors_refuse_rows_without_id() -> None:
    with pytest.raises(ValueError, match="one id"):
        ExactVectors(["a"], np.zeros((2, 2), dtype=np.float32))


def test_feedback_finds_what_is_near_the_best_chunk_and_not_near_the_question() -> None:
    ids = ["best", "neighbour", "other"]
    vectors = ExactVectors(ids, np.stack([unit(1, 0.9, 0), unit(0.2, 1, 0), unit(0.7, 0, 1)]))
    question = unit(1, 0, 0)
    words = [Hit("best", 5.0)]

    without = search_hybrid("q", question, lambda *_: words, vectors, 3, HybridOptions(feedback_count=0))
    with_feedback = search_hybrid("q", question, lambda *_: words, vectors, 3, HybridOptions(feedback_count=1, feedback_weight=0.9))

    assert [hit.id for hit in without] == ["best", "other", "neighbour"]
    assert [hit.id for hit in with_feedback] == ["best", "neighbour", "other"]


def test_hybrid_of_nothing_is_nothing() -> None:
    empty = ExactVectors([], np.zeros((0, 2), dtype=np.float32))

    assert search_hybrid("q", unit(1, 0), lambda *_: [], empty, 3) == []
