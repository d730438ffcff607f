"""Revisions: one for each change of configuration, numbered without gaps, without secrets."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import OperationalError, connection

from apikeys.public import Limit, create_key, create_workspace, save_limit, save_workspace
from common.publishing import publishing
from common.secret import Secret
from proxy import domain
from proxy.models import Backend, ConfigurationRevision, Route
from proxy.signals import revision_published


@pytest.fixture
def heard() -> Iterator[list[int]]:
    numbers: list[int] = []

    def receive(*, number: int, **signal: object) -> None:
        numbers.append(number)

    revision_published.connect(receive)
    yield numbers
    revision_published.disconnect(receive)


def _backend(name: str = "openai") -> Backend:
    return Backend(name=name, provider="openai", base_url="https://api.example.com/v1")


def _numbers() -> list[int]:
    return list(ConfigurationRevision.objects.order_by("number").values_list("number", flat=True))


@pytest.mark.django_db
def test_each_write_of_configuration_is_one_revision_from_1_on():
    acme = create_workspace("acme", "Acme")
    backend = domain.save_backend(_backend())
    route = domain.save_route(Route(model="gpt-4o"), [domain.TargetDraft(backend, "gpt-4o")])
    save_limit(Limit(name="global", scope="global", amount=150))
    domain.delete_route(route)
    acme.is_active = False
    save_workspace(acme)

    assert _numbers() == [1, 2, 3, 4, 5, 6]


@pytest.mark.django_db
def test_writes_in_one_block_share_one_revision_with_its_reason_and_actor():
    alice = User.objects.create(username="alice")

    with publishing("First day", actor=alice):
        backend = domain.save_backend(_backend())
        domain.save_route(Route(model="gpt-4o"), [domain.TargetDraft(backend, "gpt-4o")])

    revision = ConfigurationRevision.objects.get()
    assert (revision.number, revision.reason, revision.actor) == (1, "First day", alice)
    assert revision.diff.splitlines() == ["+ backend openai", "+ route gpt-4o"]
    assert [backend["name"] for backend in revision.document["backends"]] == ["openai"]


@pytest.mark.django_db
def test_an_unchanged_save_publishes_nothing():
    backend = domain.save_backend(_backend())

    domain.save_backend(backend)

    assert _numbers() == [1]


@pytest.mark.django_db
def test_a_block_that_fails_stores_neither_rows_nor_a_revision():
    with pytest.raises(RuntimeError), publishing("Broken"):
        domain.save_backend(_backend())
        raise RuntimeError

    assert (_numbers(), Backend.objects.count()) == ([], 0)


@pytest.mark.django_db
def test_a_new_api_key_is_no_configuration():
    acme = create_workspace("acme", "Acme")

    create_key(acme, "ci")

    assert _numbers() == [1]


@pytest.mark.django_db
def test_a_changed_credential_is_a_revision_that_does_not_hold_it():
    backend = domain.save_backend(_backend(), credential=Secret("sk-first"))

    domain.save_backend(backend, credential=Secret("sk-second"))

    latest = ConfigurationRevision.objects.get(number=2)
    assert latest.diff == "~ backend openai: credential changed"
    assert "sk-" not in json.dumps(latest.document) + latest.diff


@pytest.mark.django_db
def test_a_reason_that_is_too_long_is_cut_and_nobody_is_nobody():
    with publishing("x" * 600, actor=AnonymousUser()):
        domain.save_backend(_backend())

    revision = ConfigurationRevision.objects.get()
    assert (len(revision.reason), revision.actor) == (500, None)


@pytest.mark.django_db
def test_the_signal_is_sent_after_the_commit_with_the_number(heard, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        domain.save_backend(_backend())
        assert heard == []

    assert heard == [1]


@pytest.mark.django_db(transaction=True)
def test_publishers_at_the_same_time_wait_for_each_other_and_leave_no_gap():
    is_first_written, may_first_commit = threading.Event(), threading.Event()

    def publish_first() -> None:
        with publishing("first"):  # holds the turn until the commit
            domain.save_backend(_backend("first"))
            is_first_written.set()
            may_first_commit.wait(10)
        connection.close()

    def publish_second() -> None:
        domain.save_backend(_backend("second"))
        connection.close()

    first, second = threading.Thread(target=publish_first), threading.Thread(target=publish_second)
    first.start()
    is_first_written.wait(10)
    second.start()
    second.join(0.2)
    assert second.is_alive()  # it waits for the first one's commit
    may_first_commit.set()
    first.join(10)
    second.join(10)

    documents = ConfigurationRevision.objects.order_by("number").values_list("number", "document")
    assert [(number, [backend["name"] for backend in document["backends"]]) for number, document in documents] == [
        (1, ["first"]),
        (2, ["first", "second"]),
    ]


@pytest.mark.django_db(transaction=True)
def test_blocks_that_write_the_same_rows_in_opposite_order_run_one_after_the_other():
    names = ("a", "b")
    for name in names:
        domain.save_backend(_backend(name))
    met = threading.Barrier(2)
    failures: list[BaseException] = []

    def publish(order: tuple[str, ...], idle_timeout_s: float) -> None:
        met.wait(10)
        try:
            with publishing("both"):
                for name in order:
                    backend = Backend.objects.get(name=name)
                    backend.idle_timeout_s = idle_timeout_s
                    domain.save_backend(backend)
                    time.sleep(0.1)  # the other one would have its first row by now
        except OperationalError as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=publish, args=(names, 7)), threading.Thread(target=publish, args=(names[::-1], 8))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert failures == []
    assert _numbers() == [1, 2, 3, 4]
    assert len(set(Backend.objects.values_list("idle_timeout_s", flat=True))) == 1
