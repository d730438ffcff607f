"""A credential does not leave its wrapper unless somebody asks for it by name."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
import traceback

import pytest

from common.secret import Secret

HIDDEN = "sk-very-hidden"


@dataclasses.dataclass(frozen=True)
class _Holder:
    name: str
    credential: Secret


def test_reveal_gives_the_value_out():
    assert Secret(HIDDEN).reveal() == HIDDEN


@pytest.mark.parametrize("show", [str, repr, "{}".format, "{!r}".format, "{!s}".format, "%s".__mod__, "%r".__mod__, ascii])
def test_no_way_of_printing_shows_the_value(show):
    assert HIDDEN not in show(Secret(HIDDEN))


def test_what_holds_a_secret_does_not_show_it():
    holder = _Holder("openai", Secret(HIDDEN))

    assert HIDDEN not in repr(holder)
    assert HIDDEN not in str([holder, {"credential": holder.credential}])


def test_a_format_width_is_refused_rather_than_obeyed():
    with pytest.raises(TypeError):
        format(Secret(HIDDEN), ">40")


def test_json_refuses_it():
    with pytest.raises(TypeError) as caught:
        json.dumps({"credential": Secret(HIDDEN)})

    assert HIDDEN not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("take_along", [pickle.dumps, copy.copy, copy.deepcopy])
def test_it_is_neither_pickled_nor_copied(take_along):
    with pytest.raises(TypeError, match="never pickled"):
        take_along(Secret(HIDDEN))


def test_equality_is_of_values_and_never_with_plain_text():
    assert Secret("a") == Secret("a")
    assert hash(Secret("a")) == hash(Secret("a"))
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert Secret("ü") != Secret("u")


def test_an_empty_one_is_false():
    assert not Secret("")
    assert Secret(" ")
