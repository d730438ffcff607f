from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.money import format_usd, parse_usd


@pytest.mark.parametrize(
    ("text", "nano_usd"),
    [
        ("0.15", 150_000_000),
        ("0", 0),
        ("10", 10_000_000_000),
        (3, 3_000_000_000),
        ("0.000000001", 1),
        ("1e-05", 10_000),
        ("0.10", 100_000_000),
    ],
)
def test_parse_usd_is_exact(text, nano_usd):
    assert parse_usd(text) == nano_usd


@pytest.mark.parametrize("text", ["", "abc", "-1", "inf", "nan", "0.0000000001", "1e30", "1,5"])
def test_parse_usd_refuses_what_cannot_be_kept(text):
    with pytest.raises(ValueError):
        parse_usd(text)


@pytest.mark.parametrize(("nano_usd", "text"), [(0, "0"), (1, "0.000000001"), (150_000_000, "0.15"), (10_000_000_000, "10")])
def test_format_usd_writes_no_exponent_and_no_trailing_zeros(nano_usd, text):
    assert format_usd(nano_usd) == text


@given(st.integers(min_value=0, max_value=2**63 - 1))
def test_format_usd_and_parse_usd_are_inverse(nano_usd):
    assert parse_usd(format_usd(nano_usd)) == nano_usd
