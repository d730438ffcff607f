"""
One search out of two: words (BM25) and meaning (vectors), fused by their scores; then once more with what the first round found.

The second round moves the question's vector towards the best few chunks of the first (Rocchio's feedback, without a person in it): they
say in the documents' words what the question meant. It costs one more vector search, no embedding, and nothing of a model.
Source: docs/design/0021-retrieval.md (figures)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ragcache.retrieval.fusion import fuse_scores
from ragcache.retrieval.ranking import Hit

_SHARPNESS: Final = 4
Vector: TypeAlias = NDArray[np.float32]


class VectorSearch(Protocol):
    """The vectors that one caller may see, wherever they lie."""

    def nearest(self, vector: Vector, limit: int) -> Sequence[Hit]:
        """Return the nearest chunks with their cosines, best first. Shapes: float32 (dim,), L2-normalised."""

    def vectors_of(self, ids: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of chunks that `nearest` or the lexical search gave. Shapes: float32 (len(ids), dim)."""


LexicalSearch: TypeAlias = Callable[[str, int], Sequence[Hit]]


@dataclass(frozen=True, slots=True)
class HybridOptions:
    """
    `depth`: hits of each search that are fused. `lexical_weight`: 1 is words alone, 0 vectors alone.
    `feedback_count` chunks are fed back, together with `feedback_weight`; 0 of them is one round.
    """

    depth: int = 200
    lexical_weight: float = 0.5
    feedback_count: int = 5
    feedback_weight: float = 0.3


_DEFAULT: Final = HybridOptions()


def search_hybrid(
    question: str, vector: Vector, lexical: LexicalSearch, vectors: VectorSearch, limit: int, options: HybridOptions = _DEFAULT
) -> list[Hit]:
    """
    Return the best `limit` chunks for a question and its vector.

    Units: scores are 0..1 within this answer and mean nothing in another. Whether anything answers the question at all is told by the
    cosines of the best (`vectors.vectors_of(ids) @ vector`), not by these.

    Cost: one lexical and two vector searches, and 0.4 ms.
    """
    words = lexical(question, options.depth)
    weights = (options.lexical_weight, 1 - options.lexical_weight)
    found = fuse_scores([words, vectors.nearest(vector, options.depth)], weights)
    best = found[: options.feedback_count]
    if best:
        moved = _moved(vector, vectors.vectors_of([hit.id for hit in best]), best, options.feedback_weight)
        found = fuse_scores([words, vectors.nearest(moved, options.depth)], weights)
    return found[:limit]


def _moved(vector: Vector, towards: NDArray[np.float32], hits: Sequence[Hit], weight: float) -> Vector:
    """Return the vector moved towards those of hits. The first of them counts most: a second with 0.7 of its score a quarter as much."""
    shares = np.array([hit.score for hit in hits], dtype=np.float32) ** _SHARPNESS
    if not shares.any():
        return vector
    moved = (1 - weight) * vector + weight * (shares @ towards) / shares.sum()
    length = float(np.linalg.norm(moved))
    return (moved / length).astype(np.float32) if length else vector
