"""
What the environment offers as backends: keys of known providers, and an Ollama.

Rules: reads no rows and no network. Models are offered by name only where the shipped price list knows them, so that their cost is known;
every other model of a backend is reached as `<backend>/<model>`, which its wildcard route takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from common.secret import Secret
from proxy.choices import Provider
from proxy.configuration.format import BackendEntry
from proxy.prices.load import read_list_prices
from proxy.prices.patterns import fold_model, matches

_OLLAMA_PORT: Final = 11434


@dataclass(frozen=True, slots=True)
class Offer:
    """A backend, the models to make routes for, and what to tell the operator once it is made."""

    backend: BackendEntry
    credential: Secret | None
    models: tuple[str, ...]
    note: str

    @property
    def wildcard(self) -> str:
        """The name of the route that takes whatever the backend has: `openai/*`."""
        return f"{self.backend.name}/*"


@dataclass(frozen=True, slots=True)
class Environment:
    """`notes` say what could not be used."""

    offers: tuple[Offer, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _KnownProvider:
    variable: str
    backend: BackendEntry
    price_list: str
    models: tuple[str, ...]


_KNOWN: Final = (
    _KnownProvider(
        "OPENAI_API_KEY",
        BackendEntry(name="openai", provider=Provider.OPENAI, base_url="https://api.openai.com/v1"),
        "openai",
        (
            "gpt-4o",
            "gpt-4o-mini",
            "gpt-4.1",
            "gpt-4.1-mini",
            "gpt-4.1-nano",
            "gpt-5",
            "gpt-5-mini",
            "gpt-5-nano",
            "gpt-5.5",
            "gpt-6-luna",
            "gpt-6-sol",
            "gpt-6.1-sol",
            "gpt-6.1-terra",
            "o3",
            "o4-mini",
        ),
    ),
    _KnownProvider(
        "ANTHROPIC_API_KEY",
        BackendEntry(name="anthropic", provider=Provider.ANTHROPIC, base_url="https://api.anthropic.com/v1"),
        "anthropic",
        (
            "claude-haiku-4-5",
            "claude-haiku-5-5",
            "claude-opus-4-5",
            "claude-opus-5",
            "claude-opus-5-5",
            "claude-sonnet-4-5",
            "claude-sonnet-5",
            "claude-sonnet-5-5",
        ),
    ),
    _KnownProvider(
        "GEMINI_API_KEY",
        BackendEntry(
            name="gemini",
            provider=Provider.GEMINI,
            base_url="https://generativelanguage.googleapis.com/v1beta",
            price_provider="google",
        ),
        "google",
        (
            "gemini-2.5-flash",
            "gemini-2.5-flash-lite",
            "gemini-2.5-pro",
            "gemini-3.5-flash",
            "gemini-3.8-flash",
            "gemini-4-argon",
        ),
    ),
)


def read_environment(environ: Mapping[str, str]) -> Environment:
    """Return what `environ` offers. Cost: nothing without one of its variables, else reads the price list."""
    offers = [_offer(known, key) for known in _KNOWN if (key := environ.get(known.variable, "").strip())]
    notes = []
    if host := environ.get("OLLAMA_HOST", "").strip():
        try:
            offers.append(_offer_ollama(host))
        except ValueError as error:
            notes.append(f"OLLAMA_HOST is no address ({error}); no backend was made for it.")
    return Environment(tuple(offers), tuple(notes))


def parse_ollama_host(host: str) -> str:
    """
    Return the root of an Ollama from what its own tools accept: `host`, `host:port` or a URL; where it listens everywhere, loopback.

    Errors: ValueError.
    """
    is_url = "://" in host
    parts = urlsplit(host if is_url else f"http://{host}")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{host!r} is neither a host nor an http address")
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(parts.hostname, parts.hostname)  # noqa: S104  # compared, not bound
    port = parts.port or (None if is_url else _OLLAMA_PORT)
    place = f"[{name}]" if ":" in name else name
    return f"{parts.scheme}://{place}{f':{port}' if port else ''}{parts.path.rstrip('/')}"


def _offer(known: _KnownProvider, key: str) -> Offer:
    patterns = [fold_model(model) for provider, model, *_ in read_list_prices() if provider == known.price_list]
    models = tuple(model for model in known.models if any(matches(pattern, fold_model(model)) for pattern in patterns))
    name = known.backend.name
    note = f"{known.variable} is backend `{name}` now, with routes for {', '.join(models)}. Any other model of it is `{name}/MODEL`."
    return Offer(known.backend, Secret(key), models, note)


def _offer_ollama(host: str) -> Offer:
    base_url = parse_ollama_host(host)
    backend = BackendEntry(name="ollama", provider=Provider.OLLAMA, base_url=base_url)
    note = f"Ollama at {base_url} is backend `ollama` now. A model that it has is `ollama/MODEL`, such as ollama/llama3.2."
    return Offer(backend, None, (), note)
