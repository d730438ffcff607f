"""
WordLlama's static vectors: the mean of one vector for each token, whatever stands around it. 0.03 ms a question.

What they are for: finding candidates. They know words and no order, so what they call near is asked of another model.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ragcache.embeddings.catalog import TOKENIZER_FILE, VECTORS_FILE
from ragcache.embeddings.each import embed_each
from ragcache.embeddings.files import BuiltModel
from ragcache.embeddings.safetensors import read_safetensors
from ragcache.embeddings.tokenizing import Tokenizer
from ragcache.errors import ModelDamaged

_TENSOR = "embedding.weight"


class StaticEmbedder:
    """
    An `Embedder` that costs less than asking a thread to run it.

    Memory: the table of 16 MB is a view of its file, one for all workers; the tokenizer takes 16 MB.
    """

    def __init__(self, built: BuiltModel) -> None:
        """Errors: ModelDamaged."""
        self.id = built.id
        self.dimensions = built.model.dimensions
        self.max_tokens = built.model.max_tokens
        self._tokenizer = Tokenizer(built.path(TOKENIZER_FILE), self.max_tokens, has_special_tokens=False)
        path = built.path(VECTORS_FILE)
        self._table = read_safetensors(path).get(_TENSOR, np.empty((0, 0), np.float16))
        if self._table.ndim != 2 or self._table.shape[1] != self.dimensions:
            raise ModelDamaged(f"{path} does not hold vectors of {self.dimensions} dimensions.")

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return embed_each(self, texts)

    def embed_one(self, text: str) -> NDArray[np.float32]:
        """As the port says. A text without a token, which is the empty one, has zeros."""
        ids = self._tokenizer.read(text).ids
        if not ids:
            return np.zeros(self.dimensions, np.float32)
        # The sum has the direction of the mean, and only the direction stays.
        total: NDArray[np.float32] = np.add.reduce(self._table[ids], axis=0, dtype=np.float32)
        length = np.sqrt(total @ total)
        return total / length if length else total

    def count_tokens(self, text: str) -> int:
        return self._tokenizer.count(text)
