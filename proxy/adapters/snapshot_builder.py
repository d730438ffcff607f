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
from guardrails.public import Published, list_published
from proxy import snapshot as hot
from proxy.choices import OnDisconnect, OnUnpriced
from proxy.models import Backend, ConfigurationRevision, Route, Service, Target
from proxy.ports import Endpoint, Timeouts
from proxy.prices.stored import TargetPrices, prices_for_targets
from proxy.translators.vendors import vendor_at

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
        services = list(Service.objects.filter(is_active=True))
        policies = tuple(as_hot_policy(each) for each in list_published())
    by_route: dict[UUID, list[Target]] = defaultdict(list)
    for target in targets:
        by_route[target.route_id].append(target)
    return hot.Snapshot(
        revision=revision,
        key_change_number=counter.value if counter else 0,
        backends={row.name: _backend(row) for row in backends},
        routes={row.model: _route(row, by_route.get(row.pk, []), prices) for row in routes},
        limits=limits,
        services=tuple(_service(row) for row in services),
        policies=policies,
    )


def _service(row: Service) -> hot.Service:
    return hot.Service(
        path=row.path,
        endpoint=parse_endpoint(row.upstream_url),
        timeouts=Timeouts(row.connect_timeout_s, row.first_byte_timeout_s, row.idle_timeout_s, row.total_timeout_s),
        is_prefix_stripped=row.is_prefix_stripped,
        cache_get_ttl_s=row.cache_get_ttl_s,
        request_headers=tuple(name.lower() for name in row.request_headers),
        response_headers=tuple(name.lower() for name in row.response_headers),
        body_limit_bytes=row.body_limit_bytes,
    )


def as_hot_policy(published: Published) -> hot.PublishedPolicy:
    """Return the policy as the data plane reads it."""
    return hot.PublishedPolicy(
        name=published.name,
        version=published.version,
        digest=published.digest,
        document=published.document,
        workspace_ids=published.workspace_ids,
        key_ids=published.key_ids,
        models=published.models,
        routes=published.routes,
        attached_key_ids=published.attached_key_ids,
        is_attached_only=published.is_attached_only,
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
        vendor=row.price_provider or vendor_at(urlsplit(row.base_url).hostname or ""),
        api_version=row.api_version,
        min_stream_bytes_per_s=row.min_stream_bytes_per_s,
    )


def _target(row: Target, found: TargetPrices) -> hot.Target:
    return hot.Target(row.backend.name, row.upstream_model, row.weight, found.prices, found.price_list)


def _route(row: Route, targets: list[Target], prices: dict[UUID, TargetPrices]) -> hot.Route:
    return hot.Route(
        model=row.model,
        targets=tuple(_target(target, prices[target.pk]) for target in targets),
        selection=row.selection,
        created_at_s=int(row.created_at.timestamp()),
        aliases=tuple(row.aliases),
        output_cap_tokens=row.output_cap_tokens,
        exact_cache_ttl_s=row.exact_cache_ttl_s,
        is_sampled_cacheable=row.is_sampled_cacheable,
        is_coalesced=row.is_coalesced,
        is_unpriced_denied=row.on_unpriced == OnUnpriced.DENY,
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
        calendar=row.calendar,
        is_per_model=row.is_per_model,
        tag=row.tag,
    )
