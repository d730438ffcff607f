"""What a limit may say: unit with window, scope with tag and workspace."""

from __future__ import annotations

import itertools

import pytest
from django.core.exceptions import ValidationError

from apikeys import domain
from apikeys.choices import LimitScope, LimitUnit
from apikeys.models import Limit, default_permissions

pytestmark = pytest.mark.django_db


def _refused(**values: object) -> dict[str, list[str]]:
    with pytest.raises(ValidationError) as caught:
        domain.save_limit(Limit(**{"name": "some", "scope": "key", "amount": 5} | values))
    assert not Limit.objects.exists()
    return caught.value.message_dict


@pytest.mark.parametrize(("scope", "unit"), [*itertools.product(LimitScope.values, LimitUnit.values)])
def test_save_limit_accepts_every_scope_with_every_unit(scope, unit):
    limit = domain.save_limit(Limit(name="some", scope=scope, unit=unit, amount=5, tag="team" if scope == "tag" else ""))

    assert Limit.objects.get() == limit


@pytest.mark.parametrize("calendar", ["minute", "hour", "day", "week", "month"])
def test_save_limit_accepts_every_calendar_window(calendar):
    domain.save_limit(Limit(name="some", scope="key", unit="cost", amount=5, calendar=calendar))

    assert Limit.objects.get().calendar == calendar


@pytest.mark.parametrize(
    ("values", "field"),
    [
        pytest.param({"calendar": "day", "window_s": 60}, "window_s", id="calendar and rolling"),
        pytest.param({"calendar": "day", "burst": 9}, "burst", id="burst of a calendar window"),
        pytest.param({"calendar": "decade"}, "calendar", id="unknown calendar"),
        pytest.param({"unit": "concurrency", "window_s": 60}, "window_s", id="window of requests in flight"),
        pytest.param({"unit": "concurrency", "calendar": "day"}, "calendar", id="calendar of requests in flight"),
        pytest.param({"unit": "concurrency", "burst": 9}, "burst", id="burst of requests in flight"),
        pytest.param({"model": "gpt*4o"}, "model", id="star in the middle"),
        pytest.param({"model": "*gpt*"}, "model", id="two stars"),
        pytest.param({"tag": "team"}, "tag", id="tag of another scope"),
        pytest.param({"scope": "tag"}, "tag", id="scope tag without one"),
        pytest.param({"scope": "tag", "tag": "=x"}, "tag", id="tag without a name"),
        pytest.param({"scope": "tag", "tag": "team="}, "tag", id="tag without its value"),
        pytest.param({"scope": "tag", "tag": "a,b"}, "tag", id="two tags"),
        pytest.param({"scope": "tag", "tag": " team"}, "tag", id="space that no request can send"),
        pytest.param({"scope": "tag", "tag": "größe"}, "tag", id="letters that no header carries"),
        pytest.param({"amount": 0}, "amount", id="nothing may pass"),
    ],
)
def test_save_limit_refuses_at_the_field_what_cannot_bind(values, field):
    assert list(_refused(**values)) == [field]


@pytest.mark.parametrize("tag", ["team", "team=search", "team=a b=c", "cost center=7"])
def test_save_limit_accepts_a_tag_with_and_without_a_value(tag):
    domain.save_limit(Limit(name="some", scope="tag", amount=1, tag=tag))

    assert Limit.objects.get().tag == tag


@pytest.mark.parametrize("model", ["", "gpt-4o", "gpt*", "*", "service:/infer"])
def test_save_limit_accepts_a_model_a_beginning_and_a_service(model):
    domain.save_limit(Limit(name="some", scope="global", amount=1, model=model))

    assert Limit.objects.get().model == model


@pytest.mark.parametrize(("scope", "tag"), [("workspace", ""), ("end_user", ""), ("tag", "team")])
def test_save_limit_may_bind_one_workspace_where_its_counters_lie_in_workspaces(scope, tag):
    acme = domain.create_workspace("acme", "Acme")

    domain.save_limit(Limit(name="some", scope=scope, tag=tag, amount=1, workspace=acme))

    assert Limit.objects.get().workspace == acme


# --- permissions ----------------------------------------------------------------------------------------------------------------


def test_create_key_has_the_usual_permissions_unless_told_otherwise():
    acme = domain.create_workspace("acme", "Acme")

    keys = [
        domain.create_key(acme, "usual").api_key,
        domain.create_key(acme, "manager", permissions=["keys", "inference", "keys"]).api_key,
    ]

    assert [key.permissions for key in keys] == [default_permissions(), ["keys", "inference"]]


@pytest.mark.parametrize("permissions", [[], ["root"], ["inference", "root"]])
def test_a_key_without_a_permission_or_with_an_unknown_one_is_refused(permissions):
    acme = domain.create_workspace("acme", "Acme")

    with pytest.raises(ValidationError) as caught:
        domain.create_key(acme, "ci", permissions=permissions)

    assert list(caught.value.message_dict) == ["permissions"]


def test_save_key_stores_changed_permissions():
    api_key = domain.create_key(domain.create_workspace("acme", "Acme"), "ci").api_key
    api_key.permissions = ["usage"]

    domain.save_key(api_key)

    api_key.refresh_from_db()
    assert api_key.permissions == ["usage"]
