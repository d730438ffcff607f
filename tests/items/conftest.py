"""Alice works in acme; charlie is outside, and has something that she could have seen."""

from __future__ import annotations

import pytest

from apikeys.models import Workspace
from apikeys.public import create_workspace
from tests.rest_help import Program, make_program

EVERYTHING = ["items_read", "items_write", "signals_read", "signals_write"]


@pytest.fixture
def acme() -> Workspace:
    return create_workspace("acme", "Acme")


@pytest.fixture
def alice(acme) -> Program:
    return make_program(acme, "alice", permissions=EVERYTHING)


@pytest.fixture
def reader(acme) -> Program:
    """On the team; may look and not write."""
    return make_program(acme, "reader", permissions=["items_read", "signals_read"])


@pytest.fixture
def charlie() -> Program:
    return make_program(create_workspace("other", "Other"), "charlie", permissions=EVERYTHING)
