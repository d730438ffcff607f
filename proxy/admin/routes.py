"""Routes with their targets in the console."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.forms import PaginationInlineFormSet

from common.admin import BaseTabularInline, ConfigurationAdmin, display
from common.filters import RelatedFilter
from common.forms import ConsoleForm, WordsField
from proxy import domain
from proxy.models import Route, Target
from proxy.prices.stored import unpriced_targets

_NO_PRICE = "no price"


class RouteForm(ConsoleForm):
    """Shows at the field what the domain would refuse."""

    aliases = WordsField(help_text="Other names for the same route, one a line.")

    class Meta:
        model = Route
        fields = (
            *("model", "aliases", "selection", "is_active", "output_cap_tokens", "on_unpriced"),
            *("exact_cache_ttl_s", "is_sampled_cacheable", "is_coalesced"),
        )
        labels = {
            "is_active": "Active",
            "output_cap_tokens": "Output reserved, tokens",
            "on_unpriced": "Targets without a price",
            "exact_cache_ttl_s": "Cache answers, seconds",
            "is_sampled_cacheable": "Cache sampled answers",
            "is_coalesced": "Share identical calls",
        }
        help_texts = {
            "model": "What clients ask for. A `*` at its end takes every name with that beginning which no other route has; a target whose "
            "upstream model is `*` then gets the rest of the name.",
            "on_unpriced": "Budgets do not see what has no price.",
        }

    def full_clean(self) -> None:
        super().full_clean()
        if self.errors or not self.is_bound:
            return
        try:
            domain.check_route(self.instance)
        except ValidationError as error:
            self.add_error(None, error)


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
            domain.check_targets(self.instance.model, self.drafts())


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
    form = RouteForm
    inlines = (TargetInline,)
    list_display = ("model", "aliases_text", "targets_text", "price_label", "cached", "is_active")
    list_filter = ("is_active", ("targets__backend", RelatedFilter))
    search_fields = ("model", "aliases", "targets__upstream_model")
    fieldsets = (
        (None, {"fields": ("model", "aliases", "selection", "is_active")}),
        ("Cache", {"fields": ("exact_cache_ttl_s", "is_sampled_cacheable", "is_coalesced")}),
        ("Budgets", {"fields": ("output_cap_tokens", "on_unpriced")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Route]:
        return super().get_queryset(request).prefetch_related("targets__backend")

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Cost: one query more, for the prices of all targets of the page."""
        listed = super().get_changelist_instance(request)
        unpriced = unpriced_targets(target for route in listed.result_list for target in route.targets.all())
        for route in listed.result_list:
            route.unpriced_targets_count = sum(target.pk in unpriced for target in route.targets.all())
        return listed

    @display(description="Price", label={_NO_PRICE: "warning"})
    def price_label(self, route: Route) -> str:
        """Without a price answers count as free: budgets do not see them."""
        return _NO_PRICE if getattr(route, "unpriced_targets_count", 0) else "known"

    @display(description="Aliases")
    def aliases_text(self, route: Route) -> str:
        return ", ".join(route.aliases) or "–"

    @display(description="Cached", ordering="exact_cache_ttl_s")
    def cached(self, route: Route) -> str:
        return f"{route.exact_cache_ttl_s:,} s" if route.exact_cache_ttl_s else "–"

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
