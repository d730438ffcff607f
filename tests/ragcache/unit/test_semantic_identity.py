"""A difference in any component of an identity is another namespace."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcache.semantic.identity import NAMESPACE_BYTES, Identity, bucket_temperature, class_of_max_tokens
from tests.ragcache.semantic_help import IDENTITY

NAMES = [field.name for field in fields(Identity)]


@given(name=st.sampled_from(NAMES), value=st.text(max_size=30), other=st.text(max_size=30))
def test_each_component_changes_the_namespace(name: str, value: str, other: str):
    one, two = replace(IDENTITY, **{name: value}), replace(IDENTITY, **{name: other})

    assert (one.namespace() == two.namespace()) == (value == other)
    assert len(one.namespace()) == NAMESPACE_BYTES


@pytest.mark.parametrize(("left", "right"), list(pairwise(NAMES)))
def test_no_component_runs_into_the_next(left: str, right: str):
    one = replace(IDENTITY, **{left: "ab", right: "c"})
    two = replace(IDENTITY, **{left: "a", right: "bc"})

    assert one.namespace() != two.namespace()


def test_surrogates_in_a_component_are_no_error():
    assert replace(IDENTITY, model="\ud800").namespace() != IDENTITY.namespace()


@pytest.mark.parametrize(
    ("a", "b", "is_same"), [(0.0, 0.3, True), (0.3, 0.31, False), (0.7, 0.8, False), (None, 0.0, False), (0.71, 0.7, True)]
)
def test_temperatures_share_a_bucket_only_when_low_or_equal(a: float | None, b: float | None, is_same: bool):
    assert (bucket_temperature(a) == bucket_temperature(b)) == is_same


@pytest.mark.parametrize(("max_tokens", "name"), [(None, ""), (10, "64"), (64, "64"), (65, "256"), (100_000, "more")])
def test_output_limits_have_classes(max_tokens: int | None, name: str):
    assert class_of_max_tokens(max_tokens) == name
