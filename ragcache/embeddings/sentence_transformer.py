"""
Any model that sentence-transformers can load, on a CPU or a GPU, behind the same port (`make install ML=1`).

Its package imports torch: six seconds and 700 MB. So nothing here is imported before such a model is asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragcache.errors import ModelMissing

_BATCH_COUNT = 32
_MAX_TOKENS_UNSAID = 512


class SentenceTransformerEmbedder:
    """
    An `Embedder` over a folder of a model, or the name of a published one, which the package then downloads.

    The vectors of a text alone and in a batch differ by rounding (1e-6) with float32 weights.
    """

    def __init__(self, source: str, device: str = "cpu") -> None:
        """Errors: ModelMissing for a package or a model that is not there, and for a device that torch does not have."""
        try:
            from sentence_transformers import SentenceTransformer  # see above
        except ImportError as error:
            raise ModelMissing("The package sentence-transformers is not installed: `make install ML=1`.") from error
        try:
            self._model = SentenceTransformer(source, device=device)
        except (OSError, ValueError, RuntimeError, AssertionError) as error:  # what torch and the package raise for the three cases
            raise ModelMissing(f"sentence-transformers cannot load {source!r} on {device!r}: {error}") from error
        self.id = f"sentence-transformers:{source.rstrip('/').rsplit('/', 1)[-1]}@{_digest(self._model.state_dict())}"
        self.dimensions: int = self._model.get_embedding_dimension()
        self.max_tokens: int = self._model.max_seq_length or _MAX_TOKENS_UNSAID

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if not texts:
            return np.empty((0, self.dimensions), np.float32)
        vectors = self._model.encode(
            [_clean(text) for text in texts],
            batch_size=_BATCH_COUNT,
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return np.asarray(vectors, np.float32)

    def embed_one(self, text: str) -> NDArray[np.float32]:
        vector: NDArray[np.float32] = self.embed([text])[0]
        return vector

    def count_tokens(self, text: str) -> int:
        return len(self._model.tokenizer.encode(_clean(text), truncation=False, verbose=False))


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _digest(state: Mapping[str, Any]) -> str:
    """The weights themselves, wherever they came from: a model that is published anew under its name is another one."""
    from torch import uint8  # it is there because the package is

    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        digest.update(f"{name}:{tensor.dtype}:{tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(uint8).numpy())
    return digest.hexdigest()[:12]
