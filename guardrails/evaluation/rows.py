"""Labelled texts, one a line of JSON: what a policy is measured on."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from guardrails.detection import Direction, Facts, TextUnit, Trust


class BadRow(ValueError):
    """A line, or a file, that cannot be read. Its text says which."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """
    `label` is 1 for what a policy should find. `kind` (or `category`) sorts rows for the report. `system` is the operator's own text,
    for rules that protect it. `spans` are what should be found, in characters, `end` exclusive. Other fields of a line are left alone.
    """

    text: str
    label: Literal[0, 1]
    kind: str = ""
    category: str = ""
    direction: Direction = "request"
    trust: Trust | None = None
    system: str = ""
    spans: tuple[Any, ...] = ()
    file: str = ""
    number: int = 0

    @property
    def is_positive(self) -> bool:
        return self.label == 1

    @property
    def group(self) -> str:
        return self.kind or self.category

    @property
    def unit(self) -> TextUnit:
        """The text as one of a request or an answer; who wrote it follows from the direction unless the row says so."""
        trusts: dict[Direction, Trust] = {"request": "user", "tool_results": "data"}
        return TextUnit(self.text, direction=self.direction, trust=self.trust or trusts.get(self.direction, "assistant"))

    @property
    def facts(self) -> Facts:
        return Facts(system_texts=(self.system,)) if self.system else _NO_FACTS


_NO_FACTS = Facts()
_decoder = msgspec.json.Decoder(Row)


def read_rows(paths: Iterable[Path]) -> Iterator[Row]:
    """Yield the rows of `.jsonl` and `.jsonl.gz` files, each with its file's name and its line. Errors: BadRow."""
    for path in paths:
        name = path.name.removesuffix(".gz").removesuffix(".jsonl")
        try:
            with _open(path) as lines:
                for number, line in enumerate(lines, 1):
                    if line.strip():
                        yield _read_row(line, name, number, path)
        except (OSError, EOFError, UnicodeDecodeError) as error:
            raise BadRow(f"{path} cannot be read: {error}") from error


def _open(path: Path) -> io.TextIOBase:
    return gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8")


def _read_row(line: str, name: str, number: int, path: Path) -> Row:
    try:
        row = _decoder.decode(line)
    except msgspec.MsgspecError as error:
        raise BadRow(f"{path}, line {number}: {error}. A row needs `text` and `label` (0 or 1).") from error
    return msgspec.structs.replace(row, file=name, number=number)
