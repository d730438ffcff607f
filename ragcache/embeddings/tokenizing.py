"""
Texts as the numbers that a model reads.

Rules: no padding and no library's own cutting (the published file pads every text to 128 tokens). What a long text costs is bounded:
no more of it is read than the model's tokens could need.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tokenizers import Encoding
from tokenizers import Tokenizer as LibraryTokenizer

from ragcache.errors import ModelDamaged

_USUAL_CHARACTERS, _MOST_CHARACTERS = 8, 64
"""Characters for each token of the limit: as many are tried first, and as many are read at most (blanks, words of a thousand letters)."""

_LONGEST_WORD = 101
"""Pieces that the word at a cut may have become: tokens before them are the same for the whole text."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """`is_cut`: the text goes on behind them."""

    ids: list[int]
    encoding: Encoding
    is_cut: bool


class Tokenizer:
    """A published tokenizer. Safe to use from several threads."""

    def __init__(self, path: Path, max_tokens: int, *, has_special_tokens: bool) -> None:
        """Errors: ModelDamaged."""
        try:
            self._library = LibraryTokenizer.from_file(str(path))
        except Exception as error:  # the library raises nothing narrower
            raise ModelDamaged(f"{path} is no tokenizer: {error}") from error
        self._library.no_padding()
        self._library.no_truncation()
        self._max_tokens = max_tokens
        self._has_special_tokens = has_special_tokens

    def read(self, text: str) -> Tokens:
        """Return the tokens of a text up to the limit, the last special one included. A lone surrogate is read as a question mark."""
        limit = self._max_tokens
        usual, most = limit * _USUAL_CHARACTERS, limit * _MOST_CHARACTERS
        encoding = self._encode(text if len(text) <= usual else text[:usual])
        is_cut = len(text) > usual
        if is_cut and len(encoding.ids) < limit + _LONGEST_WORD:
            encoding, is_cut = self._encode(text[:most]), len(text) > most
        ids = encoding.ids
        if len(ids) <= limit:
            return Tokens(ids, encoding, is_cut)
        return Tokens([*ids[: limit - 1], ids[-1]] if self._has_special_tokens else ids[:limit], encoding, True)

    def count(self, text: str) -> int:
        """
        Return how many tokens the text has, special ones included; more than the limit where it is longer than the limit could need.

        Guarantee: right up to the limit, and above it for every text that is.
        """
        most = self._max_tokens * _MOST_CHARACTERS
        return len(self._encode(text).ids) if len(text) <= most else max(self._max_tokens + 1, len(self._encode(text[:most]).ids))

    def _encode(self, text: str) -> Encoding:
        try:
            return self._library.encode(text, add_special_tokens=self._has_special_tokens)
        except TypeError:  # how the library says that a text has no UTF-8
            return self._library.encode(text.encode("utf-8", "replace").decode(), add_special_tokens=self._has_special_tokens)
