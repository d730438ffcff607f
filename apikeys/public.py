"""What other console code may import of this app."""

from apikeys.choices import LimitMode, LimitScope, LimitUnit
from apikeys.domain import (
    CreatedKey,
    add_key,
    create_key,
    create_workspace,
    delete_limit,
    delete_workspace,
    revoke_key,
    rotate_key,
    save_key,
    save_limit,
    save_workspace,
)
from apikeys.errors import ApiKeyError
from apikeys.models import ApiKey, ApiKeySecret, KeyChange, KeyChangeCounter, Limit, Workspace
from apikeys.signals import key_changed

__all__ = [
    "ApiKey",
    "ApiKeyError",
    "ApiKeySecret",
    "CreatedKey",
    "KeyChange",
    "KeyChangeCounter",
    "Limit",
    "LimitMode",
    "LimitScope",
    "LimitUnit",
    "Workspace",
    "add_key",
    "create_key",
    "create_workspace",
    "delete_limit",
    "delete_workspace",
    "key_changed",
    "revoke_key",
    "rotate_key",
    "save_key",
    "save_limit",
    "save_workspace",
]
