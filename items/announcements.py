"""
Telling whoever listens that signals were stored: over Redis, after COMMIT.

Rules: nothing waits for a listener. A lost message is no loss of a signal: listeners can ask for what they missed.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any, Final

import msgspec
import redis
import structlog
from django.conf import settings

from common.redis_clients import pooled_client
from items.signal_feed import feed_name
from items.signal_rows import SignalRow, plain_price

_TIMEOUT_S: Final = 0.05
_AT_ONCE: Final = 200

log = structlog.get_logger(__name__)


def announce_signals(workspace_id: uuid.UUID, rows: Iterable[SignalRow]) -> None:
    """Publish signals as lists show them, but for when they arrived. Cost: a round trip where nobody listens; never more than 0.1 s."""
    client, name = pooled_client(settings.REDIS_URL, _TIMEOUT_S, 0), feed_name(str(workspace_id))
    try:
        if not client.pubsub_numsub(name)[0][1]:
            return
        signals = [_describe(row) for row in rows]
        with client.pipeline(transaction=False) as pipe:
            for start in range(0, len(signals), _AT_ONCE):
                pipe.publish(name, msgspec.json.encode(signals[start : start + _AT_ONCE]))
            pipe.execute()
    except (redis.RedisError, OSError) as error:
        log.warning("signals_not_announced", workspace_id=str(workspace_id), error=type(error).__name__)


def _describe(row: SignalRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "object": "signal",
        "channel": row.channel,
        "symbol": row.symbol,
        "action": row.action,
        "price": None if row.price is None else plain_price(row.price),
        "confidence": row.confidence,
        "timestamp": row.ts,
        "external_id": row.external_id or None,
        "payload": row.payload,
    }
