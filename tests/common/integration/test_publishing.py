"""One transaction and one published revision for each change, however many writers it runs through."""

from __future__ import annotations

import contextvars

import pytest
from django.db import connection

from apikeys.public import Workspace, create_workspace
from common import publishing as module
from common.publishing import publishing, register_publisher

pytestmark = pytest.mark.django_db


@pytest.fixture
def published(monkeypatch):
    calls = []
    monkeypatch.setattr(module, "_publishers", [lambda actor, reason: calls.append((actor, reason, Workspace.objects.count()))])
    return calls


def test_the_publisher_runs_once_after_all_writes_inside_the_transaction(published):
    with publishing("two workspaces", actor="alice"):
        create_workspace("one", "One")
        create_workspace("two", "Two")

    assert published == [("alice", "two workspaces", 2)]


def test_nested_uses_join_the_outermost(published):
    with publishing("outer", actor="alice"), publishing("inner", actor="bob"), publishing("innermost"):
        pass

    assert published == [("alice", "outer", 0)]


def test_a_failing_block_stores_and_publishes_nothing(published):
    with pytest.raises(RuntimeError, match="after the write"), publishing("fails"):
        create_workspace("one", "One")
        raise RuntimeError("after the write")

    assert published == []
    assert not Workspace.objects.exists()


def test_a_failing_publisher_undoes_the_writes(monkeypatch):
    def fail(actor, reason):
        raise RuntimeError("cannot publish")

    monkeypatch.setattr(module, "_publishers", [fail])

    with pytest.raises(RuntimeError, match="cannot publish"), publishing("fails"):
        create_workspace("one", "One")

    assert not Workspace.objects.exists()


def test_a_failure_inside_a_nested_use_fails_the_whole(published):
    with pytest.raises(RuntimeError), publishing("outer"):
        create_workspace("one", "One")
        with publishing("inner"):
            raise RuntimeError

    assert published == []
    assert not Workspace.objects.exists()


def test_the_next_change_publishes_again_whatever_happened_before(published):
    with pytest.raises(RuntimeError), publishing("fails"):
        raise RuntimeError
    with publishing("works"):
        pass

    assert published == [(None, "works", 0)]


def test_another_context_is_not_taken_for_a_nested_use(published):
    with publishing("outer"):
        contextvars.Context().run(_publish_alone)

    assert [reason for _, reason, _ in published] == ["alone", "outer"]


def _publish_alone():
    with publishing("alone"):
        pass


def test_the_block_runs_in_a_transaction(published):
    with publishing("anything"):
        assert connection.in_atomic_block


def test_a_publisher_registers_once(monkeypatch):
    monkeypatch.setattr(module, "_publishers", [])

    register_publisher(_publisher)
    register_publisher(_publisher)

    assert module._publishers == [_publisher]


def _publisher(actor, reason):
    pass
