"""Combinations of settings that cannot work, each with a number and a way out (`manage.py check --deploy`)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

from common.aead import KeyRing
from common.databases import PRIMARY, has_shards, is_read_only
from gatewaysite.env import read

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


@register(Tags.compatibility)
def check_replicas_can_answer(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if not has_shards() or not any(is_read_only(alias) for alias in settings.DATABASES):
        return []
    return [
        checks.Warning(
            "DATABASE_REPLICA_URLS are not used: with DATABASE_SHARD_URLS what they could answer is not in them.",
            hint="Unset one of both.",
            id="gateway.W002",
        )
    ]


@register(Tags.database)
def check_role_bounds_statements(app_configs: Any, databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Behind a pooler the gateway cannot say how long a statement may run. Cost: one query a database."""
    if not read("DATABASE_BEHIND_POOLER"):
        return []
    return [
        checks.Warning(
            f"Statements in {alias} may run for ever: behind a pooler the role must bound them.",
            hint="ALTER ROLE ... SET statement_timeout = '10s', as in deploy/postgresql/roles.sql.",
            id="gateway.W003",
        )
        for alias in databases or (PRIMARY,)
        if _statement_timeout(alias) == "0"
    ]


def _statement_timeout(alias: str) -> str:
    with connections[alias].cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        return str(cursor.fetchone()[0])
