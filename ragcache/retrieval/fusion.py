"""One ranking out of several searches of the same chunks: by ranks, or by scores brought to one scale."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from ragcache.retrieval.ranking import Hit

RRF_K: Final = 60
EVEN: Final = (0.5, 0.5)


def fuse_ranks(rankings: Sequence[Sequence[Hit]], *, k: int = RRF_K, limit: int | None = None) -> list[Hit]:
    """
    Return the reciprocal rank fusion: each ranking gives 1 / (k + rank) to each of its hits.

    Guarantee: scores of the searches do not matter, only their order; equal sums stand in the order of first appearance.
    """
    sums: defaultdict[str, float] = defaultdict(float)
    for ranking in rankings:
        for rank, hit in enumerate(ranking, start=1):
            sums[hit.id] += 1 / (k + rank)
    return _ranked(sums.items(), limit)


def fuse_scores(rankings: Sequence[Sequence[Hit]], weights: Sequence[float] = EVEN, *, limit: int | None = None) -> list[Hit]:
    """
    Return the weighted sum of scores, each ranking's own stretched to 0 (its worst hit) .. 1 (its best).

    A chunk that one search did not find gets 0 of it, as if it were its worst. So give rankings that are long (100 or more), or the last
    places of a short one would count for nothing. A ranking of equal scores gives 1 to all.
    Errors: ValueError when there is not one weight for each ranking.
    """
    sums: defaultdict[str, float] = defaultdict(float)
    for ranking, weight in zip(rankings, weights, strict=True):
        for passage_id, score in _stretched(ranking):
            sums[passage_id] += weight * score
    return _ranked(sums.items(), limit)


def _stretched(ranking: Sequence[Hit]) -> Iterable[Hit]:
    if not ranking:
        return ()
    scores = [hit.score for hit in ranking]
    low, width = min(scores), max(scores) - min(scores)
    if width == 0:
        return (Hit(hit.id, 1.0) for hit in ranking)
    return (Hit(hit.id, (hit.score - low) / width) for hit in ranking)


def _ranked(sums: Iterable[tuple[str, float]], limit: int | None) -> list[Hit]:
    return sorted((Hit(each, score) for each, score in sums), key=lambda hit: -hit.score)[:limit]
