"""
Answers of local models to clients that ask for embeddings: the body of OpenAI's `/v1/embeddings`.

Rules: what a model cannot do is refused by name, never cut silently: a text above the limit, a length of vectors that it was not trained
for. Each text is embedded alone, so that the vector a client gets is the one that it gets in any other batch.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ragcache.embeddings.catalog import BY_NAME
from ragcache.embeddings.ports import Embedder
from ragcache.errors import TextRefused

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_TEXTS_COUNT: Final = 2_048
MAX_REQUEST_TOKENS: Final = 300_000
"""OpenAI's own limits of a request."""

_TURN_CHARACTERS: Final = 2_000
"""What one turn in a thread takes at most, unless one text is longer: some 50 ms, then others have theirs."""

_encoder: Final = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class EmbeddingsAsked:
    """`model` is the client's name for it; `dimensions` is None where the model's own length will do."""

    model: str
    texts: tuple[str, ...]
    dimensions: int | None = None
    is_base64: bool = False


@dataclass(frozen=True, slots=True)
class EmbeddingsAnswer:
    body: bytes
    input_tokens: int


async def answer_embeddings(asked: EmbeddingsAsked, embedder: Embedder, executor: Executor) -> EmbeddingsAnswer:
    """
    Embed texts in threads of `executor`, a few at a time, and return OpenAI's answer with its usage.

    Units: tokens of the model itself, its special ones included. Errors: TextRefused.
    Guarantee: a caller that is cancelled ends the work after the texts that are being embedded.
    """
    length = check_dimensions(asked.dimensions, embedder)
    if len(asked.texts) > MAX_TEXTS_COUNT:
        raise TextRefused(f"'input' holds {len(asked.texts)} texts; at most {MAX_TEXTS_COUNT} are allowed.", "input")
    loop = asyncio.get_running_loop()
    data: list[dict[str, Any]] = []
    input_tokens = 0
    for texts in _turns(asked.texts):
        vectors, tokens = await loop.run_in_executor(executor, _embed, embedder, texts, len(data))
        input_tokens += tokens
        if input_tokens > MAX_REQUEST_TOKENS:
            raise TextRefused(f"'input' has more than {MAX_REQUEST_TOKENS} tokens.", "input")
        for vector in _cut(vectors, length):
            data.append({"object": "embedding", "index": len(data), "embedding": _dump(vector, is_base64=asked.is_base64)})
    usage = {"prompt_tokens": input_tokens, "total_tokens": input_tokens}
    return EmbeddingsAnswer(_encoder.encode({"object": "list", "data": data, "model": asked.model, "usage": usage}), input_tokens)


def check_dimensions(dimensions: int | None, embedder: Embedder) -> int:
    """Return how long the vectors of an answer are. Errors: TextRefused."""
    model = BY_NAME.get(embedder.id.partition("@")[0])
    allowed = {*(model.shorter_dimensions if model else ()), embedder.dimensions}
    if dimensions is None:
        return embedder.dimensions
    if dimensions not in allowed:
        raise TextRefused(f"Invalid value for 'dimensions': this model's are {', '.join(map(str, sorted(allowed)))}.", "dimensions")
    return dimensions


def _turns(texts: Sequence[str]) -> Iterator[list[str]]:
    turn: list[str] = []
    size = 0
    for text in texts:
        if turn and size + len(text) > _TURN_CHARACTERS:
            yield turn
            turn, size = [], 0
        turn.append(text)
        size += len(text)
    if turn:
        yield turn


def _embed(embedder: Embedder, texts: list[str], first: int) -> tuple[NDArray[np.float32], int]:
    tokens = 0
    for at, text in enumerate(texts, first):
        if not text:
            raise TextRefused(f"'input[{at}]' is an empty text.", "input")
        count = embedder.count_tokens(text)
        if count > embedder.max_tokens:
            raise TextRefused(f"'input[{at}]' has more than the {embedder.max_tokens} tokens that this model reads.", "input")
        tokens += count
    return embedder.embed(texts), tokens


def _cut(vectors: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    if length == vectors.shape[1]:
        return vectors
    import numpy as np  # it is there: the vectors are its own

    kept = vectors[:, :length]
    lengths = np.linalg.norm(kept, axis=1, keepdims=True)
    return np.ascontiguousarray(kept / np.where(lengths == 0, 1, lengths), dtype=np.float32)


def _dump(vector: NDArray[np.float32], *, is_base64: bool) -> str | list[float]:
    """Shapes: float32, little endian in base64; numbers have eight decimals, which is what float32 knows of them."""
    if is_base64:
        return b64encode(vector.astype("<f4", copy=False).tobytes()).decode()
    numbers: list[float] = vector.astype("f8").round(8).tolist()
    return numbers
