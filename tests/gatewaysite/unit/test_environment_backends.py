from __future__ import annotations

import pytest

from common.secret import Secret
from gatewaysite.environment_backends import parse_ollama_host, read_environment


def test_read_environment_without_variables_offers_nothing():
    found = read_environment({"OPENAI_API_KEY": "  ", "PATH": "/bin"})

    assert (found.offers, found.notes) == ((), ())


@pytest.mark.parametrize(
    ("variable", "name", "base_url", "price_provider", "model"),
    [
        ("OPENAI_API_KEY", "openai", "https://api.openai.com/v1", "", "gpt-4o-mini"),
        ("ANTHROPIC_API_KEY", "anthropic", "https://api.anthropic.com/v1", "", "claude-sonnet-5-5"),
        ("GEMINI_API_KEY", "gemini", "https://generativelanguage.googleapis.com/v1beta", "google", "gemini-2.5-flash"),
    ],
)
def test_read_environment_key_is_a_backend_with_listed_models(variable, name, base_url, price_provider, model):
    (offer,) = read_environment({variable: "sk-1\n"}).offers

    assert (offer.backend.name, offer.backend.base_url, offer.backend.price_provider) == (name, base_url, price_provider)
    assert (offer.backend.provider.value, offer.wildcard) == (name, f"{name}/*")
    assert offer.credential == Secret("sk-1")
    assert model in offer.models
    assert "sk-1" not in repr(offer)
    assert "sk-1" not in offer.note


def test_read_environment_models_are_only_those_with_a_list_price(monkeypatch):
    monkeypatch.setattr(
        "gatewaysite.environment_backends.read_list_prices", lambda: [("openai", "gpt-4o*", 0, 1, None, 1), ("groq", "o3", 0, 1, None, 1)]
    )

    (offer,) = read_environment({"OPENAI_API_KEY": "sk-1"}).offers

    assert offer.models == ("gpt-4o", "gpt-4o-mini")


def test_read_environment_ollama_is_its_root_and_says_how_to_reach_its_models():
    (offer,) = read_environment({"OLLAMA_HOST": "127.0.0.1"}).offers

    assert (offer.backend.provider.value, offer.backend.base_url) == ("ollama", "http://127.0.0.1:11434")
    assert (offer.credential, offer.models, offer.wildcard) == (None, (), "ollama/*")
    assert "ollama/MODEL" in offer.note


@pytest.mark.parametrize("host", ["ftp://x", "http://", "x:notaport", "http://[::1"])
def test_read_environment_unreadable_ollama_is_a_note(host):
    found = read_environment({"OLLAMA_HOST": host})

    assert found.offers == ()
    assert found.notes[0].startswith("OLLAMA_HOST is no address")


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("localhost", "http://localhost:11434"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("0.0.0.0", "http://127.0.0.1:11434"),  # noqa: S104  # parsed, not bound
        ("0.0.0.0:9", "http://127.0.0.1:9"),
        ("[::]:9", "http://[::1]:9"),
        ("http://gpu.local", "http://gpu.local"),
        ("http://gpu.local:11434/", "http://gpu.local:11434"),
        ("https://gpu.local/ollama/", "https://gpu.local/ollama"),
    ],
)
def test_parse_ollama_host_takes_what_its_own_tools_take(host, url):
    assert parse_ollama_host(host) == url
