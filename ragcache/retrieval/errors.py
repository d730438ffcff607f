"""
Why a document could not be read. Each says so in a sentence for the person who sent it, and what to change.

    UnreadableDocument
    |-- UnknownFormat        neither text, Markdown, HTML, PDF nor DOCX
    |-- UnknownEncoding      bytes that no rule takes for text
    |-- EmptyDocument        nothing to find in it
    |-- EncryptedDocument    a password is needed
    |-- DamagedDocument      its format is broken
    |-- DocumentTooLarge     more bytes, pages, text or unpacked data than allowed
    `-- ReadingOverran       reading it took more time or memory than allowed
"""

from __future__ import annotations

from typing import ClassVar

from common.errors import DomainError


class UnreadableDocument(DomainError):
    """A document that cannot be indexed. `code` is what clients and metrics see."""

    code: ClassVar[str] = "unreadable_document"


class UnknownFormat(UnreadableDocument):
    code = "unknown_format"


class UnknownEncoding(UnreadableDocument):
    code = "unknown_encoding"


class EmptyDocument(UnreadableDocument):
    code = "empty_document"


class EncryptedDocument(UnreadableDocument):
    code = "encrypted_document"


class DamagedDocument(UnreadableDocument):
    code = "damaged_document"


class DocumentTooLarge(UnreadableDocument):
    code = "document_too_large"


class ReadingOverran(UnreadableDocument):
    code = "reading_overran"


BY_CODE = {
    each.code: each
    for each in (UnknownFormat, UnknownEncoding, EmptyDocument, EncryptedDocument, DamagedDocument, DocumentTooLarge, ReadingOverran)
}
