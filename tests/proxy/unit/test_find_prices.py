from __future__ import annotations

import random
import uuid

import pytest

from proxy.prices.match import FREE, PriceBook, PriceRow, find_prices
from proxy.prices.patterns import fold_model, matches
from proxy.snapshot import Price

HERE, ELSEWHERE = uuid.UUID(int=1), uuid.UUID(int=2)


def price(model="m", *, provider="openai", backend=None, source="operator", at=0.0, input_=1, cached=None, output=2, **rates):
    others = {f"{name}_nano_usd_per_mtok": rate for name, rate in rates.items()}
    return PriceRow(provider, model, backend, source, at, input_, cached, output, **others)


def listed(model="m", **changes):
    return price(model, source="snapshot", **changes)


def find(rows, *, provider="openai", price_provider="", model="m"):
    """Both ways must agree on every case of this file."""
    rows = list(rows)
    found = find_prices(provider, price_provider, HERE, model, rows)
    assert PriceBook(rows).find(provider, price_provider, HERE, model) == found
    return found


def heads(prices):
    """When each begins, and what input costs from then on."""
    return [(each.effective_at, each.input_nano_usd_per_mtok) for each in prices]


def test_find_prices_unknown_model_has_none():
    assert find([listed("other"), listed(provider="groq")]) == ()


def test_find_prices_classes_without_a_price_have_that_of_what_they_are_part_of():
    assert find([listed(input_=5, output=9)]) == (Price(0.0, 5, 5, 9, 5, 5, 9, 5, 9),)


def test_find_prices_a_cache_write_for_an_hour_defaults_to_that_for_minutes():
    assert find([listed(input_=5, output=9, cache_write_5m=6)]) == (Price(0.0, 5, 5, 9, 6, 6, 9, 5, 9),)


def test_find_prices_classes_have_their_own_price_where_there_is_one_and_zero_is_one():
    own = listed(input_=5, cached=0, output=9, cache_write_5m=0, cache_write_1h=1, reasoning=2, audio_input=3, audio_output=4)

    assert find([own]) == (Price(0.0, 5, 0, 9, 0, 1, 2, 3, 4),)


def test_find_prices_are_sorted_by_their_beginning():
    rows = [listed(at=20.0, input_=3), listed(at=0.0, input_=1), listed(at=10.0, input_=2)]

    assert heads(find(rows)) == [(0.0, 1), (10.0, 2), (20.0, 3)]


def test_find_prices_operator_wins_over_list_from_its_beginning_on():
    rows = [listed(at=0.0, input_=1), listed(at=20.0, input_=3), price(at=10.0, input_=2)]

    assert heads(find(rows)) == [(0.0, 1), (10.0, 2)]


def test_find_prices_of_the_backend_wins_over_operator_and_list():
    rows = [listed(input_=1), price(input_=2, at=5.0), price(backend=HERE, input_=3), price(backend=ELSEWHERE, input_=4, at=9.0)]

    assert heads(find(rows)) == [(0.0, 3)]


def test_find_prices_of_the_backend_counts_whatever_list_it_names():
    assert heads(find([price(provider="groq", backend=HERE, input_=3)])) == [(0.0, 3)]


def test_find_prices_price_provider_replaces_provider():
    rows = [listed(input_=1), listed(provider="groq", input_=2)]

    assert heads(find(rows, provider="openai", price_provider="groq")) == [(0.0, 2)]


def test_find_prices_exact_name_wins_over_patterns_and_longer_over_shorter():
    rows = [listed("gpt-*", input_=1), listed("gpt-4o*", input_=2), listed("gpt-4o", input_=3)]

    assert [heads(find(rows, model=model))[0][1] for model in ("gpt-4o", "gpt-4o-mini", "gpt-5")] == [3, 2, 1]


def test_find_prices_operator_pattern_wins_over_listed_exact_name():
    assert find([listed("gpt-4o", input_=1), price("gpt-*", input_=2)], model="gpt-4o")[0].input_nano_usd_per_mtok == 2


def test_find_prices_name_is_compared_without_case():
    assert find([price("Meta-Llama/X", input_=7)], model="meta-llama/x")[0].input_nano_usd_per_mtok == 7


def test_find_prices_same_moment_keeps_only_the_winner():
    rows = [listed(at=5.0, input_=1), price(at=5.0, input_=2), price(at=5.0, backend=HERE, input_=3)]

    assert heads(find(rows)) == [(5.0, 3)]


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


# --- whose list -----------------------------------------------------------------------------------------------------------------


def test_find_prices_gemini_has_those_that_are_listed_as_google():
    assert heads(find([listed(provider="google", input_=4)], provider="gemini")) == [(0.0, 4)]
    assert heads(find([listed(provider="google", input_=4), price(provider="gemini", input_=5)], provider="gemini")) == [(0.0, 5)]
    assert find([listed(provider="gemini")], provider="openai") == ()


def test_find_prices_of_an_ollama_are_nothing_unless_an_operator_says_otherwise():
    assert find([], provider="ollama") == (FREE,)
    assert find([price(provider="ollama", at=20.0, input_=3)], provider="ollama")[0] == FREE
    assert heads(find([price(provider="ollama", at=20.0, input_=3)], provider="ollama")) == [(0.0, 0), (20.0, 3)]
    assert heads(find([price(provider="ollama", input_=3)], provider="ollama")) == [(0.0, 3)]
    assert heads(find([price(provider="x", backend=HERE, input_=3)], provider="ollama")) == [(0.0, 3)]


def test_find_prices_of_an_ollama_with_a_price_list_are_known_only_where_the_list_knows_them():
    assert find([listed(provider="groq", model="other")], provider="ollama", price_provider="groq") == ()


# --- names with a star ----------------------------------------------------------------------------------------------------------

_ROWS = [
    listed("gpt-4o", input_=1),
    listed("gpt-4o*", input_=2),
    listed("gpt-4o-####-##-##", input_=3, at=10.0),
    listed("gpt-*", input_=4, at=5.0),
    listed("claude", input_=5),
    price("gpt-4o-mini", input_=6),
    price("gpt-5*", input_=7, at=20.0),
    price("*", input_=8, backend=HERE, at=30.0),
    price("gpt-4o*", input_=9, backend=ELSEWHERE),
    listed("vendor/llama", input_=10, provider="groq"),
]
_MODELS = [
    "gpt-4o",
    "gpt-4o-2026-01-31",
    "gpt-4o-mini",
    "gpt-4o-large",
    "GPT-5",
    "gpt-5-mini",
    "gpt-",
    "claude",
    "claude-2",
    "vendor/llama",
]


@pytest.mark.parametrize("wildcard", ["*", "gpt-*", "gpt-4o*"])
@pytest.mark.parametrize("provider", ["openai", "groq"])
def test_find_all_gives_each_model_that_a_star_stands_for_the_prices_that_find_does(wildcard, provider):
    found = PriceBook(_ROWS).find_all(provider, "", HERE, wildcard)

    for model in _MODELS:
        if model.lower().startswith(wildcard[:-1]) and len(model) >= len(wildcard):  # the star stands for something
            by_list = next((prices for pattern, prices in found if matches(pattern, fold_model(model))), ())
            assert by_list == PriceBook(_ROWS).find(provider, "", HERE, model), model


def test_find_all_leaves_out_what_the_name_cannot_stand_for():
    patterns = [pattern for pattern, _ in PriceBook(_ROWS).find_all("openai", "", HERE, "gpt-4o*mini")]

    assert patterns == ["gpt-4o-mini", "gpt-4o-####-##-##", "gpt-4o*", "gpt-*", "*"]


def test_find_all_of_an_ollama_knows_every_model():
    assert PriceBook([]).find_all("ollama", "", HERE, "*") == (("*", (FREE,)),)
