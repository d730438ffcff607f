"""Checks on single values, shared by models, forms and the apply format."""

from __future__ import annotations

import ipaddress

from django.core.exceptions import ValidationError


def check_network(value: str) -> None:
    """Errors: ValidationError unless `value` is an address or a network in CIDR notation."""
    try:
        ipaddress.ip_network(value)
    except ValueError as error:
        raise ValidationError(f"{value!r} is no network: {error}") from error
