"""Take what the request will use out of every limit that binds it."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import msgspec

from apikeys.hotpath import Principal
from proxy.errors import BudgetSpent, RateLimited
from proxy.estimates import FREE, Estimate
from proxy.limiter import Bucket, Limiter, Plan, Refusal, Reservation, Subject, count_units, counter_key
from proxy.limiter.window_bucket import is_budget
from proxy.limiter.wording import describe_rule, format_usd
from proxy.snapshot import LimitRule, Snapshot
from proxy.telemetry import rate_limit_dropped, rate_limit_shadow

__all__ = ["FREE", "Caller", "LimitPlans", "Reservation", "budget_keys", "peek", "reserve"]

_PLANS_MAX_COUNT = 20_000
_NAME_MAX_CHARS = 64


class Caller(msgspec.Struct, frozen=True, gc=False):
    """Whom limits may bind. `model` is a name of ours, never the caller's word; `tags` are `name=value` or `name`."""

    principal: Principal
    client_ip: str
    model: str
    end_user: str = ""
    tags: tuple[str, ...] = ()


class LimitPlans:
    """Which buckets bind whom: worked out once for each caller and revision. Bounded."""

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter
        self._plans: OrderedDict[tuple[str, str, str, str, tuple[str, ...]], tuple[Principal, Plan]] = OrderedDict()
        self._snapshot: Snapshot | None = None

    @property
    def limiter(self) -> Limiter:
        return self._limiter

    def plan_for(self, caller: Caller, snapshot: Snapshot) -> Plan:
        """Cost: 0.5 us for a caller who was here since the last revision."""
        if snapshot is not self._snapshot:  # all at once: plans of keys that stay away would keep every old configuration in memory
            self._plans.clear()
            self._snapshot = snapshot
        principal = caller.principal
        key = (principal.key_id, caller.client_ip, caller.model, caller.end_user, caller.tags)
        found = self._plans.get(key)
        if found is not None and found[0] is principal:
            return found[1]
        plan = Plan([self._limiter.bucket(*bound) for bound in _find_bound(caller, snapshot)])
        self._plans[key] = (principal, plan)
        if len(self._plans) > _PLANS_MAX_COUNT:
            self._plans.popitem(last=False)
        return plan


_Bound = tuple[LimitRule, str, Subject]


def _find_bound(caller: Caller, snapshot: Snapshot) -> Iterator[_Bound]:
    """Yield each rule that binds the caller, with where its counter lies and whose use it counts."""
    for rule in _rules_of("global", caller, snapshot):
        yield rule, "global", Subject(model=_counted_model(rule, caller))
    address = _address(caller.client_ip)
    if address is not None:
        for rule in _rules_of("ip", caller, snapshot):
            yield rule, f"ip:{address}", Subject(client_ip=address, model=_counted_model(rule, caller))
    workspace_id = caller.principal.workspace_id
    for rule in _rules_of("workspace", caller, snapshot):
        yield rule, workspace_id, Subject(workspace_id, model=_counted_model(rule, caller))
    for limit_id in caller.principal.limit_ids:
        key_rule = snapshot.limits_by_id.get(limit_id)
        if key_rule is not None and _binds(key_rule, caller):
            yield key_rule, workspace_id, Subject(workspace_id, caller.principal.key_id, model=_counted_model(key_rule, caller))
    if caller.end_user:
        for rule in _rules_of("end_user", caller, snapshot):
            yield rule, workspace_id, Subject(workspace_id, end_user=caller.end_user, model=_counted_model(rule, caller))
    for tag in dict.fromkeys(caller.tags):
        for rule in _rules_of("tag", caller, snapshot):
            if rule.tag in {tag, tag.partition("=")[0]}:
                yield rule, workspace_id, Subject(workspace_id, tag=tag, model=_counted_model(rule, caller))


def budget_keys(caller: Caller, snapshot: Snapshot) -> list[bytes]:
    """Return the names of the counters of all budgets that bind the caller; one that is deleted is made anew from the books."""
    return [counter_key(*bound) for bound in _find_bound(caller, snapshot) if is_budget(bound[0])]


def _rules_of(scope: str, caller: Caller, snapshot: Snapshot) -> Iterator[LimitRule]:
    return (rule for rule in snapshot.limits_by_scope.get(scope, ()) if _binds(rule, caller))


def _binds(rule: LimitRule, caller: Caller) -> bool:
    if rule.workspace_id and rule.workspace_id != caller.principal.workspace_id:
        return False
    if rule.model.endswith("*"):
        return caller.model.startswith(rule.model[:-1])
    return not rule.model or rule.model == caller.model


def _counted_model(rule: LimitRule, caller: Caller) -> str:
    return caller.model if rule.is_per_model else rule.model


def _address(client_ip: str) -> str | None:
    """
    Return what an address is counted by, None for this machine, which no limit binds.

    Of IPv6 that is the network of 64 bits: whoever has one address has all of it.
    """
    try:
        address = ipaddress.ip_address(client_ip)
    except ValueError:
        return client_ip[:_NAME_MAX_CHARS]
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            return None if address.is_loopback else str(ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))
        address = address.ipv4_mapped
    return None if address.is_loopback else str(address)


def _note(refusal: Refusal) -> None:
    count = rate_limit_dropped if refusal.rule.is_enforced else rate_limit_shadow
    count(refusal.rule.scope, refusal.rule.unit).inc()


async def reserve(caller: Caller, estimate: Estimate, snapshot: Snapshot, plans: LimitPlans) -> Reservation:
    """
    Charge one request, what it is estimated to use, and a slot to every limit that binds its caller.

    Errors: RateLimited, BudgetSpent with `retry_after_s`, the longest wait of those that refused; both carry a reservation for the
    headers, which holds nothing.
    Cost: no round trip while the worker's leases last, else one; the books are read where the counter of a budget is missing.
    Guarantee: all limits are charged or none.
    """
    plan = plans.plan_for(caller, snapshot)
    limiter = plans.limiter
    counts = count_units(estimate)
    refusals = await limiter.take(plan.buckets, counts)
    if not refusals:
        return Reservation(plan, estimate, counts, limiter.clock)
    for refusal in refusals:
        _note(refusal)
    enforced = [refusal for refusal in refusals if refusal.bucket.is_enforced]
    if enforced:
        raise _refuse(enforced, Reservation(plan, estimate, clock=limiter.clock, taken=()), limiter)
    refused = [refusal.bucket for refusal in refusals]
    return Reservation(plan, estimate, counts, limiter.clock, tuple(bucket for bucket in plan.buckets if bucket not in refused))


def _refuse(enforced: list[Refusal], reservation: Reservation, limiter: Limiter) -> RateLimited:
    worst = max(enforced, key=lambda refusal: refusal.retry_after_s)
    rule, retry_after_s = worst.rule, worst.retry_after_s
    words = f"The limit {rule.name!r} is reached: {describe_rule(rule)}."
    if rule.unit != "cost" or not is_budget(rule):
        return RateLimited(f"{words} Try again in {retry_after_s:.3f} s.", retry_after_s=retry_after_s, reservation=reservation)
    resets_at = dt.datetime.fromtimestamp(limiter.wall_s() + retry_after_s, dt.UTC).replace(microsecond=0).isoformat()
    bucket = worst.bucket
    reserved = bucket.reserved_count
    spent = max(0, bucket.size_count - bucket.remaining_count(limiter.clock()) - reserved)
    details = {
        "limit": rule.name,
        "limit_nano_usd": bucket.size_count,
        "spent_nano_usd": spent,
        "reserved_nano_usd": reserved,
        "resets_at": resets_at,
    }
    message = f"{words} {format_usd(spent)} are spent and {format_usd(reserved)} reserved. There is more at {resets_at}."
    return BudgetSpent(message, retry_after_s=retry_after_s, reservation=reservation, details=details)


async def peek(caller: Caller, estimate: Estimate, snapshot: Snapshot, plans: LimitPlans) -> list[dict[str, Any]]:
    """
    Return what each limit that binds the caller would say to such a request, charging nothing.

    What `Reservation.describe` returns, and `would_take`, `would_refuse`, `retry_after_s`, for each limit.
    Cost: a round trip for each limit, one after the other.
    """
    counts = count_units(estimate)
    found: list[dict[str, Any]] = []
    for bucket in plans.plan_for(caller, snapshot).buckets:
        await bucket.refresh()
        found.append(_foresee(bucket, counts[bucket.unit], plans.limiter.clock()))
    return found


def _foresee(bucket: Bucket, count: int, now: float) -> dict[str, Any]:
    would_refuse = bool(count) and bucket.remaining_count(now) < 1
    retry_after_s = bucket.one_after_s(now) if would_refuse else 0.0
    return bucket.describe(now) | {"would_take": count, "would_refuse": would_refuse, "retry_after_s": round(retry_after_s, 3)}
