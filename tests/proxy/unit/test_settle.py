"""What an answer cost: integers all the way, the price of the moment, each class of usage at its own price."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.snapshot import Price, Target
from proxy.stages.settle import UNSETTLED, Settlement, is_unpriced, settle
from proxy.wire.usage import Usage

NOW = 1_800_000_000.0
CLASSES = list(Usage.__struct_fields__)
RATE_OF = {
    "fresh_input_tokens": "input",
    "text_output_tokens": "output",
    "cache_read_tokens": "cached_input",
    "cache_write_5m_tokens": "cache_write_5m",
    "cache_write_1h_tokens": "cache_write_1h",
    "reasoning_tokens": "reasoning",
    "audio_input_tokens": "audio_input",
    "audio_output_tokens": "audio_output",
}


def price(effective_at: float = 0.0, **rates: int) -> Price:
    return Price(effective_at, **{f"{name}_nano_usd_per_mtok": rates.get(name, 0) for name in RATE_OF.values()})


def cost(usage: Usage | None, *prices: Price, now_s: float = NOW) -> int:
    return settle(Target("main", "gpt", prices=prices), usage, now_s).cost_nano_usd


@pytest.mark.parametrize("name", CLASSES)
def test_each_class_is_charged_at_its_own_price_alone(name):
    assert cost(Usage(**{name: 1000}), price(**{RATE_OF[name]: 2_500_000_000})) == 2_500_000
    assert cost(Usage(**{other: 1000 for other in CLASSES if other != name}), price(**{RATE_OF[name]: 2_500_000_000})) == 0


def test_classes_add_up_before_the_one_rounding():
    usage = Usage(**dict.fromkeys(CLASSES, 1))

    assert cost(usage, price(**dict.fromkeys(RATE_OF.values(), 62_500))) == 1  # eight times a sixteenth: half a nano-dollar
    assert cost(usage, price(**dict.fromkeys(RATE_OF.values(), 62_499))) == 0


def test_a_settlement_names_the_version_of_the_price():
    target = Target("main", "gpt", prices=(price(NOW - 10, input=1_000_000), price(NOW + 10, input=9_000_000)))

    assert settle(target, Usage(3), NOW) == Settlement(3, NOW - 10)
    assert settle(target, Usage(3), NOW + 10) == Settlement(27, NOW + 10)
    assert settle(target, Usage(), NOW) == Settlement(0, NOW - 10)


def test_without_usage_or_price_nothing_is_charged_and_no_price_is_named():
    assert settle(Target("main", "gpt", prices=(price(input=1),)), None, NOW) == UNSETTLED == Settlement(0, None)
    assert settle(Target("main", "gpt"), Usage(1000), NOW) == UNSETTLED
    assert settle(Target("main", "gpt", prices=(price(NOW + 1, input=1),)), Usage(1000), NOW) == UNSETTLED


def test_unpriced_is_a_target_without_a_price_now_and_not_one_that_costs_nothing():
    later = Target("main", "gpt", prices=(price(NOW + 1),))

    assert is_unpriced(Target("main", "gpt"), NOW)
    assert not is_unpriced(Target("main", "gpt", prices=(price(),)), NOW)
    assert [is_unpriced(later, at) for at in (NOW, NOW + 1)] == [True, False]


@pytest.mark.parametrize(
    ("per_mtok", "tokens", "nano_usd"),
    [(1, 499_999, 0), (1, 500_000, 1), (1, 1_499_999, 1), (1, 1_500_000, 2), (999_999, 1, 1), (499_999, 1, 0)],
)
def test_rounding_is_half_up_at_a_nano_dollar(per_mtok, tokens, nano_usd):
    assert cost(Usage(tokens), price(input=per_mtok)) == nano_usd


@given(st.tuples(*[st.integers(0, 2**31 - 1)] * 8), st.tuples(*[st.integers(0, 10**10)] * 8))
def test_it_is_exact_within_half_a_nano_dollar_for_any_numbers(tokens, rates):
    found = cost(Usage(**dict(zip(CLASSES, tokens, strict=True))), price(**dict(zip(map(RATE_OF.get, CLASSES), rates, strict=True))))

    exact = Fraction(sum(count * rate for count, rate in zip(tokens, rates, strict=True)), 1_000_000)
    assert isinstance(found, int)
    assert abs(found - min(exact, 10**15)) <= Fraction(1, 2)


def test_a_mistyped_price_costs_a_million_dollars_and_no_sum_overflows():
    assert cost(Usage(2**31 - 1, 2**31 - 1), price(input=2**63 - 1, output=2**63 - 1)) == 10**15
