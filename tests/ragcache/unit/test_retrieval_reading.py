from __future__ import annotations

import msgspec
import pytest

from ragcache.retrieval import reading
from ragcache.retrieval.documents import Bounds
from ragcache.retrieval.errors import DamagedDocument, DocumentTooLarge, EmptyDocument, EncryptedDocument, ReadingOverran
from ragcache.retrieval.reading import read_document
from tests.ragcache.retrieval_help import make_docx, make_paragraph, make_pdf, rewrite_pdf


@pytest.mark.parametrize(
    ("data", "name", "text"),
    [
        (b"Plain text.", "a.txt", "Plain text."),
        (make_docx(make_paragraph("From Word")), "a.docx", "From Word"),
        (make_pdf("From a PDF"), "a.pdf", "From a PDF"),
    ],
)
def test_documents_come_back_from_the_child(data: bytes, name: str, text: str) -> None:
    assert read_document(data, name=name).text == text


def test_errors_of_the_child_come_back_as_they_were() -> None:
    with pytest.raises(EncryptedDocument, match="password"):
        read_document(rewrite_pdf(make_pdf("x"), password="p"))
    with pytest.raises(EmptyDocument):
        read_document(b"\n\n")


def test_too_many_bytes_are_refused_without_a_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_run", None)

    with pytest.raises(DocumentTooLarge, match="11 bytes; 10 are allowed"):
        read_document(b"x" * 11, bounds=Bounds(max_bytes=10))
    with pytest.raises(EmptyDocument):
        read_document(b"")


def test_too_much_memory_is_an_error_of_the_document() -> None:
    data = make_docx(make_paragraph("word " * 10_000_000))

    with pytest.raises(ReadingOverran, match="memory"):
        read_document(data, bounds=Bounds(max_memory_bytes=96 << 20, max_unpacked_ratio=100_000))


def test_too_much_cpu_ends_the_child() -> None:
    quadratic = b"<!--" * 300_000

    with pytest.raises(ReadingOverran, match="1 s of CPU"):
        read_document(quadratic, name="a.html", bounds=Bounds(max_cpu_s=1, max_wall_s=60))


def test_a_child_that_hangs_is_ended() -> None:
    with pytest.raises(ReadingOverran, match=r"more than 0\.01 s"):
        read_document(b"text", bounds=Bounds(max_wall_s=0.01))


def test_a_child_that_crashes_is_an_error_of_the_document(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_PROGRAM", "import os; os.abort()")

    with pytest.raises(DamagedDocument, match="ended the program"):
        read_document(b"text")


def test_the_child_has_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_FOR_TEST", "x")
    probe = (
        "import os, sys; sys.path.insert(0, sys.argv[1]); import msgspec; from ragcache.retrieval.child import Failed;"
        "sys.stdout.buffer.write(msgspec.msgpack.encode(Failed('damaged_document', repr('SECRET_FOR_TEST' in os.environ))))"
    )
    monkeypatch.setattr(reading, "_PROGRAM", probe)

    with pytest.raises(DamagedDocument, match="False"):
        read_document(b"text")


def test_a_large_document_without_spaces_comes_through() -> None:
    document = read_document(b"x" * 10_000_000)

    assert len(document.text) == 10_000_000
    assert msgspec.structs.asdict(document.blocks[0])["end"] == 10_000_000
