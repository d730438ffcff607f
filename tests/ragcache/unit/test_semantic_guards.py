"""Vetoes: what must not share an answer however near the vectors are, and what a guard must let pass."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcache.semantic.alignment import find_unexplained
from ragcache.semantic.guards import find_veto
from ragcache.semantic.reading import read

FORBIDDEN = [
    ("numbers", "How do I save 500 dollars?", "How do I save 600 dollars?"),
    ("numbers", "Is 5 km far?", "Is 5 miles far?"),
    ("numbers", "What can I buy for $5?", "What can I buy for 5 euros?"),
    ("numbers", "What are two facts about cats?", "What are three facts about cats?"),
    ("numbers", "Is it ok to eat at 9am?", "Is it ok to eat at 9pm?"),
    ("numbers", "How do I earn 5k a month?", "How do I earn 5 million a month?"),
    ("numbers", "Who won the 2018 cup?", "Who won the 2019 cup?"),
    ("dates", "What is open tomorrow in Paris?", "What is open today in Paris?"),
    ("codes", "What does error E1042 mean?", "What does error E1043 mean?"),
    ("codes", "How do I mail to a@b.com from Outlook?", "How do I mail to c@b.com from Outlook?"),
    ("negation", "Should I eat before a run?", "Should I not eat before a run?"),
    ("negation", "Why can I log in?", "Why can't I log in?"),
    ("operators", "What can I eat before surgery?", "What can I eat after surgery?"),
    ("operators", "Is Ann an engineer?", "Did Ann use to be an engineer?"),
    ("alternatives", "How do I enable cookies?", "How do I disable cookies?"),
    ("alternatives", "What is the best hotel in London?", "What is the best hotel in Paris?"),
    ("alternatives", "How do I sort a list in Python?", "How do I sort a list in JavaScript?"),
    ("alternatives", "What is the capital of the United States?", "What is the capital of the United Kingdom?"),
    ("alternatives", "How do I sign in to my account?", "How do I sign out of my account?"),
    ("alternatives", "Best plan for March?", "Best plan for April?"),
    ("negated word", "Is a likely outcome good?", "Is an unlikely outcome good?"),
    ("negated word", "Are hopeful people happy?", "Are hopeless people happy?"),
    ("asks", "When is Diwali?", "What is Diwali?"),
    ("asks", "Who wrote the report?", "Why wrote the report?"),
    ("asks", "How many eggs do hens lay?", "When do hens lay eggs?"),
    ("modal", "Can I drink wine with aspirin?", "Should I drink wine with aspirin?"),
    ("modal", "Will prices rise?", "Did prices rise?"),
    ("names", "Is there a bus to Trondheim from here?", "Is there a bus to Bergen from here?"),
    ("order", "How do I convert a file from Word to Excel?", "How do I convert a file from Excel to Word?"),
    ("order", "Did Tom beat Jerry at chess?", "Did Jerry beat Tom at chess?"),
    ("order", "What would a girl never tell a boy?", "What would a boy never tell a girl?"),
]
ALLOWED = [
    ("How do I reset my password?", "What is the way to reset a password?"),
    ("What is the reason for inflation?", "Why is there inflation?"),
    ("What does it cost to fly to Rome?", "How much does it cost to fly to Rome?"),
    ("Rs 500 notes", "500 rupee notes"),
    ("Is 1,000 enough?", "Is 1000 enough?"),
    ("What is the difference between Java and Python?", "What is the difference between Python and Java?"),
    ("Is it whether or not to buy?", "Is it to buy?"),
    ("How tall is Trump?", "How tall is Donald Trump?"),
    ("How do I buy a car?", "How do I purchase an automobile?"),
    ("What is the capital of the US?", "What is the capital of the United States?"),
    ("What is the weight of a cat?", "what is the weight of a Cat"),
    ("Which animals live 20 years?", "Which animals live twenty years?"),
]


@pytest.mark.parametrize(("name", "a", "b"), FORBIDDEN)
def test_another_question_is_forbidden_both_ways(name: str, a: str, b: str):
    assert (find_veto(read(a), read(b)), find_veto(read(b), read(a))) == (name, name)


@pytest.mark.parametrize(("a", "b"), ALLOWED)
def test_the_same_question_passes(a: str, b: str):
    assert (find_veto(read(a), read(b)), find_veto(read(b), read(a))) == ("", "")


@given(st.text(max_size=80))
def test_every_text_can_be_read_and_is_its_own_equal(text: str):
    assert find_veto(read(text), read(text)) == ""


@given(st.text(alphabet="abc XYZ 0123456789.,:$%#@'-not", max_size=60), st.text(alphabet="abc XYZ 0123456789.,:$%#@'-not", max_size=60))
def test_guards_do_not_know_who_asked(a: str, b: str):
    assert find_veto(read(a), read(b)) == find_veto(read(b), read(a))


def test_a_word_in_the_place_of_another_is_a_replacement():
    unexplained = find_unexplained(read("What are tips for glaucoma?"), read("What are tips for fibromyalgia?"))

    assert unexplained.is_replacement
    assert [word.written for word in unexplained.asked] == ["glaucoma"]
    assert [word.written for word in unexplained.stored] == ["fibromyalgia"]


def test_synonyms_explain_each_other():
    unexplained = find_unexplained(read("How do I purchase a bicycle?"), read("How can I buy a bicycle?"))

    assert not unexplained.is_on_both_sides
    assert not unexplained.is_on_one_side


def test_a_narrower_question_is_unexplained_on_one_side():
    assert find_unexplained(read("How are ear infections treated in dogs?"), read("How are ear infections treated?")).is_on_one_side
