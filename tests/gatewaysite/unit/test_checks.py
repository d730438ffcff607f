"""Combinations of settings that cannot work are named, numbered, and say what to do."""

from __future__ import annotations

import base64

import pytest

from gatewaysite.checks import check_encryption_keys, check_hosts_are_named, check_role, check_secrets_are_kept

KEY = base64.b64encode(bytes(32)).decode()


def _ids(check) -> list[str]:
    found = check(None)
    assert all(message.hint for message in found)
    return [message.id for message in found]


@pytest.mark.parametrize(
    ("keys", "ids"),
    [
        ([f"k1:{KEY}"], []),
        ([f"k2:{KEY}", f"k1:{KEY}"], []),
        ([], ["gateway.E001"]),
        (["k1"], ["gateway.E001"]),
        ([f"k1:{KEY}", f"k1:{KEY}"], ["gateway.E001"]),
    ],
)
def test_encryption_keys(settings, keys, ids):
    settings.GATEWAY_ENCRYPTION_KEYS = keys

    assert _ids(check_encryption_keys) == ids


def test_a_bad_encryption_key_is_not_shown(settings):
    settings.GATEWAY_ENCRYPTION_KEYS = ["k1:c2hvcnQgc2VjcmV0"]

    (message,) = check_encryption_keys(None)

    assert "c2hvcnQ" not in str(message)


@pytest.mark.parametrize(("role", "ids"), [("all", []), ("proxy", []), ("console", []), ("both", ["gateway.E002"]), ("", ["gateway.E002"])])
def test_role(settings, role, ids):
    settings.GATEWAY_ROLE = role

    assert _ids(check_role) == ids


@pytest.mark.parametrize(("is_ephemeral", "ids"), [(False, []), (True, ["gateway.E003"])])
def test_secrets_that_end_with_the_process(settings, is_ephemeral, ids):
    settings.GATEWAY_SECRETS_ARE_EPHEMERAL = is_ephemeral

    assert _ids(check_secrets_are_kept) == ids


@pytest.mark.parametrize(("hosts", "ids"), [(["gateway.example"], []), (["*"], ["gateway.W001"]), (["a", "*"], ["gateway.W001"])])
def test_hosts(settings, hosts, ids):
    settings.ALLOWED_HOSTS = hosts

    assert _ids(check_hosts_are_named) == ids
