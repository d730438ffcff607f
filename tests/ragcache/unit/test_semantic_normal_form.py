"""The normalised form ignores what nobody means, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcache.semantic.normal_form import normal_form

QUESTION = "How do I reset my password?"


@pytest.mark.parametrize(
    "spelling",
    [
        "how do i reset my password",
        "  How do I   reset my password ?!",
        "Please, how do I reset my password?",
        "Hi! How do I reset my password? Thanks",
        "HOW DO I RESET MY PASSWORD???",
        "\uff28ow do I reset my password?",
        "Could you please tell me how do I reset my password?",
    ],
)
def test_spellings_of_one_question_share_a_form(spelling: str):
    assert normal_form(spelling) == normal_form(QUESTION)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("What is C?", "What is C++?"),
        ("What is C?", "What is C#?"),
        ("What is 5 - 3?", "What is 5 + 3?"),
        ("What is 35?", "What is 3.5?"),
        ("What is -5 squared?", "What is 5 squared?"),
        ("Is it 10 %?", "Is it 10?"),
        ("US dollars", "us $"),
        ("Can I?", "Can I not?"),
        ("re-sign", "resign"),
        ("how do I show code", "how do I show `code`s"),
    ],
)
def test_what_carries_meaning_stays(a: str, b: str):
    assert normal_form(a) != normal_form(b)


def test_apostrophes_and_short_forms_are_one():
    assert normal_form("What\u2019s a bond?") == normal_form("What is a bond?")


@pytest.mark.parametrize("text", ["", " ", "?!", "please"])
def test_a_text_without_a_question_is_harmless(text: str):
    assert normal_form(text) in ("", "please")


@given(st.text(max_size=60))
def test_the_form_of_a_form_is_itself(text: str):
    form = normal_form(text)

    assert normal_form(form) == form
