"""
Policies in the console: drafts edited rule by rule, published when they pass their own test cases, tried on any text.

Rules: saving changes a draft only; publishing, promoting and taking out of force need their permission (`guardrails.publish_policy`).
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextInputWidget

from common.admin import ConfigurationAdmin, ReadOnlyInline, action, describe, display, run_guarded
from common.errors import DomainError
from common.publishing import publishing
from guardrails import domain
from guardrails.admin.policy_form import PolicyForm, describe_scope
from guardrails.admin.try_page import render_try_page
from guardrails.admin.versions import show_document, show_lines
from guardrails.changes import compare
from guardrails.choices import PolicyMode
from guardrails.errors import PolicyError
from guardrails.models import Policy, PolicyVersion

_MODE_LABELS = {PolicyMode.ENFORCE.label: "success", PolicyMode.SHADOW.label: "info", PolicyMode.OFF.label: "warning"}


class NoteForm(forms.Form):
    note = forms.CharField(
        label="What changed, and why",
        max_length=500,
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Stands at the version.",
    )


class VersionInline(ReadOnlyInline):
    """The latest versions of a policy."""

    model = PolicyVersion
    verbose_name_plural = "versions"
    hide_title = True
    fields = readonly_fields = ("link", "published_at", "published_by", "note")
    max_num = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[PolicyVersion]:
        return super().get_queryset(request).select_related("policy", "published_by")

    @display(description="Version")
    def link(self, version: PolicyVersion) -> SafeString:
        url = reverse(f"{self.admin_site.name}:guardrails_policyversion_change", args=[version.pk])
        in_force = " (in force)" if version.policy.published_id == version.pk else ""
        return format_html('<a class="text-link" href="{}">{}{}</a>', url, version.number, in_force)


@admin.register(Policy)
class PolicyAdmin(ConfigurationAdmin):
    form = PolicyForm
    inlines = (VersionInline,)
    change_form_after_template = "admin/guardrails/policy/rows.html"
    list_display = ("name", "mode_in_force", "scope", "version", "rules_count", "draft_state", "updated_at")
    list_select_related = ("published",)
    list_filter = ("mode",)
    search_fields = ("name", "description")
    actions_list = ("try_out",)
    actions_detail = ("publish", "promote", "unpublish", "report", "try_one")
    edit_fieldsets = (
        (None, {"fields": ("name", "description", "mode")}),
        ("Whom it is for", {"fields": (("workspaces", "keys"), ("models", "routes"), "is_attached_only")}),
        ("How", {"fields": (("text_scope", "deadline_ms"), "message", "external_tools")}),
    )
    look_fieldsets = ((None, {"fields": ("name", "description", "mode", "draft_text")}),)

    class Media:
        css = {"all": ("gatewaysite/console.css",)}
        js = ("gatewaysite/rows.js",)

    def get_fieldsets(self, request: HttpRequest, obj: Policy | None = None) -> Any:
        return self.edit_fieldsets if self._may_edit(request, obj) else self.look_fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: Policy | None = None) -> tuple[str, ...]:
        return ("name", "draft_text") if obj else ("draft_text",)

    def get_inlines(self, request: HttpRequest, obj: Policy | None) -> tuple[type[VersionInline], ...]:
        return (VersionInline,) if obj else ()

    def _may_edit(self, request: HttpRequest, obj: Policy | None) -> bool:
        return self.has_change_permission(request, obj) if obj else self.has_add_permission(request)

    # --- the list ---------------------------------------------------------------------------------------------------------------

    @display(description="Mode", label=_MODE_LABELS)
    def mode_in_force(self, policy: Policy) -> str:
        mode = policy.published.document.get("mode", policy.mode) if policy.published else policy.mode
        return PolicyMode(mode).label if mode in PolicyMode.values else str(mode)

    @display(description="For")
    def scope(self, policy: Policy) -> str:
        try:
            return describe_scope(domain.source_of(policy.published) if policy.published else domain.draft_of(policy))
        except PolicyError as error:
            return str(error)

    @display(description="In force")
    def version(self, policy: Policy) -> str:
        return f"version {policy.published.number}" if policy.published else "–"

    @display(description="Rules")
    def rules_count(self, policy: Policy) -> int:
        return len((policy.published.source if policy.published else policy.draft).get("rules", ()))

    @display(description="Draft", label={"not published": "warning", "changed": "warning", "published": "success"})
    def draft_state(self, policy: Policy) -> str:
        if policy.published is None:
            return "not published"
        try:
            return "published" if domain.draft_of(policy) == domain.source_of(policy.published) else "changed"
        except PolicyError:
            return "changed"

    @display(description="Draft")
    def draft_text(self, policy: Policy) -> SafeString:
        try:
            return show_document(domain.draft_of(policy))
        except PolicyError as error:
            return format_html("{}", str(error))

    # --- writing ----------------------------------------------------------------------------------------------------------------

    def save_model(self, request: HttpRequest, obj: Policy, form: PolicyForm, change: bool) -> None:
        if form.document is None:
            raise PolicyError("The policy was not checked.")
        if change:
            domain.change_draft(obj, form.document, form.cleaned_data["description"])
        else:
            stored = domain.create_policy(form.document, form.cleaned_data["description"])
            obj.pk, obj.draft = stored.pk, stored.draft
            obj._state.adding = False  # noqa: SLF001  # the domain has stored it
        messages.info(request, "Saved as a draft. It takes effect when it is published.")

    def delete_model(self, request: HttpRequest, obj: Policy) -> None:
        domain.delete_policy(obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Versions go with their policy, and the version in force holds nothing back: the domain takes it out of force first."""
        names = [str(policy) for policy in objs]
        return names, {"policies": len(names)}, set(), []

    # --- publishing -------------------------------------------------------------------------------------------------------------

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        policy = self.get_object(request, object_id)
        if policy is None:
            return []
        mode = policy.published.document.get("mode") if policy.published else None
        hidden = {"promote"} if mode != PolicyMode.SHADOW else set()
        hidden |= {"unpublish"} if policy.published is None else set()
        actions = super().get_actions_detail(request, object_id)  # type: ignore[misc]  # unfold's method
        return [each for each in actions if not any(each.action_name.endswith(f"_{name}") for name in hidden)]

    def has_publishing_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """A word of our own: unfold asks the database for permissions with a dot whenever a command starts, also before there is one."""
        return request.user.has_perm("guardrails.publish_policy")

    def _get(self, request: HttpRequest, object_id: str) -> Policy:
        policy: Policy | None = self.get_object(request, object_id)
        if policy is None:
            raise Http404
        return policy

    @action(description="Publish", url_path="publish", icon="publish", permissions=["publishing"])
    def publish(self, request: HttpRequest, object_id: str) -> HttpResponse:
        policy = self._get(request, object_id)
        form = NoteForm(request.POST or None)
        if not form.is_valid():
            return self._render_publish(request, policy, form)

        def publish() -> HttpResponse:
            version = domain.publish(policy, request.user, form.cleaned_data["note"])
            said = f"Version {version.number} is in force." if version else "The version in force says the same; nothing was published."
            return self._done(request, policy, said, f"Published version {version.number}." if version else "")

        return run_guarded(request, publishing(f"Publish policy {policy.name}", request.user), publish)

    @action(description="Promote to enforce", url_path="promote", icon="verified_user", permissions=["publishing"])
    def promote(self, request: HttpRequest, object_id: str) -> HttpResponse:
        policy = self._get(request, object_id)
        if request.method != "POST":
            said = "What is in force in shadow is enforced from now on, as a version of its own. Changes in the draft stay a draft."
            return self._render_question(request, policy, "Promote to enforce", said)

        def promote() -> HttpResponse:
            domain.promote(policy, request.user)
            return self._done(request, policy, f"Policy {policy.name} is enforced.", "Promoted to enforce.")

        return run_guarded(request, publishing(f"Promote policy {policy.name}", request.user), promote)

    @action(description="Take out of force", url_path="unpublish", icon="unpublished", permissions=["publishing"])
    def unpublish(self, request: HttpRequest, object_id: str) -> HttpResponse:
        policy = self._get(request, object_id)
        if request.method != "POST":
            return self._render_question(request, policy, "Take out of force", "The policy inspects nothing any more. Its versions stay.")

        def unpublish() -> HttpResponse:
            domain.unpublish(policy, request.user)
            return self._done(request, policy, f"Policy {policy.name} is out of force.", "Taken out of force.")

        return run_guarded(request, publishing(f"Unpublish policy {policy.name}", request.user), unpublish)

    def _done(self, request: HttpRequest, policy: Policy, said: str, logged: str) -> HttpResponse:
        if logged:
            self.log_change(request, policy, logged)
        self.message_user(request, said)
        return HttpResponseRedirect(reverse(f"{self.admin_site.name}:guardrails_policy_change", args=[policy.pk]))

    def _render_publish(self, request: HttpRequest, policy: Policy, form: NoteForm) -> HttpResponse:
        context: dict[str, Any] = {"form": form, "problems": [], "lines": "", "cases_count": 0, "is_same": False}
        try:
            draft = domain.draft_of(policy)
            lines = compare(domain.source_of(policy.published) if policy.published else None, draft)
            checked = domain.check_document(draft)
            context |= {
                "lines": show_lines(lines),
                "is_same": not lines,
                "cases_count": len(draft.tests),
                "problems": [str(failure) for failure in checked.failures],
                "mode": draft.mode,
                "scope": describe_scope(draft),
            }
        except DomainError as error:
            context["problems"] = [describe(error)]
        return self._render(request, policy, "publish", "Publish", context)

    def _render_question(self, request: HttpRequest, policy: Policy, title: str, text: str) -> HttpResponse:
        return self._render(request, policy, "question", title, {"text": text})

    def _render(self, request: HttpRequest, policy: Policy, page: str, title: str, context: dict[str, Any]) -> HttpResponse:
        request.current_app = self.admin_site.name  # where Django looks for the site's URLs
        about = {"title": title, "subtitle": str(policy), "opts": self.opts, "original": policy, "media": self.media}
        everywhere = self.admin_site.each_context(request)
        return TemplateResponse(request, f"admin/guardrails/policy/{page}.html", everywhere | about | context)

    # --- what it did ------------------------------------------------------------------------------------------------------------

    def has_report_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perms(["guardrails.view_policy", "proxy.view_usagerecord"])

    @action(description="What it did", url_path="report", icon="monitoring", permissions=["report"])
    def report(self, request: HttpRequest, object_id: str) -> HttpResponse:
        name = self._get(request, object_id).name
        return HttpResponseRedirect(reverse(f"{self.admin_site.name}:proxy_usagerecord_guardrails", args=[name]))

    # --- trying -----------------------------------------------------------------------------------------------------------------

    @action(description="Try a text", url_path="test", icon="science", permissions=["view"])
    def try_out(self, request: HttpRequest) -> HttpResponse:
        return render_try_page(self, request)

    @action(description="Try a text", url_path="try", icon="science", permissions=["view"])
    def try_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        url = reverse(f"{self.admin_site.name}:guardrails_policy_try_out")
        return HttpResponseRedirect(f"{url}?policy=draft:{self._get(request, object_id).name}")
