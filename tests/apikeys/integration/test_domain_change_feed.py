"""The feed that tells workers which keys changed."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator

import pytest
from django.db import connection, transaction

from apikeys import domain
from apikeys.models import KeyChange, KeyChangeCounter, Workspace
from apikeys.signals import key_changed

_DAY = dt.timedelta(days=1)


@pytest.fixture
def heard() -> Iterator[list[tuple[str, int]]]:
    events: list[tuple[str, int]] = []

    def receive(*, subject: str, number: int, **signal: object) -> None:
        events.append((subject, number))

    key_changed.connect(receive)
    yield events
    key_changed.disconnect(receive)


def _feed() -> list[tuple[int, str]]:
    return list(KeyChange.objects.order_by("number").values_list("number", "subject"))


@pytest.mark.django_db
def test_every_write_about_a_key_is_in_the_feed_numbered_without_gaps():
    acme = domain.create_workspace("acme", "Acme")
    api_key = domain.create_key(acme, "ci").api_key
    domain.save_key(api_key)
    domain.rotate_key(api_key, overlap=_DAY)
    domain.revoke_key(api_key)
    acme.is_active = False
    domain.save_workspace(acme)

    workspace, key = f"workspace:{acme.pk}", f"key:{api_key.pk}"
    assert _feed() == [(1, workspace), (2, key), (3, key), (4, key), (5, key), (6, workspace)]
    assert KeyChangeCounter.objects.get().value == 6


@pytest.mark.django_db
def test_a_refused_write_leaves_no_number_behind():
    acme = domain.create_workspace("acme", "Acme")
    api_key = domain.create_key(acme, "ci").api_key
    before = _feed()

    with pytest.raises(domain.ApiKeyError), transaction.atomic():
        api_key.workspace = domain.create_workspace("other", "Other")
        domain.save_key(api_key)

    assert _feed() == before
    assert KeyChangeCounter.objects.get().value == len(before)


@pytest.mark.django_db
def test_the_signal_is_sent_after_the_commit_with_subject_and_number(heard, django_capture_on_commit_callbacks):
    acme = domain.create_workspace("acme", "Acme")

    with django_capture_on_commit_callbacks(execute=True):
        api_key = domain.create_key(acme, "ci").api_key
        assert heard == []

    assert heard == [(f"key:{api_key.pk}", 2)]


@pytest.mark.django_db
def test_a_receiver_that_fails_does_not_break_the_write(django_capture_on_commit_callbacks):
    def fail(**signal: object) -> None:
        raise RuntimeError("the receiver is broken")

    key_changed.connect(fail)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            acme = domain.create_workspace("acme", "Acme")
    finally:
        key_changed.disconnect(fail)

    assert Workspace.objects.get() == acme


@pytest.mark.django_db(transaction=True)
def test_writers_at_the_same_time_get_numbers_in_the_order_of_their_commits():
    acme = domain.create_workspace("acme", "Acme")
    is_first_written, may_first_commit, is_second_done = threading.Event(), threading.Event(), threading.Event()

    def write_first() -> None:
        with transaction.atomic():
            domain.create_key(acme, "first")
            is_first_written.set()
            may_first_commit.wait(10)
        connection.close()

    def write_second() -> None:
        domain.create_key(acme, "second")
        is_second_done.set()
        connection.close()

    first, second = threading.Thread(target=write_first), threading.Thread(target=write_second)
    first.start()
    is_first_written.wait(10)
    second.start()
    assert not is_second_done.wait(0.2)  # it waits for the first one's commit
    may_first_commit.set()
    first.join(10)
    second.join(10)

    names = {f"key:{key.pk}": key.name for key in acme.api_keys.all()}
    assert [names.get(subject) for _, subject in _feed()] == [None, "first", "second"]
