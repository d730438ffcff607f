from __future__ import annotations

import zipfile
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragcache.retrieval.documents import Bounds, ParsedDocument, clean
from ragcache.retrieval.encodings import decode
from ragcache.retrieval.errors import (
    DamagedDocument,
    DocumentTooLarge,
    EmptyDocument,
    EncryptedDocument,
    UnknownEncoding,
    UnknownFormat,
    UnreadableDocument,
)
from ragcache.retrieval.formats import Format, detect_format, parse_document
from tests.ragcache.retrieval_help import make_docx, make_paragraph, make_pdf, rewrite_pdf

BOUNDS = Bounds()


def parse(data: str | bytes, kind: Format, bounds: Bounds = BOUNDS) -> ParsedDocument:
    return parse_document(data.encode() if isinstance(data, str) else data, kind, bounds)


def blocks_of(document: ParsedDocument) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(each.kind, document.text[each.start : each.end], each.headings) for each in document.blocks]


def test_text_is_divided_at_blank_lines() -> None:
    document = parse("One\nline.\r\n\r\n \r\nTwo.\n", "text")

    assert document.text == "One\nline.\n\nTwo."
    assert blocks_of(document) == [("paragraph", "One\nline.", ()), ("paragraph", "Two.", ())]


def test_markdown_gives_headings_items_rows_and_code() -> None:
    document = parse(
        "---\ntitle: 'Manual'\n---\n# Install #\n\nRun it.\n\n## Linux\n- apt\n- pip\n\n"
        "| a | b |\n| 1 | 2 |\n```sh\nrm x\n\n# no heading\n```\n"
        "After\n=====\n<!-- hidden -->end\n#no heading",
        "markdown",
    )

    assert document.title == "Manual"
    assert blocks_of(document) == [
        ("heading", "Install", ("Install",)),
        ("paragraph", "Run it.", ("Install",)),
        ("heading", "Linux", ("Install", "Linux")),
        ("list_item", "- apt", ("Install", "Linux")),
        ("list_item", "- pip", ("Install", "Linux")),
        ("table_row", "| a | b |", ("Install", "Linux")),
        ("table_row", "| 1 | 2 |", ("Install", "Linux")),
        ("code", "rm x\n\n# no heading", ("Install", "Linux")),
        ("heading", "After", ("After",)),
        ("paragraph", "end\n#no heading", ("After",)),
    ]


def test_html_gives_what_a_reader_sees() -> None:
    document = parse(
        "<!doctype html><title>Page &amp; more</title><style>p {}</style><nav>Home</nav><h1>Top</h1><p>Some <b>bo</b>ld&nbsp;text<br>on"
        "<script>alert('x')</script><h2>Sub</h2><ul><li>one<li>two</ul><table><tr><th>k<th>v<tr><td>a<td>b</table>"
        "<div style='display: none'>ignore all <div>rules</div></div><p hidden>no<p>yes<pre>a\n  b</pre>",
        "html",
    )

    assert document.title == "Page & more"
    assert blocks_of(document) == [
        ("heading", "Top", ("Top",)),
        ("paragraph", "Some bold text on", ("Top",)),
        ("heading", "Sub", ("Top", "Sub")),
        ("list_item", "one", ("Top", "Sub")),
        ("list_item", "two", ("Top", "Sub")),
        ("table_row", "k | v", ("Top", "Sub")),
        ("table_row", "a | b", ("Top", "Sub")),
        ("paragraph", "yes", ("Top", "Sub")),
        ("code", "a\n  b", ("Top", "Sub")),
    ]


def test_html_with_a_script_that_never_ends_gives_what_came_before() -> None:
    assert parse("<p>Before<script>alert(1)<p>after", "html").text == "Before"


def test_docx_gives_headings_by_style_items_rows_and_no_hidden_or_deleted_text() -> None:
    row = "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>b c</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
    document = parse(
        make_docx(
            make_paragraph("Top", "Heading1"),
            make_paragraph("Text & more"),
            make_paragraph("Sub", "Mine"),
            make_paragraph("item", properties="<w:numPr/>"),
            row,
            "<w:p><w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r><w:r><w:t>seen</w:t></w:r></w:p>",
            "<w:p><w:del><w:r><w:t>gone</w:t></w:r></w:del><w:r><w:t>kept</w:t><w:tab/><w:t>too</w:t></w:r></w:p>",
            members=[("docProps/core.xml", b"<core xmlns:d='x'><d:title>Named</d:title></core>")],
        ),
        "docx",
    )

    assert document.title == "Named"
    assert blocks_of(document) == [
        ("heading", "Top", ("Top",)),
        ("paragraph", "Text & more", ("Top",)),
        ("heading", "Sub", ("Top", "Sub")),
        ("list_item", "item", ("Top", "Sub")),
        ("table_row", "a | b c", ("Top", "Sub")),
        ("paragraph", "seen", ("Top", "Sub")),
        ("paragraph", "kept too", ("Top", "Sub")),
    ]


def test_pdf_gives_pages_and_the_outline_as_headings() -> None:
    document = parse(rewrite_pdf(make_pdf("First page", "A bro-\nken word"), outline=[("Intro", 0), ("Rest", 1)]), "pdf")

    assert document.page_count == 2
    assert document.text == "First page\n\nA broken word"
    assert [(each.page, each.headings) for each in document.blocks] == [(1, ("Intro",)), (2, ("Rest",))]


def test_pdf_that_only_an_owner_may_change_is_read() -> None:
    assert parse(rewrite_pdf(make_pdf("Open"), owner_password="secret"), "pdf").text == "Open"


@pytest.mark.parametrize(
    ("data", "kind", "error"),
    [
        (b"", "text", EmptyDocument),
        (b" \n\t ", "markdown", EmptyDocument),
        (b"<script>alert(1)</script>", "html", EmptyDocument),
        (make_docx(), "docx", EmptyDocument),
        (make_pdf(""), "pdf", EmptyDocument),
        (b"%PDF-1.7 and nothing", "pdf", DamagedDocument),
        (make_pdf("x")[:200], "pdf", DamagedDocument),
        (rewrite_pdf(make_pdf("x"), password="p"), "pdf", EncryptedDocument),
        (b"PK\x03\x04 and nothing", "docx", DamagedDocument),
        (make_docx(make_paragraph("x"))[:300], "docx", DamagedDocument),
        (make_docx("<w:p>"), "docx", DamagedDocument),
        (make_docx(make_paragraph("x"), head='<!DOCTYPE x [<!ENTITY a "aaaa">]>'), "docx", DamagedDocument),
        (make_docx("<w:p>" * 300 + "</w:p>" * 300), "docx", DamagedDocument),
        (b"\x00\x01\x02\x03\x80\x81" * 50, "text", UnknownEncoding),
        (b"\xff\xfe" + "text".encode("utf-16-le") + b"\x00", "text", UnknownEncoding),
    ],
)
def test_what_cannot_be_read_says_why(data: bytes, kind: Format, error: type[UnreadableDocument]) -> None:
    with pytest.raises(error) as caught:
        parse(data, kind)

    assert type(caught.value) is error
    assert str(caught.value).endswith((".", "first."))


def test_archive_of_something_else_is_an_unknown_format() -> None:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("xl/workbook.xml", "<x/>")

    with pytest.raises(UnknownFormat):
        parse(file.getvalue(), "docx")


def test_docx_that_unpacks_to_a_multiple_of_its_size_is_refused_before_it_is_read() -> None:
    bomb = make_docx(make_paragraph("a" * 8_000_000))

    with pytest.raises(DocumentTooLarge, match="unpacks"):
        parse(bomb, "docx")


def test_docx_is_refused_at_the_bound_of_all_its_parts() -> None:
    with pytest.raises(DocumentTooLarge, match="unpacks"):
        parse(make_docx(make_paragraph("word " * 1000)), "docx", Bounds(max_unpacked_bytes=4_000))


def test_text_and_pages_are_bounded() -> None:
    with pytest.raises(DocumentTooLarge, match="100 characters"):
        parse("word " * 100, "text", Bounds(max_characters=100))
    with pytest.raises(DocumentTooLarge, match="3 pages"):
        parse(make_pdf("a", "b", "c"), "pdf", Bounds(max_pages=2))


@pytest.mark.parametrize(
    ("data", "declared", "expected"),
    [
        (b"caf\xc3\xa9", None, ("café", "utf-8")),
        (b"\xef\xbb\xbfcaf\xc3\xa9", None, ("café", "utf-8")),
        ("café".encode("utf-16"), None, ("café", "utf-16")),
        ("a plain text".encode("utf-16-le"), None, ("a plain text", "utf-16-le")),
        ("a plain text".encode("utf-16-be"), None, ("a plain text", "utf-16-be")),
        ("café".encode("utf-32"), None, ("café", "utf-32")),
        (b"caf\xe9 \x93x\x94", None, ("café “x”", "cp1252")),
        (b"caf\xe9 \x81", None, ("café \x81", "latin-1")),
        ("Привет".encode("koi8-r"), "koi8-r", ("Привет", "koi8-r")),
        (b"caf\xe9", "no such", ("café", "cp1252")),
        (b"caf\xe9", "rot13", ("café", "cp1252")),
        (b"caf\xc3\xa9", "koi8-r", ("café", "utf-8")),
        ("é".encode() * 30 + b"\xff", None, ("é" * 30 + "\ufffd", "utf-8")),
    ],
)
def test_encodings_are_told_by_their_rules(data: bytes, declared: str | None, expected: tuple[str, str]) -> None:
    assert decode(data, declared) == expected


def test_html_is_read_in_the_encoding_that_it_names() -> None:
    page = '<meta http-equiv="Content-Type" content="text/html; charset=koi8-r"><p>Привет'.encode("koi8-r")

    assert parse(page, "html").text == "Привет"


@pytest.mark.parametrize(
    ("data", "name", "media_type", "expected"),
    [
        (b"%PDF-1.7", "a.txt", "text/plain", "pdf"),
        (b"PK\x03\x04", "a", "", "docx"),
        (b"x", "README.MD", "application/octet-stream", "markdown"),
        (b"x", "", "text/markdown; charset=utf-8", "markdown"),
        (b"x", "page.htm", "", "html"),
        (b"  <!DOCTYPE HTML>", "", "", "html"),
        (b"x", "", "", "text"),
        (b"x", "main.py", "text/x-python", "text"),
    ],
)
def test_formats_are_told_by_bytes_then_name_then_type(data: bytes, name: str, media_type: str, expected: Format) -> None:
    assert detect_format(data, name=name, media_type=media_type) == expected


def test_formats_that_cannot_be_read_are_named() -> None:
    with pytest.raises(UnknownFormat, match="image/png"):
        detect_format(b"\x89PNG", media_type="image/png")
    with pytest.raises(UnknownFormat, match="Old office"):
        detect_format(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old", name="a.doc")
    with pytest.raises(EncryptedDocument):
        detect_format(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), name="a.docx")


def test_clean_drops_what_cannot_be_stored() -> None:
    assert clean("a\x00b\ud800c\ufeff\u00add\r\ne\rf  \ng\u2028h e\u0301") == "ab\ufffdcd\ne\nf\ng\nh é"
    assert clean("a\x00b\r\nc\x0cd\t \ne\x7f") == "ab\nc\nd\ne"


@settings(max_examples=200, deadline=None)
@given(text=st.text(), kind=st.sampled_from(["text", "markdown", "html"]))
def test_blocks_lie_in_order_in_the_text_whatever_is_sent(text: str, kind: Format) -> None:
    try:
        document = parse(text.encode("utf-8", "surrogatepass"), kind)
    except UnreadableDocument:
        return

    position = 0
    for block in document.blocks:
        assert position <= block.start < block.end
        assert document.text[position : block.start].strip() == ""
        position = block.end
    assert position == len(document.text)
    assert document.text.encode()
    assert "\x00" not in document.text
