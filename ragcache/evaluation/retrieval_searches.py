"""The searches that `evaluate rag` compares, built over a labelled collection in memory: words, meaning, and both."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ragcache.embeddings.ports import Embedder
from ragcache.evaluation.retrieval import LabelledCollection, Search
from ragcache.retrieval.fusion import fuse_ranks
from ragcache.retrieval.hybrid import HybridOptions, search_hybrid
from ragcache.retrieval.lexical import LexicalIndex, Passage
from ragcache.retrieval.vectors import ExactVectors

_ONE_ROUND = HybridOptions(feedback_count=0)


def build_searches(collection: LabelledCollection, embedder: Embedder) -> Mapping[str, Search]:
    """
    Return the searches by name. `hybrid` is what the product does; the others show what each part of it brings.

    Each embeds the question itself, so that its time is that of a whole search. A document is one chunk, as the published figures have it.
    Cost: embeds all documents, about 40 ms each with MiniLM on one core.
    """
    index = LexicalIndex()
    index.add(Passage(each.id, each.id, each.whole_text, each.title) for each in collection.documents)
    rows = np.stack([embedder.embed_one(each.whole_text) for each in collection.documents])
    vectors = ExactVectors([each.id for each in collection.documents], rows)
    depth = _ONE_ROUND.depth
    return {
        "bm25": index.search,
        "vectors": lambda question, limit: vectors.nearest(embedder.embed_one(question), limit),
        "rank fusion": lambda question, limit: fuse_ranks(
            [index.search(question, depth), vectors.nearest(embedder.embed_one(question), depth)], limit=limit
        ),
        "score fusion": lambda question, limit: search_hybrid(
            question, embedder.embed_one(question), index.search, vectors, limit, _ONE_ROUND
        ),
        "hybrid": lambda question, limit: search_hybrid(question, embedder.embed_one(question), index.search, vectors, limit),
    }
