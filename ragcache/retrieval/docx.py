"""
DOCX into blocks: headings by their styles' outline levels, list items, rows of tables; no deleted, hidden or alternative text.

Rules: only the parts that hold text are unpacked, each within the bounds, whatever the archive says about its sizes. Headers, footers,
footnotes and comments are not read.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ragcache.retrieval.documents import BlockKind, Bounds, DocumentBuilder
from ragcache.retrieval.errors import DamagedDocument, DocumentTooLarge, EncryptedDocument, UnknownFormat
from ragcache.retrieval.xml_parts import read_xml

MAX_MEMBERS: Final = 10_000
_ENCRYPTED_FLAG: Final = 0x1
_READ_BYTES: Final = 1 << 20
_SMALL_BYTES: Final = 1 << 20
"""What is small unpacked may have any ratio."""
_MAIN_PART: Final = "/officeDocument"
_SKIPPED: Final = frozenset({"Fallback", "del", "moveFrom"})


def add_docx(data: bytes, bounds: Bounds, builder: DocumentBuilder) -> None:
    """Add the blocks of a document. Errors: DamagedDocument, EncryptedDocument, DocumentTooLarge, UnknownFormat."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = _Parts(archive, bounds)
            main = _main_part(parts)
            title = _Title()
            read_xml(parts.read("docProps/core.xml"), title.begin, title.end, title.text)
            builder.title = title.value
            styles = _Styles()
            read_xml(parts.read(posixpath.join(posixpath.dirname(main), "styles.xml")), styles.begin, styles.end, styles.text)
            body = _Body(builder, styles.levels())
            read_xml(parts.read(main), body.begin, body.end, body.text)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise DamagedDocument(f"The document is not a whole DOCX file: {error}. Save it again with its program.") from error


class _Parts:
    """Members of the archive, unpacked within the bounds of all of them together. One that is missing is an empty element."""

    def __init__(self, archive: zipfile.ZipFile, bounds: Bounds) -> None:
        if len(archive.infolist()) > MAX_MEMBERS:
            raise DocumentTooLarge(f"The document's archive holds more than {MAX_MEMBERS:,} files.")
        if any(each.flag_bits & _ENCRYPTED_FLAG for each in archive.infolist()):
            raise EncryptedDocument("The document is encrypted. Send it without its password.")
        self._archive = archive
        self._names = frozenset(archive.namelist())
        self._bounds = bounds
        self._left = bounds.max_unpacked_bytes

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def read(self, name: str) -> bytes:
        if name not in self._names:
            return b"<none/>"
        member = self._archive.getinfo(name)
        most = min(self._left, max(_SMALL_BYTES, member.compress_size * self._bounds.max_unpacked_ratio))
        pieces: list[bytes] = []
        with self._archive.open(member) as file:
            while piece := file.read(_READ_BYTES):
                most -= len(piece)
                self._left -= len(piece)
                if most < 0:
                    raise DocumentTooLarge("The document unpacks to far more than its size. Send its text in smaller documents.")
                pieces.append(piece)
        return b"".join(pieces)


def _main_part(parts: _Parts) -> str:
    """Return the name of the part with the text, which the package's relations name."""
    found: list[str] = []

    def begin(name: str, attributes: Mapping[str, str]) -> None:
        if name == "Relationship" and attributes.get("Type", "").endswith(_MAIN_PART):
            found.append(attributes.get("Target", "").lstrip("/"))

    read_xml(parts.read("_rels/.rels"), begin, lambda _: None, lambda _: None)
    for each in (*found, "word/document.xml"):
        if each in parts and each.endswith(".xml") and "document" in posixpath.basename(each):
            return each
    raise UnknownFormat("The archive is not a DOCX document. Text, Markdown, HTML, PDF and DOCX can be read.")


class _Title:
    def __init__(self) -> None:
        self.value = ""
        self._is_inside = False

    def begin(self, name: str, _: Mapping[str, str]) -> None:
        self._is_inside = name == "title"

    def end(self, _: str) -> None:
        self._is_inside = False

    def text(self, data: str) -> None:
        if self._is_inside:
            self.value += data


@dataclass(slots=True)
class _Style:
    based_on: str = ""
    level: int | None = None


class _Styles:
    """Which styles are headings: by outline level, by their built-in name, or by the style that they are based on."""

    def __init__(self) -> None:
        self._styles: dict[str, _Style] = {}
        self._style = _Style()

    def begin(self, name: str, attributes: Mapping[str, str]) -> None:
        value = attributes.get("val", "")
        if name == "style":
            self._style = self._styles.setdefault(attributes.get("styleId", ""), _Style())
        elif name == "basedOn":
            self._style.based_on = value
        elif name == "outlineLvl":
            self._style.level = _heading_level(value)
        elif name == "name" and self._style.level is None:
            self._style.level = _level_of_name(value)

    def end(self, _: str) -> None:
        """Nothing ends."""

    def text(self, _: str) -> None:
        """Styles hold no text."""

    def levels(self) -> Mapping[str, int]:
        found = {each: self._level(each) for each in self._styles}
        return {each: level for each, level in found.items() if level}

    def _level(self, name: str) -> int:
        seen: set[str] = set()
        while name in self._styles and name not in seen:
            seen.add(name)
            level = self._styles[name].level
            if level is not None:
                return level
            name = self._styles[name].based_on
        return 0


def _heading_level(outline: str) -> int:
    """Outline levels 0 to 8 are headings, 9 is text; 0 of ours is text."""
    return int(outline) + 1 if outline.isascii() and outline.isdigit() and int(outline) < 9 else 0


def _level_of_name(name: str) -> int | None:
    folded = name.lower()
    if folded == "title":
        return 1
    rest = folded.removeprefix("heading ")
    return int(rest) if rest != folded and rest in tuple("123456789") else None


@dataclass(slots=True)
class _Paragraph:
    pieces: list[str] = field(default_factory=list)
    level: int = 0
    is_item: bool = False


class _Body:
    def __init__(self, builder: DocumentBuilder, levels: Mapping[str, int]) -> None:
        self._builder = builder
        self._levels = levels
        self._open: list[_Paragraph] = []
        """Paragraphs stand in paragraphs where there is a text box."""
        self._rows: list[list[list[str]]] = []
        """Cells of the rows that are open, each with its paragraphs: tables stand in cells."""
        self._is_text = False
        self._is_hidden = False
        self._skipped_depth = 0

    def begin(self, name: str, attributes: Mapping[str, str]) -> None:
        if self._skipped_depth or name in _SKIPPED:
            self._skipped_depth += 1
        elif name == "p":
            self._open.append(_Paragraph())
        elif name == "tr":
            self._rows.append([])
        elif name == "tc" and self._rows:
            self._rows[-1].append([])
        elif name == "r":
            self._is_hidden = False
        elif name == "vanish":
            self._is_hidden = attributes.get("val", "1") not in ("0", "false", "off")
        elif self._open:
            self._begin_inside(name, attributes, self._open[-1])

    def _begin_inside(self, name: str, attributes: Mapping[str, str], paragraph: _Paragraph) -> None:
        if name == "t":
            self._is_text = not self._is_hidden
        elif name == "tab":
            paragraph.pieces.append(" ")
        elif name in ("br", "cr"):
            paragraph.pieces.append("\n")
        elif name == "noBreakHyphen":
            paragraph.pieces.append("-")
        elif name == "pStyle":
            paragraph.level = self._levels.get(attributes.get("val", ""), 0)
        elif name == "outlineLvl":
            paragraph.level = _heading_level(attributes.get("val", ""))
        elif name == "numPr":
            paragraph.is_item = True

    def end(self, name: str) -> None:
        if self._skipped_depth:
            self._skipped_depth -= 1
        elif name == "t":
            self._is_text = False
        elif name == "p" and self._open:
            self._end_paragraph(self._open.pop())
        elif name == "tr" and self._rows:
            self._end_row([" ".join(cell) for cell in self._rows.pop()])

    def text(self, data: str) -> None:
        if self._is_text and not self._skipped_depth and self._open:
            self._open[-1].pieces.append(data)

    def _end_paragraph(self, paragraph: _Paragraph) -> None:
        text = "".join(paragraph.pieces)
        if self._rows and self._rows[-1]:
            self._rows[-1][-1].extend(text.split())
        elif paragraph.level:
            self._builder.add_heading(paragraph.level, text)
        else:
            kind: BlockKind = "list_item" if paragraph.is_item else "paragraph"
            self._builder.add(kind, text)

    def _end_row(self, cells: list[str]) -> None:
        row = " | ".join(each for each in cells if each)
        if self._rows and self._rows[-1]:
            self._rows[-1][-1].append(row)
        else:
            self._builder.add("table_row", row)
