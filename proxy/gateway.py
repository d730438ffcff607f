"""All that the pipeline needs, in one value made once for each worker."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from proxy.coalescing import Flights
from proxy.errors import Overloaded
from proxy.estimates import TokenRatios
from proxy.idempotency import IdempotencyStore
from proxy.key_directory import KeyDirectory
from proxy.ports import Upstream
from proxy.refusals import RefusalBudget
from proxy.request_records import RequestRecords
from proxy.response_state import ResponseStore
from proxy.snapshot import Snapshot, SnapshotHolder
from proxy.stages.guard import Guardrails, Moderation
from proxy.stages.look_up import ReplyCache
from proxy.stages.record import Spool
from proxy.stages.reserve import LimitPlans
from proxy.unpriced import UnpricedAlarm


@dataclass(frozen=True, slots=True)
class Gateway:
    """Made by `runtime.py` (and by `testing.py`). What is None, this gateway does without."""

    snapshots: SnapshotHolder
    keys: KeyDirectory
    pepper: bytes
    plans: LimitPlans
    upstream: Upstream
    spool: Spool
    guardrails: Guardrails | None = None
    moderator: Moderation | None = None
    replies: ReplyCache | None = None
    idempotency: IdempotencyStore | None = None
    responses: ResponseStore | None = None
    records: RequestRecords | None = None
    refusals: RefusalBudget = field(default_factory=RefusalBudget)
    unpriced: UnpricedAlarm = field(default_factory=UnpricedAlarm)
    flights: Flights = field(default_factory=Flights)
    ratios: TokenRatios = field(default_factory=TokenRatios)
    json_depth_count: int = 64
    keepalive_s: float = 15.0
    now_s: Callable[[], float] = time.time

    def snapshot(self) -> Snapshot:
        """Errors: Overloaded before the first configuration was loaded."""
        if (current := self.snapshots.current) is None:
            raise Overloaded("The gateway is starting. Try again.", retry_after_s=1)
        return current
