"""Combinations of settings that cannot work, each with a number and a way out (`manage.py check --deploy`)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register

from common.aead import KeyRing

ROLES = ("all", "proxy", "console")


@register(Tags.security)
def check_encryption_keys(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    try:
        KeyRing.parse(settings.GATEWAY_ENCRYPTION_KEYS)
    except ValueError as error:
        return [Error(f"GATEWAY_ENCRYPTION_KEYS: {error}", hint="Write id:base64 of 32 random bytes.", id="gateway.E001")]
    return []


@register(Tags.compatibility)
def check_role(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if settings.GATEWAY_ROLE in ROLES:
        return []
    return [Error(f"GATEWAY_ROLE is {settings.GATEWAY_ROLE!r}.", hint=f"Choose one of {', '.join(ROLES)}.", id="gateway.E002")]


@register(Tags.security, deploy=True)
def check_secrets_are_kept(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if not settings.GATEWAY_SECRETS_ARE_EPHEMERAL:
        return []
    return [
        Error(
            "SECRET_KEY, GATEWAY_KEY_PEPPER and GATEWAY_ENCRYPTION_KEYS are random for this process.",
            hint="Set all three, or name the data folder of an installation with GATEWAY_DATA_DIR.",
            id="gateway.E003",
        )
    ]


@register(Tags.security, deploy=True)
def check_hosts_are_named(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if "*" not in settings.ALLOWED_HOSTS:
        return []
    return [checks.Warning("The console answers to every host name.", hint="Set ALLOWED_HOSTS.", id="gateway.W001")]
