"""Published configurations in the console: who changed what, when and why. To look at only."""

from __future__ import annotations

import json

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from common.admin import AppendOnlyAdmin, BoundedListAdmin, display
from proxy.models import ConfigurationRevision

_DIFF_CLASSES = {"+": "gw-diff-added", "-": "gw-diff-removed", "~": "gw-diff-changed"}


@admin.register(ConfigurationRevision)
class ConfigurationRevisionAdmin(AppendOnlyAdmin, BoundedListAdmin):
    list_display = ("number", "published_at", "actor_name", "reason", "summary")
    list_select_related = ("actor",)
    search_fields = ("reason", "diff")
    search_help_text = "Reason or change"
    fieldsets = (
        (None, {"fields": (("number", "published_at"), ("actor_name", "reason"))}),
        ("What changed", {"fields": ("diff_lines",)}),
        ("The whole configuration", {"classes": ("collapse",), "fields": ("document_text",)}),
    )

    class Media:
        css = {"all": ("gatewaysite/console.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[ConfigurationRevision]:
        return super().get_queryset(request).defer("document")

    @display(description="Who")
    def actor_name(self, revision: ConfigurationRevision) -> str:
        return str(revision.actor) if revision.actor else "System"

    @display(description="Changes")
    def summary(self, revision: ConfigurationRevision) -> str:
        lines = revision.diff.splitlines()
        more = f" and {len(lines) - 1} more" if len(lines) > 1 else ""
        return f"{lines[0][:80]}{more}" if lines else "–"

    @display(description="Changes")
    def diff_lines(self, revision: ConfigurationRevision) -> SafeString:
        lines = [(_DIFF_CLASSES.get(line[:1], ""), line) for line in revision.diff.splitlines()]
        return format_html('<pre class="gw-code gw-wrap">{}</pre>', format_html_join("\n", '<span class="{}">{}</span>', lines))

    @display(description="Document")
    def document_text(self, revision: ConfigurationRevision) -> SafeString:
        text = json.dumps(revision.document, indent=2, ensure_ascii=False)
        return format_html('<pre class="gw-code gw-wrap">{}</pre>', text)
