"""Checks on single values, shared by models, forms and the apply format."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError

from proxy.choices import Provider
from proxy.service_headers import FORBIDDEN, FORBIDDEN_PREFIXES

RESERVED_PATHS: Final = (
    *("/v1", "/ws", "/api", "/admin", "/accounts", "/static"),
    *("/livez", "/readyz", "/health", "/metrics"),
)
"""What is ours, with all that lies below."""
SERVICE_PREFIX: Final = "service:"
"""How limits, allow-lists and usage tell a service from a model."""
_SEGMENTS: Final = re.compile(r"(?:/[A-Za-z0-9._~!$&'()+,;=:@-]+)+")
_HEADER: Final = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")
_FORBIDDEN_HEADERS: Final = FORBIDDEN | {"api-key", "x-goog-api-key"}
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_GOOGLE: Final = "generativelanguage.googleapis.com"
_BELOW_V1: Final = {Provider.OPENAI: "api.openai.com", Provider.ANTHROPIC: "api.anthropic.com"}


def check_base_url(value: str) -> None:
    """Errors: ValidationError unless `value` is an http(s) URL with a host and without user, query or fragment."""
    try:
        parts = urlsplit(value)
        port_is_readable = parts.port is None or parts.port > 0
    except ValueError as error:
        raise ValidationError(f"{value!r} is no URL: {error}") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_readable:
        raise ValidationError("Write a full address, such as https://api.openai.com/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValidationError("An address holds no user, password, query or fragment; the credential has its own field.")


def origin_of(base_url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port of an address: who receives what is sent there, and whether others can read it on the way."""
    parts = urlsplit(base_url)
    return parts.scheme, parts.hostname or "", parts.port or _DEFAULT_PORTS.get(parts.scheme)


def check_provider_address(provider: str, base_url: str, api_version: str) -> None:
    """Errors: ValidationError, at the field, for an address that the provider's API is surely not at."""
    host, path = origin_of(base_url)[1], urlsplit(base_url).path.rstrip("/")
    match provider:
        case Provider.AZURE:
            _check_azure(path, api_version)
        case Provider.GEMINI if path.endswith("/openai"):
            raise ValidationError(
                {"base_url": "That is Gemini's OpenAI dialect: end the address with /v1beta, or choose OpenAI compatible."}
            )
        case Provider.GEMINI if host == _GOOGLE and path not in {"/v1beta", "/v1", "/v1alpha"}:
            raise ValidationError({"base_url": f"Gemini's address ends with /v1beta: https://{_GOOGLE}/v1beta"})
        case Provider.OLLAMA if path.endswith(("/v1", "/api")):
            raise ValidationError({"base_url": "For Ollama's own API write the server's root, such as http://127.0.0.1:11434"})
        case Provider.OPENAI | Provider.ANTHROPIC if host == _BELOW_V1[Provider(provider)] and path != "/v1":
            raise ValidationError({"base_url": f"This provider's address ends with /v1: https://{host}/v1"})


def _check_azure(path: str, api_version: str) -> None:
    if "/deployments" in path:
        raise ValidationError({"base_url": "Write the resource's root; the deployment is the upstream model of a route's target."})
    if not path.endswith("/v1") and not api_version:
        raise ValidationError({"api_version": "Azure wants one, such as 2024-10-21, unless the address ends with /openai/v1."})


def check_route_names(model: str, aliases: Sequence[str]) -> None:
    """Errors: ValidationError, at the field, for a name that no request could carry. Whether others have it, `domain` knows."""
    if "*" in model[:-1]:
        raise ValidationError({"model": "`*` stands for any ending, so it is at the end of a name only."})
    if model != model.strip() or model.startswith(SERVICE_PREFIX):
        raise ValidationError({"model": f"A model's name has no space at its ends and does not begin with `{SERVICE_PREFIX}`."})
    for alias in aliases:
        if not alias or "*" in alias or alias != alias.strip() or alias.startswith(SERVICE_PREFIX):
            raise ValidationError(
                {"aliases": f"{alias!r} cannot be an alias: one is a whole name without `*`, and does not begin with `{SERVICE_PREFIX}`."}
            )
    if model in aliases:
        raise ValidationError({"aliases": f"{model} is the route's own name already."})


def check_upstream_model(model: str, upstream_model: str) -> None:
    """Errors: ValidationError for a `*` that would stand for nothing, or for the same twice."""
    if "*" in upstream_model and not model.endswith("*"):
        raise ValidationError(f"The upstream model {upstream_model} has a `*`, which only a route whose model ends in `*` can fill in.")
    if upstream_model.count("*") > 1:
        raise ValidationError(f"The upstream model {upstream_model} has more than one `*`.")


def check_service_path(path: str) -> None:
    """Errors: ValidationError unless a service may answer at `path` and below."""
    if path == "/":
        raise ValidationError("A service at / would lie above the gateway's own paths. Give it a path of its own, such as /infer.")
    if not path.startswith("/") or path.endswith("/"):
        raise ValidationError("A path begins with a slash and does not end with one, such as /infer.")
    if not _SEGMENTS.fullmatch(path) or {".", ".."} & set(path.split("/")):
        raise ValidationError(
            "A path is segments between single slashes, as in /team/infer: letters, digits and . _ ~ ! $ & ' ( ) + , ; = : @ -; nothing "
            "percent-encoded, no query, no `.` or `..`."
        )
    reserved = f"/{path.split('/')[1]}"
    if reserved in RESERVED_PATHS:
        raise ValidationError(f"{reserved} and all below it is the gateway's own. Taken are {', '.join(RESERVED_PATHS)}.")


def check_header_names(names: Sequence[str]) -> None:
    """Errors: ValidationError unless each is the name, in small letters, of a header that may cross between a client and a service."""
    for name in names:
        if not _HEADER.fullmatch(name):
            raise ValidationError(f"{name!r} is no header's name.")
        if name in _FORBIDDEN_HEADERS or name.startswith(FORBIDDEN_PREFIXES):
            raise ValidationError(f"{name} never crosses: it holds a credential, concerns one connection only, or is set by the gateway.")
