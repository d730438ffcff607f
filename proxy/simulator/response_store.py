"""The responses that OpenAI's endpoint remembers: a bounded memory, the oldest forgotten first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from proxy.simulator.options import Object
from proxy.simulator.wire import dump

MAX_COUNT = 1000
MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """
    One response: `final` is what it is once it is over, `pending` what it is until then, `items` everything it was made from.

    Units: `ready_at_s` in seconds of `time.monotonic`; a response that was not made in the background is ready at once.
    """

    final: Object
    pending: Object
    items: Sequence[Object]
    ready_at_s: float = 0.0
    is_background: bool = False
    frames: Sequence[bytes] = ()

    def at(self, now_s: float) -> Object:
        return self.final if now_s >= self.ready_at_s else self.pending


class ResponseStore:
    """At most `max_count` responses and `max_bytes` of their JSON."""

    def __init__(self, max_count: int = MAX_COUNT, max_bytes: int = MAX_BYTES) -> None:
        self._max_count = max_count
        self._max_bytes = max_bytes
        self._kept: OrderedDict[str, tuple[StoredResponse, int]] = OrderedDict()
        self._bytes = 0

    def put(self, response_id: str, stored: StoredResponse) -> None:
        size = len(dump(stored.final)) + len(dump(stored.items)) + sum(map(len, stored.frames))
        self.remove(response_id)
        self._kept[response_id] = (stored, size)
        self._bytes += size
        while self._kept and (len(self._kept) > self._max_count or self._bytes > self._max_bytes):
            self.remove(next(iter(self._kept)))

    def find(self, response_id: str) -> StoredResponse | None:
        kept = self._kept.get(response_id)
        return kept[0] if kept else None

    def cancel(self, response_id: str, stored: StoredResponse) -> Object:
        """Make a response that is not over yet end as cancelled, and return it."""
        cancelled = stored.pending | {"status": "cancelled"}
        self.put(response_id, replace(stored, final=cancelled, ready_at_s=0.0, frames=()))
        return cancelled

    def remove(self, response_id: str) -> bool:
        """Forget a response and return whether there was one."""
        kept = self._kept.pop(response_id, None)
        if kept is None:
            return False
        self._bytes -= kept[1]
        return True
