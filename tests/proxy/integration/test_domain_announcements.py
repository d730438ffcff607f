"""Workers hear over Redis what changed, and a failing Redis changes nothing."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import redis
from django.conf import settings

from apikeys.public import create_key, create_workspace
from proxy import domain
from proxy.adapters.announcements import CHANNEL
from proxy.models import Backend

pytestmark = pytest.mark.django_db


@pytest.fixture
def listener() -> Iterator[redis.client.PubSub]:
    client = redis.Redis.from_url(settings.REDIS_URL)
    subscription = client.pubsub(ignore_subscribe_messages=True)
    subscription.subscribe(CHANNEL)
    subscription.get_message(timeout=5)  # the confirmation
    yield subscription
    subscription.close()
    client.close()


def _hears(listener: redis.client.PubSub, event: dict[str, object]) -> bool:
    """Tell whether `event` comes within 5 s; others come too, because channels are shared by all databases of a server."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        message = listener.get_message(timeout=0.1)
        if message and json.loads(message["data"]) == event:
            return True
    return False


def _save_backend() -> Backend:
    return domain.save_backend(Backend(name="openai", provider="openai", base_url="https://api.example.com/v1"))


def test_a_key_change_is_announced(listener, django_capture_on_commit_callbacks):
    acme = create_workspace("acme", "Acme")

    with django_capture_on_commit_callbacks(execute=True):
        api_key = create_key(acme, "ci").api_key

    assert _hears(listener, {"kind": "key", "subject": f"key:{api_key.pk}", "number": 2})


def test_a_revision_is_announced(listener, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        _save_backend()

    assert _hears(listener, {"kind": "revision", "number": 1})


def test_an_unreachable_redis_does_not_break_the_save(settings, django_capture_on_commit_callbacks):
    settings.REDIS_URL = "unix:///nonexistent/valkey.sock?db=0"

    with django_capture_on_commit_callbacks(execute=True):
        _save_backend()

    assert Backend.objects.count() == 1


def test_a_redis_that_never_answers_does_not_hold_the_save(settings, django_capture_on_commit_callbacks):
    with TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(Path(folder) / "s"))
        silent.listen()
        settings.REDIS_URL = f"unix://{folder}/s?db=0"
        started = time.monotonic()

        with django_capture_on_commit_callbacks(execute=True):
            _save_backend()

        assert time.monotonic() - started < 5  # with the library's defaults: 8 s and more
