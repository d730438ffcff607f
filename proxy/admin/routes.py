"""Routes with their targets in the console."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.forms import PaginationInlineFormSet

from common.admin import BaseTabularInline, ConfigurationAdmin, display
from common.filters import RelatedFilter
from proxy import domain
from proxy.models import Route, Target


class TargetFormSet(PaginationInlineFormSet):  # type: ignore[misc]  # unfold carries no types
    """Shows at the table what the domain would refuse."""

    def drafts(self) -> list[domain.TargetDraft]:
        kept = [form for form in self.forms if form not in self.deleted_forms and form.cleaned_data.get("backend")]
        return [
            domain.TargetDraft(form.cleaned_data["backend"], form.cleaned_data["upstream_model"], form.cleaned_data["weight"])
            for form in kept
        ]

    def clean(self) -> None:
        super().clean()
        if not any(self.errors):
            domain.check_targets(self.drafts())


class TargetInline(BaseTabularInline):
    model = Target
    formset = TargetFormSet
    fields = ("backend", "upstream_model", "weight")
    extra = 0
    min_num = 1

    # A target belongs to its route, and so do the permissions.

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("proxy.add_route" if obj is None else "proxy.change_route")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_add_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_add_permission(request, obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Target]:
        return super().get_queryset(request).select_related("backend")


@admin.register(Route)
class RouteAdmin(ConfigurationAdmin):
    inlines = (TargetInline,)
    list_display = ("model", "targets_text", "selection", "is_active")
    list_filter = ("is_active", ("targets__backend", RelatedFilter))
    search_fields = ("model", "targets__upstream_model")
    fields = ("model", "selection", "is_active")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Route]:
        return super().get_queryset(request).prefetch_related("targets__backend")

    @display(description="Targets")
    def targets_text(self, route: Route) -> str:
        return ", ".join(f"{target} × {target.weight}" for target in route.targets.all())

    def save_model(self, request: HttpRequest, obj: Route, form: Any, change: bool) -> None:
        """Nothing yet: a route is stored together with its targets."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        drafts: list[domain.TargetDraft] = []
        for formset in formsets:
            formset.save(commit=False)  # stores nothing; names what changed for the log of changes
            drafts += formset.drafts()
        domain.save_route(form.instance, drafts)

    def delete_model(self, request: HttpRequest, obj: Route) -> None:
        domain.delete_route(obj)
