"""`manage.py create_key`."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from apikeys.domain import create_key, create_workspace, save_limit
from apikeys.hotpath import is_well_formed
from apikeys.models import ApiKey, Limit, Workspace, default_permissions
from guardrails.public import create_policy, save_and_publish
from tests.guardrails.policy_help import document

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def acme():
    save_limit(Limit(name="each", scope="key", amount=10))
    save_limit(Limit(name="more", scope="key", amount=20))
    save_limit(Limit(name="all", scope="global", amount=100))
    return create_workspace("acme", "Acme")


def run(*arguments):
    out = io.StringIO()
    call_command("create_key", *arguments, stdout=out)
    return out.getvalue()


def test_create_key_json_has_exactly_the_promised_fields():
    made = json.loads(run("--workspace", "acme", "--name", "ci", "--json"))

    key = ApiKey.objects.get()
    assert made == {"id": str(key.pk), "name": "ci", "api_key": made["api_key"]}
    assert is_well_formed(made["api_key"].encode())
    assert (key.allowed_models, list(key.limits.all())) == ([], [])


def test_create_key_text_shows_the_key_on_a_line_of_its_own():
    lines = run("--workspace", "acme", "--name", "ci").splitlines()

    assert is_well_formed(lines[0].encode())
    assert "only time" in lines[1]


def test_create_key_takes_limits_and_models():
    run("--workspace", "acme", "--name", "ci", "--limit", "each", "--limit", "more", "--models", "gpt-4o, claude-*")

    key = ApiKey.objects.get()
    assert key.allowed_models == ["gpt-4o", "claude-*"]
    assert {limit.name for limit in key.limits.all()} == {"each", "more"}


def test_create_key_names_a_policy():
    policy = save_and_publish(document())

    run("--workspace", "acme", "--name", "ci", "--policy", "strict")

    assert ApiKey.objects.get().key_policy.policy == policy


def test_create_key_with_a_policy_that_is_none_or_a_draft_makes_no_key():
    create_policy(document("draft"))

    with pytest.raises(CommandError, match=r"There is no policy strict\. Policies: draft\."):
        run("--workspace", "acme", "--name", "ci", "--policy", "strict")
    with pytest.raises(CommandError, match="not published"):
        run("--workspace", "acme", "--name", "ci", "--policy", "draft")

    assert not ApiKey.objects.exists()


def test_create_key_takes_permissions_and_has_the_usual_ones_otherwise():
    run("--workspace", "acme", "--name", "usual")
    run("--workspace", "acme", "--name", "manager", "--permissions", "keys, usage")

    assert dict(ApiKey.objects.values_list("name", "permissions")) == {"usual": default_permissions(), "manager": ["keys", "usage"]}


@pytest.mark.parametrize(("text", "said"), [("inference,root", "There is no permission root."), (" , ", "--permissions names none.")])
def test_create_key_permissions_that_cannot_be_name_those_that_can(text, said):
    with pytest.raises(CommandError, match=said) as error:
        run("--workspace", "acme", "--name", "ci", "--permissions", text)

    assert "Permissions: inference, usage, keys, items_read, items_write, signals_read, signals_write." in str(error.value)
    assert not ApiKey.objects.exists()


def test_create_key_star_means_all_models():
    run("--workspace", "acme", "--name", "ci", "--models", "*")

    assert ApiKey.objects.get().allowed_models == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--workspace", "acme2", "--name", "ci"], "There is no workspace acme2. Workspaces: acme."),
        (["--workspace", "acme", "--name", "ci", "--limit", "no"], "There is no limit no. Limits of scope key: each, more."),
        (["--workspace", "acme", "--name", "ci", "--limit", "all"], "A key can only name limits of scope API key; these are not: all."),
        (["--workspace", "acme", "--name", "taken"], "already exists"),
        (["--workspace", "acme", "--name", "ci", "--models", "a*b"], "end of a name only"),
        (["--workspace", "acme", "--name", "ci", "--models", " , "], "--models names no model"),
        (["--workspace", "acme", "--name", ""], "cannot be blank"),
    ],
)
def test_create_key_refusal_says_what_to_change_and_makes_nothing(acme, arguments, message):
    create_key(acme, "taken")

    with pytest.raises(CommandError) as error:
        run(*arguments)

    assert message in str(error.value)
    assert (ApiKey.objects.count(), Workspace.objects.count()) == (1, 1)


def test_create_key_without_any_workspace_says_how_to_get_one(acme):
    acme.delete()

    with pytest.raises(CommandError, match=r"Workspaces: none yet; `manage.py apply` or the console makes them."):
        run("--workspace", "acme", "--name", "ci")
