"""Embedders without files for tests of the semantic cache: a text's vector is the sum of one for each of its words."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ragcache.embeddings.ports import TokenVectors
from ragcache.semantic.identity import Identity
from ragcache.semantic.index import SemanticIndex
from ragcache.semantic.judging import Cuts, Verifier
from ragcache.semantic.store import Entry, SemanticStore

DIMENSIONS = 384
FOREVER_S = 1e12


class BagEmbedder:
    """A `TokenEmbedder` that knows words by their letters alone; `kin` gives words the vector of another one."""

    id = "bag@0"
    dimensions = DIMENSIONS
    max_tokens = 256

    def __init__(self, kin: dict[str, str] | None = None) -> None:
        self._kin = kin or {}
        self.seen: list[str] = []

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.stack([self.embed_one(text) for text in texts])

    def embed_one(self, text: str) -> NDArray[np.float32]:
        return self.embed_tokens(text).vector

    def embed_tokens(self, text: str) -> TokenVectors:
        self.seen.append(text)
        matches = list(re.finditer(r"\w+", text.casefold()))
        rows = [self._word(match[0]) for match in matches] or [np.zeros(DIMENSIONS, np.float32)]
        total = np.sum(rows, axis=0)
        vector = total / max(float(np.linalg.norm(total)), 1e-9)
        return TokenVectors(
            vector.astype(np.float32),
            tuple(match[0] for match in matches),
            tuple(match.span() for match in matches),
            np.stack(rows)[: len(matches)],
        )

    def count_tokens(self, text: str) -> int:
        return len(text.split()) + 2

    def _word(self, word: str) -> NDArray[np.float32]:
        word = self._kin.get(word, word)
        vector = np.random.default_rng(zlib.crc32(word.encode())).standard_normal(DIMENSIONS).astype(np.float32)
        return vector / np.linalg.norm(vector)


def make_entry(entry_id: str, question: str = "How do I reset my password?", **fields: object) -> Entry:
    values: dict[str, object] = {"owner": "acme", "saved_nano_usd": 1_000_000, "expires_at_s": FOREVER_S, **fields}
    return Entry(id=entry_id, question=question, **values)  # type: ignore[arg-type] # fields of Entry, by name


def make_index(
    embedder: BagEmbedder | None = None, *, cuts: Cuts | None = None, verifier: Verifier | None = None, limit_bytes: int = 10_000_000
) -> tuple[SemanticIndex, SemanticStore]:
    """Return an index and its store."""
    store = SemanticStore(limit_bytes, DIMENSIONS)
    embedder = embedder or BagEmbedder()
    return SemanticIndex(store, embedder, embedder, cuts=cuts, verifier=verifier), store


def unit_rows(count: int, seed: int = 0) -> NDArray[np.float32]:
    """Return random vectors of length 1. Shapes: float32 (count, 384)."""
    rows = np.random.default_rng(seed).standard_normal((count, DIMENSIONS)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


IDENTITY = Identity(
    tenant="t",
    workspace="w",
    scope="workspace:w",
    provider="openai",
    model="gpt",
    model_version="1",
    endpoint="chat",
    system_prompt_hash="",
    tools_hash="",
    tool_choice="",
    response_format="",
    sampling="low",
    max_tokens_class="",
    language="en",
    guardrail_version="1",
    prompt_template_version="",
    corpus_version="",
    corpus_filters_hash="",
    embedding_model="bag@0",
    attachments_hash="",
)
