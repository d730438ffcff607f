"""
Who is signed in to the console may use a WebSocket without a key in hand: in the name of a key that they may manage.

Rules: a browser sends its cookie to us from any page, so the page's origin must be the console's own address; a socket without an origin
is no browser's. The session, the permission and the key are looked at again for each request.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest
from django.http.request import split_domain_port, validate_host

from apikeys.hotpath import Principal
from apikeys.public import find_principal_of_key
from proxy.asgi_types import Scope

_Read = TypeVar("_Read")
KeyFinder = Callable[[str], Awaitable[Principal | None]]


class Run(Protocol):
    """Runs a blocking read of the console's tables in the store's threads."""

    def __call__(self, read: Callable[[], _Read], /) -> Awaitable[_Read]: ...


_PERMISSION: Final = "apikeys.change_apikey"


def find_keys_of_session(scope: Scope, run: Run) -> KeyFinder | None:
    """
    Return what finds the principal of a key for the console's user behind this socket, None for a socket that carries no session or
    comes from another site. `run` runs a blocking read in the store's threads. Cost: nothing is read before a key is asked for.
    """
    headers = dict(scope["headers"])
    session_key = _session_key(headers.get(b"cookie", b""))
    if not session_key or not _is_same_origin(headers):
        return None

    async def find(key_id: str) -> Principal | None:
        return await run(lambda: _find(session_key, key_id))

    return find


def _session_key(cookie: bytes) -> str:
    try:
        found = SimpleCookie(cookie.decode("latin-1")).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return ""
    return found.value if found else ""


def _is_same_origin(headers: Mapping[bytes, bytes]) -> bool:
    origin, host = headers.get(b"origin", b"").decode("latin-1"), headers.get(b"host", b"").decode("latin-1")
    domain, _ = split_domain_port(host)
    return bool(domain) and urlsplit(origin).netloc == host and validate_host(domain, settings.ALLOWED_HOSTS)


def _find(session_key: str, key_id: str) -> Principal | None:
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user: Any = get_user(request)
    if not (user.is_active and user.is_staff and user.has_perm(_PERMISSION)):
        return None
    try:
        return find_principal_of_key(uuid.UUID(key_id))
    except ValueError:
        return None
