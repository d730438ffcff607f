from __future__ import annotations

import time
from contextlib import suppress

import pytest

from guardrails.engine import admin_patterns
from guardrails.engine.admin_patterns import check_expression
from guardrails.errors import BadRule


@pytest.mark.parametrize(
    "expression",
    [
        r"\bACME-\d{4,8}\b",
        "project (?:falcon|eagle)",
        "[A-Z]{2}[0-9]{6}",
        r"id: (\d{6})",
        "é{2}",
        r"\pL{2,30}x",
        "^secret.*",
        "BEGIN.+END",
        r"a\.b",
        *[r"[\w.]{1,64}@acme\.com", "(?i)abc", "(?P<name>ab)c", r"[\]^]{3}", r"\x{20AC}\d{1,9}", ".{1,200}x.{1,200}", "a{1000}"],
    ],
)
def test_linear_expressions_pass(expression: str) -> None:
    check_expression(expression, is_caseless=True)


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("(?=a)b", "Look-around"),
        ("(?<!a)b", "Look-around"),
        (r"(a)\1", "Back-references"),
        ("(?>a)", "Atomic groups"),
        ("ab++", "Repeats of repeats"),
        ("a{2,3}+", "Repeats of repeats"),
        ("(?R)", "Recursion"),
        ("(a)?(?(1)b|c)", "Conditional groups"),
        ("(?#note)ab", "Comments"),
        ("(?x)a b", "Flag x"),
        ("(*UTF8)ab", "Verbs"),
        (r"a\Kb", r"\\K, \\G"),
        (r"\u20AC", r"\\u escapes"),
        (r"ab\Z", r"\\z"),
        (r"a\hb", r"\\h is not supported"),
        (r"a\Cb", r"\\C is not supported"),
        ("a*", "matches the empty text"),
        ("a|", "matches the empty text"),
        (r"\b", "matches the empty text"),
        ("", "is empty"),
        ("a" * 2001, "2001 characters; 2000 are allowed"),
        ("(" * 41 + "a" + ")" * 41, "nests too deeply"),
        ("(" * 900 + "a" + ")" * 900, "nests too deeply"),
        ("a{1001}", "too large|At most 1,000"),
        ("((a{1,100}){1,100}){1,100}", "too large"),
        ("(?:[a-z]{1,900}x){1,3}" * 2, "too large|At most 1,000"),
        ("[a-z]+@", "no longest length"),
        (r".*", "matches the empty text"),
        (".+secret", "no longest length"),
        ("(a", "bracket"),
        ("a)", "bracket"),
        ("[a", "set of characters"),
        ("*a", "repeat"),
        ("a{3,2}", "wrong way round|too large"),
        ("[z-a]", "wrong way round"),
        ("a\x00b", "NUL"),
        ("a\ud800b", "half a character"),
        (r"\yb", "escape"),
        ("a**", "Repeats of repeats"),
    ],
)
def test_others_are_refused_with_a_sentence(expression: str, says: str) -> None:
    with pytest.raises(BadRule, match=says) as refused:
        check_expression(expression, is_caseless=False)

    sentence = str(refused.value)
    assert sentence.endswith((".", "{1,64} for +.", "^"))
    assert len(sentence) < 260
    assert "Error" not in sentence
    assert "b'" not in sentence


def test_a_group_that_is_not_there_is_refused() -> None:
    check_expression("a(b)c", is_caseless=False, group=1)
    with pytest.raises(BadRule, match="Group 2 is to be hidden, but the expression has 1"):
        check_expression("a(b)c", is_caseless=False, group=2)


def test_a_set_of_characters_may_hold_what_is_refused_outside(monkeypatch) -> None:
    check_expression(r"[(*+]{2}x[?=]", is_caseless=False)


def test_without_the_extension_re2_alone_is_asked(monkeypatch) -> None:
    monkeypatch.setattr(admin_patterns, "find_hyperscan", lambda: None)

    check_expression("abc", is_caseless=False)
    with pytest.raises(BadRule):
        check_expression("(?=a)b", is_caseless=False)


@pytest.mark.parametrize(
    "bomb",
    [
        "(?:a|b|ab){1,500}c",
        ".{1,500}x.{1,490}y",
        r"(?:\pL{1,3}\pN){1,90}z",
        "(?:x[^a]{1,30}){1,30}y",
        "(?:.a|.b|.c|.d){1,240}e",
        r"[\pL\pN]{1,900}@",
        "(?:" + "|".join(f"{number:03}.{{1,9}}" for number in range(120)) + "){1,2}",
    ],
)
def test_a_bomb_takes_a_bounded_time(bomb: str) -> None:
    started = time.perf_counter()

    with suppress(BadRule):
        check_expression(bomb, is_caseless=True)

    assert time.perf_counter() - started < 20  # a second or two on a machine of its own
