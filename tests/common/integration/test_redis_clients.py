"""Clients of redis-py with a pool: how many connections, and how long they wait before a broken one is tried again."""

from __future__ import annotations

import time

import pytest
import redis
from django.conf import settings

from common.redis_clients import GrowingBackoff, pooled_client


def test_waits_grow_by_fifty_milliseconds_up_to_two_seconds():
    backoff = GrowingBackoff()
    waits = [backoff.compute(failures) for failures in (1, 2, 3, 39, 40, 41, 1000)]

    assert waits == pytest.approx([0.05, 0.1, 0.15, 1.95, 2.0, 2.0, 2.0])


def test_a_process_has_one_client_of_fifty_connections():
    client = pooled_client(settings.REDIS_URL, 0.5)

    assert client is pooled_client(settings.REDIS_URL, 0.5)
    assert client.connection_pool.max_connections == 50
    assert client.ping()


def test_a_connection_that_the_server_closed_is_made_anew():
    client = pooled_client(settings.REDIS_URL, 0.5)
    number = client.client_id()

    with redis.Redis.from_url(settings.REDIS_URL) as other:
        assert other.client_kill_filter(_id=str(number)) == 1

    assert client.client_id() != number


def test_a_server_that_is_not_there_is_told_soon(tmp_path):
    started_at = time.monotonic()

    with pytest.raises(redis.ConnectionError):
        pooled_client(f"unix://{tmp_path}/nobody.sock", 0.5).ping()

    assert 0.05 <= time.monotonic() - started_at < 5
