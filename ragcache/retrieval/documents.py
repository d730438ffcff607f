"""
What is left of a document once its format is gone: one canonical text, and the blocks that it is made of.

Rules: `text[block.start:block.end]` is the block, for ever: the text is stored and offsets point into it. It holds nothing that a table or
a model could stumble over (NUL, control characters, halves of surrogate pairs), and is in Unicode's composed form.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, Literal, TypeAlias

import msgspec

from ragcache.retrieval.errors import DocumentTooLarge, EmptyDocument

BlockKind: TypeAlias = Literal["heading", "paragraph", "list_item", "table_row", "code"]

MAX_HEADING_CHARACTERS: Final = 200
MAX_HEADING_LEVEL: Final = 9

_LINE_END: Final = re.compile("[\r\u2028\u2029\x85\x0b\x0c]")
_UNWANTED: Final = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\ufeff\ufffe\uffff]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_TRAILING: Final = re.compile("(?<![ \t])[ \t]+$", re.MULTILINE)
_ASCII: Final[dict[int, str | None]] = {**dict.fromkeys((*range(9), *range(14, 32), 127)), **dict.fromkeys((11, 12, 13), "\n")}
"""What the expressions above do to ASCII, ten times as fast."""
_TIGHT: Final = frozenset({"list_item", "table_row"})


class Bounds(msgspec.Struct, frozen=True):
    """How much a document may be, and may cost. `max_unpacked_ratio` is of unpacked to packed bytes in a DOCX."""

    max_bytes: int = 50 << 20
    max_pages: int = 2_000
    max_characters: int = 20_000_000
    max_unpacked_bytes: int = 200 << 20
    max_unpacked_ratio: int = 200
    max_memory_bytes: int = 1 << 30
    max_cpu_s: int = 60
    max_wall_s: float = 180.0


class Block(msgspec.Struct, frozen=True, array_like=True):
    """A piece of the text that belongs together. `headings` are those above it, outermost first; a heading's own are its path."""

    kind: BlockKind
    start: int
    end: int
    headings: tuple[str, ...] = ()
    page: int | None = None
    """From 1, where the format has pages."""


class ParsedDocument(msgspec.Struct, frozen=True):
    """A document's text. `encoding` is what text bytes were taken for, `page_count` is None without pages."""

    text: str
    blocks: tuple[Block, ...]
    title: str = ""
    page_count: int | None = None
    encoding: str | None = None


class DocumentBuilder:
    """Puts blocks together, in their order. Errors: DocumentTooLarge as soon as there is more text than allowed."""

    def __init__(self, max_characters: int) -> None:
        self.title = ""
        self.page: int | None = None
        self._max_characters = max_characters
        self._parts: list[str] = []
        self._blocks: list[Block] = []
        self._headings: list[tuple[int, str]] = []
        self._length = 0

    def add(self, kind: BlockKind, text: str) -> None:
        """Add a block; white space around it is dropped, and a block without anything else is not added."""
        text = clean(text).strip("\n") if kind == "code" else clean(text).strip()
        if not text.strip():
            return
        if self._blocks:
            self._append("\n" if kind in _TIGHT and self._blocks[-1].kind == kind else "\n\n")
        start = self._length
        self._append(text)
        self._blocks.append(Block(kind, start, self._length, self.path, self.page))

    def add_heading(self, level: int, text: str) -> None:
        """Add a heading and put what comes after it below it."""
        line = " ".join(clean(text).split())
        if line:
            self.enter(level, line)
            self.add("heading", line)

    def enter(self, level: int, heading: str) -> None:
        """Put what comes after it below a heading that is not part of the text, or is there as something else."""
        self._headings = [each for each in self._headings if each[0] < level]
        self._headings.append((level, " ".join(clean(heading).split())[:MAX_HEADING_CHARACTERS]))

    @property
    def path(self) -> tuple[str, ...]:
        return tuple(heading for _, heading in self._headings)

    def finish(self, *, page_count: int | None = None, encoding: str | None = None) -> ParsedDocument:
        """Return the document. Errors: EmptyDocument."""
        if not self._blocks:
            raise EmptyDocument(
                "The document holds no text." + (" Scanned pages have to go through text recognition first." if page_count else "")
            )
        title = " ".join(clean(self.title).split())[:MAX_HEADING_CHARACTERS]
        return ParsedDocument("".join(self._parts), tuple(self._blocks), title, page_count, encoding)

    def _append(self, text: str) -> None:
        self._length += len(text)
        if self._length > self._max_characters:
            raise DocumentTooLarge(f"The document holds more than {self._max_characters:,} characters of text. Split it.")
        self._parts.append(text)


def clean(text: str) -> str:
    """Return the text with one kind of line end and without characters that say nothing or cannot be stored."""
    text = text.replace("\r\n", "\n")
    if text.isascii():
        text = text.translate(_ASCII)
    else:
        text = _SURROGATE.sub("\ufffd", _UNWANTED.sub("", _LINE_END.sub("\n", text)))
        text = unicodedata.normalize("NFC", text)
    return _TRAILING.sub("", text) if " \n" in text or "\t\n" in text else text
