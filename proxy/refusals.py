"""How many refused requests of a key are recorded: enough to explain them, too few to fill a disk."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

_PER_S = 10.0
_KEYS_MAX_COUNT = 10_000


class RefusalBudget:
    """
    Ten records a second for each key and worker; what is refused beyond that is counted by the metrics only.

    Guarantee: bounded memory, whatever the number of keys.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def may_record(self, key_id: str) -> bool:
        now = self._clock()
        left, seen_at = self._left.pop(key_id, (_PER_S, now))
        left = min(_PER_S, left + (now - seen_at) * _PER_S)
        may = left >= 1
        self._left[key_id] = (left - 1 if may else left, now)
        if len(self._left) > _KEYS_MAX_COUNT:
            self._left.popitem(last=False)
        return may
