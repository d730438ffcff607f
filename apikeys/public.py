"""What other console code may import of this app."""

from apikeys.choices import CalendarWindow, LimitMode, LimitScope, LimitUnit, Permission
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
from apikeys.models import ApiKey, ApiKeySecret, KeyChange, KeyChangeCounter, Limit, Workspace, default_permissions
from apikeys.principals import find_principal, find_principal_of_key
from apikeys.signals import key_changed

__all__ = [
    "ApiKey",
    "ApiKeyError",
    "ApiKeySecret",
    "CalendarWindow",
    "CreatedKey",
    "KeyChange",
    "KeyChangeCounter",
    "Limit",
    "LimitMode",
    "LimitScope",
    "LimitUnit",
    "Permission",
    "Workspace",
    "add_key",
    "create_key",
    "create_workspace",
    "default_permissions",
    "delete_limit",
    "delete_workspace",
    "find_principal",
    "find_principal_of_key",
    "key_changed",
    "revoke_key",
    "rotate_key",
    "save_key",
    "save_limit",
    "save_workspace",
]
