"""What writers leave in Redis for those who keep answers: before COMMIT, after it, after every kind of rollback, and without Redis."""

from __future__ import annotations

import threading
import uuid

import psycopg
import pytest
import redis
from django.conf import settings
from django.db import OperationalError, connection, transaction

from common.rest import freshness
from common.rest.caches import cached_query
from common.rest.freshness import find_version, is_behind, note_change
from common.rest.versions import MARK_LIVES_MS, ServerWatch, version_key
from proxy.testing import ManualClock
from tests.proxy.integration.valkey_help import own_valkey
from tests.proxy.integration.worker_help import PATIENCE_S, wait_for

pytestmark = pytest.mark.django_db(transaction=True)


class Failure(Exception):
    pass


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """Wait longer than the real thing: on a busy machine it would go on without Redis."""
    monkeypatch.setattr(freshness, "_TIMEOUT_S", PATIENCE_S)
    monkeypatch.setattr(freshness._Away, "until", 0.0)
    monkeypatch.setattr(freshness, "_server", ServerWatch())
    yield
    wait_for(lambda: not is_behind())


@pytest.fixture
def acme():
    return uuid.uuid4()


def fields(workspace_id: uuid.UUID, resource: str = "items") -> dict[bytes, bytes]:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        return client.hgetall(version_key(str(workspace_id), resource))


def marks(workspace_id: uuid.UUID) -> int:
    return sum(name.startswith(b"w:") for name in fields(workspace_id))


def test_a_commit_raises_the_version_and_takes_the_mark_away(acme):
    before = find_version(acme, "items")

    with transaction.atomic():
        note_change(acme, "items")
        assert marks(acme) == 1
        assert find_version(acme, "items") is None

    assert marks(acme) == 0
    assert find_version(acme, "items") not in {before, None}


def test_versions_of_others_stay(acme):
    other = uuid.uuid4()
    before = find_version(acme, "signals"), find_version(other, "items")

    with transaction.atomic():
        note_change(acme, "items")

    assert (find_version(acme, "signals"), find_version(other, "items")) == before


def test_a_version_that_was_lost_begins_anew_and_never_comes_twice(acme):
    before = find_version(acme, "items")
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.delete(version_key(str(acme), "items"))

    after = find_version(acme, "items")

    assert after not in {before, None}
    assert find_version(acme, "items") == after


@pytest.mark.parametrize("error", [Failure, SystemExit])
def test_a_rollback_takes_the_mark_away(acme, error):
    with pytest.raises(error), transaction.atomic():
        note_change(acme, "items")
        raise error

    assert marks(acme) == 0
    assert find_version(acme, "items") is not None


def test_a_rollback_to_a_savepoint_takes_its_mark_away_and_leaves_others(acme):
    with transaction.atomic():
        with pytest.raises(Failure), transaction.atomic():
            note_change(acme, "items")
            raise Failure
        assert marks(acme) == 0
        note_change(acme, "items")
        with pytest.raises(Failure), transaction.atomic():
            note_change(acme, "items")
            raise Failure
        assert marks(acme) == 1

    assert marks(acme) == 0


def test_set_rollback_takes_the_mark_away(acme):
    with transaction.atomic():
        note_change(acme, "items")
        transaction.set_rollback(True)

    assert marks(acme) == 0


def test_a_commit_that_fails_takes_the_mark_away(acme):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE late (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    try:
        with pytest.raises(Exception, match="late_id_key"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("INSERT INTO late VALUES (1), (1)")
            note_change(acme, "items")
        assert marks(acme) == 0
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE late")


def test_a_hook_of_others_that_fails_takes_nothing_with_it(acme):
    def fail() -> None:
        raise Failure

    try:
        with transaction.atomic():
            transaction.on_commit(fail)
            note_change(acme, "items")
    except Failure:
        pass

    assert marks(acme) == 0


def test_after_a_connection_that_broke_the_mark_stands_because_the_commit_may_yet_happen(acme):
    parts = connection.get_connection_params()
    with pytest.raises(OperationalError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone()
        note_change(acme, "items")
        with psycopg.connect(host=parts["host"], user=parts["user"], dbname=parts["dbname"], autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [backend])

    assert marks(acme) == 1
    assert find_version(acme, "items") is None


def test_a_mark_ends_by_itself_and_a_write_that_took_longer_raises_once_more(acme, monkeypatch):
    monkeypatch.setattr(freshness, "MARK_LIVES_MS", 30)
    with transaction.atomic():
        note_change(acme, "items")
        wait_for(lambda: find_version(acme, "items"))
        before = find_version(acme, "items")

    assert find_version(acme, "items") not in {before, None}


def test_outside_of_a_transaction_it_is_a_mistake(acme):
    with pytest.raises(transaction.TransactionManagementError):
        note_change(acme, "items")


def test_many_changes_of_one_transaction_are_one_mark(acme):
    with transaction.atomic():
        for _ in range(5):
            note_change(acme, "items")
        note_change(acme, "signals")
        assert marks(acme) == 1
        assert len(fields(acme, "signals")) == 2


def test_writers_at_once_have_marks_of_their_own(acme):
    inside, leave = threading.Barrier(3), threading.Event()

    def write() -> None:
        with transaction.atomic():
            note_change(acme, "items")
            inside.wait(PATIENCE_S)
            leave.wait(PATIENCE_S)
        connection.close()

    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    inside.wait(PATIENCE_S)
    assert marks(acme) == 2
    leave.set()
    for thread in threads:
        thread.join()

    assert marks(acme) == 0


def test_without_redis_the_write_goes_on_and_its_version_is_raised_as_soon_as_it_can(acme, tmp_path, settings, monkeypatch):
    monkeypatch.setattr(freshness, "_AWAY_S", 0.02)
    with own_valkey(tmp_path) as server:
        settings.REDIS_URL = server.url
        before = find_version(acme, "items")
        server.kill()

        with transaction.atomic():
            note_change(acme, "items")
            assert is_behind()
        assert is_behind()
        assert find_version(acme, "items") is None
        server.start()
        wait_for(lambda: not is_behind())

        key = version_key(str(acme), "items")
        with redis.Redis.from_url(server.url) as client:
            assert client.hget(key, "v") != before.rpartition(":")[2].encode()  # higher, or lost


def test_a_redis_that_hangs_costs_a_write_no_more_than_its_patience(acme, tmp_path, settings, monkeypatch):
    monkeypatch.setattr(freshness, "_TIMEOUT_S", 0.05)
    monkeypatch.setattr(freshness, "_AWAY_S", 0.02)
    with own_valkey(tmp_path) as server:
        settings.REDIS_URL = server.url
        find_version(acme, "items")
        server.pause()
        try:
            with transaction.atomic():
                note_change(acme, "items")
            assert is_behind()
        finally:
            server.resume()
        monkeypatch.setattr(freshness, "_TIMEOUT_S", PATIENCE_S)
        wait_for(lambda: not is_behind())


def test_of_a_server_that_took_anothers_place_nothing_is_believed_while_marks_may_be_lost():
    clock = ManualClock()
    watch = ServerWatch(clock)

    assert [watch.is_trusted("a"), watch.is_trusted("a"), watch.is_trusted("b")] == [True, True, False]
    clock.advance(MARK_LIVES_MS / 1000 - 0.001)
    assert not watch.is_trusted("b")
    clock.advance(0.001)
    assert watch.is_trusted("b")


# Kept results of queries


def test_a_query_is_computed_once_until_something_changes(acme):
    calls: list[int] = []

    def compute() -> dict[str, object]:
        calls.append(1)
        return {"count": len(calls), "id": acme}

    def ask(**parameters: object) -> object:
        return cached_query(acme, "items", "stats", parameters, compute)

    first, second, other = ask(a=1, b=2), ask(b=2, a=1), ask(a=2)
    with transaction.atomic():
        note_change(acme, "items")
    after = ask(a=1, b=2)

    assert first == second == {"count": 1, "id": str(acme)}
    assert [other["count"], after["count"]] == [2, 3]


def test_keys_of_kept_queries_have_their_own_prefix_and_end_by_themselves(acme):
    cached_query(acme, "items", "stats", {}, lambda: 1)

    with redis.Redis.from_url(settings.REDIS_URL) as client:
        (key,) = client.keys(f"gw:q:*{acme}*")
        assert 0 < client.ttl(key) <= 600


def test_inside_a_transaction_nothing_is_kept(acme):
    with transaction.atomic():
        assert cached_query(acme, "items", "stats", {}, lambda: 1) == 1

    assert cached_query(acme, "items", "stats", {}, lambda: 2) == 2


def test_without_redis_a_query_is_computed(acme, settings):
    settings.REDIS_URL = "unix:///nowhere"

    assert [cached_query(acme, "items", "stats", {}, lambda: 1) for _ in range(2)] == [1, 1]
