"""
The configuration a request reads, from beginning to end: frozen, typed, with a revision.

This is the contract between the console and the data plane: `adapters/snapshot_store.py` builds it from rows, stages only read it.
It can be dumped and parsed, sealed, so that a worker that starts while the database is away serves from the last good one.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import Any

import msgspec

from common.secret import Secret
from proxy.ports import Endpoint, Timeouts

FORMAT_VERSION = 1
"""Raised whenever a field changes its meaning: a worker never reads a dump of another version."""


@dataclass(frozen=True, slots=True)
class Price:
    """What a target costs from `effective_at` (unix seconds) on. Units: nano-dollars per million tokens."""

    effective_at: float
    input_nano_usd_per_mtok: int
    cached_input_nano_usd_per_mtok: int
    output_nano_usd_per_mtok: int


@dataclass(frozen=True)
class Backend:
    """Where a target's calls go. `credential` is the provider's, None for one that asks for none."""

    name: str
    provider: str
    endpoint: Endpoint
    timeouts: Timeouts
    credential: Secret | None = None
    is_drained_on_disconnect: bool = False

    @cached_property
    def whole_answer_timeouts(self) -> Timeouts:
        """Return the timers of a call that is answered at once: its head comes with its last token, so only the total counts."""
        total_s = self.timeouts.total_s
        return Timeouts(self.timeouts.connect_s, total_s, total_s, total_s)


@dataclass(frozen=True, slots=True)
class Target:
    """`prices` are sorted by the moment they begin; the last one that has begun holds."""

    backend: str
    upstream_model: str
    weight: int = 1
    prices: tuple[Price, ...] = ()

    def price_at(self, now_s: float) -> Price | None:
        at = bisect.bisect_right(self.prices, now_s, key=lambda price: price.effective_at)
        return self.prices[at - 1] if at else None


@dataclass(frozen=True)
class Route:
    model: str
    targets: tuple[Target, ...]
    selection: str = "weighted"
    created_at_s: int = 0

    @cached_property
    def cumulative_weights(self) -> tuple[int, ...]:
        return tuple(accumulate(target.weight for target in self.targets))


@dataclass(frozen=True, slots=True)
class LimitRule:
    """A limit as the limiter reads it. `workspace_id` and `model` narrow it; empty means all."""

    id: str
    name: str
    scope: str
    unit: str
    amount: int
    window_s: int
    burst: int
    is_enforced: bool = True
    workspace_id: str = ""
    model: str = ""


@dataclass(frozen=True)
class Snapshot:
    """
    `key_change_number` is where the key change feed stood when this was read.

    Guarantee: never changed after it was made; the next revision is another object.
    """

    revision: int
    key_change_number: int = 0
    backends: dict[str, Backend] = field(default_factory=dict)
    routes: dict[str, Route] = field(default_factory=dict)
    limits: tuple[LimitRule, ...] = ()

    @cached_property
    def limits_by_id(self) -> dict[str, LimitRule]:
        return {rule.id: rule for rule in self.limits}

    @cached_property
    def limits_by_scope(self) -> dict[str, tuple[LimitRule, ...]]:
        scopes = {rule.scope for rule in self.limits}
        return {scope: tuple(rule for rule in self.limits if rule.scope == scope) for scope in scopes}


class SnapshotHolder:
    """Where the current snapshot of this process is; swapped in one assignment."""

    __slots__ = ("current",)

    def __init__(self, current: Snapshot | None = None) -> None:
        self.current = current


def _encode_secret(value: Any) -> str:
    if isinstance(value, Secret):
        return value.reveal()
    raise NotImplementedError(f"a snapshot holds no {type(value).__name__}")


def _decode_secret(kind: type, value: Any) -> Any:
    if kind is Secret:
        return Secret(value)
    raise NotImplementedError(f"a snapshot holds no {kind.__name__}")


@dataclass(frozen=True)
class _Dump:
    version: int
    snapshot: Snapshot


def dump_snapshot(snapshot: Snapshot) -> bytes:
    """Return the snapshot with its credentials in plain text: for sealing, never for storing as it is."""
    return msgspec.msgpack.encode(_Dump(FORMAT_VERSION, snapshot), enc_hook=_encode_secret)


def parse_snapshot(dump: bytes) -> Snapshot:
    """Errors: ValueError for a dump of another format version or a damaged one."""
    try:
        parsed = msgspec.msgpack.decode(dump, type=_Dump, dec_hook=_decode_secret)
    except msgspec.MsgspecError as error:
        raise ValueError(f"unreadable snapshot: {error}") from error
    if parsed.version != FORMAT_VERSION:
        raise ValueError(f"snapshot of format {parsed.version}, not {FORMAT_VERSION}")
    return parsed.snapshot
