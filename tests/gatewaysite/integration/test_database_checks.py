"""What the checks say of databases."""

from __future__ import annotations

import pytest
from django.db import connections

from gatewaysite.checks import check_replicas_can_answer, check_role_bounds_statements
from gatewaysite.databases import build_databases
from tests.database_help import LIMITS, execute, known, own_postgres, place_of


def _ids(messages):
    return [message.id for message in messages]


@pytest.fixture(scope="module")
def behind_a_pooler(django_db_blocker):
    """A database that is told nothing by its sessions, as through a pooler, with the limits of a role that anybody may change."""
    with own_postgres() as server, django_db_blocker.unblock():
        built = build_databases(place_of(server), replica_urls=[], shard_urls=[], limits=LIMITS, kind="gateway", is_behind_pooler=True)
        with known(pooled=built["default"]):
            yield server


def test_role_that_bounds_nothing_is_warned_of_behind_a_pooler(behind_a_pooler, monkeypatch):
    monkeypatch.setenv("DATABASE_BEHIND_POOLER", "true")

    assert _ids(check_role_bounds_statements(None, ["pooled"])) == []

    execute(behind_a_pooler, "ALTER ROLE postgres RESET statement_timeout")
    connections["pooled"].close()
    connections["pooled"].close_pool()
    assert _ids(check_role_bounds_statements(None, ["pooled"])) == ["gateway.W003"]


def test_without_a_pooler_nothing_is_asked(monkeypatch):
    monkeypatch.delenv("DATABASE_BEHIND_POOLER", raising=False)

    assert check_role_bounds_statements(None, ["nowhere"]) == []


def test_replicas_beside_shards_are_warned_of():
    built = build_databases(
        "postgres://db/gw",
        replica_urls=["postgres://r/gw"],
        shard_urls=["postgres://s/gw"],
        limits=LIMITS,
        kind="gateway",
        is_behind_pooler=False,
    )
    with known(replica_1=built["replica_1"]):
        assert check_replicas_can_answer(None) == []
        with known(shard_1=built["shard_1"]):
            assert _ids(check_replicas_can_answer(None)) == ["gateway.W002"]
