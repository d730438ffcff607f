"""Checks on single values, shared by models, forms and the apply format."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.core.exceptions import ValidationError


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
