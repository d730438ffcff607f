"""
The configuration a request reads, from beginning to end: frozen, typed, with a revision.

This is the contract between the console and the data plane: `adapters/snapshot_store.py` builds it from rows, stages only read it.
It can be dumped and parsed, sealed, so that a worker that starts while the database is away serves from the last good one.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate
from typing import Any

import msgspec

from common.secret import Secret
from proxy.ports import Endpoint, Timeouts
from proxy.prices.patterns import fold_model, matches

FORMAT_VERSION = 2
"""Raised whenever a field changes its meaning: a worker never reads a dump of another version."""
_MATCHED_MAX_COUNT = 1000


@dataclass(frozen=True, slots=True)
class Price:
    """
    What a target costs from `effective_at` (unix seconds) on, for each class of usage. Units: nano-dollars per million tokens.

    Where the price list is silent about a class, the builder has put in the price that then holds.
    """

    effective_at: float
    input_nano_usd_per_mtok: int
    cached_input_nano_usd_per_mtok: int
    output_nano_usd_per_mtok: int
    cache_write_5m_nano_usd_per_mtok: int
    cache_write_1h_nano_usd_per_mtok: int
    reasoning_nano_usd_per_mtok: int
    audio_input_nano_usd_per_mtok: int
    audio_output_nano_usd_per_mtok: int


@dataclass(frozen=True)
class Backend:
    """
    Where a target's calls go. `credential` is the provider's, None for one that asks for none.

    `vendor` is whose dialect of the provider's API it is (groq, mistral, openrouter ...; empty: the provider's own). `api_version` is
    Azure's. `min_stream_bytes_per_s`: a stream slower than that before its first content is given up; 0 waits for the timer.
    """

    name: str
    provider: str
    endpoint: Endpoint
    timeouts: Timeouts
    credential: Secret | None = None
    is_drained_on_disconnect: bool = False
    vendor: str = ""
    api_version: str = ""
    min_stream_bytes_per_s: int = 0

    @cached_property
    def whole_answer_timeouts(self) -> Timeouts:
        """Return the timers of a call that is answered at once: its head comes with its last token, so only the total counts."""
        total_s = self.timeouts.total_s
        return Timeouts(self.timeouts.connect_s, total_s, total_s, total_s)


@dataclass(frozen=True, slots=True)
class Target:
    """
    `prices` are sorted by the moment they begin; the last one that has begun holds.

    An `upstream_model` with a `*` stands for what a wildcard route leaves open; `price_list` then has the prices of all models it may
    stand for, by name or pattern (`prices/patterns.py`): the first that matches holds.
    """

    backend: str
    upstream_model: str
    weight: int = 1
    prices: tuple[Price, ...] = ()
    price_list: tuple[tuple[str, tuple[Price, ...]], ...] = ()

    def prices_of(self, rest: str) -> tuple[Price, ...]:
        """Return the prices of the model that `rest` makes of a wildcard; those of the target itself when it is none."""
        if "*" not in self.upstream_model:
            return self.prices
        model = fold_model(self.upstream_model.replace("*", rest))
        return next((prices for pattern, prices in self.price_list if matches(pattern, model)), ())

    def price_at(self, now_s: float) -> Price | None:
        at = bisect.bisect_right(self.prices, now_s, key=lambda price: price.effective_at)
        return self.prices[at - 1] if at else None


@dataclass(frozen=True)
class Route:
    """
    `model` may end in `*`; `stage route` then fills in the rest. `exact_cache_ttl_s` 0: answers are not cached.

    `output_cap_tokens` is what is reserved for an answer whose request sets no maximum.
    """

    model: str
    targets: tuple[Target, ...]
    selection: str = "weighted"
    created_at_s: int = 0
    aliases: tuple[str, ...] = ()
    output_cap_tokens: int = 4096
    exact_cache_ttl_s: int = 0
    is_sampled_cacheable: bool = False
    is_coalesced: bool = False
    is_unpriced_denied: bool = False

    @cached_property
    def cumulative_weights(self) -> tuple[int, ...]:
        return tuple(accumulate(target.weight for target in self.targets))

    def matched_by(self, rest: str) -> Route:
        """Return the route with `rest`, what its star stood for, put in for the star of its targets' upstream models."""
        targets = tuple(replace(to, upstream_model=to.upstream_model.replace("*", rest), prices=to.prices_of(rest)) for to in self.targets)
        return replace(self, targets=targets)


@dataclass(frozen=True, slots=True)
class LimitRule:
    """
    A limit as the limiter reads it. `workspace_id`, `model` (may end in `*`) and `tag` (`name` or `name=value`) narrow it; empty means all.

    Units: `amount` and `burst` are requests, tokens, nano-dollars or slots, by `unit`. With a `calendar` window (minute, hour, day, week or
    month, UTC) `window_s` and `burst` mean nothing. `is_per_model`: each model has a counter of its own.
    """

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
    calendar: str = ""
    is_per_model: bool = False
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Service:
    """A plain HTTP upstream below `path`, which has no slash at its end."""

    path: str
    endpoint: Endpoint
    timeouts: Timeouts
    is_prefix_stripped: bool = False
    cache_get_ttl_s: int = 0
    request_headers: tuple[str, ...] = ()
    response_headers: tuple[str, ...] = ()
    body_limit_bytes: int = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class PublishedPolicy:
    """
    A published version of a guardrail policy, and whom it holds for.

    `document` is the JSON of a `guardrails.policy_document.PolicyDocument`, `digest` the SHA-256 of it: equal digests compile to the same.
    An empty tuple of the scope means all; models and routes may end in `*`. `attached_key_ids` are keys that name the policy: for them it
    holds wherever they are; with `is_attached_only` for nobody else.
    """

    name: str
    version: int
    digest: str
    document: bytes
    workspace_ids: tuple[str, ...] = ()
    key_ids: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    attached_key_ids: tuple[str, ...] = ()
    is_attached_only: bool = False

    def holds_for(self, workspace_id: str, key_id: str, model: str, route: str) -> bool:
        """Return whether the policy inspects a request of this key for `model` at the path `route`."""
        if not (_is_named(self.models, model) and _is_named(self.routes, route)):
            return False
        if key_id in self.attached_key_ids:
            return True
        if self.is_attached_only:
            return False
        return (not self.workspace_ids or workspace_id in self.workspace_ids) and (not self.key_ids or key_id in self.key_ids)

    def specificity_for(self, key_id: str) -> int:
        """
        Return how narrowly the policy is meant for what it holds for, 0 for one that holds everywhere.

        A key weighs more than a workspace, that more than a model, that more than a route.
        """
        is_by_key = bool(self.key_ids) or key_id in self.attached_key_ids
        return 8 * is_by_key + 4 * bool(self.workspace_ids) + 2 * bool(self.models) + bool(self.routes)


def _is_named(names: tuple[str, ...], name: str) -> bool:
    return not names or any(name.startswith(each[:-1]) if each.endswith("*") else name == each for each in names)


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
    services: tuple[Service, ...] = ()
    policies: tuple[PublishedPolicy, ...] = ()

    @cached_property
    def services_by_length(self) -> tuple[Service, ...]:
        """The longest path first: the first that matches is the one."""
        return tuple(sorted(self.services, key=lambda service: -len(service.path)))

    @cached_property
    def _routes_by_name(self) -> dict[str, Route]:
        aliases = {alias: route for route in self.routes.values() for alias in route.aliases}
        return aliases | self.routes

    @cached_property
    def _wildcards(self) -> tuple[Route, ...]:
        found = [route for route in self.routes.values() if route.model.endswith("*")]
        return tuple(sorted(found, key=lambda route: -len(route.model)))

    @cached_property
    def _matched(self) -> dict[str, Route]:
        return {}

    def find_route(self, model: str) -> Route | None:
        """
        Return the route that `model` names, by its own name, by an alias, or by the longest beginning with `*` at its end.

        Cost: one look-up, save for the first requests for a model that only a wildcard takes.
        """
        route = self._routes_by_name.get(model)
        if route is not None or not self._wildcards:
            return route
        return self._matched.get(model) or self._match_wildcard(model)

    def _match_wildcard(self, model: str) -> Route | None:
        for route in self._wildcards:
            beginning = route.model[:-1]
            if model.startswith(beginning) and len(model) > len(beginning) and model.isprintable():
                matched = route.matched_by(model[len(beginning) :])
                if len(self._matched) >= _MATCHED_MAX_COUNT:  # callers invent names
                    self._matched.clear()
                self._matched[model] = matched
                return matched
        return None

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
