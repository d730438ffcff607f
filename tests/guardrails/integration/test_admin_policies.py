"""Policies in the console: edited rule by rule, published when their test cases hold, promoted, rolled back, tried on a text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from guardrails import domain
from guardrails.models import KeyPolicy, Policy, PolicyVersion, WordList
from proxy.models import ConfigurationRevision
from tests.gatewaysite.integration.admin_help import MARKS, read_form
from tests.guardrails.policy_help import case, document, keyword_rule, scope
from tests.proxy.integration.rows_help import make_key

pytestmark = MARKS

RULE = {
    "rules-0-detector": "keywords",
    "rules-0-phase": "request",
    "rules-0-action": "block",
    "rules-0-fail_mode": "closed",
    "rules-0-mode": "enforce",
    "rules-0-severity": "high",
    "rules-0-parameters": '{"words": ["zebra"]}',
    "rules-0-patterns": "horse.*",
    "rules-TOTAL_FORMS": "1",
}


def _url(page: str, *args: Any, model: str = "policy") -> str:
    return reverse(f"admin:guardrails_{model}_{page}", args=args)


def _published(policy_document=None) -> Policy:
    policy = domain.create_policy(policy_document or document())
    domain.publish(policy)
    return policy


def _staff(*codenames: str) -> User:
    user = User.objects.create_user("bob", password="pw", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames, content_type__app_label="guardrails"))
    return user


# --- drafts ---------------------------------------------------------------------------------------------------------------------


def test_a_policy_made_in_the_console_is_a_draft(admin_client):
    url = _url("add")

    answer = admin_client.post(url, read_form(admin_client.get(url)) | {"name": "strict", "workspaces": ""} | RULE)

    assert answer.status_code == 302
    draft = domain.draft_of(Policy.objects.get())
    rule = keyword_rule(severity="high", exceptions={"patterns": ("horse.*",)})
    assert json.dumps(draft.rules[0].parameters) == json.dumps(rule.parameters)
    assert (draft.rules[0].exceptions.patterns, draft.rules[0].fail_mode, draft.mode) == (("horse.*",), "closed", "shadow")
    assert not PolicyVersion.objects.exists()


def test_a_page_saved_as_it_stands_changes_nothing(admin_client):
    written = document(
        "strict",
        keyword_rule(name="a", threshold=0.5, text_scope="latest_turn", message="No."),
        keyword_rule(name="b", sample_ratio=0.5, deadline_ms=5, phase="both"),
        scope=scope(models=["gpt*"], is_attached_only=True),
        message="Stop.",
        external_tools=("mail_*",),
        tests=(case("a zebra"), case("a lion\nor two", "allow", direction="response")),
    )
    policy = domain.create_policy(written)
    url = _url("change", policy.pk)

    answer = admin_client.post(url, read_form(admin_client.get(url)))

    assert (answer.status_code, domain.draft_of(Policy.objects.get())) == (302, written)


@pytest.mark.parametrize(
    ("values", "field", "sentence"),
    [
        ({"rules-0-fail_mode": ""}, "fail_mode", "Choose what holds then."),
        ({"rules-0-parameters": "{words"}, "parameters", "This is no JSON in line 1"),
        ({"rules-0-parameters": "[1]"}, "parameters", "Parameters are a JSON object"),
        ({"rules-0-parameters": '{"wrods": ["x"]}'}, "parameters", "unknown field `wrods`"),
        ({"rules-0-parameters": '{"lists": ["none"]}'}, "parameters", "there is no word list"),
        ({"rules-0-threshold": "7"}, "threshold", "less than or equal to 1"),
        ({"rules-0-patterns": "("}, "__all__", "is not an expression that RE2 reads"),
        ({"rules-0-action": "route"}, "__all__", "route_to"),
    ],
)
def test_what_is_wrong_with_a_rule_stands_at_the_rule(admin_client, values, field, sentence):
    url = _url("add")

    page = admin_client.post(url, read_form(admin_client.get(url)) | {"name": "strict"} | RULE | values)

    form = page.context["adminform"].form.rules.forms[0]
    assert sentence in " ".join(form.errors[field])
    assert sentence.partition("`")[0] in page.content.decode().replace("&#x27;", "'")
    assert not Policy.objects.exists()


def test_a_rule_is_taken_away_by_its_box(admin_client):
    policy = domain.create_policy(document("strict", keyword_rule(name="a"), keyword_rule(name="b")))
    url = _url("change", policy.pk)

    admin_client.post(url, read_form(admin_client.get(url)) | {"rules-0-DELETE": "on"})

    assert [rule.name for rule in domain.draft_of(Policy.objects.get()).rules] == ["b"]


def test_a_policy_without_rules_is_refused(admin_client):
    url = _url("add")

    page = admin_client.post(url, read_form(admin_client.get(url)) | {"name": "strict"})

    assert "A policy needs at least one rule." in page.content.decode()


# --- publishing -----------------------------------------------------------------------------------------------------------------


def test_publish_shows_what_changes_and_publishes_with_who_and_why(admin_client, admin_user):
    policy = _published(document(tests=(case("a zebra"),)))
    domain.change_draft(policy, document("strict", keyword_rule("zebra", "lion"), tests=(case("a zebra"),)))
    url = _url("publish", policy.pk)

    page = admin_client.get(url).content.decode()
    admin_client.post(url, {"note": "Lions, too"})

    version = PolicyVersion.objects.first()
    assert "All 1 test case hold." in page
    assert "lion" in page
    assert (version.number, version.note, version.published_by) == (2, "Lions, too", admin_user)
    assert ConfigurationRevision.objects.first().actor == admin_user


def test_publish_names_the_test_cases_that_fail(admin_client):
    policy = domain.create_policy(document(tests=(case("a lion"),)))
    url = _url("publish", policy.pk)

    page = admin_client.get(url).content.decode()
    answer = admin_client.post(url, {"note": ""}, follow=True)

    assert "Test case 1 (&#x27;a lion&#x27;): expected block, got allow." in page
    assert "expected block, got allow" in answer.content.decode()
    assert not PolicyVersion.objects.exists()


def test_promote_and_take_out_of_force_ask_first(admin_client):
    policy = _published(document(mode="shadow"))

    asked = [admin_client.get(_url(page, policy.pk)).status_code for page in ("promote", "unpublish")]
    unchanged = Policy.objects.get().published.number
    admin_client.post(_url("promote", policy.pk))
    promoted = Policy.objects.get().published
    admin_client.post(_url("unpublish", policy.pk))

    assert (asked, unchanged, promoted.number, promoted.document["mode"]) == ([200, 200], 1, 2, "enforce")
    assert Policy.objects.get().published is None


def test_an_earlier_version_is_put_in_force_again(admin_client):
    policy = _published()
    first = policy.published
    domain.change_draft(policy, document("strict", keyword_rule("lion")))
    domain.publish(policy)
    url = _url("roll_back", first.pk, model="policyversion")

    page = admin_client.get(url).content.decode()
    admin_client.post(url)

    assert "zebra" in page
    assert Policy.objects.get().published == first


def test_a_version_can_be_looked_at_and_never_changed(admin_client):
    version = _published().published

    page = admin_client.get(_url("change", version.pk, model="policyversion"))
    answers = [
        admin_client.post(_url("change", version.pk, model="policyversion"), {"note": "x"}).status_code,
        admin_client.post(_url("delete", version.pk, model="policyversion"), {"post": "yes"}).status_code,
        admin_client.get(_url("add", model="policyversion")).status_code,
    ]

    assert "zebra" in page.content.decode()
    assert answers == [403, 403, 403]


def test_a_policy_in_force_is_deleted_unless_a_key_names_it(admin_client):
    policy = _published()
    domain.attach_policy(make_key("ci").api_key, policy)
    url = _url("delete", policy.pk)

    refused = admin_client.post(url, {"post": "yes"}, follow=True).content.decode()
    KeyPolicy.objects.all().delete()
    admin_client.post(url, {"post": "yes"})

    assert "API keys name policy strict: ci." in refused
    assert not Policy.objects.exists()


# --- who may ------------------------------------------------------------------------------------------------------------------


def test_who_may_change_drafts_may_not_publish(client):
    policy = _published(document(mode="shadow"))
    client.force_login(_staff("view_policy", "change_policy", "view_policyversion"))

    answers = [client.post(_url(page, policy.pk)).status_code for page in ("publish", "promote", "unpublish")]
    answers.append(client.post(_url("roll_back", policy.published_id, model="policyversion")).status_code)

    assert answers == [403] * 4
    assert Policy.objects.get().published.number == 1


def test_who_may_only_look_sees_the_draft_and_tries_texts_and_changes_nothing(client):
    policy = domain.create_policy(document())
    client.force_login(_staff("view_policy"))

    page = client.get(_url("change", policy.pk)).content.decode()
    refused = client.post(_url("change", policy.pk), {"description": "x"}).status_code
    tried = {"policy": "draft:strict", "direction": "request", "text": "a zebra"}
    verdict = client.post(_url("try_out"), tried)
    client.post(_url("try_out"), tried | {"_save_case": ""})

    assert ("zebra" in page, refused, verdict.context["tried"].inspection.decision) == (True, 403, "block")
    assert domain.draft_of(Policy.objects.get()) == document()


def test_charlie_who_may_nothing_is_kept_out_of_every_page(client):
    policy = _published()
    client.force_login(User.objects.create_user("charlie", password="pw", is_staff=True))

    pages = [_url("try_out"), *(_url(page, policy.pk) for page in ("publish", "promote", "unpublish", "try_one"))]

    assert [client.get(page).status_code for page in pages] == [403] * 5


# --- trying -----------------------------------------------------------------------------------------------------------------


def test_the_test_page_lies_where_the_documentation_says():
    assert _url("try_out") == "/admin/guardrails/policy/test/"


def test_trying_shows_verdict_rule_and_marks_the_place(admin_client):
    _published(document("strict", keyword_rule(action="redact")))

    page = admin_client.post(_url("try_out"), {"policy": "published:strict", "direction": "request", "text": "a <b> zebra here"})

    said = page.content.decode()
    assert page.context["tried"].inspection.decision == "redact"
    assert '<mark class="gw-mark-strong" title="keywords: KEYWORD">zebra</mark>' in said
    assert "a &lt;b&gt; [KEYWORD] here" in said


def test_trying_shows_what_is_hidden_in_a_text(admin_client):
    domain.create_policy(document())

    page = admin_client.post(_url("try_out"), {"policy": "draft:strict", "direction": "request", "text": "a z\u200be\u200bbra"})

    assert page.context["tried"].views[0] == ("As a reader sees it", "a zebra")


def test_what_was_tried_becomes_a_test_case_of_the_draft_once(admin_client):
    domain.create_policy(document())
    tried = {"policy": "draft:strict", "direction": "request", "text": "a zebra", "_save_case": ""}

    admin_client.post(_url("try_out"), tried)
    admin_client.post(_url("try_out"), tried)

    assert domain.draft_of(Policy.objects.get()).tests == (case("a zebra"),)


def test_a_policy_that_is_gone_is_refused_by_the_form(admin_client):
    domain.create_policy(document())

    page = admin_client.post(_url("try_out"), {"policy": "draft:none", "direction": "request", "text": "a zebra"})

    assert (page.status_code, page.context["tried"]) == (200, None)


# --- lists and keys -----------------------------------------------------------------------------------------------------------------


def test_a_word_list_is_stored_and_refused_while_named(admin_client):
    admin_client.post(_url("add", model="wordlist"), {"name": "animals", "words": "zebra\nlion"})
    domain.create_policy(document("strict", keyword_rule(parameters={"lists": ["animals"]})))
    words = WordList.objects.get()

    refused = admin_client.post(_url("delete", words.pk, model="wordlist"), {"post": "yes"}, follow=True).content.decode()

    assert (words.words, WordList.objects.count()) == (["zebra", "lion"], 1)
    assert "Policies name the list animals: strict." in refused


def test_a_key_gets_a_policy_and_loses_it(admin_client):
    key, policy = make_key("ci").api_key, _published()

    admin_client.post(_url("add", model="keypolicy"), {"api_key": str(key.pk), "policy": str(policy.pk)})
    named = KeyPolicy.objects.get()
    admin_client.post(_url("delete", named.pk, model="keypolicy"), {"post": "yes"})

    assert (named.api_key, named.policy) == (key, policy)
    assert not KeyPolicy.objects.exists()
    assert ConfigurationRevision.objects.first().diff == "~ policy strict: attached_keys [acme/ci] -> none"
