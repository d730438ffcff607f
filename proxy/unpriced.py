"""
The alarm for answers that nobody knows the price of: they count as free, so budgets do not see them.

Rules: each is counted; the log says it once an hour for each model and backend, and each worker for itself.
Source: docs/design/0011-ledger.md
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import structlog

from proxy.telemetry import unpriced_requests

log = structlog.get_logger(__name__)

_SILENCE_S: Final = 3600.0
_KNOWN_MAX_COUNT: Final = 10_000


class UnpricedAlarm:
    """One for each worker. Cost: about 1 us a request without a price, none for others."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told_at: dict[tuple[str, str], float] = {}

    def note(self, model: str, backend: str) -> None:
        """Count a request and perhaps log it. `model` is a route's, not a caller's word for it, which a wildcard leaves open."""
        unpriced_requests(model, backend).inc()
        now, place = self._clock(), (model, backend)
        told_at = self._told_at.get(place)
        if told_at is not None and now - told_at < _SILENCE_S:
            return
        if len(self._told_at) >= _KNOWN_MAX_COUNT:  # models come and go with the configuration
            self._told_at.clear()
        self._told_at[place] = now
        log.warning("model_unpriced", model=model, backend=backend, hint="Answers count as free. Add a price in the console.")
