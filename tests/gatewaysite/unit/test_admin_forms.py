"""Fields that the forms of the console share."""

from __future__ import annotations

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.db.models import ProtectedError

from common.admin import describe
from common.errors import DomainError
from common.forms import UsdField, WordsField
from common.money import show_usd


@pytest.mark.parametrize(
    ("text", "words"),
    [("", []), (None, []), ("a", ["a"]), (" a ,b\r\nc\n\n,d,", ["a", "b", "c", "d"]), (["a", " "], ["a"])],
)
def test_words_come_one_a_line_or_separated_by_commas(text, words):
    assert WordsField().clean(text) == words


def test_words_are_shown_one_a_line_and_unchanged_when_equal():
    field = WordsField()

    assert field.prepare_value(["a", "b"]) == "a\nb"
    assert not field.has_changed(["a", "b"], "a, b")
    assert field.has_changed(["a", "b"], "a")


@pytest.mark.parametrize(("text", "nano_usd"), [("0", 0), ("0.15", 150_000_000), ("$2.5", 2_500_000_000), ("0.000000001", 1)])
def test_dollars_become_nano_dollars_and_come_back(text, nano_usd):
    field = UsdField()

    assert field.clean(text) == nano_usd
    assert show_usd(nano_usd) == f"${text.removeprefix('$')}"
    assert not field.has_changed(nano_usd, text)
    assert field.has_changed(nano_usd, "7")


@pytest.mark.parametrize("text", ["free", "-1", "1,5", "0.0000000001", "Infinity"])
def test_what_is_no_amount_of_dollars_is_refused(text):
    with pytest.raises(forms.ValidationError):
        UsdField().clean(text)

    assert UsdField().has_changed(1, text)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (DomainError("Not like this."), "Not like this."),
        (ValidationError("Not so."), "Not so."),
        (ValidationError({"base_url": ["Not so.", "Nor so."]}), "Base url: Not so. Nor so."),
        (ValidationError({"__all__": ["Not so."]}), "Not so."),
        (
            IntegrityError("duplicate key"),
            "Someone else stored something alike at the same moment. Look again and repeat what is still needed.",
        ),
        (ProtectedError("cannot delete", set()), "Other objects still need it; delete or change them first."),
    ],
)
def test_errors_of_the_domain_are_one_line_for_people(error, text):
    assert describe(error) == text
