"""The word lists of the semantic cache, written by hand: what cannot stand for what, and what can. English alone."""

from __future__ import annotations


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text, apart by spaces."""
    return frozenset(text.split())
