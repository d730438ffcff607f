"""The main view: what it changes, that it is context-free, and that every offset leads back."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.views import View, fold

ODD = "\u200b\u200d\ufe0f\u202e\u00ad\ufb01\u2026\u33a5\u2460\u0663\u2019\u2014\u00a0\uff21\U0001d41a"
ODD += "\ud800\x00\x0b\U000e0041\u0301\u0e33😀абaé1 \n"
texts = st.text(st.one_of(st.characters(), st.sampled_from(ODD)), max_size=60)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain\ttext\r\n", "plain\ttext\r\n"),
        ("ig\u200bno\u00adre\ufeff", "ignore"),
        ("nul\x00led\x7f \x0b", "nulled  "),
        ("Ｆｕｌｌ　ｗｉｄｔｈ！", "Full width!"),
        ("𝐛𝓸𝕝𝖉 ⓒⓘⓡ ⒜ 🄰🅑🅲", "bold cir a ABC"),
        ("٤١١١ १२३ ①②❸ 𝟜²", "4111 123 123 42"),
        ("a\u00a0b\u2003c\u3000d\u2028e", "a b c d\ne"),
        ("‘x’ “y” «z» – — ‐ −", '\'x\' "y" "z" - - - -'),
        ("ﬁle ㎏ ™ … ½", "file kg TM ... 1/2"),
        ("\U000e0041\U000e0042x\u202e", "x"),
        ("straße İ Ñandú Привет 漢字 😀", "straße İ Ñandú Привет 漢字 😀"),
        ("lone \ud800 one", "lone \ufffd one"),
        ("pаypal", "pаypal"),
    ],
)
def test_forms(text: str, expected: str) -> None:
    assert fold(text).text == expected


@given(texts, texts)
def test_fold_is_context_free(left: str, right: str) -> None:
    assert fold(left + right).text == fold(left).text + fold(right).text


@given(texts)
def test_offsets_lead_to_the_character_that_was_folded(text: str) -> None:
    view = fold(text)
    offsets = view.offsets
    if offsets is None:
        assert len(view.text) == len(text)
        assert all(fold(written).text == plain for written, plain in zip(text, view.text, strict=True))
        return
    assert len(offsets) == len(view.text) + 1
    assert offsets[len(view.text)] == len(text)
    assert list(offsets) == sorted(offsets)
    for at, plain in enumerate(view.text):
        start, end = view.original_span(at, at + 1)
        assert plain in fold(text[start]).text
        assert start < end
        assert view.text.startswith(fold(text[start:end]).text, at - fold(text[start]).text.index(plain)) or len(fold(text[start]).text) > 1


@given(texts)
def test_fold_is_stable_and_never_grows_beyond_four(text: str) -> None:
    once = fold(text).text
    assert len(once) <= 4 * len(text)
    assert fold(once).text == once


@given(texts, st.data())
def test_bytes_lead_back_to_characters(text: str, data: st.DataObject) -> None:
    view = fold(text * 40)
    start = data.draw(st.integers(0, len(view.text)))
    end = data.draw(st.integers(start, len(view.text)))
    first, last = len(view.text[:start].encode()), len(view.text[:end].encode())
    assert view.span_of_bytes(first, last) == (start, end)


def test_character_cut_in_two_counts_whole() -> None:
    view = View("main", "aé€b")
    assert view.span_of_bytes(2, 4) == (1, 3)


def test_single_characters_agree_with_compatibility_composition() -> None:
    for code in (*range(0xFF01, 0xFF5F), *range(0x1D400, 0x1D6A4), *range(0x24B6, 0x24EA)):
        form = unicodedata.normalize("NFKC", chr(code))
        if form != chr(code) and form.isalnum():
            assert fold(chr(code)).text == form


@pytest.mark.parametrize("unit", ["\u200b", "a\u200b", "\ufb01", "\x00", "\ud800", "\u201ca", "\u2026a", "\U0001d41a", "\ufdfa"])
def test_hostile_text_takes_linear_time(unit: str) -> None:
    text = unit * (1_000_000 // len(unit.encode("utf-8", "replace")))
    begun = time.perf_counter()
    view = fold(text)
    if view.offsets is not None:
        assert view.offsets[len(view.text)] == len(text)
    assert time.perf_counter() - begun < 5
