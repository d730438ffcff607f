"""What an answer cost: integers all the way, the price of the moment, cached input at its own price."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.snapshot import Price, Target
from proxy.stages.settle import settle
from proxy.wire.openai import Usage

NOW = 1_800_000_000.0
PRICE = Price(0.0, 2_500_000_000, 1_250_000_000, 10_000_000_000)  # 2.50, 1.25 and 10 dollars per million


def _cost(usage: Usage | None, *prices: Price, now_s: float = NOW) -> int:
    return settle(Target("main", "gpt", prices=prices), usage, now_s)


def test_input_and_output_have_their_own_price():
    assert _cost(Usage(1000, 100), PRICE) == 1000 * 2_500 + 100 * 10_000


def test_cached_input_is_part_of_the_input():
    assert _cost(Usage(1000, 0, 400), PRICE) == 600 * 2_500 + 400 * 1_250


def test_more_cached_input_than_input_never_counts_below_zero():
    assert _cost(Usage(10, 0, 400), PRICE) == 10 * 1_250


def test_without_usage_or_price_nothing_is_charged():
    assert _cost(None, PRICE) == 0
    assert _cost(Usage(1000, 1000)) == 0


@pytest.mark.parametrize(
    ("price", "tokens", "cost"), [(1, 499_999, 0), (1, 500_000, 1), (1, 1_499_999, 1), (1, 1_500_000, 2), (999_999, 1, 1), (499_999, 1, 0)]
)
def test_rounding_is_half_up_at_a_nano_dollar(price, tokens, cost):
    assert _cost(Usage(tokens, 0), Price(0.0, price, 0, 0)) == cost


def test_a_price_that_begins_later_does_not_hold_yet():
    cheap, dear = Price(NOW - 10, 1_000_000, 0, 0), Price(NOW + 10, 9_000_000, 0, 0)

    assert _cost(Usage(1, 0), cheap, dear) == 1
    assert _cost(Usage(1, 0), cheap, dear, now_s=NOW + 9.999) == 1
    assert _cost(Usage(1, 0), cheap, dear, now_s=NOW + 10) == 9
    assert _cost(Usage(1, 0), cheap, dear, now_s=NOW - 11) == 0


@given(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1), st.tuples(*[st.integers(0, 10**11)] * 3))
def test_it_is_exact_within_half_a_nano_dollar_for_any_numbers(input_tokens, output_tokens, cached, prices):
    cost = _cost(Usage(input_tokens, output_tokens, cached), Price(0.0, *prices))

    counted = min(cached, input_tokens)
    exact = Fraction((input_tokens - counted) * prices[0] + counted * prices[1] + output_tokens * prices[2], 1_000_000)
    assert isinstance(cost, int)
    assert abs(cost - exact) <= Fraction(1, 2)


def test_a_mistyped_price_costs_a_million_dollars_and_no_sum_overflows():
    assert _cost(Usage(2**31 - 1, 2**31 - 1), Price(0.0, 2**63 - 1, 0, 2**63 - 1)) == 10**15
