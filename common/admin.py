"""
What every page of the console has in common.

Rules: a page writes through its app's domain only; a configuration page publishes one revision for each request; what the domain
refuses becomes a message, never a failed page. A list that grows is read page by page and never counted.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Final, TypeVar

from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.contrib.admin.views.main import ORDER_VAR, PAGE_VAR
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.paginator import Paginator
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError, QuerySet, RestrictedError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.views import ChangeList

from common.errors import DomainError
from common.publishing import publishing

_Callable = TypeVar("_Callable", bound=Callable[..., Any])

if TYPE_CHECKING:  # unfold carries no types; what it adds to Django's classes is named here
    from django.contrib.admin import ModelAdmin, TabularInline
    from django.contrib.admin.views.main import ChangeList as DjangoChangeList

    BaseAdmin = ModelAdmin[Any]
    BaseTabularInline = TabularInline[Any, Any]
    BaseChangeList = DjangoChangeList
    BasePaginator = Paginator[int]
    IntPaginator = Paginator[int]

    def action(function: None = None, **options: Any) -> Callable[[_Callable], _Callable]: ...
    def display(function: None = None, **options: Any) -> Callable[[_Callable], _Callable]: ...
else:
    IntPaginator = Paginator
    from unfold.admin import ModelAdmin as BaseAdmin
    from unfold.admin import TabularInline as BaseTabularInline
    from unfold.decorators import action, display

    BaseChangeList = ChangeList
    BasePaginator = Paginator

__all__ = [
    "REASON_FIELD",
    "AppendOnlyAdmin",
    "BaseAdmin",
    "BaseTabularInline",
    "BoundedListAdmin",
    "ConfigurationAdmin",
    "DomainAdmin",
    "PlainChangeList",
    "ReadOnlyInline",
    "action",
    "display",
    "run_guarded",
]

REASON_FIELD: Final = "_reason"
"""Name of the box in which someone may say why; empty: what they did."""

_BOUNDED_ROWS_COUNT: Final = 10_000


def describe(error: Exception) -> str:
    """Return an error of the domain as one line for people."""
    if isinstance(error, ValidationError):
        fields = error.message_dict if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: error.messages}
        return " ".join(f"{_introduce(name)}{' '.join(texts)}" for name, texts in fields.items())
    if isinstance(error, ProtectedError | RestrictedError):
        return "Other objects still need it; delete or change them first."
    if isinstance(error, IntegrityError):
        return "Someone else stored something alike at the same moment. Look again and repeat what is still needed."
    return str(error)


def _introduce(field: str) -> str:
    return "" if field == NON_FIELD_ERRORS else f"{field.replace('_', ' ').capitalize()}: "


def run_guarded(request: HttpRequest, work: AbstractContextManager[None], view: Callable[[], HttpResponse]) -> HttpResponse:
    """
    Return what `view` answers to a request that writes, run inside `work`.

    Guarantee: when the domain refuses, nothing is stored and the person is back on the page with the reason.
    """
    try:
        with work:
            return view()
    except (DomainError, ValidationError, IntegrityError) as error:
        messages.error(request, describe(error))
        return HttpResponseRedirect(request.get_full_path())


class DomainAdmin(BaseAdmin):
    """Pages over rows that a domain writes. Subclasses override `save_model` and `delete_model`; nothing else here writes rows."""

    list_per_page = 50
    show_full_result_count = False
    warn_unsaved_form = True
    compressed_fields = True

    def unit_of_work(self, request: HttpRequest, what: str) -> AbstractContextManager[None]:
        """Return what one request's writes happen in; `what` says it for the log of revisions."""
        return transaction.atomic()

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[BaseChangeList]:
        return PlainChangeList

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        view = super().changeform_view
        if request.method != "POST":
            return view(request, object_id, form_url, extra_context)
        what = f"Change {self._name(request, object_id)}" if object_id else f"Add {self.opts.verbose_name}"
        return run_guarded(request, self.unit_of_work(request, what), lambda: view(request, object_id, form_url, extra_context))

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        view = super().delete_view
        if request.method != "POST":
            return view(request, object_id, extra_context)
        what = f"Delete {self._name(request, object_id)}"
        return run_guarded(request, self.unit_of_work(request, what), lambda: view(request, object_id, extra_context))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, str] | None = None) -> HttpResponse:
        view = super().changelist_view
        if request.method != "POST":
            return view(request, extra_context)
        what = f"{request.POST.get('action', 'change').replace('_', ' ').capitalize()} {self.opts.verbose_name_plural}"
        return run_guarded(request, self.unit_of_work(request, what), lambda: view(request, extra_context))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for row in queryset:
            self.delete_model(request, row)

    def _name(self, request: HttpRequest, object_id: str) -> str:
        found = self.get_object(request, object_id)
        return f"{self.opts.verbose_name} {found if found is not None else object_id}"


class ConfigurationAdmin(DomainAdmin):
    """Pages over configuration: every request that changes something is one published revision, with a reason if one is given."""

    change_form_after_template = "admin/reason.html"

    def unit_of_work(self, request: HttpRequest, what: str) -> AbstractContextManager[None]:
        return publishing(request.POST.get(REASON_FIELD, "").strip() or what, actor=request.user)


class AppendOnlyAdmin(BaseAdmin):
    """Pages over rows that nobody adds, changes or deletes by hand, whatever their permissions."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyInline(BaseTabularInline):
    """Rows under another object, to look at for whoever may see the object."""

    extra = 0
    can_delete = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class _SeenRows(IntPaginator):
    """Pages over the rows known so far, which is all that a list that is never counted knows."""

    template_name = "admin/pagination_bounded.html"


class PlainChangeList(BaseChangeList):
    """A list that is short enough to count, once: unfold takes a missing second count for an active filter."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.full_result_count = self.full_result_count or self.result_count


class BoundedChangeList(BaseChangeList):
    """
    One page of a list that grows, and whether another follows.

    Cost: one query for the page's rows and one more row; no count, and never deeper than 10,000 rows (filters go further).
    """

    has_next: bool

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        self.params.pop(ORDER_VAR, None)  # any other order than the index's would sort the whole table
        return list(super().get_ordering(request, queryset))

    def get_results(self, request: HttpRequest) -> None:
        first = (max(self.page_num, 1) - 1) * self.list_per_page
        rows = list(self.queryset[first : first + self.list_per_page + 1]) if first < _BOUNDED_ROWS_COUNT else []
        self.result_list = rows[: self.list_per_page]  # rows already read, where Django keeps a query
        self.result_count = len(self.result_list)
        self.has_next = len(rows) > self.list_per_page and first + self.list_per_page < _BOUNDED_ROWS_COUNT
        self.show_full_result_count = False
        self.full_result_count = self.result_count  # or unfold offers to show all
        self.show_admin_actions = True
        self.can_show_all = False
        self.multi_page = first > 0 or self.has_next
        self.paginator = _SeenRows(range(first + len(rows)), self.list_per_page)

    @property
    def first_row_number(self) -> int:
        return (max(self.page_num, 1) - 1) * self.list_per_page + 1

    @property
    def last_row_number(self) -> int:
        return self.first_row_number + self.result_count - 1

    @property
    def earlier_url(self) -> str:
        return self.get_query_string({PAGE_VAR: self.page_num - 1})

    @property
    def later_url(self) -> str:
        return self.get_query_string({PAGE_VAR: self.page_num + 1})


class BoundedListAdmin(BaseAdmin):
    """Lists that grow without end: read page by page, sorted only by what their model is indexed by."""

    show_full_result_count = False
    list_per_page = 50
    list_disable_select_all = True
    show_facets = ShowFacets.NEVER  # each would be a count over all rows
    sortable_by = ()

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[BaseChangeList]:
        return BoundedChangeList
