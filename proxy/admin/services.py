"""Services, plain HTTP upstreams below paths of ours, in the console."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from common.admin import ConfigurationAdmin, display
from common.forms import ConsoleForm, WordsField
from proxy import domain
from proxy.models import Service
from proxy.validators import RESERVED_PATHS


class ServiceForm(ConsoleForm):
    """Shows at the field what the domain would refuse."""

    request_headers = WordsField(help_text="More headers of the client that cross to the upstream, one a line. Never credentials.")
    response_headers = WordsField(help_text="More headers of the upstream that cross to the client, one a line. Never cookies.")

    class Meta:
        model = Service
        fields = (
            *("path", "upstream_url", "is_prefix_stripped", "is_active", "cache_get_ttl_s", "request_headers", "response_headers"),
            *("body_limit_bytes", "connect_timeout_s", "first_byte_timeout_s", "idle_timeout_s", "total_timeout_s"),
        )
        labels = {
            "upstream_url": "Upstream URL",
            "is_prefix_stripped": "Strip the path",
            "is_active": "Active",
            "cache_get_ttl_s": "Cache GET, seconds",
            "body_limit_bytes": "Largest request body, bytes",
            "connect_timeout_s": "Connect",
            "first_byte_timeout_s": "First byte",
            "idle_timeout_s": "Idle between pieces",
            "total_timeout_s": "Total",
        }
        help_texts = {
            "path": f"Such as /infer, with all that lies below. Taken are {', '.join(RESERVED_PATHS)}.",
            "upstream_url": "Such as http://inference.internal:8081; the requested path is added to it.",
        }

    def full_clean(self) -> None:
        super().full_clean()
        if self.errors or not self.is_bound:
            return
        try:
            domain.check_service(self.instance)
        except ValidationError as error:
            self.add_error(None, error)


@admin.register(Service)
class ServiceAdmin(ConfigurationAdmin):
    form = ServiceForm
    list_display = ("path", "upstream_url", "cached", "is_active")
    list_filter = ("is_active",)
    search_fields = ("path", "upstream_url")
    fieldsets = (
        (None, {"fields": ("path", "upstream_url", "is_prefix_stripped", "is_active")}),
        ("Cache", {"fields": ("cache_get_ttl_s",)}),
        ("What crosses", {"fields": ("request_headers", "response_headers", "body_limit_bytes")}),
        ("Timers, in seconds", {"fields": (("connect_timeout_s", "first_byte_timeout_s"), ("idle_timeout_s", "total_timeout_s"))}),
    )

    @display(description="GET cached", ordering="cache_get_ttl_s")
    def cached(self, service: Service) -> str:
        return f"{service.cache_get_ttl_s:,} s" if service.cache_get_ttl_s else "–"

    def save_model(self, request: HttpRequest, obj: Service, form: Any, change: bool) -> None:
        domain.save_service(obj)

    def delete_model(self, request: HttpRequest, obj: Service) -> None:
        domain.delete_service(obj)
