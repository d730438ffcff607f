"""Take what the request will use out of every limit that binds it."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict

from apikeys.hotpath import Principal
from proxy.errors import RateLimited
from proxy.limiter import Bucket, Limiter, Refusal, Reservation
from proxy.snapshot import LimitRule, Snapshot
from proxy.telemetry import rate_limit_dropped, rate_limit_shadow

_PLANS_MAX_COUNT = 20_000


class LimitPlans:
    """Which buckets bind whom: worked out once for each (key, address, model) and revision. Bounded."""

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter
        self._plans: OrderedDict[tuple[str, str, str], tuple[Principal, tuple[Bucket, ...]]] = OrderedDict()
        self._snapshot: Snapshot | None = None

    @property
    def limiter(self) -> Limiter:
        return self._limiter

    def buckets_for(self, principal: Principal, client_ip: str, model: str, snapshot: Snapshot) -> tuple[Bucket, ...]:
        if snapshot is not self._snapshot:  # all at once: plans of keys that stay away would keep every old configuration in memory
            self._plans.clear()
            self._snapshot = snapshot
        key = (principal.key_id, client_ip, model)
        plan = self._plans.get(key)
        if plan is not None and plan[0] is principal:
            return plan[1]
        buckets = tuple(self._find_buckets(principal, client_ip, model, snapshot))
        self._plans[key] = (principal, buckets)
        if len(self._plans) > _PLANS_MAX_COUNT:
            self._plans.popitem(last=False)
        return buckets

    def _find_buckets(self, principal: Principal, client_ip: str, model: str, snapshot: Snapshot) -> list[Bucket]:
        scopes = snapshot.limits_by_scope
        bucket = self._limiter.bucket
        found: list[Bucket] = []
        for rule in scopes.get("global", ()):
            if _binds(rule, principal, model):
                found.append(bucket(rule, "global", rule.model))
        if not _is_loopback(client_ip):
            for rule in scopes.get("ip", ()):
                if _binds(rule, principal, model):
                    found.append(bucket(rule, f"ip:{client_ip}", rule.model))
        for rule in scopes.get("workspace", ()):
            if _binds(rule, principal, model):
                found.append(bucket(rule, principal.workspace_id, rule.model))
        for limit_id in principal.limit_ids:
            key_rule = snapshot.limits_by_id.get(limit_id)
            if key_rule is not None and _binds(key_rule, principal, model):
                found.append(bucket(key_rule, principal.workspace_id, f"{principal.key_id}:{key_rule.model}"))
        return found


def _binds(rule: LimitRule, principal: Principal, model: str) -> bool:
    return (not rule.workspace_id or rule.workspace_id == principal.workspace_id) and (not rule.model or rule.model == model)


def _is_loopback(client_ip: str) -> bool:
    try:
        address = ipaddress.ip_address(client_ip)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def _note(refusal: Refusal) -> None:
    count = rate_limit_dropped if refusal.rule.is_enforced else rate_limit_shadow
    count(refusal.rule.scope, refusal.rule.unit).inc()


def _tightest(buckets: tuple[Bucket, ...], now: float) -> Reservation:
    tightest: Bucket | None = None
    least = 0
    for bucket in buckets:
        if bucket.rule.is_enforced and ((remaining := bucket.remaining_count(now)) < least or tightest is None):
            tightest, least = bucket, remaining
    if tightest is None:
        return Reservation()
    return Reservation(tightest.burst, least, (tightest.burst - least) * tightest.interval_s)


async def reserve(principal: Principal, client_ip: str, model: str, snapshot: Snapshot, plans: LimitPlans) -> Reservation:
    """
    Charge one request to the installation's, the address's, the workspace's and the key's limits.

    Errors: RateLimited with `retry_after_s`, the longest wait of those that refused; it carries the reservation for the headers.
    Cost: no round trip while the worker's leases last, else one.
    Guarantee: all limits are charged or none.
    """
    buckets = plans.buckets_for(principal, client_ip, model, snapshot)
    refusals = await plans.limiter.take(buckets)
    for refusal in refusals:
        _note(refusal)
    enforced = [refusal for refusal in refusals if refusal.rule.is_enforced]
    if enforced:
        worst = max(enforced, key=lambda refusal: refusal.retry_after_s)
        raise RateLimited(
            f"The limit {worst.rule.name!r} is reached: {worst.rule.amount} {worst.rule.unit} per {worst.rule.window_s} s"
            f" with a burst of {worst.rule.burst}. Try again in {worst.retry_after_s:.3f} s.",
            retry_after_s=worst.retry_after_s,
            reservation=_tightest(buckets, plans.limiter.clock()),
        )
    return _tightest(buckets, plans.limiter.clock())
