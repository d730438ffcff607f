"""
all-MiniLM-L6-v2 on onnxruntime: 1 ms for a short question on one core.

Rules: one text, one run (`minilm_graph.py` says why); a batch of 16 would take as long for each and move the vectors by 0.015.
Make it after a fork, in the process that uses it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ragcache.embeddings.catalog import MODEL_FILE, TOKENIZER_FILE
from ragcache.embeddings.each import embed_each
from ragcache.embeddings.files import BuiltModel
from ragcache.embeddings.ports import TokenVectors
from ragcache.embeddings.tokenizing import Tokenizer, Tokens
from ragcache.errors import ModelDamaged

_VECTOR: Final = ["vector"]
_BOTH: Final = ["vector", "token_vectors"]
_SEVERITY_ERROR: Final = 3


class MiniLM:
    """A `TokenEmbedder`. Memory: 35 MB with its tokenizer. Loading takes a quarter of a second."""

    def __init__(self, built: BuiltModel) -> None:
        """Errors: ModelDamaged."""
        self.id = built.id
        self.dimensions = built.model.dimensions
        self.max_tokens = built.model.max_tokens
        self._tokenizer = Tokenizer(built.path(TOKENIZER_FILE), self.max_tokens, has_special_tokens=True)
        self._session = make_session(str(built.path(MODEL_FILE)))

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return embed_each(self, texts)

    def embed_one(self, text: str) -> NDArray[np.float32]:
        vector: NDArray[np.float32] = self._run(_VECTOR, self._tokenizer.read(text))[0][0]
        return vector

    def embed_tokens(self, text: str) -> TokenVectors:
        tokens = self._tokenizer.read(text)
        vector, inner = self._run(_BOTH, tokens)
        kept = len(tokens.ids) - 1  # without [CLS] and [SEP]
        vectors = inner[0, 1:kept]
        vectors /= np.sqrt(np.einsum("ij,ij->i", vectors, vectors))[:, None]
        encoding = tokens.encoding
        return TokenVectors(vector[0], tuple(encoding.tokens[1:kept]), tuple(encoding.offsets[1:kept]), vectors)

    def count_tokens(self, text: str) -> int:
        return self._tokenizer.count(text)

    def _run(self, outputs: list[str], tokens: Tokens) -> list[NDArray[np.float32]]:
        results: list[NDArray[np.float32]] = self._session.run(outputs, {"ids": np.array((tokens.ids,), np.int64)})
        return results


def make_session(model: str | bytes) -> onnxruntime.InferenceSession:
    """
    Return a session over a file or its bytes that takes one core, and no memory that it does not use.

    Without its arena a long text leaves nothing behind; with it 400 MB stayed with the process, for the same speed.
    Errors: ModelDamaged.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = _SEVERITY_ERROR
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the library's own errors have no common class
        raise ModelDamaged(f"onnxruntime cannot run the model: {error}") from error
