"""The readers' half of the versions, against a real Valkey that is written to, restarted, held and killed."""

from __future__ import annotations

import asyncio
import time
import uuid
from contextlib import asynccontextmanager

import pytest
import redis

from common.rest.versions import END_MARK, MARK, MARK_LIVES_MS, ServerWatch, create_start, version_key
from proxy.adapters.redis_connection import RedisConnection
from proxy.adapters.rest_answers import RedisAnswers
from proxy.adapters.rest_versions import Versions
from proxy.rest_door.answers import Answer
from tests.proxy.integration.valkey_help import PATIENCE_S, eventually, own_valkey


class Writer:
    """A write that marks itself and, perhaps, comes to its end."""

    def __init__(self, url: str, workspace_id: str, lives_ms: int = MARK_LIVES_MS) -> None:
        self._client = redis.Redis.from_url(url)
        self._key = version_key(workspace_id, "items")
        self._name = f"w:{uuid.uuid4().hex}"
        self._client.eval(MARK, 1, self._key, self._name, create_start(), lives_ms)

    def end(self) -> None:
        self._client.eval(END_MARK, 1, self._key, self._name)
        self._client.close()


@pytest.fixture
def server(tmp_path):
    with own_valkey(tmp_path) as running:
        yield running


@pytest.fixture
def acme():
    return str(uuid.uuid4())


@asynccontextmanager
async def versions_of(server, timeout_s: float = PATIENCE_S, mark_lives_s: float = 0.2, wait_s: float = 0.02):
    connection = RedisConnection(server.address, timeout_s=timeout_s)
    await connection.start()
    try:
        yield Versions(connection, ServerWatch(mark_lives_s=mark_lives_s), wait_s=wait_s), connection
    finally:
        await connection.stop()


async def test_a_version_stays_until_somebody_writes(server, acme):
    async with versions_of(server) as (versions, _), versions_of(server) as (others, _):
        before = await versions.find(acme, "items")
        assert before is not None
        assert before == await versions.find(acme, "items") == await others.find(acme, "items")

        Writer(server.url, acme).end()

        after = await versions.find(acme, "items")
        assert after not in {before, None}
        assert after == await others.find(acme, "items")


async def test_while_somebody_writes_there_is_none_and_the_wait_is_short(server, acme):
    async with versions_of(server) as (versions, _):
        writer = Writer(server.url, acme)

        assert await versions.find(acme, "items") is None
        started_at = time.monotonic()
        assert await versions.find(acme, "items") is None
        assert time.monotonic() - started_at < PATIENCE_S

        writer.end()
        assert await versions.find(acme, "items") is not None


async def test_a_write_that_ends_is_waited_for(server, acme):
    async with versions_of(server, wait_s=PATIENCE_S) as (versions, connection):
        writer = Writer(server.url, acme)
        looked = 0
        submit = connection.submit

        def count(*arguments, **options):
            nonlocal looked
            looked += arguments[0] == b"HGETALL"
            if looked == 3:
                writer.end()
            return submit(*arguments, **options)

        connection.submit = count

        assert await versions.find(acme, "items") is not None
        assert looked >= 3


async def test_the_mark_of_a_writer_that_died_ends_by_itself(server, acme):
    async with versions_of(server) as (versions, _):
        Writer(server.url, acme, lives_ms=50)

        assert await versions.find(acme, "items") is None
        deadline = time.monotonic() + PATIENCE_S
        while await versions.find(acme, "items") is None:
            assert time.monotonic() < deadline


async def test_one_write_of_two_leaves_the_other_to_be_waited_for(server, acme):
    async with versions_of(server) as (versions, _):
        first, second = Writer(server.url, acme), Writer(server.url, acme)
        first.end()
        assert await versions.find(acme, "items") is None
        second.end()
        assert await versions.find(acme, "items") is not None


async def test_questions_of_one_tick_are_one_command(server, acme):
    async with versions_of(server) as (versions, connection):
        await versions.find(acme, "items")
        asked: list[bytes] = []
        submit = connection.submit
        connection.submit = lambda *arguments, **options: (asked.append(arguments[0]), submit(*arguments, **options))[1]

        found = await asyncio.gather(*[versions.find(acme, "items") for _ in range(10)])

        assert len(set(found)) == 1
        assert asked == [b"HGETALL"]


async def test_after_a_restart_no_version_comes_again_and_for_a_while_there_is_none(server, acme):
    async with versions_of(server) as (versions, connection):
        before = {await versions.find(acme, "items")}
        for _ in range(3):
            Writer(server.url, acme).end()
            before.add(await versions.find(acme, "items"))
        server.kill()
        await eventually(lambda: not connection.is_available)
        assert await versions.find(acme, "items") is None
        server.start()
        await eventually(lambda: connection.is_available)

        first = await versions.find(acme, "items")
        deadline = time.monotonic() + PATIENCE_S
        while (after := await versions.find(acme, "items")) is None:
            assert time.monotonic() < deadline

        assert first is None
        assert after not in before


async def test_a_server_that_hangs_costs_a_moment_and_then_nothing(server, acme):
    async with versions_of(server, timeout_s=0.05) as (versions, connection):
        await eventually(lambda: connection.is_available)
        server.pause()
        try:
            for _ in range(4):
                assert await versions.find(acme, "items") is None
            assert not connection.is_available
        finally:
            server.resume()


async def test_answers_lie_in_redis_for_all_workers_and_an_outage_is_empty(server, acme):
    answer = Answer([(b"content-type", b"application/json")], b"", b'"1"', b"{}", 1.0)
    async with versions_of(server) as (_, connection), versions_of(server) as (_, other):
        RedisAnswers(connection).put(acme, b"q" * 16, b"r:1", answer)
        deadline = time.monotonic() + PATIENCE_S
        while (found := await RedisAnswers(other).find(acme, b"q" * 16, b"r:1")) is None:
            assert time.monotonic() < deadline

        assert found == answer
        assert await RedisAnswers(other).find(acme, b"q" * 16, b"r:2") is None
        with redis.Redis.from_url(server.url) as client:
            (key,) = client.keys("gw:*:rest:*")
            assert 0 < client.ttl(key) <= 300
            client.set(key, b"no msgpack")
        assert await RedisAnswers(other).find(acme, b"q" * 16, b"r:1") is None
        server.kill()
        await eventually(lambda: not other.is_available)
        assert await RedisAnswers(other).find(acme, b"q" * 16, b"r:1") is None
        RedisAnswers(other).put(acme, b"q" * 16, b"r:1", answer)
