"""A worker under guardrail policies: real ones, compiled from their documents, on the fakes of `proxy/testing.py`."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import msgspec

from guardrails.policy_document import PolicyDocument
from proxy.guarding.active import Ports
from proxy.guarding.book import PolicyBook
from proxy.snapshot import PublishedPolicy
from tests.proxy.asgi_help import Site


def rule(detector: str, action: str, phase: str = "both", **fields: Any) -> dict[str, Any]:
    return {"detector": detector, "action": action, "phase": phase, "fail_mode": "closed"} | fields


def published(
    name: str = "house", *rules: dict[str, Any], version: int = 1, scope: dict[str, Any] | None = None, **fields: Any
) -> PublishedPolicy:
    """Return a policy as the console would publish it. `scope` holds fields of `PublishedPolicy`."""
    document = msgspec.json.encode(msgspec.convert({"name": name, "rules": rules} | fields, PolicyDocument))
    return PublishedPolicy(name, version, hashlib.sha256(document).hexdigest(), document, **(scope or {}))


def guarded_site(*policies: PublishedPolicy, ports: Ports | None = None, **options: Any) -> Site:
    """Return a worker whose snapshot has these policies."""
    site = Site(guardrails=PolicyBook(None, ports), **options)
    snapshot = site.bench.gateway.snapshots.current
    assert snapshot is not None
    site.bench.use(replace(snapshot, policies=policies))
    return site


def numbers(action: str, phase: str = "both", **fields: Any) -> dict[str, Any]:
    """Return a rule that finds `ticket 12345`."""
    patterns = [{"name": "ticket", "expression": r"ticket \d{5}", "label": "TICKET"}]
    return rule("regex", action, phase, **({"parameters": {"patterns": patterns}} | fields))
