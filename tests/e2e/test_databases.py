"""Whole installations on several databases: shards beside the primary one, and a primary with a streaming replica."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest

from common.databases import place_of
from tests.database_help import execute, own_postgres, own_replica, url_of
from tests.http_talk import CHAT, chat, wait_for
from tests.installation import new_installation
from tests.metrics import read_metrics, sum_of

pytestmark = pytest.mark.timeout(300)  # the tables are made three times

_START_S = 240.0
_WORKSPACES = 20  # that all of them land on one of two shards happens once in half a million runs


@pytest.fixture(scope="module")
def shards():
    with own_postgres() as first, own_postgres() as second:
        yield first, second


def _start(installation):
    installation.launch()
    wait_for(lambda: "Ctrl-C stops everything." in installation.output() or not installation.is_running, within_s=_START_S, every_s=0.2)
    assert installation.is_running, installation.output()
    installation.note_processes()


@pytest.fixture(scope="module")
def sharded(shards):
    with new_installation(environ={"DATABASE_SHARD_URLS": ",".join(map(url_of, shards))}) as installation:
        _start(installation)
        yield installation


@pytest.fixture(scope="module")
def two_keys(sharded):
    """Keys of two workspaces, the first on the first shard and the second on the second."""
    slugs = [f"w{number}" for number in range(_WORKSPACES)]
    workspaces = ", ".join(f"{{slug: {slug}, name: {slug}}}" for slug in slugs)
    keys = ", ".join(f"{{name: of-{slug}, workspace: {slug}}}" for slug in slugs)
    secrets = sharded.apply(f"workspaces: [{workspaces}]\napi_keys: [{keys}]\n")
    rows = sharded.sql("SELECT slug, id FROM apikeys_workspace WHERE slug = ANY(%s)", [slugs])
    found = {place_of(row["id"], 2): secrets[f"of-{row['slug']}"] for row in rows}
    return found[0], found[1]


def _count(data_dir, table):
    return execute(data_dir, f"SELECT count(*) FROM {table}")[0][0]  # noqa: S608  # a table's name of this file


def test_each_workspace_uses_its_own_shard(sharded, shards, two_keys):
    for number, key in enumerate(two_keys):
        for title in ("one", "two")[: number + 1]:
            assert sharded.post("/api/items", {"title": title}, key).status == 201
            assert sharded.post(CHAT, chat(), key).status == 200

    for number, (key, shard) in enumerate(zip(two_keys, shards, strict=True)):
        wait_for(lambda shard=shard, number=number: _count(shard, "proxy_usagerecord") == number + 1)
        assert _count(shard, "items_item") == number + 1
        assert len(sharded.get("/api/items", key).json["data"]) == number + 1
        assert sharded.get("/api/usage?from=1d", key).json["data"][0]["requests_count"] == number + 1
    assert sharded.sql("SELECT count(*) FROM proxy_usagerecord") == [{"count": 0}]
    assert sharded.manage("check_ledger")


def test_workers_count_their_pools_of_every_database(sharded, two_keys):
    for key in two_keys:
        sharded.get("/api/items?limit=7", key)

    def pools():
        samples = read_metrics(sharded)
        return {alias: sum_of(samples, "database_pool_size", database=alias) for alias in ("default", "shard_1", "shard_2")}

    found = wait_for(lambda: all((found := pools()).values()) and found)
    assert found["default"] >= 5
    assert sum_of(read_metrics(sharded), "database_pool_requests_total", database="default") > 0
    assert sum_of(read_metrics(sharded), "database_pool_timeouts_total") == 0
    sessions = Counter(row["application_name"] for row in sharded.sql("SELECT application_name FROM pg_stat_activity"))
    assert sessions["gatewaysite-gateway"] >= 5
    assert sessions["gatewaysite-maintenance"] <= 2


def test_a_second_start_changes_nothing_and_another_order_is_refused(sharded, shards, two_keys):
    swapped = {"DATABASE_SHARD_URLS": ",".join(map(url_of, reversed(shards)))}

    with pytest.raises(AssertionError, match="move rows first"):
        sharded.manage("migrate_databases", environ=swapped)

    assert "shard_2: up to date" in sharded.manage("migrate_databases")


def test_lists_come_from_the_replica_and_have_what_was_just_written():
    with (
        own_postgres() as primary,
        own_replica(primary) as replica,
        new_installation(environ={"DATABASE_URL": url_of(primary), "DATABASE_REPLICA_URLS": url_of(replica)}) as installation,
    ):
        _start(installation)
        key = installation.api_key

        def titles():
            return [row["title"] for row in installation.get("/api/items?fields=title&limit=200", key).json["data"]]

        for number in range(20):
            assert installation.post("/api/items", {"title": f"item {number}"}, key).status == 201
            assert titles()[0] == f"item {number}"

        words = map("word{}".format, itertools.count())

        def replica_was_asked():
            assert installation.get(f"/api/items?q={next(words)}", key).status == 200  # which no cache has
            asked = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'gatewaysite-gateway' AND query LIKE '%items_item%'"
            return execute(replica, asked)[0][0]

        wait_for(replica_was_asked)
        execute(replica, "SELECT pg_wal_replay_pause()")
        for number in range(20, 30):
            assert installation.post("/api/items", {"title": f"item {number}"}, key).status == 201
            assert titles()[0] == f"item {number}"
        execute(replica, "SELECT pg_wal_replay_resume()")
