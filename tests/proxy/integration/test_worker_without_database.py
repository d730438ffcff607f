"""A worker that starts while the database is away: it serves from what was kept, and from the database as soon as that is back."""

from __future__ import annotations

import os
import threading
import time

import pytest
import redis
from django.db import OperationalError

from common.secret import Secret
from proxy.adapters import django_store
from proxy.models import ConfigurationRevision
from tests.proxy.integration.rows_help import make_backend, make_route
from tests.proxy.integration.worker_help import Worker, loop_thread, running_worker, wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def thread():
    with loop_thread() as running:
        yield running
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        client.flushdb()
        client.connection_pool.disconnect()


class Database:
    """The store's way to the database, which a test can cut or hold."""

    def __init__(self, monkeypatch):
        self.is_away = False
        self.goes_on = threading.Event()
        self.goes_on.set()
        for name in ("_find_changes", "_find_principal", "build_snapshot"):
            monkeypatch.setattr(django_store, name, self._guard(getattr(django_store, name)))

    def _guard(self, read):
        def guarded(*arguments):
            self.goes_on.wait(30)
            if self.is_away:
                raise OperationalError("away")
            return read(*arguments)

        return guarded


@pytest.fixture
def database(monkeypatch):
    made = Database(monkeypatch)
    yield made
    made.goes_on.set()


@pytest.fixture
def kept(thread, tmp_path, database):
    """The configuration that an earlier worker kept, in the file and in Valkey."""
    make_route("gpt", make_backend(credential=Secret("sk-kept")))
    with running_worker(thread, tmp_path) as worker:
        return worker.snapshot


def _forget_copy_in_valkey():
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        client.delete("gw:snapshot")
        client.connection_pool.disconnect()


def test_it_serves_from_the_file(thread, tmp_path, database, kept):
    database.is_away = True
    _forget_copy_in_valkey()

    with running_worker(thread, tmp_path, poll_s=0.05) as worker:
        assert worker.snapshot == kept
        assert worker.snapshot.backends["main"].credential == Secret("sk-kept")
        assert worker.is_ready
        assert not worker.watcher.is_database_up


def test_it_serves_from_valkey_on_a_machine_without_the_file(thread, tmp_path, database, kept):
    database.is_away = True

    with running_worker(thread, tmp_path / "another-machine") as worker:
        assert worker.snapshot == kept


def test_a_damaged_file_is_ignored(thread, tmp_path, database, kept):
    database.is_away = True
    _forget_copy_in_valkey()
    (tmp_path / "snapshot.bin").write_bytes(b"damaged")

    with running_worker(thread, tmp_path, poll_s=0.05) as worker:
        assert worker.holder.current is None
        assert not worker.is_ready
        database.is_away = False

        wait_for(lambda: worker.is_ready)
        assert set(worker.snapshot.routes) == {"gpt"}


def test_a_database_that_hangs_holds_the_start_for_a_moment_only(thread, tmp_path, database, kept):
    database.goes_on.clear()
    started_at = time.monotonic()

    worker = Worker(thread, tmp_path, poll_s=0.05)
    worker.start()

    assert time.monotonic() - started_at < 10
    assert worker.snapshot == kept
    database.goes_on.set()
    make_route("new")
    wait_for(lambda: "new" in worker.snapshot.routes)
    worker.stop()


def test_it_takes_over_what_changed_meanwhile_when_the_database_is_back(thread, tmp_path, database, kept):
    database.is_away = True
    with running_worker(thread, tmp_path, poll_s=0.05) as worker:
        make_route("new")
        assert "new" not in worker.snapshot.routes
        database.is_away = False

        wait_for(lambda: "new" in worker.snapshot.routes)
        wait_for(lambda: worker.watcher.is_database_up)
        assert worker.snapshot.revision > kept.revision


def test_an_older_database_wins_over_what_was_kept(thread, tmp_path, database, kept):
    ConfigurationRevision.objects.all().delete()  # as after restoring a backup

    with running_worker(thread, tmp_path, poll_s=0.05) as worker:
        assert worker.snapshot.revision == 0
