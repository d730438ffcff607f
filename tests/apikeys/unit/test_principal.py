"""What a key may use, and from where it may be used."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.testing import create_principal


@pytest.mark.parametrize(
    ("allowed", "model", "may"),
    [
        ((), "anything", True),
        (("*",), "anything", True),
        (("*",), "", True),
        (("gpt-4o",), "gpt-4o", True),
        (("gpt-4o",), "gpt-4o-mini", False),
        (("gpt-4o",), "GPT-4o", False),
        (("gpt-4o*",), "gpt-4o", True),
        (("gpt-4o*",), "gpt-4o-mini", True),
        (("gpt-4o*",), "gpt-4", False),
        (("claude", "gpt-*"), "gpt-5", True),
        (("claude", "gpt-*"), "claude-2", False),
        (("g.t",), "gpt", False),
        (("[a-z]*",), "gpt", False),
    ],
)
def test_may_use_model(allowed, model, may):
    assert create_principal(allowed_models=allowed).may_use_model(model) is may


@pytest.mark.parametrize(
    ("networks", "address", "may"),
    [
        ((), "203.0.113.7", True),
        ((), "", True),
        ((), "nonsense", True),
        (("10.0.0.0/8",), "10.1.2.3", True),
        (("10.0.0.0/8",), "11.1.2.3", False),
        (("10.0.0.0/8",), "::ffff:10.1.2.3", True),
        (("10.0.0.0/8",), "::ffff:11.1.2.3", False),
        (("10.0.0.0/8",), "2001:db8::1", False),
        (("2001:db8::/32",), "2001:db8::1", True),
        (("2001:db8::/32",), "10.1.2.3", False),
        (("192.0.2.4",), "192.0.2.4", True),
        (("192.0.2.4/32", "198.51.100.0/24"), "198.51.100.200", True),
        (("10.0.0.0/8",), "", False),
        (("10.0.0.0/8",), "10.1.2.3, 8.8.8.8", False),
        (("10.0.0.0/8",), "0x0a010203", False),
        (("10.0.0.0/8",), "167838211", False),
        (("10.0.0.0/8",), "010.1.2.3", False),
        (("0.0.0.0/0",), "203.0.113.7", True),
        (("0.0.0.0/0",), "::1", False),
    ],
)
def test_may_come_from(networks, address, may):
    assert create_principal(allowed_networks=networks).may_come_from(address) is may


@given(st.text(max_size=50))
def test_no_address_raises_and_none_that_is_no_address_is_let_in(address):
    may = create_principal(allowed_networks=("192.0.2.0/24",)).may_come_from(address)

    assert not may or address.startswith("192.0.2.")


def test_a_principal_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        create_principal().key_id = "another"  # type: ignore[misc]
