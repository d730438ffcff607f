"""The port to what was recorded about single requests."""

from __future__ import annotations

import uuid
from typing import Protocol

from proxy.wire.spool import Ended, Started


class RequestRecords(Protocol):
    """Where records are read, also those that are not shipped yet."""

    async def find(self, request_id: uuid.UUID) -> Ended | Started | None:
        """Return how a request ended, or that it runs; None for an id that nobody has. Errors: StoreUnavailable."""
