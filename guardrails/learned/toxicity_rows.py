"""
The rows that the toxicity model is trained on: tweets labelled by people (MIT), harmless instructions, and sentences of our own.

Rules: our own sentences say the same of every group of people, once with hate and once without, so that naming a group teaches nothing.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from itertools import product

from guardrails.learned.rows import DATA_FOLDER, Row, read_rows
from guardrails.learned.toxicity_sentences import (
    GROUPS,
    HARMLESS,
    HARMLESS_OF_GROUPS,
    HATEFUL_OF_GROUPS,
    INSULTS,
    OFFENSIVE,
)

_NOISE = re.compile(r"https?://\S+|\bRT\b|@\w+|&#?\w+;")
_BLANKS = re.compile(r"\s+")


def toxicity_rows() -> list[Row]:
    """Return all rows, in one order. Shapes: about 30,000."""
    return [*_tweets(), *_instructions(), *_own()]


def clean(text: str) -> str:
    """Return a tweet without addresses, names and marks of repetition, which say who speaks and not what."""
    return _BLANKS.sub(" ", _NOISE.sub(" ", html.unescape(text))).strip(" !:\"'")


def _tweets() -> Iterator[Row]:
    for row in read_rows(DATA_FOLDER / "tox_davidson24k.jsonl.gz", "tweets"):
        text = clean(row.text)
        if text:
            yield Row(text, row.is_positive, "tweets")


def _instructions() -> Iterator[Row]:
    yield from read_rows(DATA_FOLDER / "benign_instructions.jsonl.gz", "instructions")


def _own() -> Iterator[Row]:
    for group, frame in product(GROUPS, HATEFUL_OF_GROUPS):
        yield Row(frame.format(group), True, "own_groups")
    for group, frame in product(GROUPS, HARMLESS_OF_GROUPS):
        yield Row(frame.format(group), False, "own_groups")
    yield from (Row(each, True, "own_insults") for each in INSULTS)
    yield from (Row(each, True, "own_offensive") for each in OFFENSIVE)
    yield from (Row(each, False, "own_harmless") for each in HARMLESS)
