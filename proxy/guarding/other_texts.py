"""Where the texts of the formats without a conversation lie: completions, embeddings and moderations."""

from __future__ import annotations

from typing import Final

from proxy.guarding.tables import Steps, Table
from proxy.guarding.turns import ALL_TEXT, Dialect, Extra, Turn, Words


def _read_turn(words: Words) -> Turn:
    return Turn("user")


def _no_id(steps: Steps, words: Words) -> str:
    return ""


def _dialect(field: str, table: Table, extras: tuple[Extra, ...] = ()) -> Dialect:
    return Dialect(field, table, _read_turn, _no_id, _no_id, extras, is_whole=True)


COMPLETIONS: Final = _dialect("prompt", ALL_TEXT, (Extra("suffix", ALL_TEXT, "user", is_always_new=True),))
EMBEDDINGS: Final = _dialect("input", Table({"*.image_url.url": "url", "*.image_url": "url"}))
MODERATIONS: Final = _dialect("input", Table({"*.image_url.url": "url"}))
COMPLETIONS_REPLY: Final = _dialect(
    "choices",
    Table({"choices.*.text": "text", "choices.*.reasoning": "text"}, default="skip", spent={"choices.*.logprobs": b"null"}),
)
