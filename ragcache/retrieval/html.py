"""
HTML into blocks: what a reader of the page would see, without scripts, styles, navigation and what is hidden.

Rules: the parser is Python's own and forgives everything. It has quadratic corners, which the time limit of the child process bounds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Final, TypeAlias

from ragcache.retrieval.documents import BlockKind, DocumentBuilder

CHARSET_BYTES: Final = 2048
_CHARSET: Final = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
_HIDING_STYLE: Final = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_UNSEEN: Final = frozenset(
    {"script", "style", "noscript", "template", "svg", "math", "iframe", "object", "canvas", "nav", "select", "textarea", "button"}
)
_VOID: Final = frozenset("area base br col embed hr img input link meta param source track wbr".split())  # noqa: SIM905 # a list of names
_HEADINGS: Final = {f"h{level}": level for level in range(1, 7)}
_BLOCKS: Final = frozenset(
    "address article aside blockquote body caption center dd details div dl dt fieldset figcaption figure footer form header hr html "  # noqa: SIM905
    "legend li main ol p pre section summary table tbody tfoot thead tr ul".split()
) | frozenset(_HEADINGS)
_CELLS: Final = frozenset({"td", "th"})

_Attributes: TypeAlias = list[tuple[str, str | None]]


def declared_charset(data: bytes) -> str | None:
    """Return the encoding that an HTML page names in its head."""
    found = _CHARSET.search(data[:CHARSET_BYTES])
    return found[1].decode("ascii", "ignore") if found else None


def add_html(text: str, builder: DocumentBuilder) -> None:
    """Add the blocks of a page. Its `<title>` becomes the document's."""
    reader = _Reader(builder)
    reader.feed(text)
    reader.close()
    reader.flush()


class _Reader(HTMLParser):
    def __init__(self, builder: DocumentBuilder) -> None:
        super().__init__(convert_charrefs=True)
        self._builder = builder
        self._pieces: list[str] = []
        self._kind: BlockKind = "paragraph"
        self._heading_level = 0
        self._cells: list[str] | None = None
        self._is_title = False
        self._unseen = ""
        self._unseen_depth = 0

    def handle_starttag(self, tag: str, attrs: _Attributes) -> None:
        if self._unseen and not self._ends_unseen(tag):
            self._unseen_depth += tag == self._unseen
            return
        if tag not in _VOID and (tag in _UNSEEN or _is_hidden(attrs)):
            self.flush()
            self._unseen, self._unseen_depth = tag, 1
        elif tag == "title":
            self._is_title = True
        elif tag == "br":
            self._pieces.append("\n" if self._kind == "code" else " ")
        elif tag in _CELLS:
            self._end_cell()
        elif tag in _BLOCKS:
            self._begin(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._unseen:
            self._unseen_depth -= tag == self._unseen
            if self._unseen_depth == 0:
                self._unseen = ""
        elif tag == "title":
            self._is_title = False
        elif tag in _CELLS:
            self._end_cell()
        elif tag in _BLOCKS:
            self.flush()

    def handle_data(self, data: str) -> None:
        if self._unseen:
            return
        if self._is_title:
            self._builder.title += data
        else:
            self._pieces.append(data)

    def flush(self) -> None:
        """End the block that is being read."""
        if self._cells is not None:
            self._end_cell()
            self._builder.add("table_row", " | ".join(self._cells))
        elif self._heading_level:
            self._builder.add_heading(self._heading_level, self._taken())
        elif self._kind == "code":
            self._builder.add("code", "".join(self._pieces))
        else:
            self._builder.add(self._kind, self._taken())
        self._pieces = []
        self._kind, self._heading_level, self._cells = "paragraph", 0, None

    def _ends_unseen(self, tag: str) -> bool:
        """A paragraph is closed by the next block, whether it says so or not."""
        if self._unseen != "p" or tag not in _BLOCKS:
            return False
        self._unseen = ""
        return True

    def _begin(self, tag: str) -> None:
        if self._cells is not None and tag != "tr":
            self._pieces.append(" ")
            return
        self.flush()
        self._heading_level = _HEADINGS.get(tag, 0)
        if tag == "tr":
            self._cells = []
        elif tag == "li":
            self._kind = "list_item"
        elif tag == "pre":
            self._kind = "code"

    def _end_cell(self) -> None:
        text = self._taken()
        if self._cells is not None and text:
            self._cells.append(text)
        elif text:
            self._pieces.append(text + " ")

    def _taken(self) -> str:
        text = " ".join("".join(self._pieces).split())
        self._pieces = []
        return text


def _is_hidden(attributes: Sequence[tuple[str, str | None]]) -> bool:
    return any(name == "hidden" or (name == "style" and value and _HIDING_STYLE.search(value)) for name, value in attributes)
