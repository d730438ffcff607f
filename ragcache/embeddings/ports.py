"""
What the semantic cache and retrieval need of an embedding model, whichever it is.

Rules: no imports that cost anything; numpy is here for the eyes of the type checker alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Embedder(Protocol):
    """One loaded model. Safe to use from several threads at once."""

    id: str
    """Names the model and the bytes of its files: vectors of two ids must never be compared."""
    dimensions: int
    max_tokens: int
    """What lies behind is not read."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """
        Return a vector for each text.

        Shapes: float32 (n, dimensions), rows L2-normalised; a text without any token may be a row of zeros.
        """

    def embed_one(self, text: str) -> NDArray[np.float32]:
        """
        Return the vector of one text, as a look-up asks for it.

        Shapes: float32 (dimensions,). Guarantee: the same text has the same vector whatever is embedded beside it.
        """

    def count_tokens(self, text: str) -> int:
        """
        Return how many tokens the text has, the model's own special ones included.

        Guarantee: right up to `max_tokens`; a text that has more, or is much longer than these could need, gives a number above it.
        """


@dataclass(frozen=True, slots=True)
class TokenVectors:
    """
    A text as MiniLM sees it: its vector, and one for each word piece in its context.

    Shapes: `vector` float32 (384,); `vectors` float32 (len(tokens), 384), rows L2-normalised; `spans` are
    offsets of characters in the text. The special tokens are left out. A word piece that goes on a word begins with `##`.
    """

    vector: NDArray[np.float32]
    tokens: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    vectors: NDArray[np.float32]


class TokenEmbedder(Embedder, Protocol):
    """A model that can also say what each token means where it stands."""

    def embed_tokens(self, text: str) -> TokenVectors:
        """Return the vector of a text with those of its tokens. Cost: that of `embed_one` and some microseconds."""
