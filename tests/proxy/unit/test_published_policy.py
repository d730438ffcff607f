"""Whom a published policy inspects, and how narrowly it is meant."""

from __future__ import annotations

import pytest

from proxy.snapshot import PublishedPolicy

WHO = ("w1", "k1", "gpt-4o", "/v1/messages")


def policy(**scope) -> PublishedPolicy:
    return PublishedPolicy("p", 1, "", b"{}", **scope)


@pytest.mark.parametrize(
    ("scope", "holds"),
    [
        ({}, True),
        ({"workspace_ids": ("w1",)}, True),
        ({"workspace_ids": ("w2",)}, False),
        ({"key_ids": ("k2", "k1")}, True),
        ({"key_ids": ("k2",)}, False),
        ({"workspace_ids": ("w1",), "key_ids": ("k2",)}, False),
        ({"models": ("gpt-*",)}, True),
        ({"models": ("gpt-4",)}, False),
        ({"routes": ("/v1/*",)}, True),
        ({"routes": ("/v1/chat/completions",)}, False),
        ({"attached_key_ids": ("k2",)}, True),
        ({"attached_key_ids": ("k2",), "is_attached_only": True}, False),
        ({"attached_key_ids": ("k1",), "is_attached_only": True}, True),
        ({"workspace_ids": ("w2",), "attached_key_ids": ("k1",)}, True),
        ({"workspace_ids": ("w2",), "attached_key_ids": ("k1",), "models": ("claude",)}, False),
        ({"is_attached_only": True}, False),
    ],
)
def test_a_policy_holds_for_whom_its_scope_names_and_for_keys_that_name_it(scope, holds):
    assert policy(**scope).holds_for(*WHO) is holds


def test_a_key_weighs_more_than_a_workspace_than_a_model_than_a_path():
    scopes = [
        {},
        {"routes": ("/v1/*",)},
        {"models": ("gpt-*",), "routes": ("/v1/*",)},
        {"workspace_ids": ("w1",)},
        {"workspace_ids": ("w1",), "models": ("gpt-*",), "routes": ("/v1/*",)},
        {"attached_key_ids": ("k1",)},
        {"key_ids": ("k1",), "routes": ("/v1/*",)},
    ]

    found = [policy(**scope).specificity_for("k1") for scope in scopes]

    assert found == sorted(set(found))
    assert policy(attached_key_ids=("k2",)).specificity_for("k1") == 0
