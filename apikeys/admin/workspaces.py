"""Workspaces in the console."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from apikeys import domain
from apikeys.models import Workspace
from common.admin import ConfigurationAdmin


@admin.register(Workspace)
class WorkspaceAdmin(ConfigurationAdmin):
    list_display = ("slug", "name", "is_active", "created_at")
    list_filter = ("is_active",)
    search_fields = ("slug", "name")
    fields = ("slug", "name", "is_active")

    def save_model(self, request: HttpRequest, obj: Workspace, form: Any, change: bool) -> None:
        domain.save_workspace(obj)

    def delete_model(self, request: HttpRequest, obj: Workspace) -> None:
        domain.delete_workspace(obj)
