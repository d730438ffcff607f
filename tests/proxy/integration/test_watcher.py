"""What makes a worker current: announcements through real Valkey, the database's answer alone, and the last good state kept."""

from __future__ import annotations

import datetime as dt
import os
import time

import pytest
import redis
from django.db import OperationalError
from django.utils import timezone

from apikeys.public import create_workspace, revoke_key, save_key, save_workspace
from common.secret import Secret
from proxy.adapters import django_store
from proxy.adapters.announcements import CHANNEL
from proxy.domain import delete_route, save_backend
from proxy.models import ConfigurationRevision
from tests.proxy.integration.rows_help import make_backend, make_key, make_limit, make_price, make_route, make_workspace
from tests.proxy.integration.valkey_help import own_valkey
from tests.proxy.integration.worker_help import PROMPTLY_S, loop_thread, patient_announcements, running_worker, wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def thread():
    with patient_announcements(), loop_thread() as running:
        yield running
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        client.flushdb()
        client.connection_pool.disconnect()


@pytest.fixture
def worker(thread, tmp_path):
    """Yield a worker that polls once a minute, so that what arrives sooner was announced."""
    make_route("gpt", make_backend())
    with running_worker(thread, tmp_path) as running:
        yield running


def _promptly(is_true):
    return wait_for(is_true, PROMPTLY_S)


# --- the configuration ------------------------------------------------------------------------------------------------------------


def test_a_worker_starts_with_the_configuration_as_it_is(worker):
    assert set(worker.snapshot.routes) == {"gpt"}
    assert worker.is_ready
    assert worker.watcher.is_database_up
    assert worker.snapshot_file.exists()


def test_every_kind_of_change_reaches_a_worker_promptly(worker):
    route = make_route("new")
    _promptly(lambda: "new" in worker.snapshot.routes)

    backend = make_backend("another")
    _promptly(lambda: "another" in worker.snapshot.backends)
    save_backend(backend, credential=Secret("sk-rotated"))
    _promptly(lambda: worker.snapshot.backends["another"].credential == Secret("sk-rotated"))

    make_limit("fresh")
    _promptly(lambda: [rule.name for rule in worker.snapshot.limits] == ["fresh"])

    make_price("new-upstream")
    _promptly(lambda: worker.snapshot.routes["new"].targets[0].prices)

    delete_route(route)
    _promptly(lambda: "new" not in worker.snapshot.routes)


def test_a_snapshot_is_swapped_and_never_changed(worker):
    before = worker.snapshot

    make_route("new")
    _promptly(lambda: worker.snapshot is not before)

    assert set(before.routes) == {"gpt"}
    assert worker.snapshot.revision > before.revision


def test_several_changes_at_once_end_in_the_last(worker):
    for number in range(10):
        make_route(f"new-{number}", make_backend(f"b{number}"))

    _promptly(lambda: len(worker.snapshot.routes) == 11)


def test_a_change_reaches_a_worker_that_hears_nothing_within_its_poll(thread, tmp_path):
    make_route("gpt", make_backend())
    with own_valkey(tmp_path) as elsewhere, running_worker(thread, tmp_path, redis_url=elsewhere.url, poll_s=0.1) as worker:
        created = make_key()
        assert worker.find(created.secret) is not None

        make_route("new")
        wait_for(lambda: "new" in worker.snapshot.routes)
        revoke_key(created.api_key)
        wait_for(lambda: worker.find(created.secret) is None)


def test_a_worker_without_any_valkey_is_current_within_its_poll(thread, tmp_path):
    with running_worker(thread, tmp_path, redis_url="unix:///nowhere", poll_s=0.1) as worker:
        make_route("new")

        wait_for(lambda: "new" in worker.snapshot.routes)


def test_a_worker_listens_again_after_valkey_was_killed(thread, tmp_path):
    with own_valkey(tmp_path) as server, running_worker(thread, tmp_path, redis_url=server.url) as worker:
        server.kill()
        server.start()
        client = redis.Redis(unix_socket_path=server.address.path)
        wait_for(lambda: client.pubsub_numsub(CHANNEL)[0][1] == 1)
        make_route("new")  # announced elsewhere: this server only passes the hint below

        client.publish(CHANNEL, "anything")

        _promptly(lambda: "new" in worker.snapshot.routes)
        client.close()
        client.connection_pool.disconnect()


def test_a_forged_announcement_changes_nothing(worker):
    created = make_key()
    wait_for(lambda: worker.snapshot.revision == ConfigurationRevision.objects.latest("number").number)
    assert worker.find(created.secret) is not None
    before, checked_at = worker.snapshot, worker.watcher.checked_at

    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        for forged in (
            b"",
            b"\xff",
            b'{"kind":"revision","number":999}',
            f'{{"kind":"key","subject":"key:{created.api_key.pk}","number":9}}',
        ):
            client.publish(CHANNEL, forged)
        client.connection_pool.disconnect()
    _promptly(lambda: worker.watcher.checked_at > checked_at)

    assert worker.snapshot is before
    assert worker.find(created.secret) is not None


# --- keys -------------------------------------------------------------------------------------------------------------------------


def test_a_revoked_key_is_refused_promptly_although_valkey_still_holds_its_copy(worker, thread, tmp_path):
    created = make_key()
    assert worker.find(created.secret) is not None

    revoke_key(created.api_key)

    _promptly(lambda: worker.find(created.secret) is None)
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        assert client.keys("gw:principal:*")
        client.connection_pool.disconnect()
    with running_worker(thread, tmp_path) as later:
        assert later.find(created.secret) is None  # a worker that starts now has heard of no announcement


def test_a_changed_key_is_found_as_it_is_promptly(worker):
    created = make_key()
    assert worker.find(created.secret).allowed_models == ()
    created.api_key.allowed_models = ["gpt"]
    save_key(created.api_key)

    _promptly(lambda: worker.find(created.secret).allowed_models == ("gpt",))


def test_a_deactivated_workspace_s_keys_are_refused_and_work_again_promptly(worker):
    created = make_key()
    workspace = make_workspace()
    assert worker.find(created.secret) is not None

    workspace.is_active = False
    save_workspace(workspace)
    _promptly(lambda: worker.find(created.secret) is None)
    workspace.is_active = True
    save_workspace(workspace)

    _promptly(lambda: worker.find(created.secret) is not None)


def test_an_expired_key_whose_end_is_moved_works_again_promptly(worker):
    created = make_key()
    created.api_key.expires_at = timezone.now() - dt.timedelta(hours=1)
    save_key(created.api_key)
    _promptly(lambda: worker.find(created.secret) is None)

    created.api_key.expires_at = None
    save_key(created.api_key)

    _promptly(lambda: worker.find(created.secret) is not None)


# --- outages ----------------------------------------------------------------------------------------------------------------------


class Switch:
    """Makes a read of the database fail while it is off."""

    def __init__(self, monkeypatch, name, error):
        self.is_off = False
        self.failures_count = 0
        real = getattr(django_store, name)

        def read(*arguments):
            if self.is_off:
                self.failures_count += 1
                raise error
            return real(*arguments)

        monkeypatch.setattr(django_store, name, read)


@pytest.mark.parametrize("error", [OperationalError("away"), ValueError("a row that nobody expected")])
def test_a_load_that_fails_keeps_the_last_good_snapshot_and_is_tried_again(thread, tmp_path, monkeypatch, error):
    switch = Switch(monkeypatch, "build_snapshot", error)
    make_route("gpt", make_backend())
    with running_worker(thread, tmp_path, poll_s=0.05) as worker:
        before = worker.snapshot
        switch.is_off = True
        make_route("new")

        wait_for(lambda: switch.failures_count >= 2)
        assert worker.snapshot is before
        switch.is_off = False

        wait_for(lambda: "new" in worker.snapshot.routes)


def test_health_sees_the_database_go_and_come(thread, tmp_path, monkeypatch):
    switch = Switch(monkeypatch, "_find_changes", OperationalError("away"))
    with running_worker(thread, tmp_path, poll_s=0.05) as worker:
        assert worker.watcher.is_database_up
        switch.is_off = True
        wait_for(lambda: not worker.watcher.is_database_up)
        switch.is_off = False
        wait_for(lambda: worker.watcher.is_database_up)


def test_changes_made_during_an_outage_are_heard_of_after_it(thread, tmp_path, monkeypatch):
    switch = Switch(monkeypatch, "_find_changes", OperationalError("away"))
    with running_worker(thread, tmp_path, poll_s=0.05) as worker:
        created = make_key()
        assert worker.find(created.secret) is not None
        switch.is_off = True
        wait_for(lambda: not worker.watcher.is_database_up)
        revoke_key(created.api_key)
        create_workspace("during", "During")
        switch.is_off = False

        wait_for(lambda: worker.find(created.secret) is None)


def test_it_stops_at_once_whatever_it_is_doing(thread, tmp_path):
    for delay_s in (0, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032):
        with running_worker(thread, tmp_path):
            time.sleep(delay_s)  # it may be connecting, subscribing or listening
