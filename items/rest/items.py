"""
Items over REST. A key works in its workspace; a person names one.

Rules: what another workspace owns does not exist (404); writes go through `domain.py` alone; lists go from `values()` straight to JSON.
"""

from __future__ import annotations

import uuid
from typing import Any, ClassVar, Final

from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from common.rest.caches import cached_query
from common.rest.callers import admit
from common.rest.formats import CsvRenderer, JsonRenderer
from common.rest.orders import read_page
from common.rest.pieces import send_pieces
from common.rest.preconditions import HEADER, etag_of, seen_versions
from common.rest.queries import read_body, read_query
from common.rest.views import ApiView, list_of
from common.rest.workspaces import workspace_of
from items import domain
from items.domain import RESOURCE
from items.models import Item
from items.querysets import ItemQuerySet
from items.rest import items_examples as examples
from items.rest import items_writes as writes
from items.rest.items_export import NdjsonRenderer, stream
from items.rest.items_queries import NEWEST_FIRST, ExportQuery, ItemFilters, ItemQuery, WorkspaceQuery, filters_of
from items.rest.items_serializers import (
    SHOWN,
    ItemChanges,
    ItemOut,
    ItemsOut,
    ManyChanges,
    NewItem,
    NewItems,
    SparsePageOut,
    columns_of,
    describe_items,
    describe_rows,
)
from items.rest.items_stats import StatsOut, describe_stats
from items.stats import count_items

_READ, _WRITE = "items_read", "items_write"
_VIEW, _ADD, _CHANGE, _DELETE = (f"items.{what}_item" for what in ("view", "add", "change", "delete"))
_BULK_LIMIT_BYTES: Final = 4 * 1024 * 1024
_IF_MATCH: Final = OpenApiParameter(
    HEADER, str, OpenApiParameter.HEADER, description='The ETag that was seen, such as `"3"`; 412 when it has another. `*` or none: any.'
)
_ETAG: Final = OpenApiParameter("ETag", str, OpenApiParameter.HEADER, response=[200, 201], description="Of this version: for `If-Match`.")


class ItemList(ApiView):
    cached_as: ClassVar[str] = RESOURCE

    @extend_schema(operation_id="list_items", parameters=[ItemQuery], responses=SparsePageOut, examples=examples.PAGE)
    def get(self, request: Request) -> Response:
        """List items that fit all filters, the newest first unless told otherwise. Permission: `items_read`."""
        query, _, found = _read_filters(request, ItemQuery)
        shown, order = query.get("fields", SHOWN), query.get("ordering", NEWEST_FIRST)
        rows = found.values(*{*columns_of(shown), "id", order.column})
        page = read_page(request, rows, order, query)
        return list_of(describe_rows(page.rows, shown), next=page.next, previous=page.previous)

    @extend_schema(operation_id="create_item", request=NewItem, parameters=[_ETAG], responses={201: ItemOut}, examples=examples.CREATE)
    def post(self, request: Request) -> Response:
        """Make an item; it has the status `new`. Permission: `items_write`."""
        caller = admit(request, permission=_WRITE, console=_ADD)
        body = read_body(NewItem, request)
        workspace_id = workspace_of(caller, body.pop("workspace", None))
        (item,) = domain.create_items(workspace_id, [writes.with_account(body)])
        return _answer(item, status=201)


class ItemDetail(ApiView):
    cached_as: ClassVar[str] = RESOURCE

    @extend_schema(operation_id="get_item", parameters=[WorkspaceQuery, _ETAG], responses=ItemOut, examples=examples.ONE)
    def get(self, request: Request, item_id: uuid.UUID) -> Response:
        """Return one item with its ETag. Permission: `items_read`."""
        workspace_id = _scope(request, _READ, _VIEW)
        row = Item.objects.of_workspace(workspace_id).filter(pk=item_id).values(*columns_of(SHOWN)).first()
        if row is None:
            raise writes.no_item(item_id)
        return Response(describe_rows([row])[0], headers={"ETag": etag_of(row["version"])})

    @extend_schema(
        operation_id="replace_item",
        request=ItemChanges,
        parameters=[WorkspaceQuery, _IF_MATCH, _ETAG],
        responses=ItemOut,
        examples=examples.REPLACE,
    )
    def put(self, request: Request, item_id: uuid.UUID) -> Response:
        """Write all of an item; what is not sent is as in a new one. Permission: `items_write`."""
        return self._change(request, item_id, is_partial=False)

    @extend_schema(
        operation_id="update_item",
        request=ItemChanges,
        parameters=[WorkspaceQuery, _IF_MATCH, _ETAG],
        responses=ItemOut,
        examples=examples.CHANGE,
    )
    def patch(self, request: Request, item_id: uuid.UUID) -> Response:
        """Change some of an item. Permission: `items_write`."""
        return self._change(request, item_id, is_partial=True)

    def _change(self, request: Request, item_id: uuid.UUID, *, is_partial: bool) -> Response:
        workspace_id = _scope(request, _WRITE, _CHANGE)
        seen = seen_versions(request)
        fields = writes.with_account(read_body(ItemChanges, request, is_partial=is_partial))
        return _answer(writes.change(workspace_id, domain.Change(item_id, fields, seen)))

    @extend_schema(operation_id="delete_item", parameters=[WorkspaceQuery, _IF_MATCH], responses={204: None})
    def delete(self, request: Request, item_id: uuid.UUID) -> Response:
        """Delete an item. Permission: `items_write`."""
        writes.delete(_scope(request, _WRITE, _DELETE), item_id, seen_versions(request))
        return Response(status=204)


class ItemBulk(ApiView):
    body_limit_bytes: ClassVar[int] = _BULK_LIMIT_BYTES

    @extend_schema(operation_id="create_items", request=NewItems, responses={201: ItemsOut}, examples=examples.CREATE_MANY)
    def post(self, request: Request) -> Response:
        """Make up to 1,000 items, all or none; `errors` says which rows are wrong. Permission: `items_write`."""
        caller = admit(request, permission=_WRITE, console=_ADD)
        body = read_body(NewItems, request)
        items = writes.create_many(workspace_of(caller, body.get("workspace")), body["items"])
        answer = list_of(describe_items(items))
        answer.status_code = 201
        return answer

    @extend_schema(operation_id="update_items", request=ManyChanges, responses=ItemsOut, examples=examples.CHANGE_MANY)
    def patch(self, request: Request) -> Response:
        """Change up to 1,000 items, all or none; a row with `version` only if it still has it. Permission: `items_write`."""
        caller = admit(request, permission=_WRITE, console=_CHANGE)
        body = read_body(ManyChanges, request)
        return list_of(describe_items(writes.change_many(workspace_of(caller, body.get("workspace")), body["items"])))


class ItemStats(ApiView):
    @extend_schema(operation_id="count_items", parameters=[ItemFilters], responses=StatsOut, examples=examples.STATS)
    def get(self, request: Request) -> Response:
        """Count items that fit all filters, by what they are sorted into. Permission: `items_read`."""
        query, workspace_id, found = _read_filters(request, ItemFilters)
        minute = timezone.now().replace(second=0, microsecond=0)  # what is overdue changes without a write
        counts = cached_query(workspace_id, RESOURCE, "item_stats", query | {"now": minute}, lambda: count_items(found, minute))
        return Response(describe_stats(counts))


class ItemExport(ApiView):
    renderer_classes = (NdjsonRenderer, CsvRenderer, JsonRenderer)

    @extend_schema(
        operation_id="export_items",
        parameters=[ExportQuery],
        responses={(200, "text/csv"): OpenApiTypes.STR, (200, "application/x-ndjson"): OpenApiTypes.STR},
        examples=examples.EXPORT,
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """Send all items that fit the filters, the oldest first, as CSV or as JSON by the line. Permission: `items_read`."""
        query, _, found = _read_filters(request, ExportQuery)
        kind = query.get("format") or ("csv" if isinstance(request.accepted_renderer, CsvRenderer) else "ndjson")
        media_type = {"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}[kind]
        disposition = f'attachment; filename="items.{kind}"'
        return send_pieces(request, stream(found, query.get("fields", SHOWN), kind), content_type=media_type, disposition=disposition)


def _scope(request: Request, permission: str, console: str) -> uuid.UUID:
    caller = admit(request, permission=permission, console=console)
    return workspace_of(caller, read_query(WorkspaceQuery, request).get("workspace"))


def _read_filters(request: Request, kind: type[ItemFilters]) -> tuple[dict[str, Any], uuid.UUID, ItemQuerySet]:
    """Return the query, the caller's workspace and its items that fit."""
    caller = admit(request, permission=_READ, console=_VIEW)
    query = read_query(kind, request)
    workspace_id = workspace_of(caller, query.get("workspace"))
    return query, workspace_id, Item.objects.of_workspace(workspace_id).matching(filters_of(query))


def _answer(item: Item, *, status: int = 200) -> Response:
    return Response(describe_items([item])[0], status=status, headers={"ETag": etag_of(item.version)})
