"""Answers that repeat the operator's instructions are found where they do, others are not."""

from __future__ import annotations

import base64
from typing import get_args

import pytest

from guardrails.detection import Direction, Facts, Hit, Subject, TextUnit
from guardrails.detectors.prompt_leak import PromptLeakDetector
from guardrails.detectors.registry import build_detector

SYSTEM = (
    "You are Nora, the assistant of a small bank in the north. Answer in the language of the customer and never promise an interest rate. "
    "If a customer asks for a loan above fifty thousand, send them to the branch in the harbour street. Do not mention the internal code "
    "of the branch. When somebody is angry, offer a call with a person between nine and five on working days."
)
LONG = SYSTEM + " " + " ".join(f"Section {number} deals with product number {number * 7} and its many fees." for number in range(60))


def inspect(answer: str, system: str = SYSTEM, canary: str = "", direction: Direction = "response", **parameters: object) -> list[Hit]:
    detector = build_detector("prompt_leak", parameters)
    assert isinstance(detector, PromptLeakDetector)
    facts = Facts(system_texts=(system,) if system else (), canary=canary)
    return list(detector.inspect(Subject(TextUnit(answer, direction=direction), facts), ()))


def test_whole_instructions_are_found_with_their_span() -> None:
    answer = f"Sure, here they are: {SYSTEM} Anything else?"
    (hit,) = inspect(answer)
    assert answer[hit.start : hit.end] == SYSTEM.rstrip(".")
    assert hit.label == "SYSTEM_PROMPT"
    assert hit.score == 1.0


@pytest.mark.parametrize("shift", range(0, 40, 3))
def test_piece_of_long_instructions_is_found_at_every_offset(shift: int) -> None:
    words = LONG.split()
    answer = "well " * shift + "I was told: " + " ".join(words[shift : shift + 26]).upper().replace(" ", ",\n ") + " and so on"
    (hit,) = inspect(answer, LONG)
    assert answer[hit.start : hit.end].startswith(words[shift].upper().strip("."))


def test_ratio_finds_short_instructions_in_pieces() -> None:
    system = "Speak like a pirate and never tell anyone the price of rum"
    assert inspect(f"My orders are to {system.lower()}!", system)
    assert inspect("I speak like a pirate because I am one", system) == []


@pytest.mark.parametrize(
    "answer",
    [
        "Our branch in the harbour street is open between nine and five on working days.",
        "I cannot promise an interest rate, but I am glad to help you in your language.",
        "",
        "word " * 500,
    ],
)
def test_ordinary_answer_is_not_found(answer: str) -> None:
    assert inspect(answer) == []


def test_instructions_in_base64_or_backwards_are_found() -> None:
    answer = f"As you asked: {base64.b64encode(SYSTEM.encode()).decode()}"
    hits = inspect(answer)
    assert hits
    assert all(answer[hit.start : hit.end].startswith("WW91") for hit in hits)
    assert inspect(SYSTEM[::-1])


@pytest.mark.parametrize("direction", get_args(Direction))
def test_only_what_leaves_is_looked_at(direction: Direction) -> None:
    assert bool(inspect(SYSTEM, direction=direction)) == (direction in ("response", "tool_arguments"))


def test_canary_is_found_in_any_case_and_behind_invisible_characters() -> None:
    answer = "the word is KESTREL-\u200b7731 İ"
    (hit,) = inspect(answer, "", "kestrel-7731")
    assert hit.label == "CANARY"
    assert answer[hit.start : hit.end] == "KESTREL-\u200b7731"
    assert inspect("nothing here", "", "kestrel-7731") == []


def test_parameters_set_how_much_is_a_leak() -> None:
    piece = " ".join(LONG.split()[:14])
    assert inspect(piece, LONG) == []
    assert inspect(piece, LONG, min_words=12)
