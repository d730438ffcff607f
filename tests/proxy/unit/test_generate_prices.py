from __future__ import annotations

import datetime as dt
import json
import uuid

import pytest
from genai_prices.data import providers
from genai_prices.types import TieredPrices, TimeOfDateConstraint

from proxy.prices.generate import PATH, generate
from proxy.prices.load import read_list_prices
from proxy.prices.match import PriceBook, PriceRow
from proxy.prices.patterns import fold_model

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
BY_ID = {provider.id: provider for provider in providers}


@pytest.fixture(scope="module")
def text():
    return generate()


@pytest.fixture(scope="module")
def book():
    return PriceBook(
        PriceRow(provider, model, None, "snapshot", float(at), input_, cached, output)
        for provider, model, at, input_, cached, output in read_list_prices()
    )


def price_now(book, provider, model):
    begun = [price for price in book.find(provider, "", uuid.UUID(int=0), model) if price[0] <= NOW.timestamp()]
    return begun[-1][1:] if begun else None


def test_generate_prices_shipped_file_is_what_would_be_written(text):
    assert PATH.read_text(encoding="utf-8") == text


def test_generate_prices_is_compact_and_names_its_source_and_license(text):
    document = json.loads(text)

    assert len(text.encode()) < 400_000
    assert document["source"]["package"] == "genai-prices"
    assert document["source"]["version"] == "0.2.3"
    assert "The MIT License" in document["source"]["license"]
    assert "Pydantic Services Inc." in document["source"]["license"]


@pytest.mark.parametrize(
    "provider",
    ["openai", "anthropic", "google", "groq", "mistral", "deepseek", "openrouter", "azure", "cohere", "x-ai", "together", "fireworks"],
)
def test_generate_prices_has_the_providers_people_use(text, provider):
    assert len(json.loads(text)["prices"][provider]) >= 10


@pytest.mark.parametrize(
    ("provider", "model", "price"),
    [
        ("openai", "gpt-4o-mini", (150_000_000, 75_000_000, 600_000_000)),
        ("openai", "gpt-4o-2024-05-13", (5_000_000_000, 5_000_000_000, 15_000_000_000)),
        ("anthropic", "claude-sonnet-4-5-20250929", (3_000_000_000, 300_000_000, 15_000_000_000)),
        ("anthropic", "claude-opus-5-5-20260901", (4_000_000_000, 200_000_000, 20_000_000_000)),
        ("azure", "gpt-4o-mini", (150_000_000, 75_000_000, 600_000_000)),
        ("openai", "o3", (2_000_000_000, 500_000_000, 8_000_000_000)),
        ("openai", "no-such-model", None),
        ("openai", "whisper-1", None),
    ],
)
def test_generate_prices_gives_known_prices(book, provider, model, price):
    assert price_now(book, provider, model) == price


@pytest.mark.parametrize("provider", ["openai", "anthropic", "google", "groq", "mistral", "openrouter", "azure", "x-ai", "together"])
def test_generate_prices_agree_with_the_package_on_every_name_it_gives(book, provider):
    differing = [
        (name, found, expected)
        for name in sorted({fold_model(row[1]) for row in read_list_prices() if row[0] == provider})
        if not name.endswith("*") and "#" not in name
        for found, expected in [(price_now(book, provider, name), package_price(provider, name))]
        if expected is not None and found != expected
    ]

    assert differing == []


def package_price(provider, name):
    """The package's own answer in our form; None where it depends on the hour of the day."""
    model = BY_ID[provider].find_model(name, all_providers=providers)
    if isinstance(model.prices, list) and any(isinstance(price.constraint, TimeOfDateConstraint) for price in model.prices):
        return None
    price = model.get_prices(NOW)
    values = [price.input_mtok, price.cache_read_mtok, price.output_mtok]
    input_, cached, output = (
        round((value.base if isinstance(value, TieredPrices) else value) * 10**9) if value is not None else None for value in values
    )
    return input_, input_ if cached is None else cached, output or 0
