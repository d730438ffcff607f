"""Guardrail policies tried on texts over REST: what is found, whose policies are asked, and what is refused."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from apikeys import domain
from apikeys.models import Workspace
from guardrails.public import attach_policy, create_policy, publish
from tests.guardrails.policy_help import document, keyword_rule, scope
from tests.rest_help import Program, check_error, check_refused, make_program

pytestmark = pytest.mark.django_db

PATH = "/api/guardrails/check"


@pytest.fixture
def acme() -> Workspace:
    return domain.create_workspace("acme", "Acme")


@pytest.fixture
def alice(acme) -> Program:
    return make_program(acme, "alice", permissions=["inference"])


def put_in_force(policy_document):
    policy = create_policy(policy_document)
    publish(policy)
    return policy


def names(answer) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [policy["name"] for policy in answer.json()["policies"]]


def test_a_block_is_told_with_its_findings(alice):
    put_in_force(document("strict", keyword_rule("zebra", message="No animals.")))

    answer = alice.post(PATH, {"text": "A zebra crosses."}).json()

    assert (answer["verdict"], answer["decided_by"], answer["message"]) == ("block", "keywords", "No animals.")
    assert answer["policies"] == [{"name": "strict", "version": "1", "mode": "enforce"}]
    finding = answer["findings"][0]
    assert (finding["text_index"], finding["start"], finding["end"], finding["action"], finding["mode"]) == (0, 2, 7, "block", "enforce")
    assert "zebra" not in json.dumps(finding)
    assert answer["texts"][0]["result"] is None
    assert answer["latency_us"] > 0


def test_redactions_come_with_the_text_that_would_go_on_and_its_views(alice):
    put_in_force(document("soft", keyword_rule("zebra", action="redact")))

    answer = alice.post(PATH, {"text": ["Plain.", "A ze\u200bbra."]}).json()

    assert answer["verdict"] == "redact"
    plain, hidden = answer["texts"]
    assert (plain["result"], plain["edits"]) == ("Plain.", [])
    assert hidden["views"][0] == {"name": "main", "text": "A zebra."}
    label = hidden["edits"][0]["label"]
    assert (hidden["edits"][0]["start"], hidden["edits"][0]["end"], hidden["result"]) == (2, 8, f"A [{label}].")


def test_a_policy_in_shadow_reports_and_lets_pass(alice):
    put_in_force(document("quiet", keyword_rule(), mode="shadow"))

    answer = alice.post(PATH, {"text": "zebra"}).json()

    assert (answer["verdict"], answer["findings"][0]["mode"]) == ("allow", "shadow")


def test_rules_look_only_at_their_direction(alice):
    put_in_force(document("answers", keyword_rule(phase="response")))

    assert alice.post(PATH, {"text": "zebra"}).json()["verdict"] == "allow"
    assert alice.post(PATH, {"text": "zebra", "direction": "response"}).json()["verdict"] == "block"


def test_a_key_is_asked_for_its_own_policies_alone(alice):
    domain.create_workspace("other", "Other")
    put_in_force(document("everywhere"))
    put_in_force(document("ours", keyword_rule(name="ours"), scope=scope(workspaces=["acme"])))
    put_in_force(document("theirs", keyword_rule(name="theirs"), scope=scope(workspaces=["other"])))
    put_in_force(document("of-a-model", keyword_rule(name="model"), scope=scope(models=["gpt-*"])))

    assert names(alice.post(PATH, {"text": "x"})) == ["ours", "everywhere"]
    assert names(alice.post(PATH, {"text": "x", "model": "gpt-4o"})) == ["ours", "of-a-model", "everywhere"]
    assert names(alice.post(PATH, {"text": "x", "policy": "of-a-model"})) == ["of-a-model"]
    message = check_error(alice.post(PATH, {"text": "x", "policy": "theirs"}), 400, "invalid_request_error", "invalid_request", "policy")
    assert message == "There is no published policy 'theirs'."


def test_of_rules_with_one_name_that_of_the_narrower_policy_holds(alice):
    put_in_force(document("everywhere", keyword_rule("zebra")))
    put_in_force(document("ours", keyword_rule("yak"), scope=scope(workspaces=["acme"])))

    assert alice.post(PATH, {"text": "zebra"}).json()["verdict"] == "allow"
    assert alice.post(PATH, {"text": "yak"}).json()["verdict"] == "block"


def test_a_policy_that_the_key_names_is_asked(alice):
    other = domain.create_workspace("other", "Other")
    policy = put_in_force(document("theirs", scope=scope(workspaces=["other"])))
    attach_policy(alice.key, policy)

    assert names(alice.post(PATH, {"text": "x"})) == ["theirs"]
    assert names(make_program(other, "charlie", permissions=["inference"]).post(PATH, {"text": "x"})) == ["theirs"]


def test_without_a_policy_nothing_looks_and_it_is_said(alice):
    answer = alice.post(PATH, {"text": "zebra"}).json()

    assert (answer["verdict"], answer["policies"], answer["rules"]) == ("allow", [], [])


def test_decoded_halves_of_characters_do_not_break_the_answer(alice):
    put_in_force(document())

    answer = alice.post(PATH, {"text": "\\ud83d\\u0061\\u0062\\u0063\\u0064\\u0065\\u0066\\u0067\\u0068\\ud83d"})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "text"),
        ({"text": []}, "text"),
        ({"text": ["x"] * 101}, "text"),
        ({"text": [1]}, "text"),
        ({"text": {"a": 1}}, "text"),
        ({"text": "x", "direction": "sideways"}, "direction"),
        ({"text": "x", "policy": "none"}, "policy"),
        ({"text": "x", "polcy": "strict"}, "polcy"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(alice, body, param):
    check_error(alice.post(PATH, body), 400, "invalid_request_error", "invalid_request", param)


def test_more_than_a_megabyte_is_refused(alice):
    check_error(alice.post(PATH, {"text": "x" * (1 << 20)}), 413, "invalid_request_error", "request_too_large")


def test_a_key_without_the_permission_is_refused(acme):
    check_refused(make_program(acme, "bob", permissions=["usage"]).post(PATH, {"text": "x"}))


def test_nobody_without_a_key_is_answered():
    assert Client().post(PATH, "{}", content_type="application/json").status_code == 401


def test_a_person_needs_the_right_to_see_policies_and_may_name_any():
    domain.create_workspace("other", "Other")
    put_in_force(document("theirs", scope=scope(workspaces=["other"])))
    person = User.objects.create_user("bob", password="x", is_staff=True)
    client = Client()
    client.force_login(person)
    body = json.dumps({"text": "zebra", "policy": "theirs"})
    check_refused(client.post(PATH, body, content_type="application/json"))

    person.user_permissions.add(Permission.objects.get(codename="view_policy"))
    client.force_login(User.objects.get(pk=person.pk))

    assert client.post(PATH, body, content_type="application/json").json()["verdict"] == "block"
