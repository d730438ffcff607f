"""
Telling every worker at once, over Redis, that keys or the configuration changed.

Rules: only a hint. Workers read PostgreSQL every few seconds besides, so a lost announcement costs seconds and a failing Redis is
logged and never breaks the save that is already committed.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any, Final

import redis
import structlog
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

CHANNEL: Final = "gw:events"
_TIMEOUT_S: Final = 0.05

log = structlog.get_logger(__name__)


def announce_key_change(*, subject: str, number: int, **signal: Any) -> None:
    """Receive `apikeys.signals.key_changed`."""
    _publish({"kind": "key", "subject": subject, "number": number})


def announce_revision(*, number: int, **signal: Any) -> None:
    """Receive `proxy.signals.revision_published`."""
    _publish({"kind": "revision", "number": number})


def _publish(event: dict[str, Any]) -> None:
    """Cost: one round trip, at most 0.1 s (to connect and to be answered)."""
    try:
        _client(settings.REDIS_URL).publish(CHANNEL, json.dumps(event))
    except (redis.RedisError, OSError) as error:
        log.warning("announcement_failed", kind=event["kind"], number=event["number"], error=type(error).__name__)


@cache
def _client(url: str) -> redis.Redis:
    # With the library's defaults a stopped server would hold the save for seconds.
    return redis.Redis.from_url(url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S, retry=Retry(NoBackoff(), 0))
