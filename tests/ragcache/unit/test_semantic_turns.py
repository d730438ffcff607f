"""Conversations: what stands alone, and which histories are equal enough."""

from __future__ import annotations

import pytest

from ragcache.semantic.turns import MAX_QUESTIONS, ContextPrint, Turn, is_self_contained, may_share, needs_proof, print_context

ANSWER = "The Nile is 6,650 km long. It flows through Egypt and Sudan. No other river in Africa is longer."


def history(first: str = "What is the longest river?", answer: str = ANSWER) -> list[Turn]:
    return [Turn(first, is_user=True), Turn(answer, is_user=False)]


def printed(turns: list[Turn]) -> ContextPrint:
    context = print_context(turns)
    assert context is not None
    return context


@pytest.mark.parametrize(
    "text",
    [
        "What is the difference between mitosis and meiosis in plants?",
        "How do companies calculate annual depreciation?",
        "Who founded Microsoft in Albuquerque?",
    ],
)
def test_a_whole_question_stands_alone(text: str):
    assert is_self_contained(text)


@pytest.mark.parametrize(
    "text",
    [
        "How long is it?",
        "What about its tributaries?",
        "And in Spain?",
        "Why?",
        "How do I install the package on a server?",
        "What are the second component and the rest?",
        "Tell me more about Egypt",
        "",
        "I meant the blue whale population trend",
        "Is there another cheap insurance company nearby?",
    ],
)
def test_what_points_back_does_not(text: str):
    assert not is_self_contained(text)


def test_equal_histories_share_without_proof():
    assert may_share(printed(history()), printed(history()))
    assert needs_proof(printed(history()), printed(history("what is the longest river"))) == ()


def test_another_wording_of_a_question_needs_proof():
    one, other = printed(history()), printed(history("Which river is longest?"))

    assert may_share(one, other)
    assert needs_proof(one, other) == (("What is the longest river?", "Which river is longest?"),)


@pytest.mark.parametrize(
    "answer",
    [
        ANSWER.replace("6,650", "6,651"),
        ANSWER.replace("Egypt", "Kenya"),
        ANSWER.replace("Egypt and Sudan", "Sudan and Egypt"),
        ANSWER.replace("No other river", "Another river"),
        "Yes. " + ANSWER,
        "The question has several answers.",
    ],
)
def test_another_answer_of_the_assistant_is_another_conversation(answer: str):
    assert not may_share(printed(history()), printed(history(answer=answer)))


def test_another_number_of_turns_is_another_conversation():
    assert not may_share(printed(history()), printed([*history(), *history()]))
    assert not may_share(printed(history()), printed([]))


def test_another_number_in_a_question_is_another_conversation():
    assert not may_share(printed(history("List 3 rivers")), printed(history("List 4 rivers")))


def test_a_long_conversation_has_no_print():
    assert print_context(history() * MAX_QUESTIONS) is not None
    assert print_context(history() * (MAX_QUESTIONS + 1)) is None
