"""What a listener to signals asks for that was given before it listened."""

from __future__ import annotations

import uuid
from typing import Any, Final

from common.databases import database_to_read
from gatewaysite.signal_socket import Wanted
from items.models import Channel, Signal
from items.rest.signals_serializers import COLUMNS, describe_signals

_MAX_COUNT: Final = 1_000


def read_since(workspace_id: str, wanted: Wanted) -> tuple[list[dict[str, Any]], bool]:
    """
    Return the first signals that were given at `wanted.since` or later, the oldest first, and whether there are more.

    Cost: three queries.
    """
    workspace = uuid.UUID(workspace_id)
    alias = database_to_read(workspace)
    rows = Signal.objects.using(alias).filter(workspace_id=workspace, ts__gte=wanted.since)
    if wanted.symbols:
        rows = rows.filter(symbol__in=wanted.symbols)
    if wanted.actions:
        rows = rows.filter(action__in=wanted.actions)
    if wanted.channels:
        channels = Channel.objects.using(alias).filter(workspace_id=workspace, name__in=wanted.channels)
        rows = rows.filter(channel_id__in=list(channels.values_list("pk", flat=True)))
    found = list(rows.order_by("ts", "id").values(*COLUMNS)[: _MAX_COUNT + 1])
    return describe_signals(workspace, found[:_MAX_COUNT]), len(found) > _MAX_COUNT
