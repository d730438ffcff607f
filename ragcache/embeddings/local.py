"""
The embedding models of this process, by name: loaded when first asked for, once.

A name is one of the catalog (`all-minilm-l6-v2`, `wordllama-256`), or `sentence-transformers:` with a folder or a published name behind it.
Rules: make one `LocalModels` in each process, after its fork. Importing this module loads neither numpy nor a model.
"""

from __future__ import annotations

import os
from pathlib import Path
from threading import Lock
from typing import cast

from ragcache.embeddings.catalog import BY_NAME, MINILM, SENTENCE_TRANSFORMERS
from ragcache.embeddings.files import find_built, get_built
from ragcache.embeddings.ports import Embedder, TokenEmbedder

_QUIET = {"OPENBLAS_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
"""A worker has one core: threads of libraries would take it from the others. Both are read when the libraries are imported."""


class LocalModels:
    """The models in a folder (`<data>/models`). Safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = Lock()
        self._loaded: dict[tuple[str, str], Embedder] = {}

    def names(self) -> tuple[str, ...]:
        """Return the models of the catalog that are built. Cost: reads two small files."""
        return tuple(name for name in BY_NAME if find_built(self._folder, name) is not None)

    def get(self, name: str, *, device: str = "cpu") -> Embedder:
        """
        Return a model, loading it if it is not (0.3 s; seconds with torch). `device` is torch's, for sentence-transformers alone.

        Errors: ModelMissing, ModelDamaged.
        """
        key = (name, device if name.startswith(SENTENCE_TRANSFORMERS) else "")
        found = self._loaded.get(key)
        if found is not None:
            return found
        with self._lock:
            if key not in self._loaded:
                self._loaded[key] = _load(self._folder, name, device)
            return self._loaded[key]

    def get_minilm(self) -> TokenEmbedder:
        """Return the model that look-ups of the semantic cache use, with vectors of tokens. Errors: as `get`."""
        return cast("TokenEmbedder", self.get(MINILM))


def _load(folder: Path, name: str, device: str) -> Embedder:
    for variable, value in _QUIET.items():
        os.environ.setdefault(variable, value)
    if name.startswith(SENTENCE_TRANSFORMERS):
        from ragcache.embeddings.sentence_transformer import SentenceTransformerEmbedder  # brings numpy, then torch

        return SentenceTransformerEmbedder(name.removeprefix(SENTENCE_TRANSFORMERS), device)
    built = get_built(folder, name)
    if name == MINILM:
        from ragcache.embeddings.minilm import MiniLM  # brings onnxruntime

        return MiniLM(built)
    from ragcache.embeddings.static import StaticEmbedder  # brings numpy

    return StaticEmbedder(built)
