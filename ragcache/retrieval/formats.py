"""Which format a document has, and its bytes into blocks: the only place that knows all formats."""

from __future__ import annotations

import posixpath
from typing import Final, Literal, TypeAlias

from ragcache.retrieval.documents import Bounds, DocumentBuilder, ParsedDocument
from ragcache.retrieval.encodings import decode
from ragcache.retrieval.errors import EmptyDocument, EncryptedDocument, UnknownFormat

Format: TypeAlias = Literal["text", "markdown", "html", "pdf", "docx"]

_BY_SUFFIX: Final[dict[str, Format]] = {
    ".txt": "text",
    ".text": "text",
    ".log": "text",
    ".csv": "text",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".pdf": "pdf",
    ".docx": "docx",
}
_BY_MEDIA_TYPE: Final[dict[str, Format]] = {
    "text/plain": "text",
    "text/csv": "text",
    "text/markdown": "markdown",
    "text/x-markdown": "markdown",
    "text/html": "html",
    "application/xhtml+xml": "html",
    "application/pdf": "pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
}
_PDF_HEAD_BYTES: Final = 1024
_ZIP: Final = b"PK\x03\x04"
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_PACKAGE: Final = "EncryptedPackage".encode("utf-16-le")
_HTML_HEADS: Final = (b"<!doctype html", b"<html")
_READABLE: Final = "Text, Markdown, HTML, PDF and DOCX can be read."


def detect_format(data: bytes, *, name: str = "", media_type: str = "") -> Format:
    """
    Return a document's format: what its first bytes say, else its name's end, else its media type, else how it begins.

    Errors: UnknownFormat; EncryptedDocument for an office document behind a password.
    """
    if b"%PDF-" in data[:_PDF_HEAD_BYTES]:
        return "pdf"
    if data.startswith(_ZIP):
        return "docx"
    if data.startswith(_OLE):
        if _ENCRYPTED_PACKAGE in data:
            raise EncryptedDocument("The document is encrypted. Send it without its password.")
        raise UnknownFormat(f"Old office formats cannot be read. {_READABLE} Save it as DOCX.")
    kind = media_type.partition(";")[0].strip().lower()
    found = _BY_SUFFIX.get(posixpath.splitext(name.lower())[1]) or _BY_MEDIA_TYPE.get(kind)
    if found is None and kind and not kind.startswith("text/") and kind != "application/octet-stream":
        raise UnknownFormat(f"Documents of type {kind[:100]} cannot be read. {_READABLE}")
    return found or ("html" if data[:256].lstrip().lower().startswith(_HTML_HEADS) else "text")


def parse_document(data: bytes, kind: Format, bounds: Bounds, *, charset: str | None = None) -> ParsedDocument:
    """
    Return a document's text and blocks, in this process: for hostile bytes use `reading.read_document`.

    Errors: UnreadableDocument, each kind of it but ReadingOverran.
    """
    if not data.strip():
        raise EmptyDocument("The document is empty.")
    builder = DocumentBuilder(bounds.max_characters)
    if kind == "pdf":
        # Only a PDF needs the library, which takes 0.2 s to import.
        from ragcache.retrieval.pdf import add_pdf

        return builder.finish(page_count=add_pdf(data, bounds, builder))
    if kind == "docx":
        from ragcache.retrieval.docx import add_docx  # as above

        add_docx(data, bounds, builder)
        return builder.finish()
    return _parse_text(data, kind, charset, builder)


def _parse_text(data: bytes, kind: Format, charset: str | None, builder: DocumentBuilder) -> ParsedDocument:
    from ragcache.retrieval.html import add_html, declared_charset  # as above
    from ragcache.retrieval.plain_text import add_markdown, add_plain_text

    text, encoding = decode(data, charset or (declared_charset(data) if kind == "html" else None))
    add = {"html": add_html, "markdown": add_markdown}.get(kind, add_plain_text)
    add(text, builder)
    return builder.finish(encoding=encoding)
