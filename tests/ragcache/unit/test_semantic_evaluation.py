"""Streams, traps and chats are made alike each time, and what is counted is what happened."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from ragcache.evaluation.cache import measure_chats, measure_pairs, precision_curve, replay_stream
from ragcache.evaluation.chats import Exchange, make_chats, reword
from ragcache.evaluation.streams import (
    Asked,
    BadRows,
    Row,
    load_pairs,
    load_stream,
    make_faq_stream,
    make_natural_stream,
    read_classes,
    split_halves,
)
from ragcache.evaluation.traps import KINDS, Pair, find_neighbours, make_traps, read_antonyms
from ragcache.semantic.bounds import upper_bound
from ragcache.semantic.index import SemanticIndex
from tests.ragcache.semantic_help import make_index

CLASSES = {
    "reset": ("How do I reset it all?", "How can I reset it all?", "How should I reset it all?"),
    "lead": ("Is lead heavy?",),
    "ant": ("What eats ants?",),
}
QUESTIONS = [
    "What happened in Norway in 1988?",
    "How do I move to Norway in 3 days?",
    "Are old people happy in Norway?",
    "Should I study law in Kenya?",
    "Is the old bank in Kenya safe?",
    "Can I meet Ada Lovelace in Kenya?",
    "How did people see Ada Lovelace in June?",
    "Who was Ada Lovelace to Grace Hopper?",
    "What did people say to Grace Hopper?",
    "Is there a film of Grace Hopper?",
]


def make() -> SemanticIndex:
    return make_index()[0]


def test_pairs_and_streams_are_read_from_plain_and_packed_files(tmp_path: Path):
    plain, packed = tmp_path / "pairs.jsonl", tmp_path / "stream.jsonl.gz"
    plain.write_text(json.dumps({"a": "x", "b": "y", "label": 1}) + "\n")
    packed.write_bytes(gzip.compress(json.dumps({"text": "x", "class": 7}).encode()))

    assert load_pairs(plain) == (Row("x", "y", 1),)
    assert load_stream(packed) == (Asked("x", "7"),)


@pytest.mark.parametrize("line", ["{", "[]", '{"a": "x"}', '{"a": "x", "b": "y", "label": "no"}'])
def test_a_bad_row_is_named_by_its_line(tmp_path: Path, line: str):
    path = tmp_path / "pairs.jsonl"
    path.write_text('{"a": "x", "b": "y", "label": 0}\n' + line)

    with pytest.raises(BadRows, match="line 2"):
        load_pairs(path)


def test_classes_are_those_of_the_data_or_what_equal_pairs_connect():
    own = read_classes([Row("x", "y", 1, "1", "1"), Row("z", "x", 0, "2", "1")])
    found = read_classes([Row("x", "y", 1), Row("y", "w", 1), Row("z", "x", 0)])

    assert own == {"1": ("x", "y"), "2": ("z",)}
    assert sorted(found.values()) == [("w", "x", "y"), ("z",)]


def test_no_chain_of_pairs_is_in_both_halves():
    rows = [Row(f"q{number}", f"q{number + 1}", number % 2) for number in range(300) if number % 10 != 9]

    halves = split_halves(rows)

    texts = [{text for row in half for text in (row.a, row.b)} for half in halves]
    assert all(len(half) > 50 for half in halves)
    assert texts[0].isdisjoint(texts[1])
    assert split_halves(rows) == halves


def test_faq_stream_asks_often_what_has_members_and_once_what_has_none():
    stream = make_faq_stream(CLASSES, count=100, seed=3)

    assert stream == make_faq_stream(CLASSES, count=100, seed=3)
    assert sum(asked.label == "reset" for asked in stream) == 60
    assert sorted(asked.label for asked in stream if asked.label != "reset") == ["ant", "lead"]
    assert sorted(asked.text for asked in make_natural_stream(CLASSES)) == sorted(text for members in CLASSES.values() for text in members)


def test_replay_counts_hits_by_how_they_came_and_errors_by_class():
    stream = [
        Asked("How do I reset my Acme password?", "reset"),
        Asked("How do I reset my Acme password?", "reset"),
        Asked("how do i reset my acme password", "reset"),
        Asked("How can I reset my Acme password?", "other"),
        Asked("Is lead heavy?", "lead"),
        Asked("Delete ticket 12345", "never"),
    ]

    report = replay_stream(stream, make)

    assert [row.how for row in report.rows] == ["miss", "exact", "normalised", "semantic", "miss", "bypass"]
    assert (report.hit_ratio, report.exact_alone_ratio, report.ceiling_ratio) == (3 / 6, 1 / 6, 2 / 6)
    assert (report.wrong_count, report.precision_ratio) == (1, pytest.approx(2 / 3))
    assert report.wrong_bound_ratio == pytest.approx(upper_bound(1, 6))
    assert precision_curve(report) == ((1 / 6, 1.0), (2 / 6, 1.0), (3 / 6, 2 / 3))


def test_an_empty_stream_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        replay_stream([], make)


def test_pairs_are_judged_by_which_entry_answered():
    pairs = [
        Pair("How do I reset my Acme password?", "How can I reset my Acme password?", 1, "same"),
        Pair("How do I reset my Bolt password?", "How can I reset my Bolt password?", 0, "mislabelled"),
        Pair("Is lead heavy?", "Is lead not heavy?", 0, "negation"),
    ]

    report = measure_pairs(pairs, make, filling=["What eats ants?"])

    assert (report.served_count, report.should_count, report.wrong_count, report.trap_count) == (1, 1, 1, 2)
    assert (report.served_ratio, report.wrong_ratio) == (1.0, 0.5)


def test_traps_differ_in_one_thing_and_are_the_same_each_time():
    traps = make_traps(QUESTIONS, [("old", "young")], count_per_kind=1, seed=1)

    assert traps == make_traps(QUESTIONS, [("old", "young")], count_per_kind=1, seed=1)
    assert {trap.kind for trap in traps} <= set(KINDS)
    assert {"number", "date", "polarity", "negation"} <= {trap.kind for trap in traps}
    assert all(trap.a in QUESTIONS and trap.a != trap.b and trap.label == 0 for trap in traps)


def test_a_kind_of_trap_that_is_not_known_is_refused():
    with pytest.raises(ValueError, match="number, date"):
        make_traps(QUESTIONS, [], count_per_kind=1, kinds=["colour"])


def test_antonyms_are_where_opposites_differ_in_one_word():
    assert read_antonyms([("He is fat.", "He is thin."), ("He is fat.", "She is thin."), ("It is.", "It is not.")]) == (("fat", "thin"),)


def test_neighbours_differ_in_one_word_and_in_class():
    classes = {"1": ("Any tips for glaucoma?",), "2": ("Any tips for fibromyalgia?",), "3": ("Why is snow white?", "Why is milk white?")}

    assert [{pair.a, pair.b} for pair in find_neighbours(classes)] == [{"Any tips for glaucoma?", "Any tips for fibromyalgia?"}]


def test_chats_of_each_kind_are_made_and_traps_are_not_served():
    exchanges = [
        Exchange("What is the Nile?", "A river of 6650 km in Egypt.", "How long is it?"),
        Exchange("What is Mount Fuji?", "A volcano of 3776 m in Japan.", "How high is it?"),
    ]

    def change(text: str) -> str | None:
        return text.replace("Egypt", "Peru").replace("Japan", "Chile") if "Egypt" in text or "Japan" in text else None

    chats = make_chats(exchanges, [("How do I find Cairo?", "How can I find Cairo?")], change, seed=1)
    report = measure_chats(chats, make)

    assert {"reworded", "paraphrased", "other answer"} <= {chat.kind for chat in chats}
    assert (report.wrong_count, report.trap_count > 0) == (0, True)


@pytest.mark.parametrize(
    ("question", "other"),
    [
        ("What is a bond?", "Can you tell me what a bond is?"),
        ("Why is it so?", "Could you tell me: Why it is so?"),
        ("Nothing known", "Nothing known"),
    ],
)
def test_a_question_is_put_into_another_frame(question: str, other: str):
    assert (reword(question) == question) == (other == question)


@pytest.mark.parametrize(("errors", "count", "bound"), [(0, 299, 0.01), (0, 598, 0.005), (1, 10, 0.394), (10, 10, 1.0), (0, 0, 1.0)])
def test_upper_bound_is_clopper_and_pearsons(errors: int, count: int, bound: float):
    assert upper_bound(errors, count) == pytest.approx(bound, rel=0.01)


def test_more_errors_than_trials_are_refused():
    with pytest.raises(ValueError, match="at most"):
        upper_bound(2, 1)
