"""Published versions in the console: what was in force, when and by whom. To look at, and to go back to."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from common.admin import AppendOnlyAdmin, BoundedListAdmin, action, display, run_guarded
from common.filters import RelatedFilter
from common.publishing import publishing
from guardrails import domain
from guardrails.changes import compare, write_lines
from guardrails.errors import PolicyError
from guardrails.models import PolicyVersion
from guardrails.policy_document import PolicyDocument

_DIFF_CLASSES = {"+": "gw-diff-added", "-": "gw-diff-removed", "@": "gw-diff-changed"}


def show_lines(lines: Any) -> SafeString:
    """Return lines of a comparison in their colours."""
    marked = [(_DIFF_CLASSES.get(line[:1], ""), line) for line in lines]
    return format_html('<pre class="gw-code gw-wrap">{}</pre>', format_html_join("\n", '<span class="{}">{}</span>', marked))


def show_document(document: PolicyDocument) -> SafeString:
    return format_html('<pre class="gw-code gw-wrap">{}</pre>', "\n".join(write_lines(document)))


@admin.register(PolicyVersion)
class PolicyVersionAdmin(AppendOnlyAdmin, BoundedListAdmin):
    list_display = ("name", "state", "mode", "published_at", "who", "note", "short_digest")
    list_select_related = ("policy", "published_by")
    list_filter = (("policy", RelatedFilter),)
    actions_detail = ("roll_back",)
    fieldsets = (
        (None, {"fields": (("name", "state"), ("published_at", "who"), "note", "digest_text")}),
        ("Changed since the version before", {"fields": ("changes",)}),
        ("As it was written", {"classes": ("collapse",), "fields": ("source_text",)}),
        ("As workers run it, with the words of its lists", {"classes": ("collapse",), "fields": ("document_text",)}),
    )

    class Media:
        css = {"all": ("gatewaysite/console.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[PolicyVersion]:
        return super().get_queryset(request).select_related("policy", "published_by")

    @display(description="Version")
    def name(self, version: PolicyVersion) -> str:
        return str(version)

    @display(description="State", label={"in force": "success"})
    def state(self, version: PolicyVersion) -> str:
        return "in force" if version.policy.published_id == version.pk else "not in force"

    @display(description="Mode")
    def mode(self, version: PolicyVersion) -> str:
        return str(version.document.get("mode", "–"))

    @display(description="Who")
    def who(self, version: PolicyVersion) -> str:
        return str(version.published_by) if version.published_by else "System"

    @display(description="Digest")
    def short_digest(self, version: PolicyVersion) -> str:
        return version.digest[:12]

    @display(description="Digest")
    def digest_text(self, version: PolicyVersion) -> SafeString:
        return format_html('<code class="gw-code">{}</code>', version.digest)

    @display(description="Changes")
    def changes(self, version: PolicyVersion) -> SafeString:
        before = version.policy.versions.filter(number__lt=version.number).order_by("-number").first()
        try:
            return show_lines(compare(domain.source_of(before) if before else None, domain.source_of(version)))
        except PolicyError as error:
            return format_html("{}", str(error))

    @display(description="Source")
    def source_text(self, version: PolicyVersion) -> SafeString:
        return _show_stored(domain.source_of, version)

    @display(description="Document")
    def document_text(self, version: PolicyVersion) -> SafeString:
        return _show_stored(domain.document_of, version)

    # --- going back -------------------------------------------------------------------------------------------------------------

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        version = self.get_object(request, object_id)
        if version is None or version.policy.published_id == version.pk:
            return []
        return list(super().get_actions_detail(request, object_id))  # type: ignore[misc]  # unfold's method

    def has_roll_back_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("guardrails.publish_policy")

    @action(description="Put in force again", url_path="roll-back", icon="history", permissions=["roll_back"])
    def roll_back(self, request: HttpRequest, object_id: str) -> HttpResponse:
        version = self.get_object(request, object_id)
        if version is None:
            raise Http404
        if request.method != "POST":
            return self._ask(request, version)

        def roll_back() -> HttpResponse:
            domain.rollback(version.policy, version, request.user)
            self.message_user(request, f"Policy {version.policy.name}: version {version.number} is in force again.")
            return HttpResponseRedirect(reverse(f"{self.admin_site.name}:guardrails_policy_change", args=[version.policy_id]))

        return run_guarded(
            request, publishing(f"Roll policy {version.policy.name} back to version {version.number}", request.user), roll_back
        )

    def _ask(self, request: HttpRequest, version: PolicyVersion) -> HttpResponse:
        current = version.policy.published
        lines = compare(domain.source_of(current) if current else None, domain.source_of(version))
        request.current_app = self.admin_site.name  # where Django looks for the site's URLs
        about = {"title": "Put in force again", "subtitle": str(version), "opts": self.opts, "original": version, "media": self.media}
        context = self.admin_site.each_context(request) | about | {"current": current, "lines": show_lines(lines)}
        return TemplateResponse(request, "admin/guardrails/policyversion/roll_back.html", context)


def _show_stored(read: Any, version: PolicyVersion) -> SafeString:
    try:
        return show_document(read(version))
    except PolicyError as error:
        return format_html("{}", str(error))
