"""Tokens and prose."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.simulator.corpus import SENTENCES
from proxy.simulator.text import count_tokens, find_topic, split_tokens, write_tokens


@given(st.text())
def test_tokens_join_to_the_text_they_came_from(text):
    tokens = split_tokens(text)

    assert "".join(tokens) == text
    assert count_tokens(text) == len(tokens)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", []),
        ("Hello, world!", ["Hello", ",", " world", "!"]),
        ("internationalisation", ["internatio", "nalisation"]),
        ("in 2026", ["in", " 202", "6"]),
        ("日本", ["日", "本"]),
        ("a\n\n b", ["a", "\n\n ", "b"]),
    ],
)
def test_tokens_are_cut_where_language_models_cut_them(text, tokens):
    assert split_tokens(text) == tokens


def test_a_long_text_is_judged_by_its_beginning():
    assert count_tokens("word " * 40_000) == pytest.approx(40_000, rel=0.01)


def test_answers_vary_in_length_with_the_prompt():
    lengths = [len(write_tokens(f"question {n}", f"question {n}")) for n in range(50)]

    assert min(lengths) < 60
    assert max(lengths) > 150


def test_answer_has_about_the_length_that_was_asked_for():
    question = "Write 500 words about caching"

    words = "".join(write_tokens(question, question)).split()

    assert 450 < len(words) < 600


def test_long_answer_repeats_no_sentence_before_all_were_said():
    question = "Write 400 words about caching"

    text = "".join(write_tokens(question, question))

    assert max(text.count(sentence) for sentence in SENTENCES) == 1


def test_another_variant_is_another_answer():
    assert write_tokens("q", "q", 0) != write_tokens("q", "q", 1)


@pytest.mark.parametrize("question", ["Repeat: the text", "please say exactly: the text", "Echo: the text\n", "repeat after me: the text"])
def test_answer_repeats_what_it_is_told_to_repeat(question):
    assert "".join(write_tokens(question, question)) == "the text"


def test_topic_is_made_of_words_only():
    assert find_topic("What is the card 4111-1111-1111-1111 of a@b.de about billing?") == "card billing"
    assert find_topic("???") == "this question"
