"""
Letting go what the limits hold back for requests that nobody will ever settle, because their worker died.

The counters of all budgets that bound them are deleted: whoever needs one next makes it anew from the books (`spend_history.py`), which
have those requests at no cost. Limits without books (of requests, slots and addresses) refill or expire by themselves.

Rules: may be repeated; a counter too many that is deleted costs a query. Runs where usage is shipped, never in a worker.
Source: docs/design/0011-ledger.md
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

from apikeys.hotpath import Principal
from apikeys.public import ApiKey
from proxy.adapters.snapshot_builder import build_snapshot
from proxy.snapshot import Snapshot
from proxy.stages.reserve import Caller, budget_keys
from proxy.wire.spool import Ended

log = structlog.get_logger(__name__)

_TIMEOUT_S: Final = 1.0


class CounterRelease:
    """A `ReleaseInterrupted` of the shipper."""

    def __init__(self, redis_url: str) -> None:
        # With the library's defaults a stopped server would hold shipping for seconds.
        self._redis = redis.Redis.from_url(
            redis_url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S, retry=Retry(NoBackoff(), 0)
        )

    def __call__(self, lines: Sequence[Ended]) -> bool:
        """
        Forget the counters of the budgets that bound these requests; False when Redis is away.

        Errors: those of the database.
        Cost: the queries of a snapshot, two for the keys, and one round trip.
        """
        keys = _budget_keys(lines)
        try:
            pipe = self._redis.pipeline(transaction=False)
            for key in keys:
                pipe.delete(key)  # one at a time: they may lie in any slot of a cluster
            pipe.execute()
        except (redis.RedisError, OSError) as error:
            log.warning("counters_not_released", counters_count=len(keys), error=type(error).__name__)
            return False
        return True


def _budget_keys(lines: Sequence[Ended]) -> set[bytes]:
    snapshot = build_snapshot()
    principals = _find_principals({line.key_id for line in lines})
    return {
        key
        for line in lines
        if (principal := principals.get(line.key_id)) is not None
        for key in budget_keys(_caller(line, principal, snapshot), snapshot)
    }


def _find_principals(key_ids: set[str]) -> dict[str, Principal]:
    """Return the keys by id, revoked ones too, with what decides which limits bind them."""
    found = ApiKey.objects.filter(pk__in=key_ids).prefetch_related("limits")
    return {
        str(key.pk): Principal(
            key_id=str(key.pk),
            workspace_id=str(key.workspace_id),
            allowed_models=(),
            allowed_networks=(),
            limit_ids=tuple(str(limit.pk) for limit in key.limits.all()),
            is_keepalive_enabled=False,
            expires_at=None,
            as_of=0,
        )
        for key in found
    }


def _caller(line: Ended, principal: Principal, snapshot: Snapshot) -> Caller:
    route = snapshot.find_route(line.model)
    return Caller(principal, "127.0.0.1", route.model if route else line.model, line.end_user, line.tags)
