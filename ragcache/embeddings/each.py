"""Several texts, each by itself, so that no vector depends on its neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ragcache.embeddings.ports import Embedder

if TYPE_CHECKING:
    from numpy.typing import NDArray


def embed_each(embedder: Embedder, texts: Sequence[str]) -> NDArray[np.float32]:
    """Shapes: (texts, dimensions). Errors: those of `embed_one`."""
    vectors = np.empty((len(texts), embedder.dimensions), np.float32)
    for row, text in zip(vectors, texts, strict=True):
        row[:] = embedder.embed_one(text)
    return vectors
