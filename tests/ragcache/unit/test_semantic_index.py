"""The look-up as a whole, with an embedder that knows words by their letters."""

from __future__ import annotations

import pytest

from ragcache.evaluation.cache import measure_isolation
from ragcache.semantic.index import Question, SemanticIndex
from ragcache.semantic.judging import Evidence, FixedCut
from ragcache.semantic.turns import ContextPrint, Turn, print_context
from tests.ragcache.semantic_help import IDENTITY, BagEmbedder, make_entry, make_index, unit_rows

A, B = b"a" * 16, b"b" * 16
STORED = "How do I reset the password of my Acme account?"


def ask(index: SemanticIndex, text: str, context: ContextPrint | None = None, namespace: bytes = A) -> str:
    found = index.find(Question(namespace, text, context), 0.0)
    return found.entry.id if found else ""


def context_of(first: str, answer: str = "A river in Africa.") -> ContextPrint:
    context = print_context([Turn(first, is_user=True), Turn(answer, is_user=False)])
    assert context is not None
    return context


def test_the_same_question_in_other_words_is_found():
    index, _ = make_index()
    index.add(A, make_entry("e1", STORED), 0.0)

    found = index.find(Question(A, "How can I reset the password of my Acme account?"), 0.0)

    assert found is not None
    assert (found.entry.id, found.verifier) == ("e1", "cosine-1")
    assert found.score >= 0.84


@pytest.mark.parametrize(
    "text",
    [
        "How do I not reset the password of my Acme account?",
        "How do I reset the 2 passwords of my Acme account?",
        "How do I reset the password of my Bolt account?",
        "How do I reset the username of my Acme account?",
        "What is the boiling point of lead?",
        "",
    ],
)
def test_another_question_is_not(text: str):
    index, _ = make_index()
    index.add(A, make_entry("e1", STORED), 0.0)

    assert ask(index, text) == ""


def test_a_vetoed_candidate_leaves_the_place_to_the_next():
    index, _ = make_index()
    index.add(A, make_entry("never", "How do I never reset the password of my Acme account?"), 0.0)
    index.add(A, make_entry("right", STORED), 0.0)

    assert ask(index, "How can I reset the password of my Acme account?") == "right"


def test_a_miss_says_why_and_what_it_cost():
    index, _ = make_index()
    index.add(A, make_entry("e1", STORED), 0.0)

    vetoed = index.look_up(Question(A, "How do I not reset the password of my Acme account?"), 0.0)
    hopeless = index.look_up(Question(A, "Is lead heavy?"), 0.0)

    assert (vetoed.found, vetoed.reason, list(vetoed.stages_us)) == (None, "negation", ["candidates", "similarity", "judgement"])
    assert (hopeless.reason, list(hopeless.stages_us), hopeless.nearest) == ("no candidate", ["candidates"], 0.0)


def test_hopeless_questions_do_not_run_the_neural_model():
    embedder = BagEmbedder()
    index, _ = make_index(embedder)
    index.add(A, make_entry("e1", STORED), 0.0)
    embedder.seen.clear()

    ask(index, "Is lead heavy?")

    assert embedder.seen == ["Is lead heavy?"]  # the static one


def test_nothing_crosses_a_namespace():
    index, _ = make_index()
    index.add(A, make_entry("e1", STORED), 0.0)

    assert (ask(index, STORED), ask(index, STORED, namespace=B)) == ("e1", "")


def test_what_was_removed_or_expired_is_not_found():
    index, store = make_index()
    index.add(A, make_entry("e1", STORED, expires_at_s=5.0), 0.0)
    index.add(A, make_entry("e2", STORED), 0.0)

    store.remove("e2")

    assert ask(index, STORED) == "e1"
    assert index.find(Question(A, STORED), 6.0) is None


def test_a_namespace_without_a_cut_serves_nothing():
    class Uncertified:
        def cut_for(self, namespace: bytes) -> float | None:
            return None if namespace == A else 0.5

    index, _ = make_index(cuts=Uncertified())
    index.add(A, make_entry("e1", STORED), 0.0)
    index.add(B, make_entry("e2", STORED), 0.0)

    assert (ask(index, STORED), ask(index, STORED, namespace=B)) == ("", "e2")
    assert index.look_up(Question(A, STORED), 0.0).reason == "not certified"


def test_another_verifier_takes_the_place_of_the_cosine():
    class Doubting:
        name = "doubting"

        def score(self, evidence: Evidence) -> float:
            return 0.1 * evidence.similarity

    index, _ = make_index(verifier=Doubting())
    index.add(A, make_entry("e1", STORED), 0.0)

    assert index.look_up(Question(A, STORED), 0.0).reason == "score"


def test_a_looser_cut_finds_more():
    narrower = "How do I reset the password of my Acme account quickly?"
    strict, _ = make_index(cuts=FixedCut(0.97))
    loose, _ = make_index(cuts=FixedCut(0.7))
    for index in (strict, loose):
        index.add(A, make_entry("e1", STORED), 0.0)

    assert (ask(strict, narrower), ask(loose, narrower)) == ("", "e1")


def test_long_questions_are_neither_kept_nor_compared():
    index, store = make_index()
    text = "How do I " + "reset " * 90

    assert not index.add(A, make_entry("e1", text), 0.0)
    index.add(A, make_entry("e2", "How do I reset"), 0.0)
    assert index.look_up(Question(A, text), 0.0).reason in ("long", "no candidate")
    assert len(store) == 1


def test_a_word_is_replaced_only_by_one_that_means_the_same_there():
    kin = BagEmbedder({"gizmo": "widget"})
    index, _ = make_index(kin, cuts=FixedCut(0.8))
    index.add(A, make_entry("e1", "What is a good price for one gizmo of oak?"), 0.0)

    assert ask(index, "What is a good price for one widget of oak?") == "e1"
    assert ask(index, "What is a good price for one gadget of oak?") == ""


def test_a_follow_up_is_found_in_an_equal_conversation_alone():
    index, _ = make_index()
    question = "How long is it?"
    index.add(A, make_entry("e1", question, context=context_of("What is the Nile?")), 0.0)

    assert ask(index, question, context_of("What is the Nile?")) == "e1"
    assert ask(index, question, context_of("Please, what is the Nile")) == "e1"
    assert ask(index, question, context_of("What is the Rhine?")) == ""
    assert ask(index, question, context_of("What is the Nile?", "A river in Asia.")) == ""
    assert ask(index, question) == ""


def test_a_first_question_is_not_answered_from_a_conversation():
    index, _ = make_index()
    index.add(A, make_entry("e1", STORED), 0.0)

    assert ask(index, STORED, context_of("What is the Nile?")) == ""


def test_earlier_questions_may_be_worded_otherwise_where_they_pass_alone():
    index, _ = make_index()
    context = context_of("How do I find the source of the Nile?")
    index.add(A, make_entry("e1", "How long is it?", context=context), 0.0)

    assert ask(index, "How long is it?", context_of("How can I find the source of the Nile?")) == "e1"
    assert ask(index, "How long is it?", context_of("How do I never find the source of the Nile?")) == ""


def test_a_hit_makes_its_entry_worth_more():
    index, store = make_index(limit_bytes=16_000 + 10_000)
    index.add(A, make_entry("asked", STORED, payload_bytes=4_000), 0.0)
    index.add(A, make_entry("other", "What is the boiling point of lead?", payload_bytes=3_900), 0.0)
    ask(index, STORED)

    index.add(A, make_entry("third", "Is lead heavy?", payload_bytes=4_000), 0.0)

    assert sorted(entry.id for entry in store.entries(A)) == ["asked", "third"]


def test_no_look_up_crosses_identities_at_random():
    report = measure_isolation(IDENTITY, unit_rows(30), count=20_000)

    assert (report.namespaces_count, report.crossed_count) == (21, 0)
    assert report.found_count > 1_000
