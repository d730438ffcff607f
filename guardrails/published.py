"""
The versions in force, as the data plane gets them.

Rules: reads rows, writes none. A policy whose mode is `off` has nothing to inspect and is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from guardrails.documents import dump_document, parse_document
from guardrails.models import Policy, PolicyVersion
from guardrails.policy_document import PolicyDocument


@dataclass(frozen=True, slots=True)
class Published:
    """
    A version in force. `document` is its canonical JSON; ids are text. An empty tuple of the scope means all.

    `attached_key_ids` are the keys that name the policy: it holds for them besides, and with `is_attached_only` for them alone.
    """

    name: str
    version: int
    digest: str
    document: bytes
    workspace_ids: tuple[str, ...]
    key_ids: tuple[str, ...]
    models: tuple[str, ...]
    routes: tuple[str, ...]
    attached_key_ids: tuple[str, ...]
    is_attached_only: bool


def list_published() -> Sequence[Published]:
    """
    Return what is in force, by name.

    Errors: BadRule for a version that this version of the product cannot read: what cannot be read must not be left out.
    Cost: two queries, one where no policy is published.
    """
    rows = Policy.objects.filter(published__isnull=False).select_related("published").prefetch_related("key_policies").order_by("name")
    return [_published(row, row.published) for row in rows if row.published is not None and row.published.document.get("mode") != "off"]


def _published(policy: Policy, version: PolicyVersion) -> Published:
    document = parse_document(version.document)
    return Published(
        name=policy.name,
        version=version.number,
        digest=version.digest,
        document=dump_document(document),
        workspace_ids=tuple(map(str, version.workspace_ids)),
        key_ids=tuple(map(str, version.key_ids)),
        models=document.scope.models,
        routes=document.scope.routes,
        attached_key_ids=tuple(sorted(str(each.api_key_id) for each in policy.key_policies.all())),
        is_attached_only=document.scope.is_attached_only,
    )


def find_published(name: str) -> tuple[PolicyDocument, int] | None:
    """Return the document in force under this name, lists put in, and its version; None where none is. Errors: BadRule as above."""
    policy = Policy.objects.filter(name=name, published__isnull=False).select_related("published").first()
    if policy is None or policy.published is None:
        return None
    return parse_document(policy.published.document), policy.published.number
