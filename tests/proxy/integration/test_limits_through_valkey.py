"""The limiter on a real Valkey: exact over several workers, in the server's own time, and going on without it."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from contextlib import asynccontextmanager

import pytest

from proxy.adapters.redis_connection import RedisAddress, RedisConnection
from proxy.adapters.shared_counter import RedisCounter
from proxy.limiter import Bucket, CounterUnavailable, Limiter
from proxy.snapshot import LimitRule
from tests.proxy.integration.valkey_help import eventually, own_valkey


def _rule(amount: int, window_s: int, burst: int | None = None) -> LimitRule:
    return LimitRule(uuid.uuid4().hex, "limit", "key", "requests", amount, window_s, burst or amount)


@asynccontextmanager
async def workers(count: int, address: RedisAddress | None = None, **options):
    """Yield limiters with a connection each, as the workers of a host have."""
    address = address or RedisAddress.parse(os.environ["REDIS_URL"])
    connections = [RedisConnection(address, **({"timeout_s": 10.0} | options)) for _ in range(count)]
    for connection in connections:
        await connection.start()
    try:
        yield [Limiter(RedisCounter(connection), time.monotonic, share=1 / count) for connection in connections]
    finally:
        for connection in connections:
            await connection.stop()


async def _passes(limiter: Limiter, *buckets: Bucket) -> bool:
    return not await limiter.take(buckets)


async def _count_passes(limiter: Limiter, bucket: Bucket, tries_count: int) -> int:
    return sum(await asyncio.gather(*[_passes(limiter, bucket) for _ in range(tries_count)]))


@pytest.mark.parametrize("burst", [1, 3, 10, 49])
async def test_a_small_limit_is_exact_over_several_workers(burst):
    rule = _rule(1, 3600, burst)
    async with workers(4) as limiters:
        passed = await asyncio.gather(*[_count_passes(each, each.bucket(rule, "t", "s"), 50) for each in limiters])

        assert sum(passed) == burst


async def test_a_large_limit_is_never_passed_by_several_workers():
    rule = _rule(1, 3600, 2000)
    async with workers(4) as limiters:

        async def use(limiter: Limiter) -> int:
            bucket, passed = limiter.bucket(rule, "t", "s"), 0
            for _ in range(40):
                passed += await _count_passes(limiter, bucket, 20)
            return passed

        passed = sum(await asyncio.gather(*map(use, limiters)))
        leased = sum(limiter.bucket(rule, "t", "s").leased_count for limiter in limiters)

    assert passed + leased == 2000
    assert leased <= 4 * 2000 // 50


async def test_what_the_server_says_of_the_wait_is_right():
    rule = _rule(2, 1, 1)
    async with workers(1) as (limiter,):
        bucket = limiter.bucket(rule, "t", "s")
        assert await _passes(limiter, bucket)

        (refusal,) = await limiter.take([bucket])
        assert 0 < refusal.retry_after_s <= 0.5
        await asyncio.sleep(refusal.retry_after_s)

        assert await _passes(limiter, bucket)


async def test_leases_of_a_worker_that_stops_are_there_for_the_others():
    wide, narrow = _rule(1, 3600, 10), _rule(1, 3600, 1)
    async with workers(2) as (leaving, staying):
        mine = [leaving.bucket(wide, "t", "s"), leaving.bucket(narrow, "t", "s")]
        await asyncio.gather(*[_passes(leaving, *mine) for _ in range(10)])
        assert mine[0].leased_count == 9

        await leaving.stop()

        assert await _count_passes(staying, staying.bucket(wide, "t", "s"), 20) >= 8


async def test_what_one_limit_refuses_is_not_charged_to_the_other():
    wide, narrow = _rule(1, 3600, 10), _rule(1, 3600, 1)
    async with workers(1) as (limiter,):
        both = limiter.bucket(wide, "t", "s"), limiter.bucket(narrow, "t", "s")
        passed = [await _passes(limiter, *both) for _ in range(20)]

        assert sum(passed) == 1
        assert await _count_passes(limiter, both[0], 20) == 9


async def test_a_grant_says_what_is_left():
    redis = RedisConnection(RedisAddress.parse(os.environ["REDIS_URL"]), timeout_s=10.0)
    await redis.start()
    counter, key = RedisCounter(redis), uuid.uuid4().hex.encode()

    first = await counter.take(key, 3.6e9, 10, 3, 0)
    second = await counter.take(key, 3.6e9, 10, 9, 0)
    back = await counter.take(key, 3.6e9, 10, 0, 4)
    lives_ms = await redis.call(b"PTTL", key)
    await redis.stop()

    assert (first.granted_count, first.remaining_count, first.retry_after_s) == (3, 7, 0)
    assert first.full_after_s == pytest.approx(3 * 3600, abs=1)
    assert (second.granted_count, second.remaining_count) == (7, 0)
    assert second.retry_after_s == pytest.approx(3600, abs=60)
    assert (back.granted_count, back.remaining_count) == (0, 4)
    assert 0 < lives_ms <= 6 * 3_600_000 + 1000


async def test_a_key_lives_no_longer_than_it_matters():
    redis = RedisConnection(RedisAddress.parse(os.environ["REDIS_URL"]), timeout_s=10.0)
    await redis.start()
    counter, key = RedisCounter(redis), uuid.uuid4().hex.encode()

    await counter.take(key, 1e6, 10, 10, 0)
    assert 0 < await redis.call(b"PTTL", key) <= 11_000
    refused = await counter.take(uuid.uuid4().hex.encode(), 1e6, 0, 1, 0)

    assert refused.granted_count == 0
    await redis.stop()


async def test_a_key_of_another_kind_is_an_outage_and_no_crash():
    redis = RedisConnection(RedisAddress.parse(os.environ["REDIS_URL"]), timeout_s=10.0)
    await redis.start()
    key = uuid.uuid4().hex.encode()
    await redis.call(b"LPUSH", key, b"x")

    with pytest.raises(CounterUnavailable):
        await RedisCounter(redis).take(key, 1e6, 10, 1, 0)
    await redis.stop()


async def test_workers_enforce_their_share_while_the_server_hangs_and_the_whole_again_after(tmp_path):
    rule = _rule(40, 3600)
    with own_valkey(tmp_path) as server:
        async with workers(4, server.address, timeout_s=0.05, stuck_s=60.0) as limiters:
            server.pause()
            passed = await asyncio.gather(*[_count_passes(each, each.bucket(rule, "t", "s"), 30) for each in limiters])
            assert passed == [10, 10, 10, 10]

            server.resume()
            for limiter in limiters:
                connection = limiter._counter._redis  # type: ignore[attr-defined]
                await eventually(lambda connection=connection: connection.is_available)
                connection.timeout_s = 10.0
            fresh = _rule(40, 3600)
            passed = await asyncio.gather(*[_count_passes(each, each.bucket(fresh, "t", "s"), 30) for each in limiters])

            assert sum(passed) == 40


async def test_a_server_that_forgot_everything_begins_anew(tmp_path):
    rule = _rule(1, 3600, 5)
    with own_valkey(tmp_path) as server:
        async with workers(1, server.address) as (limiter,):
            assert await _count_passes(limiter, limiter.bucket(rule, "t", "s"), 10) == 5
            await limiter._counter._redis.call(b"FLUSHALL")  # type: ignore[attr-defined]
            await limiter._counter._redis.call(b"SCRIPT", b"FLUSH")  # type: ignore[attr-defined]

            other = Limiter(limiter._counter, time.monotonic)
            assert await _count_passes(other, other.bucket(rule, "t", "s"), 10) == 5
