"""OpenAI's embeddings endpoint."""

from __future__ import annotations

import sys
from array import array
from base64 import b64encode
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec

from proxy.simulator.behaviour import EMBEDDING, get_behaviour
from proxy.simulator.errors import invalid_request
from proxy.simulator.exchange import Request
from proxy.simulator.openai import FAILURE_BODY, provider_headers
from proxy.simulator.reply import JsonReply, Reply
from proxy.simulator.text import count_tokens
from proxy.simulator.vectors import MAX_DIMENSIONS, embed_text
from proxy.simulator.wire import JSON_HEADERS, dump, parse_body

_MAX_INPUTS = 2048
_DIMENSIONS = {
    "text-embedding-3-large": 3072,
    "gemini-embedding-001": 3072,
    "text-embedding-004": 768,
    "nomic-embed-text": 768,
    "all-minilm": 384,
    "all-minilm-l6-v2": 384,
}
_USUAL_DIMENSIONS = 1536


class EmbeddingRequest(msgspec.Struct):
    model: str
    input: str | list[str | int | list[int]]
    dimensions: Annotated[int, msgspec.Meta(ge=1, le=MAX_DIMENSIONS)] | None = None
    encoding_format: Literal["float", "base64"] | None = None


def embeddings(request: Request) -> Reply:
    """POST /v1/embeddings"""
    asked = parse_body(request.body, EmbeddingRequest)
    behaviour = get_behaviour(asked.model, EMBEDDING)
    texts, token_count = read_inputs(asked.input)
    dimensions = asked.dimensions or usual_dimensions(asked.model)
    vectors = [embed_text(text, dimensions) for text in texts]
    body = {
        "object": "list",
        "data": [
            {"object": "embedding", "index": n, "embedding": _encoded(vector, asked.encoding_format)} for n, vector in enumerate(vectors)
        ],
        "model": asked.model,
        "usage": {"prompt_tokens": token_count, "total_tokens": token_count},
    }
    return JsonReply(
        dump(body),
        headers=provider_headers(JSON_HEADERS),
        behaviour=behaviour,
        model=asked.model,
        error_body=FAILURE_BODY,
    )


def usual_dimensions(model: str) -> int:
    """Return how long the vectors of a model are when nobody asks for another length."""
    return _DIMENSIONS.get(model.removesuffix(":latest"), _USUAL_DIMENSIONS)


def read_inputs(inputs: str | Sequence[Any]) -> tuple[list[str], int]:
    """Return the texts to embed and their tokens together. Errors: ProviderError 400 for nothing, an empty text or too many."""
    if not isinstance(inputs, str) and inputs and all(isinstance(part, int) for part in inputs):
        return [_numbered(inputs)], len(inputs)
    parts = [inputs] if isinstance(inputs, str) else list(inputs)
    if not parts or len(parts) > _MAX_INPUTS:
        raise invalid_request(f"Invalid 'input': expected 1 to {_MAX_INPUTS} texts.", param="input", code="invalid_value")
    if any(isinstance(part, int) or not part for part in parts):
        raise invalid_request("Invalid 'input': each input must be a text or an array of tokens, and not empty.", param="input")
    return [_numbered(part) if isinstance(part, list) else part for part in parts], sum(map(_count, parts))


def _count(part: str | list[int]) -> int:
    return len(part) if isinstance(part, list) else max(1, count_tokens(part))


def _numbered(token_ids: Sequence[Any]) -> str:
    return " ".join(map(str, token_ids))


def _encoded(vector: array[float], encoding: str | None) -> list[float] | str:
    """Return a vector as JSON numbers, or as base64 of little-endian float32, which is what OpenAI's own client asks for."""
    if encoding != "base64":
        return vector.tolist()
    if sys.byteorder == "big":
        vector = vector[:]
        vector.byteswap()
    return b64encode(vector.tobytes()).decode()
