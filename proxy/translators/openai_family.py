"""Where and how backends that speak OpenAI's dialects are called: openai, azure, openai_compatible and the simulator."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from proxy.snapshot import Backend
from proxy.translators.translation import Headers

PROVIDERS: Final = frozenset({"openai", "azure", "openai_compatible", "simulator"})


def upstream_path(backend: Backend, path: str, upstream_model: str) -> str:
    """
    Return the path of a call below the backend's endpoint; `path` is OpenAI's own, such as `/chat/completions`.

    Azure has two APIs: below `/openai/v1` it is OpenAI's, else each deployment has a path of its own and a version in the query.
    """
    if backend.provider != "azure" or backend.endpoint.path.endswith("/v1"):
        return path
    prefix = "" if backend.endpoint.path.endswith("/openai") else "/openai"
    version = f"?api-version={quote(backend.api_version, safe='')}" if backend.api_version else ""
    return f"{prefix}/deployments/{quote(upstream_model, safe='')}{path}{version}"


def credential_headers(backend: Backend) -> Headers:
    """Return the header that carries the backend's credential, none for one without."""
    if backend.credential is None:
        return []
    credential = backend.credential.reveal().encode()
    if backend.provider == "azure":
        return [(b"api-key", credential)]
    return [(b"authorization", b"Bearer " + credential)]
