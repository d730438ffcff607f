from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Mapping
from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragcache.retrieval.lexical import K1, MAX_QUERY_TERMS, B, LexicalIndex, Passage
from ragcache.retrieval.words import MAX_WORD_CHARACTERS, terms_of

WORDS = ("engine", "wing", "flow", "plate", "shock", "wave", "zebra", "7", "layer")


def naive_scores(texts: Mapping[str, str], question: str, allowed: Collection[str]) -> dict[str, float]:
    """BM25 as it is written in a book."""
    documents = {each: Counter(terms_of(text)) for each, text in texts.items()}
    mean = sum(each.total() for each in documents.values()) / max(1, len(documents))
    scores: dict[str, float] = {}
    for name, counts in documents.items():
        score = 0.0
        for term, repeats in Counter(terms_of(question)).items():
            frequency = sum(term in other for other in documents.values())
            if counts[term]:
                idf = log(1 + (len(documents) - frequency + 0.5) / (frequency + 0.5))
                norm = K1 * (1 - B + B * counts.total() / mean)
                score += repeats * idf * counts[term] * (K1 + 1) / (counts[term] + norm)
        if score and name in allowed:
            scores[name] = score
    return scores


texts = st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.dictionaries(st.sampled_from("abcdefgh"), texts, min_size=1, max_size=4)),
        st.tuples(st.just("remove"), st.sets(st.sampled_from("abcdefghx"), max_size=4)),
        st.tuples(st.just("remove_groups"), st.sets(st.sampled_from(("g0", "g1", "gx")), max_size=1)),
    ),
    min_size=1,
    max_size=10,
)


def group_of(name: str) -> str:
    return f"g{ord(name) % 3}"


@settings(max_examples=300, deadline=None)
@given(steps=steps, question=texts, groups=st.none() | st.sets(st.sampled_from(("g0", "g1", "g2", "gx"))))
def test_scores_are_those_of_a_naive_computation_after_any_changes(steps: list, question: str, groups: set[str] | None) -> None:
    index, expected = LexicalIndex(), {}
    for what, given_ in steps:
        if what == "add":
            index.add(Passage(name, group_of(name), text) for name, text in given_.items())
            expected.update(given_)
        elif what == "remove":
            index.remove(given_)
            expected = {name: text for name, text in expected.items() if name not in given_}
        else:
            index.remove_groups(given_)
            expected = {name: text for name, text in expected.items() if group_of(name) not in given_}

    hits = index.search(question, 100, groups=groups)

    allowed = {name for name in expected if groups is None or group_of(name) in groups}
    assert dict(hits) == pytest.approx(naive_scores(expected, question, allowed), rel=1e-5)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert len(index) == len(expected)
    assert all((name in index) == (name in expected) for name in "abcdefghx")


@settings(max_examples=100, deadline=None)
@given(parts=st.lists(st.lists(texts, min_size=1, max_size=6), min_size=1, max_size=6), question=texts, limit=st.integers(1, 5))
def test_adding_in_parts_gives_what_adding_at_once_gives(parts: list[list[str]], question: str, limit: int) -> None:
    at_once, in_parts = LexicalIndex(), LexicalIndex()
    passages = [Passage(f"{number}", "g", text) for number, text in enumerate(text for part in parts for text in part)]
    at_once.add(passages)
    position = 0
    for part in parts:
        in_parts.add(passages[position : position + len(part)])
        position += len(part)

    assert in_parts.search(question, limit) == at_once.search(question, limit)
    assert at_once.search(question, limit) == at_once.search(question, 1000)[:limit]


def test_equal_scores_stand_in_the_order_of_adding() -> None:
    index = LexicalIndex()
    index.add(Passage(name, "g", "same words") for name in ("c", "a", "d", "b"))

    assert [hit.id for hit in index.search("words", 3)] == ["c", "a", "d"]


def test_emphasised_words_count_once_more() -> None:
    index = LexicalIndex()
    index.add([Passage("plain", "g", "wing flow"), Passage("titled", "g", "wing flow", emphasis="flow")])
    written_out = LexicalIndex()
    written_out.add([Passage("plain", "g", "wing flow"), Passage("titled", "g", "wing flow flow")])

    assert [hit.id for hit in index.search("flow", 10)] == ["titled", "plain"]
    assert index.search("wing flow", 10) == written_out.search("wing flow", 10)


def test_an_added_passage_replaces_the_one_with_its_id() -> None:
    index = LexicalIndex()
    index.add([Passage("a", "g", "old words")])
    index.add([Passage("a", "h", "new text"), Passage("a", "h", "newest text")])

    assert index.search("old", 10) == []
    assert index.search("new", 10) == []
    assert [hit.id for hit in index.search("newest", 10, groups={"h"})] == ["a"]
    assert index.search("newest", 10, groups={"g"}) == []


@pytest.mark.parametrize("question", ["", "the of and", "unknownword", "?!"])
def test_a_question_without_a_known_term_finds_nothing(question: str) -> None:
    index = LexicalIndex()
    assert index.search(question, 10) == []
    index.add([Passage("a", "g", "the text"), Passage("empty", "g", "")])

    assert index.search(question, 10) == []
    assert index.search("text", 0) == []


def test_a_page_as_question_counts_its_rarest_words() -> None:
    index = LexicalIndex()
    common = [f"common{number}" for number in range(MAX_QUERY_TERMS + 10)]
    index.add([Passage("rare", "g", "needle"), *(Passage(f"{number}", "g", " ".join(common)) for number in range(5))])

    hits = index.search(" ".join([*common, "needle"]), 10)

    assert [hit.id for hit in hits if hit.id == "rare"] == ["rare"]
    assert hits[0].score == pytest.approx(index.search(" ".join(common[: MAX_QUERY_TERMS - 1]), 1)[0].score)


def test_a_question_of_100_kb_is_answered() -> None:
    index = LexicalIndex()
    index.add([Passage("a", "g", "zebra")])

    assert [hit.id for hit in index.search("zebra " * 20_000, 10)] == ["a"]


def test_readers_see_whole_states_while_others_write() -> None:
    index = LexicalIndex()
    index.add(Passage(f"base{number}", "base", "zebra wing") for number in range(50))
    wrong: list[object] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            hits = index.search("zebra", 1000)
            found = {hit.id for hit in hits}
            # Pairs are added and removed together, so that a half of one is a torn state.
            if len(found) != len(hits) or {f"{each[:-1]}{'b' if each[-1] == 'a' else 'a'}" for each in found if "pair" in each} - found:
                wrong.append(hits)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for round_ in range(150):
        index.add([Passage(f"pair{round_}a", "p", "zebra flow"), Passage(f"pair{round_}b", "p", "zebra flow")])
        if round_ % 3 == 2:
            index.remove_groups(["p"])
    done.set()
    for reader in readers:
        reader.join()

    assert wrong == []
    assert len(index) == 50


def test_memory_of_removed_passages_is_given_back() -> None:
    index = LexicalIndex()
    generator = np.random.default_rng(1)
    index.add(Passage(f"{number}", f"{number}", " ".join(map(str, generator.integers(0, 5000, 100)))) for number in range(500))
    full = index.memory_bytes

    index.remove(f"{number}" for number in range(450))

    assert index.memory_bytes < full / 4
    assert len(index.search(" ".join(map(str, range(60))), 500)) == len(
        [hit for hit in index.search(" ".join(map(str, range(60))), 500) if int(hit.id) >= 450]
    )


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("The engines were running", ["engin", "run"]),
        ("Café CAFE\u0301 cafe", ["cafe", "cafe", "cafe"]),
        ("the wing's and the wings' plane’s", ["wing", "wing", "plane"]),
        ("state-of-the-art E-1042 snake_case", ["state", "art", "e", "1042", "snake", "case"]),
        ("東京都 in 日本", ["東京", "京都", "日本"]),
        ("ＡＢＣ ﬁle", ["abc", "file"]),
        ("", []),
    ],
)
def test_terms_are_folded_and_stemmed(text: str, terms: list[str]) -> None:
    assert terms_of(text) == terms


def test_a_word_without_end_is_cut() -> None:
    assert {len(each) for each in terms_of("x" * 1000)} == {MAX_WORD_CHARACTERS, 1000 % MAX_WORD_CHARACTERS}
