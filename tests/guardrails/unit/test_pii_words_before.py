"""The words that stand before a value."""

from __future__ import annotations

import pytest

from guardrails.detectors.pii_kinds.context import NEAR_CHARACTERS, words_before


def test_words_are_those_near_the_value_in_lower_case() -> None:
    assert words_before("far away " + "x" * NEAR_CHARACTERS + "\nPassport No. ") == ("passport", "no")


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ("", ("passport", "no")),
        (" ", ("passport", "no")),
        ("un ", ("passport", "no")),
        ("un", ("no",)),
        ("É", ("no",)),
        ("_", ("passport", "no")),
    ],
)
def test_the_rest_of_a_word_that_begins_farther_away_is_no_word(head: str, words: tuple[str, ...]) -> None:
    near = "passport no".ljust(NEAR_CHARACTERS)

    assert words_before(head + near) == words


def test_scripts_without_blanks_have_no_words_to_be_cut() -> None:
    left = "号" * 20 + "身份证号码" + "号" * (NEAR_CHARACTERS - 5)

    assert words_before(left) == (left[-NEAR_CHARACTERS:],)
