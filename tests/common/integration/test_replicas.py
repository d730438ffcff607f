"""Reads from a streaming replica: taken where it has what the workspace wrote, and from the primary wherever that is not certain."""

from __future__ import annotations

import uuid

import pytest
import redis
from django.conf import settings
from django.db import OperationalError, connections, transaction

from common.databases import database_to_read, replica_databases
from common.rest import replicas
from gatewaysite.databases import build_databases
from tests.database_help import LIMITS, execute, known, own_postgres, own_replica, place_of, url_of
from tests.http_talk import wait_for

ACME, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)


@pytest.fixture(scope="module")
def primary():
    with own_postgres() as data_dir:
        execute(data_dir, "CREATE TABLE notes (id int)")
        yield data_dir


@pytest.fixture(scope="module")
def replica(primary):
    with own_replica(primary) as data_dir:
        yield data_dir


@pytest.fixture
def pair(primary, replica, django_db_blocker):
    """Let Django know the pair as `default` and `replica_1`."""
    built = build_databases(
        place_of(primary), replica_urls=[url_of(replica)], shard_urls=[], limits=LIMITS, kind="gateway", is_behind_pooler=False
    )
    replicas._watch.cache_clear()
    kept = dict(connections["default"].settings_dict)
    with django_db_blocker.unblock(), known(replica_1=built["replica_1"]):
        connections["default"].close()
        connections["default"].close_pool()
        connections["default"].settings_dict.update(built["default"])
        try:
            yield
        finally:
            execute(replica, "SELECT pg_wal_replay_resume()")
            connections["default"].close()
            connections["default"].close_pool()
            connections["default"].settings_dict.clear()
            connections["default"].settings_dict.update(kept)
            redis.Redis.from_url(settings.REDIS_URL).flushdb()


def _write(workspace_id=ACME):
    with transaction.atomic():
        with connections["default"].cursor() as cursor:
            cursor.execute("INSERT INTO notes VALUES (1)")
        replicas.note_write(workspace_id)


def _count_where_read(workspace_id=ACME):
    with replicas.reading(workspace_id):
        alias = database_to_read(workspace_id)
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT count(*) FROM notes")
            return alias, cursor.fetchone()[0]


def _wait_for_replica(workspace_id=ACME):
    wait_for(lambda: replicas.choose_database(workspace_id) == "replica_1")


def test_without_replicas_nothing_is_asked(monkeypatch):
    monkeypatch.setattr(replicas, "pooled_client", None)

    replicas.note_write(ACME)

    assert replica_databases() == ()
    assert replicas.choose_database(ACME) == "default"
    assert replicas.read_nearby(len, ACME) is len


def test_a_workspace_that_wrote_nothing_reads_from_the_replica_once_it_is_known(pair):
    assert replicas.choose_database(ACME) == "default"  # nothing is known yet, and nobody waits for it

    _wait_for_replica()
    with replicas.reading(ACME):
        assert database_to_read(ACME) == "replica_1"
        assert database_to_read(OTHER) == "default"
    assert database_to_read(ACME) == "default"


def test_what_was_written_is_read_at_once_and_from_the_replica_when_it_is_there(pair, primary, replica):
    execute(primary, "DELETE FROM notes")
    _wait_for_replica()
    execute(replica, "SELECT pg_wal_replay_pause()")

    _write()

    assert _count_where_read() == ("default", 1)
    assert replicas.choose_database(OTHER) == "replica_1"  # others wrote nothing
    execute(replica, "SELECT pg_wal_replay_resume()")
    _wait_for_replica()
    assert _count_where_read() == ("replica_1", 1)


def test_every_write_is_read_at_once_while_the_replica_follows(pair, primary):
    execute(primary, "DELETE FROM notes")
    _wait_for_replica()

    for count in range(1, 101):
        _write()
        assert _count_where_read()[1] == count


def test_of_two_writes_at_once_the_further_one_counts(pair):
    _wait_for_replica()
    client = redis.Redis.from_url(settings.REDIS_URL)

    _write()
    position = int(client.get(replicas._position_key(ACME)))
    client.set(replicas._position_key(ACME), position + 10**12, ex=60)
    _write()

    assert int(client.get(replicas._position_key(ACME))) == position + 10**12
    assert replicas.choose_database(ACME) == "default"


def test_a_mark_that_nobody_took_away_keeps_readers_on_the_primary(pair):
    _wait_for_replica()

    with pytest.raises(ZeroDivisionError), transaction.atomic():
        replicas.note_write(ACME)
        raise ZeroDivisionError  # as a process that dies before it could say how far it came

    assert replicas.choose_database(ACME) == "default"
    assert 0 < redis.Redis.from_url(settings.REDIS_URL).ttl(replicas._mark_key(ACME)) <= 60


def test_without_redis_everybody_reads_from_the_primary_and_writes_go_on(pair, settings, tmp_path):
    _wait_for_replica()
    settings.REDIS_URL = f"unix://{tmp_path}/nobody.sock"

    _write()

    assert replicas.choose_database(ACME) == "default"


def test_a_replica_whose_primary_is_gone_is_not_used(primary, pair):
    _wait_for_replica()
    execute(primary, "ALTER SYSTEM SET max_wal_senders = 10")
    with own_replica(primary) as lonely:
        execute(lonely, "ALTER SYSTEM SET primary_conninfo = ''")
        execute(lonely, "SELECT pg_reload_conf()")
        wait_for(lambda: execute(lonely, "SELECT count(*) FROM pg_stat_wal_receiver WHERE pid IS NOT NULL") == [(0,)])
        settings_dict = connections["replica_1"].settings_dict | {"HOST": str(lonely.run)}
        with known(replica_2=settings_dict):
            watch = replicas.ReplicaWatch("replica_2")
            watch.has_replayed(0)
            wait_for(lambda: watch._state.known_at > 0)

            assert not watch.has_replayed(0)


def test_a_read_that_the_replica_fails_is_made_once_more_on_the_primary(pair):
    _wait_for_replica()
    asked = []

    def view(word):
        asked.append((word, database_to_read(ACME)))
        if asked[-1][1] == "replica_1":
            raise OperationalError("canceling statement due to conflict with recovery")
        return "answer"

    assert replicas.read_nearby(view, ACME)("hello") == "answer"
    assert asked == [("hello", "replica_1"), ("hello", "default")]
    assert replicas.choose_database(ACME) == "default"  # it rests


def test_a_read_that_the_primary_fails_fails(pair):
    def view():
        raise OperationalError("gone")

    with pytest.raises(OperationalError):
        replicas.read_nearby(view, ACME)()
