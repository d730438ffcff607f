from __future__ import annotations

import random
import uuid

import pytest

from proxy.prices.match import PriceBook, PriceRow, find_prices

HERE, ELSEWHERE = uuid.UUID(int=1), uuid.UUID(int=2)


def price(model="m", *, provider="openai", backend=None, source="operator", at=0.0, input_=1, cached=None, output=2):
    return PriceRow(provider, model, backend, source, at, input_, cached, output)


def listed(model="m", **changes):
    return price(model, source="snapshot", **changes)


def find(rows, *, provider="openai", price_provider="", model="m"):
    """Both ways must agree on every case of this file."""
    rows = list(rows)
    found = find_prices(provider, price_provider, HERE, model, rows)
    assert PriceBook(rows).find(provider, price_provider, HERE, model) == found
    return found


def test_find_prices_unknown_model_has_none():
    assert find([listed("other"), listed(provider="groq")]) == ()


def test_find_prices_cached_input_defaults_to_input():
    assert find([listed(input_=5)]) == ((0.0, 5, 5, 2),)
    assert find([listed(input_=5, cached=0)]) == ((0.0, 5, 0, 2),)


def test_find_prices_are_sorted_by_their_beginning():
    rows = [listed(at=20.0, input_=3), listed(at=0.0, input_=1), listed(at=10.0, input_=2)]

    assert [found[:2] for found in find(rows)] == [(0.0, 1), (10.0, 2), (20.0, 3)]


def test_find_prices_operator_wins_over_list_from_its_beginning_on():
    rows = [listed(at=0.0, input_=1), listed(at=20.0, input_=3), price(at=10.0, input_=2)]

    assert [found[:2] for found in find(rows)] == [(0.0, 1), (10.0, 2)]


def test_find_prices_of_the_backend_wins_over_operator_and_list():
    rows = [listed(input_=1), price(input_=2, at=5.0), price(backend=HERE, input_=3), price(backend=ELSEWHERE, input_=4, at=9.0)]

    assert [found[:2] for found in find(rows)] == [(0.0, 3)]


def test_find_prices_of_the_backend_counts_whatever_list_it_names():
    assert [found[:2] for found in find([price(provider="groq", backend=HERE, input_=3)])] == [(0.0, 3)]


def test_find_prices_price_provider_replaces_provider():
    rows = [listed(input_=1), listed(provider="groq", input_=2)]

    assert find(rows, provider="openai", price_provider="groq") == ((0.0, 2, 2, 2),)


def test_find_prices_exact_name_wins_over_patterns_and_longer_over_shorter():
    rows = [listed("gpt-*", input_=1), listed("gpt-4o*", input_=2), listed("gpt-4o", input_=3)]

    assert [find(rows, model=model)[0][1] for model in ("gpt-4o", "gpt-4o-mini", "gpt-5")] == [3, 2, 1]


def test_find_prices_operator_pattern_wins_over_listed_exact_name():
    assert find([listed("gpt-4o", input_=1), price("gpt-*", input_=2)], model="gpt-4o")[0][1] == 2


def test_find_prices_name_is_compared_without_case():
    assert find([price("Meta-Llama/X", input_=7)], model="meta-llama/x")[0][1] == 7


def test_find_prices_same_moment_keeps_only_the_winner():
    rows = [listed(at=5.0, input_=1), price(at=5.0, input_=2), price(at=5.0, backend=HERE, input_=3)]

    assert find(rows) == ((5.0, 3, 3, 2),)


@pytest.mark.parametrize("seed", range(5))
def test_find_prices_do_not_depend_on_the_order_of_rows(seed):
    rows = [
        make(model, at=float(at), input_=number)
        for number, (make, model, at) in enumerate(
            (make, model, at) for make in (listed, price) for model in ("m", "m*", "*") for at in (0, 5, 10)
        )
    ]
    shuffled = random.Random(seed).sample(rows, len(rows))

    assert find(shuffled) == find(rows)
