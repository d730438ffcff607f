"""
What is known of texts seen before, so that the turns of a long conversation are looked at once.

Rules: a key holds the workspace, so tenants never meet; the text is in it only as a digest. Kept is what detectors answered without
reading the request's facts; those that read them are asked again. Failures are never kept.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass

from guardrails.detection import Facts, Hit, Subject, TextUnit

_HITS_COUNT = 64

Key = tuple[str, str, str, str, bool, bytes]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`settled`: what rules found, by their index. `pending`: the confirmed hits of rules whose detector must be asked again."""

    settled: tuple[tuple[int, tuple[Hit, ...]], ...] = ()
    pending: tuple[tuple[int, tuple[Hit, ...]], ...] = ()


NOTHING = Verdict()


def key_of(workspace: str, unit: TextUnit) -> Key:
    """Cost: about 1.5 us per KB."""
    digest = hashlib.blake2b(unit.text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return workspace, unit.direction, unit.trust, unit.tool, unit.is_latest, digest


class VerdictCache:
    """The texts last seen, at most `capacity`."""

    __slots__ = ("_capacity", "_kept")

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._kept: OrderedDict[Key, Verdict] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, key: Key) -> Verdict | None:
        verdict = self._kept.get(key)
        if verdict is not None:
            with suppress(KeyError):  # another thread has just forgotten it; the verdict is as good
                self._kept.move_to_end(key)
        return verdict

    def keep(self, key: Key, verdict: Verdict) -> None:
        if sum(len(hits) for _, hits in verdict.settled + verdict.pending) > _HITS_COUNT:
            return
        self._kept[key] = verdict
        while len(self._kept) > self._capacity:
            try:
                self._kept.popitem(last=False)
            except KeyError:
                return


class WatchedSubject(Subject):
    """A subject that knows whether its facts were read."""

    __slots__ = ("_facts", "is_facts_read")

    def __init__(self, unit: TextUnit, facts: Facts) -> None:
        self._facts = facts
        self.is_facts_read = False
        self.unit = unit
        self._main = None
        self._others = None

    @property
    def facts(self) -> Facts:  # type: ignore[override]
        self.is_facts_read = True
        return self._facts
