"""
Backends in the console.

Rules: a credential goes in and never comes out; the page only says whether one is stored and under which encryption key.
"""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldBooleanSwitchWidget

from common.admin import ConfigurationAdmin, display
from common.aead import KeyRing
from common.forms import ConsoleForm
from common.secret import Secret
from proxy import domain
from proxy.models import Backend

_ADDRESSES: Final = (
    "Addresses: OpenAI https://api.openai.com/v1 · Anthropic https://api.anthropic.com/v1 · "
    "Gemini https://generativelanguage.googleapis.com/v1beta · Ollama the server's root, http://127.0.0.1:11434 · "
    "Azure https://NAME.openai.azure.com/openai/v1, or https://NAME.openai.azure.com with an API version · "
    "OpenAI compatible, such as Groq or vLLM: up to where /chat/completions begins."
)


class BackendForm(ConsoleForm):
    credential = forms.CharField(
        required=False,
        strip=True,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text="The provider's API key, never shown again. Leave empty to keep the stored one; an address elsewhere needs it anew.",
    )
    is_credential_cleared = forms.BooleanField(label="Remove the stored credential", required=False, widget=UnfoldBooleanSwitchWidget)

    class Meta:
        model = Backend
        fields = (
            "name",
            "provider",
            "base_url",
            "api_version",
            "is_active",
            "price_provider",
            "connect_timeout_s",
            "first_token_timeout_s",
            "idle_timeout_s",
            "total_timeout_s",
            "min_stream_bytes_per_s",
            "on_disconnect",
        )
        labels = {
            "base_url": "Base URL",
            "api_version": "API version",
            "min_stream_bytes_per_s": "Slowest start of a stream, bytes per second",
            "is_active": "Active",
            "connect_timeout_s": "Connect",
            "first_token_timeout_s": "First token",
            "idle_timeout_s": "Idle between events",
            "total_timeout_s": "Total",
            "on_disconnect": "When the client leaves",
        }

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if self.cleaned_data.get("credential") and self.cleaned_data.get("is_credential_cleared"):
            self.add_error("is_credential_cleared", "Either write a new credential or remove the stored one.")
        return cleaned

    def full_clean(self) -> None:
        """Show at the field what the domain would refuse, an address of another server without its credential among it."""
        super().full_clean()
        if self.errors or not self.is_bound:
            return
        try:
            domain.check_backend(self.instance, credential=self.chosen_credential())
        except ValidationError as error:
            self.add_error(None, error)

    def chosen_credential(self) -> Secret | domain.Keep | None:
        if self.cleaned_data["is_credential_cleared"]:
            return None
        written = self.cleaned_data["credential"]
        return Secret(written) if written else domain.KEEP


@admin.register(Backend)
class BackendAdmin(ConfigurationAdmin):
    form = BackendForm
    list_display = ("name", "provider", "base_url", "has_credential", "targets_count", "is_active")
    list_filter = ("provider", "is_active")
    search_fields = ("name", "base_url")
    readonly_fields = ("credential_state",)
    fieldsets = (
        (None, {"fields": ("name", "provider", "base_url", "api_version", "is_active"), "description": _ADDRESSES}),
        ("Credential", {"fields": ("credential_state", "credential", "is_credential_cleared")}),
        (
            "Timers, in seconds",
            {
                "fields": (
                    ("connect_timeout_s", "first_token_timeout_s"),
                    ("idle_timeout_s", "total_timeout_s"),
                    "min_stream_bytes_per_s",
                )
            },
        ),
        ("Billing", {"fields": ("price_provider", "on_disconnect")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        backends: QuerySet[Any] = super().get_queryset(request).annotate(targets_count=Count("targets"))
        return backends

    @display(description="Credential", boolean=True)
    def has_credential(self, backend: Backend) -> bool:
        return backend.credential_sealed is not None

    @display(description="Targets", ordering="targets_count")
    def targets_count(self, backend: Any) -> int:
        return int(backend.targets_count)

    @display(description="Stored credential")
    def credential_state(self, backend: Backend) -> str:
        if not backend.credential_sealed:
            return "None"
        return f"Set, encrypted with key {KeyRing.key_id(bytes(backend.credential_sealed))}"

    def save_model(self, request: HttpRequest, obj: Backend, form: Any, change: bool) -> None:
        domain.save_backend(obj, credential=form.chosen_credential())

    def delete_model(self, request: HttpRequest, obj: Backend) -> None:
        domain.delete_backend(obj)
