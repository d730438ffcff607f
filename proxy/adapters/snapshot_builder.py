"""From the rows of the console to the snapshot of the data plane."""

from __future__ import annotations

from collections import defaultdict
from typing import Literal
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Max

from apikeys.public import KeyChangeCounter, Limit, LimitMode
from common.aead import DecryptionError
from proxy import snapshot as hot
from proxy.choices import OnDisconnect
from proxy.models import Backend, ConfigurationRevision, Route, Target
from proxy.ports import Endpoint, Timeouts
from proxy.prices.match import AppliedPrice
from proxy.prices.stored import prices_for_targets

log = structlog.get_logger(__name__)


def parse_endpoint(base_url: str) -> Endpoint:
    """Read an address that `check_base_url` accepted."""
    parts = urlsplit(base_url)
    scheme: Literal["http", "https"] = "https" if parts.scheme == "https" else "http"
    return Endpoint(scheme, parts.hostname or "", parts.port or (443 if scheme == "https" else 80), parts.path.rstrip("/"))


def build_snapshot() -> hot.Snapshot:
    """
    Read the whole configuration in one transaction, so that all of it is of one moment.

    Cost: a constant number of queries.
    """
    with transaction.atomic():
        with transaction.get_connection().cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        revision = ConfigurationRevision.objects.aggregate(newest=Max("number"))["newest"] or 0
        counter = KeyChangeCounter.objects.first()
        backends = list(Backend.objects.filter(is_active=True))
        targets = list(Target.objects.filter(route__is_active=True, backend__is_active=True).select_related("route", "backend"))
        routes = list(Route.objects.filter(is_active=True))
        prices = prices_for_targets(targets)
        limits = tuple(_limit(row) for row in Limit.objects.all())
    by_route: dict[UUID, list[Target]] = defaultdict(list)
    for target in targets:
        by_route[target.route_id].append(target)
    return hot.Snapshot(
        revision=revision,
        key_change_number=counter.value if counter else 0,
        backends={row.name: _backend(row) for row in backends},
        routes={row.model: _route(row, by_route.get(row.pk, []), prices) for row in routes},
        limits=limits,
    )


def _backend(row: Backend) -> hot.Backend:
    try:
        credential = row.get_credential()
    except DecryptionError as error:
        # The backend stays, and answers with its own refusal: one damaged row must not take the others down.
        log.error("credential_unreadable", backend=row.name, reason=str(error))
        credential = None
    return hot.Backend(
        name=row.name,
        provider=row.provider,
        endpoint=parse_endpoint(row.base_url),
        timeouts=Timeouts(row.connect_timeout_s, row.first_token_timeout_s, row.idle_timeout_s, row.total_timeout_s),
        credential=credential,
        is_drained_on_disconnect=row.on_disconnect == OnDisconnect.DRAIN,
    )


def _target(row: Target, prices: tuple[AppliedPrice, ...]) -> hot.Target:
    return hot.Target(row.backend.name, row.upstream_model, row.weight, tuple(hot.Price(*price) for price in prices))


def _route(row: Route, targets: list[Target], prices: dict[UUID, tuple[AppliedPrice, ...]]) -> hot.Route:
    return hot.Route(
        model=row.model,
        targets=tuple(_target(target, prices[target.pk]) for target in targets),
        selection=row.selection,
        created_at_s=int(row.created_at.timestamp()),
    )


def _limit(row: Limit) -> hot.LimitRule:
    return hot.LimitRule(
        id=str(row.pk),
        name=row.name,
        scope=row.scope,
        unit=row.unit,
        amount=row.amount,
        window_s=row.window_s,
        burst=row.burst or row.amount,
        is_enforced=row.mode == LimitMode.ENFORCE,
        workspace_id=str(row.workspace_id or ""),
        model=row.model,
    )
