"""Items in the console."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from common.admin import BoundedListAdmin, DomainAdmin, display
from common.admin_shards import WorkspaceRowsAdmin
from common.filters import FieldChoiceFilter, RelatedFilter
from common.forms import ConsoleForm, WordsField
from items import admin_signals as admin_signals  # registers its pages
from items import domain
from items.choices import Priority, Status
from items.models import Item
from items.querysets import CLOSED

_PRIORITY_LABELS = {Priority.HIGH.label: "warning", Priority.CRITICAL.label: "danger"}
_STATUS_LABELS = {Status.IN_PROGRESS.label: "info", Status.REVIEW.label: "info", Status.DONE.label: "success"}


class ItemForm(ConsoleForm):
    seen_version = forms.IntegerField(widget=forms.HiddenInput, required=False, label="")
    tags = WordsField(help_text="One a line, or separated by commas.")

    class Meta:
        model = Item
        fields = ("workspace", "title", "description", "category", "priority", "status", "tags", "assignee", "due_at")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if not self.instance._state.adding:  # noqa: SLF001  # Django's public name
            self.initial.setdefault("seen_version", self.instance.version)


@admin.register(Item)
class ItemAdmin(WorkspaceRowsAdmin, BoundedListAdmin, DomainAdmin):
    form = ItemForm
    list_display = ("title", "workspace", "status_label", "priority_label", "assignee", "due", "created_at")
    list_filter = (
        ("workspace", RelatedFilter),
        ("status", FieldChoiceFilter),
        ("priority", FieldChoiceFilter),
        ("assignee", RelatedFilter),
    )
    list_select_related = ("workspace", "assignee")
    search_fields = ("title",)
    autocomplete_fields = ("workspace", "assignee")
    fieldsets = (
        (None, {"fields": ("workspace", "title", "description", "seen_version")}),
        ("Where it stands", {"fields": (("status", "priority"), "assignee", "due_at")}),
        ("How to find it", {"fields": ("category", "tags")}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Item | None = None) -> tuple[str, ...]:
        return ("workspace",) if obj else ()

    @display(description="Status", label=_STATUS_LABELS)
    def status_label(self, item: Item) -> str:
        return item.get_status_display()

    @display(description="Priority", label=_PRIORITY_LABELS)
    def priority_label(self, item: Item) -> str:
        return item.get_priority_display()

    @display(description="Due")
    def due(self, item: Item) -> str:
        if item.due_at is None:
            return "–"
        is_late = item.due_at < timezone.now() and item.status not in CLOSED
        return f"{item.due_at:%Y-%m-%d %H:%M}{' (late)' if is_late else ''}"

    def save_model(self, request: HttpRequest, obj: Item, form: Any, change: bool) -> None:
        seen = form.cleaned_data.get("seen_version")
        domain.save_item(obj, seen=None if seen is None else frozenset({seen}))

    def delete_model(self, request: HttpRequest, obj: Item) -> None:
        domain.delete_item(obj.workspace_id, obj.pk)
