"""
What lies in this host's spool and may not be in the database yet: what requests used that ended lately, and what is held back for those
that still run.

Rules: each reader of the spool reads every line once and keeps what the database does not have; whoever asks says what that is. What a
dead worker left open holds nothing: it is going to be recorded as interrupted, at no cost.
Not here: reading the database.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import UUID

from common.ids import timestamp_ms
from proxy.adapters.spool import SUFFIX
from proxy.adapters.spool_reader import SpoolFile
from proxy.wire.spool import Ended, Started

_KEPT_MAX_COUNT: Final = 200_000


class SpoolTooFull(Exception):
    """So much waits for the database that it cannot be kept in memory."""


@dataclass(frozen=True, slots=True)
class Use:
    """What one request used or holds back. Units: unix seconds when it began, LLM tokens, nano-dollars."""

    began_s: float
    workspace_id: str
    key_id: str
    model: str
    end_user: str
    tags: tuple[str, ...]
    input_tokens: int
    output_tokens: int
    cost_nano_usd: int


@dataclass(slots=True)
class _Tail:
    """One file: what ended in it and may wait for the database, and whether those that are open in it still run."""

    file: SpoolFile
    ended: dict[str, Use] = field(default_factory=dict)
    is_alive: bool = True


class SpoolTail:
    """One for each process that asks. Not for several threads at once. Memory: some 300 bytes for each request that waits."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tails: dict[Path, _Tail] = {}

    def refresh(self) -> None:
        """
        Read what came since the last time.

        Errors: SpoolTooFull; `drop` makes room.
        Cost: 30 us a file and 3 us a line.
        """
        paths = set(self._folder.glob(f"*{SUFFIX}"))
        for gone in self._tails.keys() - paths:
            del self._tails[gone]  # all of it is stored
        for path in paths:
            tail = self._tails.setdefault(path, _Tail(SpoolFile(path)))
            try:
                self._read(tail)
            except FileNotFoundError:
                del self._tails[path]

    def _read(self, tail: _Tail) -> None:
        is_orphan = tail.file.is_orphan()
        while batch := tail.file.read_batch():
            if self.waiting_count + len(batch.ended) > _KEPT_MAX_COUNT:
                raise SpoolTooFull
            tail.file.advance(batch)
            tail.ended.update((line.request_id, _used(line)) for line in batch.ended)
        tail.is_alive = not (is_orphan or tail.file.is_closed)

    @property
    def waiting_count(self) -> int:
        return sum(len(tail.ended) for tail in self._tails.values())

    def ended_ids(self) -> list[str]:
        """Return the ids of all that ended and was not dropped, for asking which of them the database has."""
        return [request_id for tail in self._tails.values() for request_id in tail.ended]

    def drop(self, stored_ids: Collection[str]) -> None:
        """Forget what the database has."""
        for tail in self._tails.values():
            for request_id in tail.ended.keys() & stored_ids:
                del tail.ended[request_id]

    def uses(self) -> Iterator[tuple[str, Use]]:
        """Yield each request once, by its id: as it ended, or what is held back for it."""
        seen: set[str] = set()
        for tail in self._tails.values():
            seen |= tail.ended.keys()
            yield from tail.ended.items()
        for tail in self._tails.values():
            for request_id, line in tail.file.open.items() if tail.is_alive else ():
                if request_id not in seen:
                    seen.add(request_id)
                    yield request_id, _held(line)


def _used(line: Ended) -> Use:
    return _use(line, line.input_tokens, line.output_tokens, line.cost_nano_usd)


def _held(line: Started) -> Use:
    return _use(line, line.reserved_input_tokens, line.reserved_tokens - line.reserved_input_tokens, line.reserved_nano_usd)


def _use(line: Ended | Started, input_tokens: int, output_tokens: int, cost_nano_usd: int) -> Use:
    return Use(
        timestamp_ms(UUID(line.request_id)) / 1000,
        line.workspace_id,
        line.key_id,
        line.model,
        line.end_user,
        line.tags,
        input_tokens,
        output_tokens,
        cost_nano_usd,
    )
