"""Channels of signals over REST, found by name or id."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from common.databases import database_of, database_to_read
from common.rest.callers import admit
from common.rest.orders import read_page
from common.rest.queries import read_body, read_query
from common.rest.views import ApiView, list_of
from common.rest.workspaces import workspace_of
from items import signal_store
from items.errors import ChannelExists, ChannelMissing
from items.models import Channel
from items.rest import signals_examples as examples
from items.rest.items_queries import WorkspaceQuery
from items.rest.signals import READ, WRITE
from items.rest.signals_serializers import (
    BY_NAME,
    ChannelChanges,
    ChannelOut,
    ChannelPageOut,
    ChannelQuery,
    NewChannel,
    describe_channel,
)

_VIEW, _ADD, _CHANGE, _DELETE = (f"items.{what}_channel" for what in ("view", "add", "change", "delete"))
_COLUMNS: Final = ("id", "name", "description", "is_active", "created_at")
_CHANNEL: Final = OpenApiParameter("channel", OpenApiTypes.STR, OpenApiParameter.PATH, description="Its name or its id.")


class ChannelList(ApiView):
    cached_as: ClassVar[str] = signal_store.RESOURCE

    @extend_schema(operation_id="list_channels", parameters=[ChannelQuery], responses=ChannelPageOut, examples=examples.CHANNELS)
    def get(self, request: Request) -> Response:
        """List the channels by name. Permission: `signals_read`."""
        caller = admit(request, permission=READ, console=_VIEW)
        query = read_query(ChannelQuery, request)
        workspace_id = workspace_of(caller, query.get("workspace"))
        rows = Channel.objects.using(database_to_read(workspace_id)).filter(workspace_id=workspace_id).values(*_COLUMNS)
        page = read_page(request, rows, BY_NAME, query)
        return list_of([describe_channel(row) for row in page.rows], next=page.next, previous=page.previous)

    @extend_schema(operation_id="create_channel", request=NewChannel, responses={201: ChannelOut}, examples=examples.CREATE_CHANNEL)
    def post(self, request: Request) -> Response:
        """Make a channel that signals can name. Permission: `signals_write`."""
        caller = admit(request, permission=WRITE, console=_ADD)
        body = read_body(NewChannel, request)
        workspace_id = workspace_of(caller, body.pop("workspace", None))
        try:
            channel = signal_store.create_channel(workspace_id, **body)
        except ChannelExists as error:
            raise ValidationError({"name": [str(error)]}) from None
        return Response(_describe(channel), status=201)


class ChannelDetail(ApiView):
    @extend_schema(
        operation_id="update_channel",
        request=ChannelChanges,
        parameters=[_CHANNEL, WorkspaceQuery],
        responses=ChannelOut,
        examples=examples.CHANGE_CHANNEL,
    )
    def patch(self, request: Request, channel: str) -> Response:
        """Change some of a channel. Permission: `signals_write`."""
        workspace_id = _scope(request, _CHANGE)
        body = read_body(ChannelChanges, request, is_partial=True)
        try:
            changed = signal_store.change_channel(workspace_id, _find(workspace_id, channel), **body)
        except ChannelMissing:
            raise _no_channel(channel) from None
        except ChannelExists as error:
            raise ValidationError({"name": [str(error)]}) from None
        return Response(_describe(changed))

    @extend_schema(operation_id="delete_channel", parameters=[_CHANNEL, WorkspaceQuery], responses={204: None})
    def delete(self, request: Request, channel: str) -> Response:
        """Delete a channel that has no signals. Permission: `signals_write`."""
        workspace_id = _scope(request, _DELETE)
        try:
            signal_store.delete_channel(workspace_id, _find(workspace_id, channel))
        except ChannelMissing:
            raise _no_channel(channel) from None
        return Response(status=204)


def _scope(request: Request, console: str) -> uuid.UUID:
    caller = admit(request, permission=WRITE, console=console)
    return workspace_of(caller, read_query(WorkspaceQuery, request).get("workspace"))


def _find(workspace_id: uuid.UUID, channel: str) -> uuid.UUID:
    """Return a channel's id; a name goes before an id that looks like it. Errors: NotFound."""
    channels = Channel.objects.using(database_of(workspace_id)).filter(workspace_id=workspace_id)
    found: uuid.UUID | None = channels.filter(name=channel).values_list("pk", flat=True).first()
    if found is None:
        try:
            found = uuid.UUID(channel)
        except ValueError:
            raise _no_channel(channel) from None
    return found


def _no_channel(channel: str) -> NotFound:
    return NotFound(f"There is no channel {channel[:63]!r}.")


def _describe(channel: Channel) -> dict[str, Any]:
    return describe_channel({name: getattr(channel, name) for name in _COLUMNS})
