"""Text and Markdown into blocks, line by line. What the author wrote stays as it was written, marks of Markdown included."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ragcache.retrieval.documents import BlockKind, DocumentBuilder, clean

_HEADING: Final = re.compile(r" {0,3}(#{1,6})(?=[ \t]|$)")
_RULER: Final = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_FENCE: Final = re.compile(r" {0,3}(`{3,}|~{3,})")
_ITEM: Final = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]")
_ROW: Final = re.compile(r" {0,3}\|")
_COMMENT: Final = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_TITLE: Final = re.compile(r"title:[ \t]*(.*)")


def add_plain_text(text: str, builder: DocumentBuilder) -> None:
    """Add the paragraphs of a text: blank lines divide them."""
    for paragraph in _paragraphs(clean(text)):
        builder.add("paragraph", paragraph)


def _paragraphs(text: str) -> Iterator[str]:
    lines: list[str] = []
    for line in text.split("\n"):
        if line.strip():
            lines.append(line)
        elif lines:
            yield "\n".join(lines)
            lines = []
    if lines:
        yield "\n".join(lines)


def add_markdown(text: str, builder: DocumentBuilder) -> None:
    """Add the blocks of a Markdown text: headings of both kinds, paragraphs, items, rows of tables, code. Comments are dropped."""
    lines = _COMMENT.sub("", clean(text)).split("\n")
    _Markdown(builder).read(lines[_front_matter(lines, builder) :])


def _front_matter(lines: list[str], builder: DocumentBuilder) -> int:
    """Take the title out of a YAML head between two `---`, and return where the text begins."""
    if lines[0] != "---" or "---" not in lines[1:]:
        return 0
    end = lines.index("---", 1)
    for line in lines[1:end]:
        found = _TITLE.match(line)
        if found:
            builder.title = found[1].strip().strip("\"'")
    return end + 1


class _Markdown:
    def __init__(self, builder: DocumentBuilder) -> None:
        self._builder = builder
        self._kind: BlockKind = "paragraph"
        self._lines: list[str] = []
        self._fence = ""

    def read(self, lines: list[str]) -> None:
        for line in lines:
            if self._fence:
                self._read_code(line)
            else:
                self._read_line(line)
        self._flush()

    def _read_code(self, line: str) -> None:
        found = _FENCE.match(line)
        if found and found[1].startswith(self._fence) and not line.strip().strip(self._fence[0]):
            self._fence = ""
            self._flush()
        else:
            self._lines.append(line)

    def _read_line(self, line: str) -> None:
        if not line.strip():
            self._flush()
        elif fence := _FENCE.match(line):
            self._flush("code")
            self._fence = fence[1]
        elif heading := _HEADING.match(line):
            self._flush()
            self._builder.add_heading(len(heading[1]), line[heading.end() :].strip().rstrip("#").rstrip())
        elif self._lines and self._kind == "paragraph" and (ruler := _RULER.match(line)):
            heading_text = "\n".join(self._lines)
            self._lines = []
            self._builder.add_heading(1 if ruler[1][0] == "=" else 2, heading_text)
        else:
            self._read_text(line)

    def _read_text(self, line: str) -> None:
        if _ITEM.match(line):
            self._flush("list_item")
        elif _ROW.match(line):
            self._flush("table_row")
        elif self._kind == "table_row":
            self._flush()
        self._lines.append(line)

    def _flush(self, next_kind: BlockKind = "paragraph") -> None:
        self._builder.add(self._kind, "\n".join(self._lines))
        self._lines = []
        self._kind = next_kind
