"""Workspaces and limits: what their domain accepts."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from apikeys import domain
from apikeys.errors import ApiKeyError
from apikeys.models import Limit, Workspace

pytestmark = pytest.mark.django_db


def test_create_workspace_refuses_a_slug_that_is_taken():
    domain.create_workspace("acme", "Acme")

    with pytest.raises(ValidationError):
        domain.create_workspace("acme", "Another")


def test_delete_workspace_without_keys_takes_its_limits_along():
    acme = domain.create_workspace("acme", "Acme")
    domain.save_limit(Limit(name="acme", scope="workspace", amount=1, workspace=acme))

    domain.delete_workspace(acme)

    assert not Workspace.objects.exists()
    assert not Limit.objects.exists()


def test_delete_workspace_refuses_while_it_has_keys_even_revoked_ones():
    acme = domain.create_workspace("acme", "Acme")
    domain.revoke_key(domain.create_key(acme, "ci").api_key)

    with pytest.raises(ApiKeyError, match="Deactivate"):
        domain.delete_workspace(acme)

    assert Workspace.objects.filter(pk=acme.pk).exists()


@pytest.mark.parametrize("scope", ["global", "ip", "workspace", "key"])
def test_save_limit_accepts_every_scope_without_a_workspace(scope):
    limit = domain.save_limit(Limit(name="some", scope=scope, amount=20, window_s=1, burst=40, model="gpt-4o"))

    assert Limit.objects.get() == limit


@pytest.mark.parametrize("scope", ["global", "ip", "key"])
def test_save_limit_refuses_a_workspace_with_another_scope(scope):
    acme = domain.create_workspace("acme", "Acme")

    with pytest.raises(ValidationError) as caught:
        domain.save_limit(Limit(name="some", scope=scope, amount=1, workspace=acme))

    assert list(caught.value.message_dict) == ["workspace"]


def test_save_limit_refuses_another_scope_while_keys_name_it():
    limit = domain.save_limit(Limit(name="slow", scope="key", amount=1))
    domain.create_key(domain.create_workspace("acme", "Acme"), "ci", limits=[limit])
    limit.scope = "global"

    with pytest.raises(ValidationError) as caught:
        domain.save_limit(limit)

    assert list(caught.value.message_dict) == ["scope"]


@pytest.mark.parametrize("values", [{"amount": 0}, {"amount": 1, "window_s": 0}, {"amount": 1, "burst": 0}, {"amount": 1, "unit": "miles"}])
def test_save_limit_refuses_values_that_cannot_bind(values):
    with pytest.raises(ValidationError):
        domain.save_limit(Limit(name="some", scope="key", **values))


def test_delete_limit_takes_it_off_the_keys_that_name_it():
    limit = domain.save_limit(Limit(name="slow", scope="key", amount=1))
    api_key = domain.create_key(domain.create_workspace("acme", "Acme"), "ci", limits=[limit]).api_key

    domain.delete_limit(limit)

    assert not api_key.limits.exists()
