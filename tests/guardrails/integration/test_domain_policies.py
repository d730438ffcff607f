"""Policies from draft to version: what may be stored, what may be published, and what stays as it was."""

from __future__ import annotations

import hashlib

import msgspec
import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from guardrails import domain
from guardrails.documents import dump_document
from guardrails.errors import PolicyError
from guardrails.models import Policy, PolicyVersion, WordList
from guardrails.published import find_published, list_published
from proxy.adapters.snapshot_builder import as_hot_policy
from proxy.models import ConfigurationRevision
from tests.guardrails.policy_help import case, document, keyword_rule, scope
from tests.proxy.integration.rows_help import make_key, make_workspace

pytestmark = pytest.mark.django_db


def _published(policy_document=None) -> Policy:
    policy = domain.create_policy(policy_document or document())
    domain.publish(policy)
    return policy


def _in_force():
    """What workers get; a snapshot itself needs a transaction of its own."""
    return tuple(map(as_hot_policy, list_published()))


def _revisions_count() -> int:
    return ConfigurationRevision.objects.count()


# --- drafts ---------------------------------------------------------------------------------------------------------------------


def test_a_new_policy_is_a_draft_and_holds_nowhere():
    policy = domain.create_policy(document(), "Words we do not use.")

    assert (policy.published, domain.draft_of(policy), policy.description) == (None, document(), "Words we do not use.")
    assert list_published() == []


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        (keyword_rule(parameters={"words": []}), "Rule 'keywords': Detector 'keywords' has no words: fill 'words' or 'lists'."),
        (keyword_rule(threshold=2.0), "Rule 'keywords': 'threshold' is 2.0; it must lie between 0 and 1."),
        (keyword_rule(detector="telepathy"), "Rule 'telepathy': There is no detector 'telepathy'."),
        (keyword_rule(parameters={"lists": ["none"]}), "Rule 'keywords': there is no word list 'none'."),
        (keyword_rule("nul\x00"), "The policy holds a NUL character"),
        (keyword_rule("half\ud800"), "half of a surrogate pair"),
    ],
)
def test_a_draft_that_does_not_compile_is_refused_with_a_sentence(rule, sentence):
    with pytest.raises(PolicyError) as caught:
        domain.create_policy(document("strict", rule))

    assert sentence in str(caught.value)
    assert not Policy.objects.exists()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"rules": [{"detector": "pii"}]}, "Rule 'pii': Object missing required field `fail_mode`."),
        ({"rules": [{"detector": "pii", "fail_mode": "shut"}]}, "Rule 'pii': fail_mode: Invalid enum value 'shut'."),
        ({"rules": [{"name": "mail", "detector": "pii", "fail_mode": "open", "colour": 1}]}, "Rule 'mail': Object contains unknown field"),
        ({"rules": [], "colour": 1}, "Object contains unknown field `colour`."),
        ({"rules": [7]}, "Rule 1: Expected `object`, got `int`."),
    ],
)
def test_values_that_are_no_document_are_refused_by_rule_and_field(values, sentence):
    with pytest.raises(PolicyError) as caught:
        domain.read_document({"name": "strict"} | values)

    assert str(caught.value).startswith(sentence)


def test_a_name_that_is_taken_or_no_slug_is_refused():
    domain.create_policy(document())

    with pytest.raises(ValidationError):
        domain.create_policy(document())
    with pytest.raises(ValidationError):
        domain.create_policy(document("no slug"))


def test_changing_a_draft_changes_nothing_that_is_in_force():
    policy = _published()
    count = _revisions_count()

    domain.change_draft(policy, document("strict", keyword_rule("lion")))

    found, number = find_published("strict")
    assert (found.rules[0].parameters, number, _revisions_count()) == ({"words": ["zebra"]}, 1, count)


def test_a_policy_keeps_its_name():
    with pytest.raises(PolicyError):
        domain.change_draft(_published(), document("other"))


# --- publishing -----------------------------------------------------------------------------------------------------------------


def test_publishing_freezes_the_draft_and_makes_one_revision():
    by = User.objects.create_user("alice")
    policy = domain.create_policy(document())

    version = domain.publish(policy, by, "First")

    dump = dump_document(document())
    assert (version.number, version.note, version.published_by, policy.published) == (1, "First", by, version)
    assert version.digest == hashlib.sha256(dump).hexdigest()
    assert ConfigurationRevision.objects.get().diff == "+ policy strict"
    assert [(each.name, each.version, each.document) for each in _in_force()] == [("strict", 1, dump)]


def test_publishing_what_is_in_force_does_nothing():
    policy = _published()
    count = _revisions_count()

    assert domain.publish(policy) is None
    assert (policy.versions.count(), _revisions_count()) == (1, count)


def test_a_policy_that_fails_its_own_test_cases_is_not_published_and_says_which():
    cases = (case("a zebra"), case("a lion"), case("a horse", "allow"), case("a zebra", "redact", rule="keywords"))
    policy = domain.create_policy(document(tests=cases))

    with pytest.raises(PolicyError) as caught:
        domain.publish(policy)

    assert caught.value.problems == (
        "Test case 2 ('a lion'): expected block, got allow.",
        "Test case 4 ('a zebra'): expected redact by rule 'keywords', got block.",
    )
    assert (policy.published, PolicyVersion.objects.count(), _revisions_count()) == (None, 0, 0)


def test_a_policy_in_shadow_is_tried_as_if_enforced():
    policy = domain.create_policy(document(mode="shadow", tests=(case("a zebra"),)))

    assert domain.publish(policy).number == 1


def test_a_test_case_of_a_rule_that_there_is_not_is_refused():
    with pytest.raises(PolicyError, match=r"Test case 1: there is no rule 'x'\."):
        domain.create_policy(document(tests=(case("a", rule="x"),)))


def test_a_version_is_never_changed():
    version = _published().published
    version.note = "another"

    with pytest.raises(PolicyError):
        version.save()

    assert PolicyVersion.objects.get().note == ""


def test_rollback_puts_an_earlier_version_in_force_and_leaves_the_draft():
    policy = _published()
    first = policy.published
    second = document("strict", keyword_rule("lion"))
    domain.change_draft(policy, second)
    domain.publish(policy)

    domain.rollback(policy, first)

    found, number = find_published("strict")
    assert (found, number, domain.draft_of(policy), policy.versions.count()) == (document(), 1, second, 2)
    assert ConfigurationRevision.objects.first().diff.startswith("~ policy strict: ")


def test_rollback_to_a_version_of_another_policy_is_refused():
    policy, other = _published(), _published(document("other"))

    with pytest.raises(PolicyError):
        domain.rollback(policy, other.published)


def test_promote_enforces_what_was_in_shadow_without_the_changes_in_the_draft():
    policy = _published(document(mode="shadow"))
    domain.change_draft(policy, document("strict", keyword_rule("lion"), mode="shadow"))

    version = domain.promote(policy)

    assert (version.number, domain.document_of(version)) == (2, document(mode="enforce"))
    assert domain.draft_of(policy) == document("strict", keyword_rule("lion"), mode="enforce")


def test_a_policy_that_is_off_is_no_part_of_the_snapshot():
    policy = _published()

    domain.set_mode(policy, "off")

    assert (_in_force(), find_published("strict")[0].mode) == ((), "off")


def test_unpublish_and_delete_take_it_out_of_force():
    policy, other = _published(), _published(document("other"))

    domain.unpublish(policy)
    domain.delete_policy(other)

    assert (_in_force(), list(Policy.objects.all()), PolicyVersion.objects.count()) == ((), [policy], 1)


# --- whom it is for -------------------------------------------------------------------------------------------------------------


def test_a_scope_is_resolved_to_ids_when_it_is_published():
    acme, ci = make_workspace("acme"), make_key("ci").api_key
    wanted = scope(workspaces=["acme"], keys=["acme/ci"], models=["gpt-*"], routes=["/v1/messages"])

    _published(document(scope=wanted))

    policy = _in_force()[0]
    assert (policy.workspace_ids, policy.key_ids) == ((str(acme.pk),), (str(ci.pk),))
    assert (policy.models, policy.routes) == (("gpt-*",), ("/v1/messages",))


def test_a_key_that_is_renamed_stays_covered():
    key = make_key("ci").api_key
    _published(document(scope=scope(keys=["ci"])))
    key.name = "renamed"
    key.save()

    assert _in_force()[0].key_ids == (str(key.pk),)


def test_names_that_nobody_has_or_two_have_are_refused_together():
    make_key("ci")
    make_key("ci", make_workspace("beta"))

    with pytest.raises(PolicyError) as caught:
        domain.create_policy(document(scope=scope(workspaces=["nowhere"], keys=["ci"], routes=["v1"])))

    assert caught.value.problems == (
        "There is no workspace 'nowhere'.",
        "More than one API key is named 'ci': write workspace/name.",
        "Route 'v1' is no path: it starts with a /.",
    )


def test_a_key_that_names_a_policy_has_it_besides_its_scope():
    acme, key = make_workspace("acme"), make_key("ci", make_workspace("beta")).api_key
    policy = _published(document(scope=scope(workspaces=["acme"])))
    count = _revisions_count()

    domain.attach_policy(key, policy)

    found = _in_force()[0]
    assert _revisions_count() == count + 1
    assert [found.holds_for(*who, "m", "/v1/x") for who in ((str(acme.pk), "k"), ("w", str(key.pk)), ("w", "k"))] == [True, True, False]


def test_naming_a_policy_that_holds_everywhere_takes_it_from_nobody():
    key, policy = make_key("ci").api_key, _published()

    domain.attach_policy(key, policy)

    assert _in_force()[0].holds_for("w", "another", "m", "/v1/x")


def test_a_policy_for_those_who_name_it_holds_for_nobody_else():
    key, policy = make_key("ci").api_key, _published(document(scope=scope(is_attached_only=True)))
    domain.attach_policy(key, policy)

    found = _in_force()[0]

    assert [found.holds_for("w", who, "m", "/v1/x") for who in (str(key.pk), "another")] == [True, False]


def test_a_policy_that_a_key_names_is_neither_unpublished_nor_deleted():
    key, policy = make_key("ci").api_key, _published()
    domain.attach_policy(key, policy)

    with pytest.raises(PolicyError, match="ci"):
        domain.unpublish(policy)
    with pytest.raises(PolicyError, match="ci"):
        domain.delete_policy(policy)

    domain.attach_policy(key, None)
    domain.delete_policy(policy)
    assert not Policy.objects.exists()


def test_a_policy_that_is_not_published_cannot_be_named():
    with pytest.raises(PolicyError, match="not published"):
        domain.attach_policy(make_key("ci").api_key, domain.create_policy(document()))


# --- word lists -----------------------------------------------------------------------------------------------------------------


def _listing(**fields) -> object:
    return document("strict", keyword_rule(parameters={"lists": ["animals"]}), **fields)


def test_a_version_holds_the_words_of_its_lists_as_they_were():
    words = domain.save_word_list(WordList(name="animals", words=["zebra", " lion ", "zebra"]))
    policy = _published(_listing())
    words.words = ["horse"]
    domain.save_word_list(words)

    before, _ = find_published("strict")
    version = domain.publish(policy)
    after, _ = find_published("strict")

    assert before.rules[0].parameters == {"lists": [{"name": "animals", "words": ["zebra", "lion"]}]}
    assert after.rules[0].parameters == {"lists": [{"name": "animals", "words": ["horse"]}]}
    assert (version.number, domain.source_of(version)) == (2, _listing())


@pytest.mark.parametrize(
    ("detector", "parameters", "resolved"),
    [
        ("competitors", {"lists": ["animals"]}, {"competitors": [{"name": "zebra.example"}]}),
        (
            "urls",
            {"lists": ["animals"], "denied_domains": ["a.example"]},
            {"denied_domains": ["a.example", "zebra.example"]},
        ),
    ],
)
def test_lists_of_other_detectors_become_their_own_parameters(detector, parameters, resolved):
    domain.save_word_list(WordList(name="animals", words=["zebra.example"]))

    checked = domain.check_document(document("strict", keyword_rule(detector=detector, parameters=parameters)))

    assert checked.document.rules[0].parameters == resolved


def test_a_list_that_a_policy_names_is_not_deleted():
    words = domain.save_word_list(WordList(name="animals", words=["zebra"]))
    policy = _published(_listing())
    domain.change_draft(policy, document())

    with pytest.raises(PolicyError, match="strict"):
        domain.delete_word_list(words)

    domain.publish(policy)
    domain.delete_word_list(words)
    assert not WordList.objects.exists()


def test_an_empty_list_is_refused():
    with pytest.raises(PolicyError):
        domain.save_word_list(WordList(name="animals", words=[" "]))


def test_equal_documents_have_equal_bytes_whatever_the_order_of_their_parameters():
    one, other = keyword_rule(parameters={"words": ["a"], "label": "B"}), keyword_rule(parameters={"label": "B", "words": ["a"]})

    assert dump_document(document("strict", one)) == dump_document(document("strict", other))
    assert msgspec.json.decode(dump_document(document("strict", one)), type=type(document())) == document("strict", one)
