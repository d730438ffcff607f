"""Whose rows a request is about: a key acts in its own workspace, a person names one."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.apps import apps
from rest_framework.exceptions import ValidationError

from common.rest.callers import KeyCaller

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def workspace_of(caller: KeyCaller | User, slug: str | None) -> uuid.UUID:
    """
    Return the workspace that a caller acts in.

    Errors: ValidationError for a person who names none, and for a name that is none for the caller. Cost: one query, none without a name.
    """
    if slug is None:
        if isinstance(caller, KeyCaller):
            return caller.workspace_id
        raise ValidationError({"workspace": ["Name the workspace by its slug."]})
    workspaces = apps.get_model("apikeys", "Workspace")._default_manager  # noqa: SLF001  # Django's public name
    found: uuid.UUID | None = workspaces.filter(slug=slug).values_list("pk", flat=True).first()
    if found is None or (isinstance(caller, KeyCaller) and found != caller.workspace_id):
        raise ValidationError({"workspace": [f"There is no workspace {slug!r}."]})
    return found
