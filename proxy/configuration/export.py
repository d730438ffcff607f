"""
The whole configuration as one document in the apply format: what a revision keeps.

Rules: reads rows, writes none. Equal configurations give equal documents, whatever the order in which they were made. A secret
never enters; the fingerprint of a sealed credential shows that it changed and tells nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final

from django.db.models import Prefetch

from apikeys.public import ApiKey, Limit, LimitUnit, Workspace
from common.money import format_usd
from guardrails.public import KeyPolicy, Policy, WordList
from proxy.choices import PriceSource
from proxy.configuration.times import format_moment
from proxy.models import Backend, Price, Route, Service
from proxy.prices.digest import RATES, rate_column, stored_price_list_version

_FINGERPRINT_LENGTH: Final = 12


def build_document() -> dict[str, Any]:
    """
    Return the configuration as JSON values: every section of the apply format that is configuration (API keys are not), and
    `price_list_version`, by which a new list of prices is a new revision.

    Cost: 12 queries, however much is configured.
    """
    return {
        "workspaces": [_workspace(row) for row in Workspace.objects.order_by("slug")],
        "backends": [_backend(row) for row in Backend.objects.order_by("name")],
        "routes": [_route(row) for row in Route.objects.order_by("model").prefetch_related("targets__backend")],
        "services": [_service(row) for row in Service.objects.order_by("path")],
        "limits": [_limit(row) for row in Limit.objects.order_by("name").select_related("workspace")],
        "prices": sorted(
            map(price_fields, Price.objects.filter(source=PriceSource.OPERATOR).select_related("backend")), key=_price_identity
        ),
        "word_lists": [{"name": row.name, "words": row.words} for row in WordList.objects.order_by("name")],
        "guardrails": [_policy(row) for row in published_policies()],
        "price_list_version": stored_price_list_version(),
    }


def _workspace(row: Workspace) -> dict[str, Any]:
    return {"slug": row.slug, "name": row.name, "is_active": row.is_active}


def _backend(row: Backend) -> dict[str, Any]:
    sealed = row.credential_sealed
    return {
        "name": row.name,
        "provider": row.provider,
        "base_url": row.base_url,
        "price_provider": row.price_provider,
        "api_version": row.api_version,
        "min_stream_bytes_per_s": row.min_stream_bytes_per_s,
        "connect_timeout_s": row.connect_timeout_s,
        "first_token_timeout_s": row.first_token_timeout_s,
        "idle_timeout_s": row.idle_timeout_s,
        "total_timeout_s": row.total_timeout_s,
        "on_disconnect": row.on_disconnect,
        "is_active": row.is_active,
        "credential_fingerprint": hashlib.sha256(bytes(sealed)).hexdigest()[:_FINGERPRINT_LENGTH] if sealed else None,
    }


def _route(row: Route) -> dict[str, Any]:
    targets = [{"backend": to.backend.name, "upstream_model": to.upstream_model, "weight": to.weight} for to in row.targets.all()]
    # By name and not by id: ids made in the same millisecond sort at random.
    targets.sort(key=lambda target: (target["backend"], target["upstream_model"]))
    return {
        "model": row.model,
        "aliases": sorted(row.aliases),
        "selection": row.selection,
        "output_cap_tokens": row.output_cap_tokens,
        "cache": {"exact_ttl_s": row.exact_cache_ttl_s, "sampled": row.is_sampled_cacheable},
        "coalesce": row.is_coalesced,
        "on_unpriced": row.on_unpriced,
        "is_active": row.is_active,
        "targets": targets,
    }


def _service(row: Service) -> dict[str, Any]:
    return {
        "path": row.path,
        "upstream": row.upstream_url,
        "strip_prefix": row.is_prefix_stripped,
        "cache_get_ttl_s": row.cache_get_ttl_s,
        "request_headers": sorted(row.request_headers),
        "response_headers": sorted(row.response_headers),
        "body_limit_bytes": row.body_limit_bytes,
        "connect_timeout_s": row.connect_timeout_s,
        "first_byte_timeout_s": row.first_byte_timeout_s,
        "idle_timeout_s": row.idle_timeout_s,
        "total_timeout_s": row.total_timeout_s,
        "is_active": row.is_active,
    }


def _limit(row: Limit) -> dict[str, Any]:
    is_cost = row.unit == LimitUnit.COST
    return {
        "name": row.name,
        "scope": row.scope,
        "unit": row.unit,
        "amount": None if is_cost else row.amount,
        "amount_usd": format_usd(row.amount) if is_cost else None,
        "window_s": row.window_s,
        "calendar": row.calendar or None,
        "burst": None if is_cost else row.burst,
        "burst_usd": format_usd(row.burst) if is_cost and row.burst else None,
        "mode": row.mode,
        "workspace": row.workspace.slug if row.workspace else None,
        "model": row.model,
        "is_per_model": row.is_per_model,
        "tag": row.tag,
    }


def published_policies() -> Sequence[Policy]:
    """Return the policies in force, by name. Cost: two queries."""
    rows = Policy.objects.filter(published__isnull=False).order_by("name").select_related("published")
    keys = Prefetch("key_policies", KeyPolicy.objects.select_related("api_key__workspace"))
    return list(rows.prefetch_related(keys))


def _policy(row: Policy) -> dict[str, Any]:
    """Besides what was written: the version, and the keys that name the policy, so that a change of either is a revision."""
    assert row.published is not None  # noqa: S101  # published_policies() asks for it
    keys = sorted(f"{each.api_key.workspace.slug}/{each.api_key.name}" for each in row.key_policies.all())
    return {**row.published.source, "description": row.description, "version": row.published.number, "attached_keys": keys}


def price_fields(row: Price) -> dict[str, Any]:
    return {
        "provider": row.provider,
        "upstream_model": row.upstream_model,
        "backend": row.backend.name if row.backend else None,
        "effective_at": format_moment(row.effective_at),
        **{f"{name}_usd_per_mtok": _usd(getattr(row, rate_column(name))) for name in RATES},
    }


def _usd(nano_usd: int | None) -> str | None:
    return None if nano_usd is None else format_usd(nano_usd)


def unrevoked_api_keys() -> Sequence[ApiKey]:
    """Return the keys that are part of an export, by workspace and name. Cost: two queries."""
    rows = ApiKey.objects.filter(revoked_at=None).order_by("workspace__slug", "name")
    return list(rows.select_related("workspace", "key_policy__policy").prefetch_related("limits"))


def export_api_keys() -> list[dict[str, Any]]:
    """Return the section of the apply format that is no configuration: it is published key by key. Cost: two queries."""
    return [api_key_fields(row) for row in unrevoked_api_keys()]


def api_key_fields(row: ApiKey) -> dict[str, Any]:
    return {
        "name": row.name,
        "workspace": row.workspace.slug,
        "models": [] if "*" in row.allowed_models else row.allowed_models,
        "networks": row.allowed_networks,
        "limits": sorted(limit.name for limit in row.limits.all()),
        "policy": row.key_policy.policy.name if hasattr(row, "key_policy") else None,
        "permissions": sorted(row.permissions),
        "is_keepalive_enabled": row.is_keepalive_enabled,
        "expires_at": format_moment(row.expires_at) if row.expires_at else None,
    }


def _price_identity(price: dict[str, Any]) -> tuple[str, ...]:
    return price["provider"], price["upstream_model"], price["backend"] or "", price["effective_at"]
