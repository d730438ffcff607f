from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragcache.retrieval.citations import AnswerText, Citation, CitationReader, Source, find_span, read_answer

TOWER = Source("The tower is 330 metres tall. It was built in 1889 by a company. Nobody knows its weight.", start=100)
PARIS = Source("Paris has 2 million people.\nLyon has 500,000 people.", start=1000)
SOURCES = (TOWER, PARIS)


def span_of(citation: Citation) -> str:
    source = SOURCES[citation.number - 1]
    return source.text[citation.source_start - source.start : citation.source_end - source.start]


def test_a_mark_points_to_the_sentence_that_says_it() -> None:
    shown, citations = read_answer("Sure. It was built in 1889 [1]. In Paris live 2 million people. [2]", SOURCES)

    assert shown == "Sure. It was built in 1889 [1]. In Paris live 2 million people. [2]"
    assert [(each.number, shown[each.claim_start : each.claim_end], span_of(each)) for each in citations] == [
        (1, "It was built in 1889", "It was built in 1889 by a company."),
        (2, "In Paris live 2 million people.", "Paris has 2 million people."),
    ]
    assert all(each.is_supported for each in citations)


def test_two_sentences_are_cited_where_one_is_not_enough() -> None:
    _, (citation,) = read_answer("The tower, 330 metres tall, was built in 1889 [1].", SOURCES)

    assert span_of(citation) == "The tower is 330 metres tall. It was built in 1889 by a company."


def test_a_claim_that_its_source_does_not_make_is_not_supported() -> None:
    _, (citation,) = read_answer("Bananas are yellow fruits [1].", SOURCES)

    assert citation.support == 0
    assert not citation.is_supported


@pytest.mark.parametrize(
    ("answer", "shown", "numbers"),
    [
        ("One [3].", "One.", []),
        ("One [0] two", "One two", []),
        ("One [1, 7] two [9][2].", "One [1] two [2].", [1, 2]),
        ("One [1-2].", "One [1, 2].", [1, 2]),
        ("One [2–9; 1]", "One [2, 1]", [2, 1]),
        ("One [1][2].", "One [1][2].", [1, 2]),
        ("One [1, 1].", "One [1].", [1]),
        ("A `list[1]` and [x] and [ 1 ]", "A `list[1]` and [x] and [1]", [1]),
        ("```py\na[1] [9]\n```\nDone [9] [1]", "```py\na[1] [9]\n```\nDone [1]", [1]),
        ("A stray ` tick\nand [1]", "A stray ` tick\nand [1]", [1]),
        ("``x ` [9]`` [9]", "``x ` [9]``", []),
        ("[1]", "[1]", [1]),
        ("not closed [1", "not closed [1", []),
        ("[99999]", "[99999]", []),
        ("", "", []),
    ],
)
def test_marks_are_kept_or_taken_out(answer: str, shown: str, numbers: list[int]) -> None:
    found, citations = read_answer(answer, SOURCES)

    assert found == shown
    assert [each.number for each in citations] == numbers


def test_items_of_a_list_are_claims_of_their_own() -> None:
    shown, citations = read_answer("- Lyon has 500,000 people [2]\n- Built in 1889 [1]\n[1]", SOURCES)

    assert [shown[each.claim_start : each.claim_end] for each in citations] == [
        "- Lyon has 500,000 people",
        "- Built in 1889",
        "- Built in 1889",
    ]
    assert span_of(citations[0]) == "Lyon has 500,000 people."


def test_text_is_held_back_only_while_it_may_become_a_mark() -> None:
    reader = CitationReader(SOURCES)

    assert reader.feed("Built [") == [AnswerText("Built")]
    assert reader.feed("1") == []
    assert [type(each) for each in reader.feed("] and")] == [AnswerText, Citation, AnswerText]
    assert reader.feed(" more [no") == [AnswerText(" more [no")]
    assert reader.close() == []


def test_citations_of_a_long_answer_point_into_the_shown_answer() -> None:
    answer = "Some filler without any meaning goes on. " * 400 + "It was built in 1889 [1]."

    shown, (citation,) = read_answer(answer, SOURCES)

    assert shown[citation.claim_start : citation.claim_end] == "It was built in 1889"


def test_a_claim_without_words_is_supported_by_nothing() -> None:
    assert find_span("...", TOWER) == (0, len(TOWER.text), 0.0)
    assert find_span("words", Source("")) == (0, 0, 0.0)


@settings(max_examples=300, deadline=None)
@given(
    answer=st.lists(
        st.sampled_from(["[1]", " [2, 9]", "[7]", "[", "1", ", ", "]", " ", "`", "```", "\n", "Built in 1889", ". ", "tall"])
    ).map("".join),
    cuts=st.lists(st.integers(0, 80), max_size=8),
)
def test_pieces_of_any_size_give_what_the_whole_gives(answer: str, cuts: list[int]) -> None:
    places = sorted({0, len(answer), *(each for each in cuts if each < len(answer))})
    reader = CitationReader(SOURCES)
    events = [event for start, end in pairwise(places) for event in reader.feed(answer[start:end])]
    events += reader.close()

    shown = "".join(each.text for each in events if isinstance(each, AnswerText))

    assert (shown, [each for each in events if isinstance(each, Citation)]) == read_answer(answer, SOURCES)
    one_by_one = CitationReader(SOURCES)
    assert (
        "".join(each.text for c in answer for each in one_by_one.feed(c) if isinstance(each, AnswerText))
        + "".join(each.text for each in one_by_one.close() if isinstance(each, AnswerText))
        == shown
    )
