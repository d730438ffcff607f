"""What goes beyond a key's rights, and what does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from apikeys.rest.rights import Rights, find_excess

OWN = Rights(("gpt-4*", "o1"), ("10.0.0.0/8", "2001:db8::/32"), frozenset({"keys", "usage"}), frozenset({"a", "b"}), 1000.0)
UNBOUND = Rights((), (), frozenset({"keys"}), frozenset(), None)


def _field(wanted: Rights, own: Rights = OWN) -> str | None:
    excess = find_excess(wanted, own)
    return excess.field if excess else None


def test_the_same_rights_are_within():
    assert _field(OWN) is None
    assert _field(UNBOUND, UNBOUND) is None


@pytest.mark.parametrize("models", [("gpt-4",), ("gpt-4o*",), ("gpt-4*", "o1"), ("o1",)])
def test_models_that_the_own_ones_cover_are_within(models):
    assert _field(replace(OWN, models=models)) is None


@pytest.mark.parametrize("models", [(), ("*",), ("gpt-*",), ("o1*",), ("o",), ("gpt-4", "claude"), ("",)])
def test_models_that_the_own_ones_do_not_cover_are_not(models):
    assert _field(replace(OWN, models=models)) == "allowed_models"


@pytest.mark.parametrize("own", [(), ("*",)])
@pytest.mark.parametrize("wanted", [(), ("*",), ("anything",), ("any*",)])
def test_no_models_and_a_star_are_all_models(own, wanted):
    assert _field(replace(UNBOUND, models=wanted), replace(UNBOUND, models=own)) is None


@pytest.mark.parametrize("networks", [("10.1.0.0/16",), ("10.0.0.0/8",), ("10.0.0.1",), ("10.0.0.1", "2001:db8:1::/48")])
def test_networks_within_the_own_ones_are_within(networks):
    assert _field(replace(OWN, networks=networks)) is None


@pytest.mark.parametrize("networks", [(), ("0.0.0.0/0",), ("11.0.0.1",), ("10.0.0.0/7",), ("10.0.0.1", "192.0.2.0/24"), ("::/0",)])
def test_networks_beyond_the_own_ones_are_not(networks):
    assert _field(replace(OWN, networks=networks)) == "allowed_networks"


def test_two_halves_hold_what_the_whole_does():
    own = replace(OWN, networks=("10.0.0.0/9", "10.128.0.0/9"))

    assert _field(replace(OWN, networks=("10.0.0.0/8",)), own) is None


def test_all_networks_of_one_family_are_not_all():
    assert _field(UNBOUND, replace(UNBOUND, networks=("0.0.0.0/0",))) == "allowed_networks"
    assert _field(UNBOUND, replace(UNBOUND, networks=("0.0.0.0/0", "::/0"))) is None


@pytest.mark.parametrize(("wanted", "expected"), [(999.0, None), (1000.0, None), (1000.1, "expires_at"), (None, "expires_at")])
def test_an_end_may_not_be_later(wanted, expected):
    assert _field(replace(OWN, expires_at=wanted)) == expected


@pytest.mark.parametrize(
    ("wanted", "expected"), [({"a", "b"}, None), ({"a", "b", "c"}, None), ({"a"}, "limits"), (set(), "limits"), ({"c"}, "limits")]
)
def test_fewer_limits_are_more_rights(wanted, expected):
    assert _field(replace(OWN, limit_ids=frozenset(wanted))) == expected


def test_a_permission_that_is_lacked_cannot_be_given():
    assert _field(replace(OWN, permissions=frozenset())) is None
    assert _field(replace(OWN, permissions=frozenset({"usage", "inference"}))) == "permissions"
