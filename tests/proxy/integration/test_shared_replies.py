"""Level two of the response cache: answers in Valkey, for all workers; empty when it is away, never slow and never wrong."""

from __future__ import annotations

import os
import time

import pytest

from proxy.adapters.redis_connection import RedisAddress, RedisConnection
from proxy.adapters.shared_replies import RedisReplies
from proxy.reply_cache import TwoLevelCache
from proxy.stages.look_up import CachedReply, CachePlan
from tests.proxy.integration.valkey_help import own_valkey

FINGERPRINT = bytes(range(32))
REPLY = CachedReply(b'{"a":"\xff"}', b"text/event-stream; charset=utf-8", True, 1234.5)
REDIS_KEY = b"gw:{acme}:reply:" + FINGERPRINT.hex().encode()


@pytest.fixture
async def redis():
    connection = RedisConnection(RedisAddress.parse(os.environ["REDIS_URL"]), timeout_s=10.0)
    await connection.start()
    yield connection
    await connection.call(b"FLUSHDB")
    await connection.stop()


async def test_what_one_worker_put_another_finds_in_the_same_workspace_alone(redis):
    await RedisReplies(redis).put("acme", FINGERPRINT, REPLY, 60)

    assert await RedisReplies(redis).find("acme", FINGERPRINT) == REPLY
    assert await RedisReplies(redis).find("other", FINGERPRINT) is None
    assert await RedisReplies(redis).find("acme", b"x" * 32) is None


async def test_it_is_kept_for_its_time(redis):
    await RedisReplies(redis).put("acme", FINGERPRINT, REPLY, 60)

    assert await redis.call(b"KEYS", b"*") == [REDIS_KEY]
    assert 0 < await redis.call(b"PTTL", REDIS_KEY) <= 60_000


@pytest.mark.parametrize("stored", [b"", b"garbage", b"\x90", b"\xc0", b"\x84\xa4body\x01"])
async def test_what_is_no_reply_is_a_miss(redis, stored):
    await redis.call(b"SET", REDIS_KEY, stored)

    assert await RedisReplies(redis).find("acme", FINGERPRINT) is None


async def test_a_key_of_another_kind_is_a_miss(redis):
    await redis.call(b"LPUSH", REDIS_KEY, b"x")

    assert await RedisReplies(redis).find("acme", FINGERPRINT) is None


async def test_an_outage_is_a_miss_soon_and_raises_nothing(tmp_path):
    with own_valkey(tmp_path) as server:
        redis = RedisConnection(server.address)
        await redis.start()
        cache = TwoLevelCache(RedisReplies(redis))
        plan, other = (CachePlan(key, 60, may_read=True, may_store=True) for key in (FINGERPRINT, b"x" * 32))
        server.pause()

        began_at = time.monotonic()
        cache.put(plan, "acme", CachedReply(b"{}", b"application/json", False, time.time()))
        assert await cache.find(other, "acme") is None
        assert time.monotonic() - began_at < 5  # 50 ms, on a machine with nothing else to do
        assert await cache.find(plan, "acme") is not None
        await cache.close()
        server.kill()
        assert await cache.find(other, "acme") is None

        await redis.stop()
