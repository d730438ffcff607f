from __future__ import annotations

import dataclasses
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
    return PriceBook(PriceRow(provider, model, None, "snapshot", float(at), *rates) for provider, model, at, *rates in read_list_prices())


def price_now(book, provider, model):
    begun = [price for price in book.find(provider, "", uuid.UUID(int=0), model) if price.effective_at <= NOW.timestamp()]
    return dataclasses.astuple(begun[-1])[1:] if begun else None


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


def usd(input_, cached, output, *, write_5m=None, write_1h=None, reasoning=None, audio_input=None, audio_output=None):
    """A price of all classes in dollars per million tokens; what is left out follows the rules of `PriceRow.applied`."""
    write_5m = input_ if write_5m is None else write_5m
    others = (write_1h or write_5m, reasoning or output, audio_input or input_, audio_output or output)
    return tuple(round(dollars * 10**9) for dollars in (input_, cached, output, write_5m, *others))


@pytest.mark.parametrize(
    ("provider", "model", "price"),
    [
        ("openai", "gpt-4o-mini", usd(0.15, 0.075, 0.6)),
        ("openai", "gpt-4o-2024-05-13", usd(5, 5, 15)),
        ("openai", "gpt-realtime", usd(4, 0.4, 16, audio_input=32, audio_output=64)),
        ("openai", "gpt-4o-transcribe", usd(2.5, 2.5, 10, audio_input=6)),
        ("anthropic", "claude-sonnet-4-5-20250929", usd(3, 0.3, 15, write_5m=3.75, write_1h=6)),
        ("anthropic", "claude-opus-5-5-20260901", usd(4, 0.2, 20, write_5m=5, write_1h=8)),
        ("google", "gemini-2.5-flash", usd(0.3, 0.03, 2.5, audio_input=1)),
        ("google", "claude-3-opus", usd(15, 1.5, 75, write_5m=18.75, write_1h=30)),  # an hour: twice the input, which the list leaves out
        ("minimax", "minimax-m2", usd(0.3, 0.03, 1.2, write_5m=0.375)),  # of others it says nothing, and neither do we
        ("perplexity", "sonar-deep-research", usd(2, 2, 8, reasoning=3)),
        ("azure", "gpt-4o-mini", usd(0.15, 0.075, 0.6)),
        ("openai", "o3", usd(2, 0.5, 8)),
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
    input_, cached, output, write_5m, write_1h, *others = (
        _in_dollars(getattr(price, f"{name}_mtok"))
        for name in (
            "input",
            "cache_read",
            "output",
            "cache_write",
            "cache_write_1h",
            "output_reasoning",
            "input_audio",
            "output_audio",
        )
    )
    if write_5m is not None and write_1h is None and "claude" in model.id:
        write_1h = 2 * input_
    reasoning, audio_input, audio_output = others
    return usd(
        input_,
        input_ if cached is None else cached,
        output or 0,
        write_5m=write_5m,
        write_1h=write_1h,
        reasoning=reasoning,
        audio_input=audio_input,
        audio_output=audio_output,
    )


def _in_dollars(value):
    return value.base if isinstance(value, TieredPrices) else value
