"""Documents of policies by their name, for whoever measures them: as one is in force, as it once was, as it is drafted."""

from __future__ import annotations

from guardrails.documents import parse_document
from guardrails.domain import check_document, draft_of
from guardrails.errors import BadRule, PolicyError
from guardrails.models import Policy, PolicyVersion
from guardrails.policy_document import PolicyDocument


def get_version(name: str, number: int | None = None) -> tuple[PolicyDocument, int]:
    """Return a version with the words of its lists, that in force unless a number is given. Errors: PolicyError. Cost: two queries."""
    policy = _get_policy(name)
    version = policy.published if number is None else PolicyVersion.objects.filter(policy=policy, number=number).first()
    if version is None:
        numbers = ", ".join(str(each) for each in policy.versions.order_by("number").values_list("number", flat=True))
        what = "is not published" if number is None else f"has no version {number}"
        raise PolicyError(f"Policy {name!r} {what}. Versions: {numbers or 'none'}. Its draft is draft:{name}.")
    try:
        return parse_document(version.document), version.number
    except BadRule as error:
        raise PolicyError(str(error)) from error


def get_draft(name: str) -> PolicyDocument:
    """Return a draft with the words of its lists. Errors: PolicyError, also for one that does not compile. Cost: up to a second."""
    return check_document(draft_of(_get_policy(name)), is_trying=False).document


def _get_policy(name: str) -> Policy:
    policy = Policy.objects.select_related("published").filter(name=name).first()
    if policy is None:
        names = ", ".join(Policy.objects.values_list("name", flat=True))
        raise PolicyError(f"There is no policy {name!r}. Policies: {names or 'none'}.")
    return policy
