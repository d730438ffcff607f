from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from guardrails.engine.overlap import Span, merge_spans
from guardrails.engine.samples import mask
from guardrails.inspection import Edit

SPANS = st.lists(
    st.builds(
        lambda start, length, label, severity, is_reversible: Span(start, start + length, label, severity, is_reversible),
        st.integers(0, 60),
        st.integers(1, 20),
        st.sampled_from("ABC"),
        st.sampled_from(["low", "medium", "high", "critical"]),
        st.booleans(),
    ),
    max_size=12,
)


def hidden(edits: tuple[Edit, ...]) -> set[int]:
    return {at for each in edits for at in range(each.start, each.end)}


def final(edits: tuple[Edit, ...]) -> set[int]:
    return {at for each in edits if not each.is_reversible for at in range(each.start, each.end)}


@given(SPANS)
def test_edits_hide_exactly_what_the_spans_cover_apart_and_in_order(spans: list[Span]) -> None:
    edits = merge_spans(spans)

    assert hidden(edits) == {at for each in spans for at in range(each.start, each.end)}
    assert all(first.end <= second.start for first, second in pairwise(edits))


@given(SPANS, SPANS)
def test_more_rules_never_take_a_redaction_away_or_make_it_reversible(some: list[Span], more: list[Span]) -> None:
    before, after = merge_spans(some), merge_spans(some + more)

    assert hidden(before) <= hidden(after)
    assert final(before) <= final(after)


@given(SPANS, st.randoms())
def test_the_order_of_the_rules_changes_nothing(spans: list[Span], random) -> None:
    shuffled = list(spans)
    random.shuffle(shuffled)

    assert merge_spans(shuffled) == merge_spans(spans)


def test_the_longest_span_gives_the_label_then_the_most_severe() -> None:
    spans = [Span(0, 5, "SHORT", "critical"), Span(3, 12, "LONG", "low"), Span(20, 24, "LOW", "low"), Span(20, 24, "HIGH", "high")]

    assert merge_spans(spans) == (Edit(0, 12, "LONG"), Edit(20, 24, "HIGH"))


def test_spans_that_touch_stay_apart() -> None:
    assert merge_spans([Span(0, 3, "A"), Span(3, 6, "B")]) == (Edit(0, 3, "A"), Edit(3, 6, "B"))


@given(st.text(min_size=1, max_size=200))
def test_a_sample_never_holds_its_value(value: str) -> None:
    sample = mask(value)

    assert value not in sample
    assert len(sample) <= 40


@given(st.from_regex(r"[a-z0-9]{4,30}", fullmatch=True), st.sampled_from([" ", "@", "-", ".", ":"]))
def test_a_sample_shows_at_most_the_first_letter_of_a_word(word: str, separator: str) -> None:
    sample = mask(f"{word}{separator}{word}")

    assert sample == f"{word[0]}***{separator}{word[0]}***"
