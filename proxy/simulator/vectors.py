"""
Deterministic embeddings in which texts that share words lie close together.

Not a model, but enough for a cache or a search to be seen working.
"""

from __future__ import annotations

import math
import re
from array import array
from functools import lru_cache
from hashlib import shake_256

from proxy.simulator.corpus import STOP_WORDS

MAX_DIMENSIONS = 3072
_MAX_WORDS = 250  # sums of bytes in 16-bit lanes: 257 words of 255 would overflow one
_READ_CHARS = 20_000
_KEPT_CHARS = 4_000
_WORD = re.compile(r"\w+")


def embed_text(text: str, dimensions: int) -> array[float]:
    """
    Return the embedding of `text`.

    Shapes: float32 (dimensions,), of unit length.
    Guarantee: the same text gives the same vector; the words decide, not their order, their case or a plural.
    Cost: about 0.3 ms for 1536 dimensions; nothing for one of the last 512 short texts.
    """
    return (_embed_again if len(text) <= _KEPT_CHARS else _embed)(text, dimensions)


def _embed(text: str, dimensions: int) -> array[float]:
    words = _features(text)
    total = sum(_lanes(word, dimensions) for word in words)
    lanes = array("H", total.to_bytes(2 * dimensions, "little"))
    mean = 127.5 * len(words)
    centred = [lane - mean for lane in lanes]
    length = math.sqrt(math.fsum(value * value for value in centred))
    return array("f", (value / length for value in centred))


_embed_again = lru_cache(maxsize=512)(_embed)


def _features(text: str) -> list[str]:
    words = [_stem(word) for word in _WORD.findall(text[:_READ_CHARS].lower()) if word not in STOP_WORDS]
    return words[:_MAX_WORDS] or [text[:_READ_CHARS]]


def _stem(word: str) -> str:
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


@lru_cache(maxsize=2048)
def _lanes(word: str, dimensions: int) -> int:
    """Return a word's random bytes as one number of 16-bit lanes: adding two such numbers adds two vectors, in C."""
    lanes = bytearray(2 * dimensions)
    lanes[::2] = shake_256(word.encode("utf-8", "surrogatepass")).digest(dimensions)
    return int.from_bytes(lanes, "little")
