"""
Streams of questions as a cache meets them: a FAQ, where some are asked again and again in other words, and a natural one, where hardly any
is.

Rules: a question of another class than the entry it is answered from is answered wrongly, as far as the labels know. Duplicates that nobody
labelled count as wrong too, so figures are read as upper bounds, and disagreements by hand.
"""

from __future__ import annotations

import gzip
import itertools
import json
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

LEAST_MEMBERS_COUNT: Final = 3
FAQ_SHARE_RATIO: Final = 0.6
STREAM_COUNT: Final = 9_000
_ZIPF_EXPONENT: Final = 1.0
_HALVING: Final = 2_654_435_761


class BadRows(ValueError):
    """A file of rows that cannot be read; the message names the line."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of a stream. Questions of one `label` may share an answer."""

    text: str
    label: str


@dataclass(frozen=True, slots=True)
class Row:
    """A labelled pair of questions, with the class of each where the data has one."""

    a: str
    b: str
    label: int
    class_a: str = ""
    class_b: str = ""


def load_pairs(path: Path) -> tuple[Row, ...]:
    """Return the rows of a JSONL file (`a`, `b`, `label`, perhaps `class_a`, `class_b`; `.gz` too). Errors: BadRows; OSError."""
    rows = []
    for number, row in _lines(path):
        try:
            rows.append(Row(row["a"], row["b"], int(row["label"]), str(row.get("class_a", "")), str(row.get("class_b", ""))))
        except (KeyError, TypeError, ValueError) as error:
            raise BadRows(f"{path}, line {number}: expected `a`, `b` and a `label` of 0 or 1.") from error
    return tuple(rows)


def load_stream(path: Path) -> tuple[Asked, ...]:
    """Return a stream of a JSONL file (`text`, `class`). Errors: BadRows; OSError."""
    rows = []
    for number, row in _lines(path):
        if not isinstance(row.get("text"), str) or "class" not in row:
            raise BadRows(f"{path}, line {number}: expected `text` and `class`.")
        rows.append(Asked(row["text"], str(row["class"])))
    return tuple(rows)


def read_classes(rows: Iterable[Row]) -> dict[str, tuple[str, ...]]:
    """Return classes of questions that share an answer, by name: the data's own, else what pairs of label 1 connect. Sorted within."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    rows = tuple(rows)
    if rows and all(row.class_a and row.class_b for row in rows):
        for row in rows:
            found[row.class_a].add(row.a)
            found[row.class_b].add(row.b)
    else:
        forest = _Forest()
        for row in rows:
            forest.find(row.a)
            forest.find(row.b)
            if row.label:
                forest.join(row.a, row.b)
        for text in forest.names():
            found[forest.find(text)].add(text)
    return {name: tuple(sorted(members)) for name, members in sorted(found.items())}


def split_halves(rows: Iterable[Row]) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """
    Return a development and a held-out half.

    Guarantee: what any chain of pairs connects, of either label, is in one half. The same rows always split alike.
    """
    rows = tuple(rows)
    forest = _Forest()
    for row in rows:
        forest.join(row.class_a or row.a, row.class_b or row.b)
    least: dict[str, str] = {}
    for name in forest.names():
        root = forest.find(name)
        least[root] = min(least.get(root, name), name)
    halves: tuple[list[Row], list[Row]] = ([], [])
    for row in rows:
        halves[_half_of(least[forest.find(row.class_a or row.a)])].append(row)
    return tuple(halves[0]), tuple(halves[1])


def make_faq_stream(classes: Mapping[str, Sequence[str]], *, count: int = STREAM_COUNT, seed: int = 0) -> tuple[Asked, ...]:
    """
    Return a FAQ stream: 60 % from classes of at least three members, Zipf over classes and any of its members alike, 40 % questions
    asked once.

    Fewer of the latter where the data has no more of them. A given seed makes the same stream.
    """
    rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
    asked_often = sorted(name for name, members in classes.items() if len(members) >= LEAST_MEMBERS_COUNT)
    asked_once = sorted(name for name, members in classes.items() if len(members) == 1)
    rng.shuffle(asked_often)
    rng.shuffle(asked_once)
    once = [Asked(classes[name][0], name) for name in asked_once[: round(count * (1 - FAQ_SHARE_RATIO))]]
    weights = list(itertools.accumulate((rank + 1) ** -_ZIPF_EXPONENT for rank in range(len(asked_often))))
    names = rng.choices(asked_often, cum_weights=weights, k=round(count * FAQ_SHARE_RATIO)) if asked_often else []
    often = [Asked(rng.choice(classes[name]), name) for name in names]
    stream = [*often, *once]
    rng.shuffle(stream)
    return tuple(stream)


def make_natural_stream(classes: Mapping[str, Sequence[str]], *, count: int = STREAM_COUNT, seed: int = 0) -> tuple[Asked, ...]:
    """Return a stream of questions drawn without replacement, each asked once, in whatever words its class has."""
    rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
    texts = sorted((text, name) for name, members in classes.items() for text in members)
    return tuple(Asked(text, name) for text, name in rng.sample(texts, min(count, len(texts))))


class _Forest:
    """Which names are connected."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}

    def names(self) -> tuple[str, ...]:
        return tuple(self._parents)

    def find(self, name: str) -> str:
        parents = self._parents
        while parents.setdefault(name, name) != name:
            parents[name] = parents[parents[name]]
            name = parents[name]
        return name

    def join(self, a: str, b: str) -> None:
        self._parents[self.find(a)] = self.find(b)


def _half_of(name: str) -> int:
    number = 0
    for letter in name:
        number = (number * 31 + ord(letter)) % (1 << 32)
    return (number * _HALVING >> 16) & 1


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            try:
                row = json.loads(line)
            except ValueError as error:
                raise BadRows(f"{path}, line {number}: {error}") from error
            if not isinstance(row, dict):
                raise BadRows(f"{path}, line {number}: expected an object.")
            yield number, row
