"""
Who calls the REST API: a program with an API key, or a person signed in to the console.

Rules: a key acts in its workspace only and by its own permissions; a person by Django's, in every workspace.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from django.contrib.auth import get_user_model
from rest_framework.exceptions import NotAuthenticated, PermissionDenied
from rest_framework.request import Request

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@dataclass(frozen=True, slots=True)
class KeyCaller:
    """A program that sent an API key. `expires_at` is unix time in seconds, of the secret or the key, whichever ends first."""

    key_id: uuid.UUID
    workspace_id: uuid.UUID
    permissions: frozenset[str]
    expires_at: float | None
    is_authenticated: ClassVar[bool] = True


class BeyondRights(PermissionDenied):
    """Refused because the caller may not give what it asks for; `param` names the field."""

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


def admit(request: Request, *, permission: str, console: str) -> KeyCaller | User:
    """
    Return the caller, who may do this: a key with `permission`, or staff with Django's permission `console`.

    Errors: NotAuthenticated, PermissionDenied.
    """
    caller: object = request.user
    if isinstance(caller, KeyCaller):
        if permission not in caller.permissions:
            raise PermissionDenied(f"This API key lacks the permission {permission!r}.")
        return caller
    if isinstance(caller, get_user_model()) and caller.is_authenticated:
        if not (caller.is_active and caller.is_staff and caller.has_perm(console)):
            raise PermissionDenied(f"Your account lacks the permission {console!r}.")
        return caller
    raise NotAuthenticated
