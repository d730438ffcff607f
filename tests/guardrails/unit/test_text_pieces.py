"""What is done to a long text piece by piece is what is done to it at once."""

from __future__ import annotations

import random
import re

import pytest

from guardrails.views.disguise import _LEET, _LEET_WORD
from guardrails.views.pieces import PIECE_CHARACTERS, found_words, translated


def _text(length: int, alphabet: str, seed: int) -> str:
    return "".join(random.Random(seed).choices(alphabet, k=length))


@pytest.mark.parametrize("length", [0, 1, PIECE_CHARACTERS, PIECE_CHARACTERS + 1, 3 * PIECE_CHARACTERS + 7])
def test_a_text_is_translated_alike(length: int) -> None:
    text = _text(length, "abc013é\u200b 😀", length)

    assert translated(text, _LEET) == text.translate(_LEET)
    assert translated(text, {0xE9: "ee", 0x200B: ""}) == text.translate({0xE9: "ee", 0x200B: ""})


@pytest.mark.parametrize("alphabet", ["ab1@ ", "ab1@", " ", "éa \n"])
@pytest.mark.parametrize("length", [0, 5, PIECE_CHARACTERS, 3 * PIECE_CHARACTERS + 11])
def test_words_of_a_text_are_found_alike(alphabet: str, length: int) -> None:
    text = _text(length, alphabet, length)

    assert found_words(_LEET_WORD, text) == set(_LEET_WORD.findall(text))
    assert found_words(re.compile("[^ ]{1,5}"), text) == set(re.findall("[^ ]{1,5}", text))
