"""
PDF into blocks, page by page, under the headings of the document's outline.

Rules: only ever called in the child process: a PDF is a program for a machine that others wrote. A page that cannot be read does not take
the others with it, as long as one can.
"""

from __future__ import annotations

import io
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pypdf import PasswordType, PdfReader
from pypdf.errors import LimitReachedError, PyPdfError

from ragcache.retrieval.documents import MAX_HEADING_LEVEL, Bounds, DocumentBuilder
from ragcache.retrieval.errors import DamagedDocument, DocumentTooLarge, EncryptedDocument
from ragcache.retrieval.plain_text import add_plain_text

MAX_OUTLINE_ENTRIES: Final = 5_000
_BROKEN_WORD: Final = re.compile(r"(?<=[^\W\d_])-\n(?=[a-z])")


def add_pdf(data: bytes, bounds: Bounds, builder: DocumentBuilder) -> int:
    """Add the text of the pages and return their count. Errors: DamagedDocument, DocumentTooLarge, EncryptedDocument."""
    reader = _opened(data)
    count = len(reader.pages)
    if count > bounds.max_pages:
        raise DocumentTooLarge(f"The PDF has {count:,} pages; {bounds.max_pages:,} are allowed. Split it.")
    headings = _outline(reader)
    broken = 0
    for number in range(1, count + 1):
        builder.page = number
        for level, title in headings.get(number, ()):
            builder.enter(level, title)
        text = _page_text(reader, number - 1)
        broken += text is None
        add_plain_text(text or "", builder)
    if broken == count:
        raise DamagedDocument("None of the PDF's pages can be read. Save it again with its program.")
    return count


def _opened(data: bytes) -> PdfReader:
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and reader.decrypt("") == PasswordType.NOT_DECRYPTED:
            raise EncryptedDocument("The PDF is encrypted. Send it without its password.")
        _ = len(reader.pages)
    except (EncryptedDocument, MemoryError):
        raise
    except Exception as error:  # the library meets broken files with whatever they lead to
        raise DamagedDocument("The file is not a whole PDF. Save it again with its program.") from error
    return reader


def _page_text(reader: PdfReader, index: int) -> str | None:
    """Return a page's text, words put together that a line end divided; None for a page that is broken."""
    try:
        return _BROKEN_WORD.sub("", reader.pages[index].extract_text())
    except LimitReachedError as error:
        raise DocumentTooLarge(f"Page {index + 1} of the PDF unpacks to far more than its size.") from error
    except MemoryError:
        raise
    except Exception:  # as above
        return None


def _outline(reader: PdfReader) -> Mapping[int, list[tuple[int, str]]]:
    """Return the outline's entries as levels and titles, by page. An outline that cannot be read is none."""
    found: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
    try:
        for count, (level, entry) in enumerate(_entries(reader.outline, 1)):
            if count == MAX_OUTLINE_ENTRIES:
                break
            page = reader.get_destination_page_number(entry)
            if page is not None and page >= 0 and isinstance(entry.title, str):
                found[page + 1].append((level, entry.title))
    except (PyPdfError, AttributeError, KeyError, RecursionError, TypeError, ValueError):
        return {}
    return found


def _entries(outline: list[Any], level: int) -> Iterator[tuple[int, Any]]:
    for each in outline:
        if isinstance(each, list):
            yield from _entries(each, min(level + 1, MAX_HEADING_LEVEL))
        else:
            yield level, each
