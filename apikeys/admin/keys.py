"""
API keys in the console: made and rotated with their secret shown once, revoked, never deleted.

Rules: a secret lives in the one response that shows it; not in messages, the session, a URL or the log of changes.
"""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from apikeys import domain
from apikeys.admin.key_pages import RotateForm, render_revoke_page, render_rotate_page, render_secret_page
from apikeys.choices import Permission
from apikeys.models import ApiKey, ApiKeySecret, default_permissions
from apikeys.querysets import ApiKeyQuerySet
from apikeys.validators import STAR_RULE
from common.admin import BoundedListAdmin, DomainAdmin, ReadOnlyInline, action, display, run_guarded
from common.filters import ChoiceFilter, RelatedFilter
from common.forms import ConsoleForm, WordsField

_LABELS = {"active": "success", "expired": "warning", "revoked": "danger", "workspace inactive": "warning", "ended": "warning"}
_PREFIX = "gw_live_"


class StatusFilter(ChoiceFilter):
    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("active", "Active"), ("expired", "Expired"), ("revoked", "Revoked")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "active":
                return cast(ApiKeyQuerySet, queryset).active()
            case "expired":
                return queryset.filter(revoked_at=None, expires_at__lte=timezone.now())
            case "revoked":
                return queryset.filter(revoked_at__isnull=False)
            case _:
                return queryset


class SecretInline(ReadOnlyInline):
    """The secrets of a key, without what they are made of."""

    model = ApiKeySecret
    hide_title = True
    verbose_name_plural = "secrets"
    fields = readonly_fields = ("public_id", "secret_status", "created_at", "expires_at", "revoked_at")

    @display(description="Status", label=_LABELS)
    def secret_status(self, secret: ApiKeySecret) -> str:
        if secret.revoked_at:
            return "revoked"
        return "ended" if secret.expires_at and secret.expires_at <= timezone.now() else "active"


class ApiKeyForm(ConsoleForm):
    permissions = forms.MultipleChoiceField(
        choices=Permission.choices,
        initial=default_permissions,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        error_messages={"required": "A key may do at least one thing; to end it, revoke it."},
    )
    allowed_models = WordsField(help_text="Models it may use, one a line; `*` at the end matches any ending. Empty: all.")
    allowed_networks = WordsField(help_text="Networks it may be used from, one a line, such as 10.0.0.0/8. Empty: any.")

    class Meta:
        model = ApiKey
        fields = (
            *("workspace", "name", "permissions", "allowed_models", "allowed_networks", "limits"),
            *("expires_at", "is_keepalive_enabled"),
        )
        labels = {"is_keepalive_enabled": "Keepalive on streams", "expires_at": "Ends"}

    def clean_allowed_models(self) -> list[str]:
        names: list[str] = self.cleaned_data["allowed_models"]
        if any("*" in name[:-1] for name in names):
            raise forms.ValidationError(STAR_RULE)
        return names


@admin.register(ApiKey)
class ApiKeyAdmin(BoundedListAdmin, DomainAdmin):
    form = ApiKeyForm
    inlines = (SecretInline,)
    list_display = ("name", "public_id", "workspace", "status", "expires_at", "created_at")
    list_filter = (StatusFilter, ("workspace", RelatedFilter))
    list_select_related = ("workspace",)
    search_fields = ("name", "secrets__public_id")
    search_help_text = "Name, or the readable part of a key"
    autocomplete_fields = ("workspace", "limits")
    actions_detail = ("rotate", "revoke")
    add_fieldsets = (
        (None, {"fields": ("workspace", "name")}),
        ("What it may do", {"fields": ("permissions", "allowed_models", "allowed_networks", "limits")}),
        ("Until when, and how", {"fields": ("expires_at", "is_keepalive_enabled")}),
    )
    fieldsets: ClassVar[Any] = ((None, {"fields": ("workspace", "name", "status", "requests")}), *add_fieldsets[1:])

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        newest = ApiKeySecret.objects.filter(api_key=OuterRef("pk")).order_by("-created_at", "-id").values("public_id")[:1]
        keys: QuerySet[Any] = super().get_queryset(request).annotate(newest_public_id=Subquery(newest))
        return keys

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[ApiKey], search_term: str) -> tuple[QuerySet[ApiKey], bool]:
        readable = search_term.strip().removeprefix(_PREFIX).partition("_")[0] if search_term.strip().startswith(_PREFIX) else search_term
        return super().get_search_results(request, queryset, readable)

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> tuple[str, ...]:
        return ("status", "requests", "workspace") if obj else ("status", "requests")

    def get_inlines(self, request: HttpRequest, obj: ApiKey | None) -> tuple[type[SecretInline], ...]:
        return (SecretInline,) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # usage records name it for ever: it is revoked

    @display(description="Key")
    def public_id(self, api_key: Any) -> str:
        return f"{_PREFIX}{api_key.newest_public_id}_…"

    @display(description="Status", label=_LABELS)
    def status(self, api_key: ApiKey) -> str:
        return api_key.find_status()

    @display(description="Usage")
    def requests(self, api_key: ApiKey) -> str:
        url = reverse(f"{self.admin_site.name}:proxy_usagerecord_changelist")
        return format_html('<a class="text-link" href="{}?key__id__exact={}">Requests of this key</a>', url, api_key.pk)

    # --- writing ----------------------------------------------------------------------------------------------------------------

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        limits = form.cleaned_data["limits"]
        if change:
            domain.save_key(obj, limits=limits)
        else:
            request.created_key = domain.add_key(obj, limits=limits)  # type: ignore[attr-defined]  # ends with the request

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        for formset in formsets:  # not form.save_m2m(): the domain has stored the limits
            self.save_formset(request, form, formset, change=change)

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        created: domain.CreatedKey = request.created_key  # type: ignore[attr-defined]  # set by save_model
        return render_secret_page(self, request, created, title="API key created")

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None) -> HttpResponse:
        only_save = {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().add_view(request, form_url, only_save | (extra_context or {}))

    # --- rotating and revoking --------------------------------------------------------------------------------------------------

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        api_key = self.get_object(request, object_id)
        if api_key is None or api_key.revoked_at:
            return []
        return list(super().get_actions_detail(request, object_id))  # type: ignore[misc]  # unfold's method

    @action(description="Rotate secret", url_path="rotate", icon="autorenew", permissions=["change"])
    def rotate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        api_key = self.get_object(request, object_id)
        if api_key is None:
            raise Http404
        form = RotateForm(request.POST or None)
        if not form.is_valid():
            return render_rotate_page(self, request, api_key, form)

        def rotate() -> HttpResponse:
            created = domain.rotate_key(api_key, overlap=form.cleaned_data["overlap"])
            self.log_change(request, api_key, f"Rotated the secret; the earlier one ends {form.describe_overlap()}.")
            return render_secret_page(self, request, created, title="New secret")

        return run_guarded(request, transaction.atomic(), rotate)

    @action(description="Revoke", url_path="revoke", icon="block", permissions=["change"])
    def revoke(self, request: HttpRequest, object_id: str) -> HttpResponse:
        api_key = self.get_object(request, object_id)
        if api_key is None:
            raise Http404
        if request.method != "POST":
            return render_revoke_page(self, request, api_key)

        def revoke() -> HttpResponse:
            domain.revoke_key(api_key)
            self.log_change(request, api_key, "Revoked.")
            self.message_user(request, f"{api_key} is revoked: no request with it is answered any more.")
            return self.response_post_save_change(request, api_key)

        return run_guarded(request, transaction.atomic(), revoke)
