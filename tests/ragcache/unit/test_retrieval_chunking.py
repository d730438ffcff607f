from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragcache.retrieval.chunking import Chunk, ChunkOptions, chunk_document, estimate_tokens
from ragcache.retrieval.documents import Bounds, DocumentBuilder, ParsedDocument
from ragcache.retrieval.errors import UnreadableDocument
from ragcache.retrieval.formats import parse_document
from ragcache.retrieval.sentences import line_spans, sentence_spans

SMALL = ChunkOptions(max_tokens=16)


def markdown(text: str) -> ParsedDocument:
    return parse_document(text.encode(), "markdown", Bounds())


def count_words(text: str) -> int:
    return len(text.split())


def chunk(text: str, options: ChunkOptions = SMALL, key: str = "k") -> list[Chunk]:
    return chunk_document(markdown(text), key, options=options, count_tokens=count_words)


def test_chunks_end_at_headings_and_know_what_stands_above() -> None:
    chunks = chunk("Before.\n\n# Top\n\n## One\nText of one.\n\n- item\n\n## Two\nText of two.\n\n# Next\nEnd.")

    assert [(each.index, each.headings, each.text, each.search_text) for each in chunks] == [
        (0, (), "Before.", "Before."),
        (1, ("Top", "One"), "Top\n\nOne\n\nText of one.\n\n- item", "Top\n\nOne\n\nText of one.\n\n- item"),
        (2, ("Top", "Two"), "Two\n\nText of two.", "Top\nTwo\n\nText of two."),
        (3, ("Next",), "Next\n\nEnd.", "Next\n\nEnd."),
    ]


def test_later_chunks_of_a_section_carry_title_and_headings() -> None:
    text = "---\ntitle: Book\n---\n# Part\n" + " ".join(f"Sentence number {number} is here." for number in range(6))

    chunks = chunk(text)

    assert [each.search_text.split("\n")[0] for each in chunks] == ["Book", *["Book > Part"] * (len(chunks) - 1)]
    assert all(count_words(each.search_text) <= 16 + 1 for each in chunks)


def test_headings_that_leave_no_room_are_shortened_from_the_outside() -> None:
    chunks = chunk("# One two three four five\n## Near\n### Nearest\nText here.\n\n#### X\n" + "Some more text. " * 10)

    first, *others = [each.search_text.split("\n")[0] for each in chunks]
    assert first == "One two three four five"
    assert set(others) == {"Near > Nearest", "Nearest > X"}


def test_chunks_are_of_nearly_equal_size() -> None:
    sizes = [each.token_count for each in chunk("Three words here. " * 6)]

    assert sizes == [9, 9]


def test_overlap_repeats_whole_sentences_of_the_chunk_before() -> None:
    text = " ".join(f"Word {number} ends now." for number in range(8))

    plain = chunk(text, ChunkOptions(max_tokens=16))
    overlapping = chunk(text, ChunkOptions(max_tokens=16, overlap_tokens=5))

    assert len(overlapping) > len(plain)
    for before, after in pairwise(overlapping):
        assert after.start < before.end
        shared = markdown(text).text[after.start : before.end]
        assert shared == before.text[-len(shared) :] == after.text[: len(shared)]
        assert 0 < count_words(shared) <= 5
        assert shared.endswith(".")


def test_overlap_never_crosses_a_heading() -> None:
    first, second = chunk("# A\nOne two three.\n\n# B\nFour five six.", ChunkOptions(max_tokens=16, overlap_tokens=8))

    assert first.end <= second.start


def test_ids_stay_while_the_text_stays() -> None:
    before = {each.text: each.id for each in chunk("# A\nOne.\n\n# B\nTwo.")}
    after = {each.text: each.id for each in chunk("# New\nFirst.\n\n# A\nOne.\n\n# B\nTwo changed.")}

    assert before["A\n\nOne."] == after["A\n\nOne."]
    assert before["B\n\nTwo."] not in after.values()


def test_equal_chunks_have_ids_of_their_own_and_one_content_hash() -> None:
    twins = chunk("# A\nSame.\n\n# A\nSame.")
    elsewhere = chunk("# A\nSame.\n\n# A\nSame.", key="other")

    assert len({each.id for each in [*twins, *elsewhere]}) == 4
    assert len({each.content_hash for each in [*twins, *elsewhere]}) == 1
    assert chunk("# A\nSame.\n\n# A\nSame.") == twins


def test_chunks_know_their_page() -> None:
    builder = DocumentBuilder(1000)
    for page in (1, 2):
        builder.page = page
        builder.add("paragraph", f"Twelve words are on this page, which is the page with number {page}.")

    assert [each.page for each in chunk_document(builder.finish(page_count=2), "k", options=SMALL, count_tokens=count_words)] == [1, 2]


def test_text_without_white_space_is_cut() -> None:
    document = parse_document(b"x" * 500_000, "text", Bounds())

    chunks = chunk_document(document, "k")

    assert "".join(each.text for each in chunks) == document.text
    assert max(each.token_count for each in chunks) <= 254


@pytest.mark.parametrize(("tokens", "overlap"), [(15, 0), (100, 51), (100, -1)])
def test_options_that_make_no_sense_are_refused(tokens: int, overlap: int) -> None:
    with pytest.raises(ValueError, match="at least 16"):
        ChunkOptions(tokens, overlap)


@settings(max_examples=200, deadline=None)
@given(
    text=st.text(alphabet=st.sampled_from("ab.! \n#-`|x9é東\t"), max_size=400),
    overlap=st.sampled_from([0, 8]),
    kind=st.sampled_from(["markdown", "text"]),
)
def test_chunks_are_spans_that_leave_nothing_out(text: str, overlap: int, kind: str) -> None:
    try:
        document = parse_document(text.encode(), kind, Bounds())  # type: ignore[arg-type]
    except UnreadableDocument:
        return

    chunks = chunk_document(document, "k", options=ChunkOptions(16, overlap))

    covered: set[int] = set()
    for each in chunks:
        assert document.text[each.start : each.end] == each.text
        assert each.text.strip()
        assert estimate_tokens(each.search_text) <= 17
        assert overlap or not covered & set(range(each.start, each.end))
        covered |= set(range(each.start, each.end))
    assert all(character.isspace() for at, character in enumerate(document.text) if at not in covered)
    assert len({each.id for each in chunks}) == len(chunks)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("See Fig. 3 and Dr. Who, e.g. here. Next.", ["See Fig. 3 and Dr. Who, e.g. here.", "Next."]),
        ("J. Smith wrote 3.14 of it. (It is so.) “Yes.” No", ["J. Smith wrote 3.14 of it.", "(It is so.)", "“Yes.”", "No"]),
        ("一つ。二つ！ 三", ["一つ。", "二つ！", "三"]),
        ("  wrapped\nline. and small ", ["wrapped\nline. and small"]),
        ("...", ["..."]),
        ("  ", []),
    ],
)
def test_sentences_are_told_apart(text: str, sentences: list[str]) -> None:
    assert [text[start:end] for start, end in sentence_spans(text)] == sentences


def test_lines_are_told_apart() -> None:
    text = "x\na b\n\n  c\nd"

    assert [text[start:end] for start, end in line_spans(text, 2, len(text) - 1)] == ["a b", "  c"]


@pytest.mark.parametrize(
    ("text", "expected"), [("", 0), ("plain words, here", 4), ("electroencephalogram", 6), ("20251121", 4), ("東京", 2)]
)
def test_tokens_are_estimated(text: str, expected: int) -> None:
    assert estimate_tokens(text) == expected
