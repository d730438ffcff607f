"""
Who calls the REST API, by API key or by a session of the console.

Rules: behind the door (`proxy/rest_door/`) a key was checked already, as the data plane does, and the scope says whose it is. Where no
door stands in front it is checked here, against its rows. A key that was sent decides: a wrong one is a 401, whoever else is signed in.
"""

from __future__ import annotations

import ipaddress
import time
import uuid
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from apikeys.hotpath import Principal, digest_key, is_well_formed
from apikeys.public import find_principal
from common.rest.callers import KeyCaller
from common.rest.scope import PRINCIPAL
from gatewaysite.env import read
from proxy.edge import Edge
from proxy.errors import InvalidApiKey, IpNotAllowed
from proxy.request_head import presented_key


class KeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer` or `x-api-key`. Errors: InvalidApiKey, IpNotAllowed. Cost: none behind the door, else one query."""

    def authenticate(self, request: Request) -> tuple[KeyCaller, Principal] | None:
        known: Principal | None = getattr(request._request, "scope", {}).get(PRINCIPAL)  # noqa: SLF001  # DRF's own name for Django's request
        if known is not None:
            return _as_caller(known), known
        meta = request.META
        names = {b"authorization": "HTTP_AUTHORIZATION", b"x-api-key": "HTTP_X_API_KEY"}
        key = presented_key({name: meta.get(variable, "").encode("latin-1", "replace") for name, variable in names.items()})
        if not key:
            return None
        principal = _find(key)
        if not principal.may_come_from(client_ip(request)):
            raise IpNotAllowed
        return _as_caller(principal), principal

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="gateway"'


@lru_cache(maxsize=1024)
def _as_caller(principal: Principal) -> KeyCaller:
    return KeyCaller(uuid.UUID(principal.key_id), uuid.UUID(principal.workspace_id), frozenset(principal.permissions), principal.expires_at)


def _find(key: bytes) -> Principal:
    principal = find_principal(digest_key(settings.GATEWAY_KEY_PEPPER.encode(), key)) if is_well_formed(key) else None
    if principal is None or (principal.expires_at is not None and principal.expires_at <= time.time()):
        raise InvalidApiKey
    return principal


def client_ip(request: HttpRequest | Request) -> str:
    """Return the caller's address as the data plane sees it, through the proxies that are trusted."""
    address = request.META.get("REMOTE_ADDR") or ""
    forwarded_for = request.META.get("HTTP_X_FORWARDED_FOR", "").encode("latin-1", "replace")
    headers = {b"x-forwarded-for": forwarded_for} if forwarded_for else {}
    return _edge(tuple(read("GATEWAY_TRUSTED_PROXIES"))).client_ip({"client": (address, 0)}, headers)


@lru_cache(maxsize=4)
def _edge(trusted_proxies: tuple[str, ...]) -> Edge:
    return Edge(0, 0, 0, tuple(ipaddress.ip_network(network) for network in trusted_proxies))
