"""
The local models, for tests: `make install-dev` builds them in the checkout's data folder, with MiniLM's published weights beside them.

In CI a missing one fails, elsewhere it skips.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
from numpy.typing import NDArray

from ragcache.embeddings.catalog import MINILM, WEIGHTS_FILE, WORDLLAMA
from ragcache.embeddings.files import find_built
from ragcache.embeddings.local import LocalModels
from ragcache.embeddings.ports import Embedder, TokenEmbedder

MODELS = Path(os.environ.get("GATEWAY_MODELS_DIR") or Path(__file__).parents[2] / "var" / "models")


def need_models() -> Path:
    """Return the folder of the built models."""
    if not all(find_built(MODELS, name) for name in (MINILM, WORDLLAMA)):
        _lack("the embedding models are")
    return MODELS


def need_weights() -> Path:
    """Return the file of MiniLM's published weights."""
    path = need_models() / MINILM / WEIGHTS_FILE
    if not path.exists():
        _lack("the published weights are")
    return path


@cache
def models() -> LocalModels:
    """Return the models of this test process, each loaded once."""
    return LocalModels(need_models())


def minilm() -> TokenEmbedder:
    return models().get_minilm()


def static() -> Embedder:
    return models().get(WORDLLAMA)


class ToldEmbedder:
    """An `Embedder` of three dimensions that does what it is told before it answers."""

    id = "told@0"
    dimensions = 3
    max_tokens = 4

    def __init__(self, act: Callable[[], object] | None = None) -> None:
        self.act = act
        self.seen: list[str] = []

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.stack([self.embed_one(text) for text in texts])

    def embed_one(self, text: str) -> NDArray[np.float32]:
        self.seen.append(text)
        if self.act is not None:
            self.act()
        return np.array([0.0, 1.0, 0.0], np.float32)

    def count_tokens(self, text: str) -> int:
        return len(text.split())


def _lack(what: str) -> NoReturn:
    message = f"{what} missing in {MODELS}; `make install-dev` builds them"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)
