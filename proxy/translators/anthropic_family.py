"""How backends that speak Anthropic's dialect are called: anthropic itself, what is compatible with it, and the simulator."""

from __future__ import annotations

from typing import Final

from proxy.snapshot import Backend
from proxy.translators.translation import Headers

MESSAGES_PATH: Final = "/messages"
COUNT_TOKENS_PATH: Final = "/messages/count_tokens"
# The version whose format `providers/anthropic.py` writes; later ones know no sampling parameters. A client that names another gets it.
VERSION: Final = b"2023-06-01"


def call_headers(backend: Backend, *, is_stream: bool, passed_headers: Headers) -> Headers:
    """Return the headers of a call, the credential included. Of `passed_headers` only Anthropic's own go with it."""
    headers = [
        (b"content-type", b"application/json"),
        (b"accept", b"text/event-stream" if is_stream else b"application/json"),
    ]
    passed = [(name, value) for name, value in passed_headers if name.startswith(b"anthropic-")]
    if not any(name == b"anthropic-version" for name, _ in passed):
        headers.append((b"anthropic-version", VERSION))
    headers += passed
    if backend.credential is not None:
        headers.append((b"x-api-key", backend.credential.reveal().encode()))
    return headers


def with_query(path: str, query: str) -> str:
    return f"{path}?{query}" if query else path
