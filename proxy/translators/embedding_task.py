"""
OpenAI's embeddings for providers that speak another dialect: what is asked, and the answer in OpenAI's shape.

Rules: pure. Everything is translated or refused by name; `HINTS` are left out, because they change no answer.
"""

from __future__ import annotations

import sys
from array import array
from base64 import b64encode
from dataclasses import dataclass
from typing import Final

import msgspec

from proxy.errors import BadRequest, Untranslatable
from proxy.wire.bad_request import UNREADABLE, bad_request
from proxy.wire.model_request import ModelRequest

HINTS: Final = frozenset({"user"})
_KNOWN: Final = frozenset({"model", "input", "dimensions", "encoding_format"})
_ENCODINGS: Final = frozenset({"float", "base64"})


class _Fields(msgspec.Struct):
    input: str | list[str | int | list[int]]
    dimensions: int | None = None
    encoding_format: str | None = None


class _Data(msgspec.Struct):
    object: str
    index: int
    embedding: list[float] | str


_decoder: Final = msgspec.json.Decoder(_Fields)
_encoder: Final = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class EmbeddingTask:
    """`dimensions` is None where the model's own length will do; `is_base64`: the vectors are wanted as bytes, not as numbers."""

    texts: tuple[str, ...]
    dimensions: int | None
    is_base64: bool


def read_task(request: ModelRequest, provider: str) -> EmbeddingTask:
    """Errors: BadRequest; Untranslatable for what the provider has no word for, such as numbers of tokens."""
    for name, raw in request.fields.items():
        if name not in _KNOWN and name not in HINTS and bytes(raw) != b"null":
            raise Untranslatable(f"The parameter {name!r} cannot be translated for a model of the provider {provider!r}.", param=name)
    try:
        fields = _decoder.decode(_encoder.encode({name: raw for name, raw in request.fields.items() if name in _KNOWN}))
    except UNREADABLE as error:
        raise bad_request(error) from error
    encoding = fields.encoding_format or "float"
    if encoding not in _ENCODINGS:
        raise BadRequest("Invalid value for 'encoding_format': expected float or base64.", param="encoding_format")
    given = [fields.input] if isinstance(fields.input, str) else fields.input
    texts = tuple(text for text in given if isinstance(text, str))
    if len(texts) < len(given):
        message = f"Models of the provider {provider!r} embed texts: the numbers of tokens mean something else to them."
        raise Untranslatable(message, param="input")
    return EmbeddingTask(texts, fields.dimensions, encoding == "base64")


def dump_vectors(vectors: list[list[float]], task: EmbeddingTask, model: str, input_tokens: int) -> bytes:
    """
    Return the answer in OpenAI's shape.

    Shapes: one vector for each text, all of one length. Errors: ValueError for other vectors than were asked for.
    """
    if len(vectors) != len(task.texts):
        raise ValueError(f"{len(vectors)} embeddings for {len(task.texts)} texts")
    if any(len(vector) != len(vectors[0]) for vector in vectors) or not all(vectors):
        raise ValueError("embeddings of different lengths")
    data = [_Data("embedding", at, _in_base64(vector) if task.is_base64 else vector) for at, vector in enumerate(vectors)]
    usage = {"prompt_tokens": input_tokens, "total_tokens": input_tokens}
    return _encoder.encode({"object": "list", "data": data, "model": model, "usage": usage})


def _in_base64(vector: list[float]) -> str:
    """Shapes: float32, little endian."""
    numbers = array("f", vector)
    if sys.byteorder == "big":
        numbers.byteswap()
    return b64encode(numbers.tobytes()).decode()
