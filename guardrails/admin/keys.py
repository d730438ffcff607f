"""Which API key names which policy, in the console."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from common.admin import ConfigurationAdmin, display
from guardrails import domain
from guardrails.models import KeyPolicy


@admin.register(KeyPolicy)
class KeyPolicyAdmin(ConfigurationAdmin):
    list_display = ("key_name", "workspace", "policy")
    list_select_related = ("api_key__workspace", "policy")
    search_fields = ("api_key__name", "policy__name")
    autocomplete_fields = ("api_key", "policy")
    fields = ("api_key", "policy")

    @display(description="API key", ordering="api_key__name")
    def key_name(self, row: KeyPolicy) -> str:
        return row.api_key.name

    @display(description="Workspace")
    def workspace(self, row: KeyPolicy) -> str:
        return str(row.api_key.workspace)

    def get_readonly_fields(self, request: HttpRequest, obj: KeyPolicy | None = None) -> tuple[str, ...]:
        return ("api_key",) if obj else ()

    def save_model(self, request: HttpRequest, obj: KeyPolicy, form: Any, change: bool) -> None:
        stored = domain.attach_policy(obj.api_key, obj.policy)
        if stored is not None:
            obj.pk = stored.pk

    def delete_model(self, request: HttpRequest, obj: KeyPolicy) -> None:
        domain.attach_policy(obj.api_key, None)
