"""A secret that a rule asks with is named by a policy, and does not stand in it."""

from __future__ import annotations

import json

import msgspec
import pytest

from guardrails import domain
from guardrails.documents import digest_of, dump_document, dump_draft, dump_fields
from guardrails.errors import PolicyError
from guardrails.models import Policy, PolicyVersion
from guardrails.policy_document import PolicyDocument, RuleDocument
from guardrails.published import find_published, list_published
from tests.guardrails.policy_help import document, keyword_rule

pytestmark = pytest.mark.django_db

SENTENCE = "Rule 'checks': `credential` would lie in the policy for all to read."
NAME = "GUARDRAILS_CREDENTIAL_CHECKS"


def _asking(**parameters: str) -> RuleDocument:
    given = {"kind": "webhook", "url": "https://checks.example/v1"} | parameters
    return RuleDocument(name="checks", detector="external", fail_mode="closed", action="block", parameters=given)


def _old() -> Policy:
    """A policy as an earlier version of the product stored and published it: with the secret in it."""
    written = document("strict", _asking(credential="s3cret"))
    policy = Policy.objects.create(name="strict", mode="enforce", draft=dump_draft(written))
    dump = dump_document(written)
    policy.published = PolicyVersion.objects.create(
        policy=policy, number=1, source=dump_fields(written), document=json.loads(dump), digest=digest_of(dump)
    )
    policy.save()
    return policy


def _with_name(policy_document: PolicyDocument) -> PolicyDocument:
    return msgspec.structs.replace(policy_document, rules=(_asking(credential_env=NAME),))


def test_a_new_policy_with_a_credential_is_refused_and_the_sentence_names_the_way_out():
    with pytest.raises(PolicyError) as caught:
        domain.create_policy(document("strict", _asking(credential="s3cret")))

    assert str(caught.value).startswith(SENTENCE)
    assert "GUARDRAILS_CREDENTIAL_" in str(caught.value)
    assert "`credential_env`" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert not Policy.objects.exists()


def test_a_change_and_configuration_as_code_are_refused_alike():
    policy = domain.create_policy(document())

    with pytest.raises(PolicyError, match="credential_env"):
        domain.change_draft(policy, document("strict", _asking(credential="s3cret")))
    with pytest.raises(PolicyError, match="credential_env"):
        domain.save_and_publish(document("strict", _asking(credential="s3cret")))

    assert domain.draft_of(policy) == document()
    assert list_published() == []


def test_a_credential_that_is_named_is_taken(monkeypatch):
    monkeypatch.setenv(NAME, "s3cret")

    domain.save_and_publish(document("strict", _asking(credential_env=NAME)))

    (published,) = list_published()
    assert b"s3cret" not in published.document


def test_an_old_draft_with_a_credential_is_not_published_anew():
    policy = _old()
    policy.draft = dump_draft(document("strict", _asking(credential="s3cret"), keyword_rule()))
    policy.save()

    with pytest.raises(PolicyError, match="credential_env"):
        domain.publish(policy)

    assert find_published("strict")[1] == 1


def test_an_old_version_with_a_credential_goes_on_working():
    policy = _old()

    assert domain.publish(policy) is None  # it says what is in force
    assert domain.set_mode(policy, "shadow").number == 2
    assert domain.promote(policy).number == 3
    domain.rollback(policy, policy.versions.get(number=1))

    assert find_published("strict")[1] == 1


def test_an_old_version_is_replaced_by_one_that_names_its_credential(monkeypatch):
    monkeypatch.setenv(NAME, "s3cret")
    policy = _old()

    domain.save_and_publish(_with_name(domain.draft_of(policy)))

    assert b"s3cret" not in list_published()[0].document
