"""Where each provider looks for the key of a call. A key in another provider's place is no key, so that a translator's mistake shows."""

from __future__ import annotations

from collections.abc import Callable

from proxy.simulator.exchange import Request

FindKey = Callable[[Request], str | None]


def find_bearer_key(request: Request) -> str | None:
    """Return OpenAI's and Ollama's: `Authorization: Bearer`."""
    scheme, _, token = request.headers.get(b"authorization", b"").partition(b" ")
    return token.strip().decode("latin-1") if scheme.lower() == b"bearer" else None


def find_anthropic_key(request: Request) -> str | None:
    """Return Anthropic's: `x-api-key`, or a token of OAuth."""
    return _header(request, b"x-api-key") or find_bearer_key(request)


def find_azure_key(request: Request) -> str | None:
    """Return Azure's: `api-key`, or a token of Entra."""
    return _header(request, b"api-key") or find_bearer_key(request)


def find_gemini_key(request: Request) -> str | None:
    """Return Gemini's: `x-goog-api-key`, or `key` in the query."""
    return _header(request, b"x-goog-api-key") or request.query.get("key")


def find_any_key(request: Request) -> str | None:
    """Return the key of a plain service, which takes it from anywhere."""
    return find_azure_key(request) or find_anthropic_key(request) or find_gemini_key(request)


def _header(request: Request, name: bytes) -> str | None:
    value = request.headers.get(name)
    return None if value is None else value.decode("latin-1")
