"""The console's pages over workspaces, limits and API keys."""

from apikeys.admin.keys import ApiKeyAdmin
from apikeys.admin.limits import LimitAdmin
from apikeys.admin.workspaces import WorkspaceAdmin

__all__ = ["ApiKeyAdmin", "LimitAdmin", "WorkspaceAdmin"]
