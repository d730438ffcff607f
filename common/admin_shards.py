"""
Console pages over rows that lie with their workspace, in a shard perhaps.

Rules: with shards a list shows one workspace, the one that was chosen, because a page of several databases would have no order that an
index keeps; a single row is looked for in each of them. Names come by queries of their own: no join leads out of a shard.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse

from common.admin import BaseAdmin
from common.databases import console_page, data_databases, database_of, has_shards

_WORKSPACE: Final = "workspace__id__exact"


class WorkspaceRowsAdmin(BaseAdmin):
    """Put it before the other bases. The model has a `workspace`; `list_select_related` names what rows of a list show of others."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        if not has_shards():
            return rows
        workspace_id = _chosen(request)
        if workspace_id is None:
            return rows.using(data_databases()[0]).none()
        return rows.using(database_of(workspace_id)).filter(workspace_id=workspace_id).prefetch_related(*self._shown_of_others())

    def get_list_select_related(self, request: HttpRequest) -> bool | list[str] | tuple[str, ...]:
        return () if has_shards() else super().get_list_select_related(request)  # Django joins what a list shows if this is False

    def rows_with_others(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Return rows with what is shown of others read together with them."""
        names = self._shown_of_others()
        return rows.prefetch_related(*names) if has_shards() else rows.select_related(*names)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Cost: one query; with shards one in each until it is found."""
        if not has_shards():
            return super().get_object(request, object_id, from_field)
        field = self.opts.get_field(from_field or self.opts.pk.name)
        try:
            value = field.to_python(object_id)  # type: ignore[union-attr]  # a column, which a page's address names
        except ValidationError:
            return None
        return self.find_everywhere(**{field.name: value})

    def find_everywhere(self, **wanted: Any) -> Any:
        """Return the row that fits, of whichever database with rows of workspaces, None where there is none."""
        rows: QuerySet[Model] = self.model._default_manager.filter(**wanted)  # noqa: SLF001  # Django's public name
        found = (self.rows_with_others(rows.using(alias)).first() for alias in data_databases())
        return next((row for row in found if row is not None), None)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if has_shards() and _chosen(request) is None:
            messages.info(request, "Choose a workspace: each one's rows lie in one of several databases.")
        with console_page():
            return super().changelist_view(request, extra_context)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        with console_page():
            return super().changeform_view(request, object_id, form_url, extra_context)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        with console_page():
            return super().delete_view(request, object_id, extra_context)

    def _shown_of_others(self) -> Sequence[str]:
        named = self.list_select_related
        return () if isinstance(named, bool) else tuple(named)


def _chosen(request: HttpRequest) -> uuid.UUID | None:
    try:
        return uuid.UUID(request.GET.get(_WORKSPACE, ""))
    except ValueError:
        return None
