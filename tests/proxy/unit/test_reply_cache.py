"""Both levels of the response cache, as one worker sees them."""

from __future__ import annotations

import asyncio

import pytest

from proxy.reply_cache import PUTS_MAX_COUNT, TwoLevelCache
from proxy.stages.look_up import CachedReply, CachePlan
from proxy.testing import ManualClock, MemoryReplies

KEY = b"k" * 32


def _plan(key: bytes = KEY, ttl_s: int = 60) -> CachePlan:
    return CachePlan(key, ttl_s, may_read=True, may_store=True)


def _reply(clock: ManualClock, body: bytes = b"{}") -> CachedReply:
    return CachedReply(body, b"application/json", False, clock())


def _key(number: int) -> bytes:
    return b"%032d" % number


async def test_what_was_put_is_found_until_its_time_is_over():
    clock = ManualClock()
    cache = TwoLevelCache(None, now_s=clock)
    reply = _reply(clock)
    cache.put(_plan(), "acme", reply)

    clock.advance(59.9)
    assert await cache.find(_plan(), "acme") == reply
    clock.advance(0.1)
    assert await cache.find(_plan(), "acme") is None
    assert cache.size_bytes == 0


async def test_a_lowered_ttl_holds_for_what_is_there_already():
    clock = ManualClock()
    shared = MemoryReplies()
    cache = TwoLevelCache(shared, now_s=clock)
    cache.put(_plan(ttl_s=600), "acme", _reply(clock))
    await cache.close()

    clock.advance(20)
    assert await cache.find(_plan(ttl_s=10), "acme") is None
    assert shared.replies
    assert await TwoLevelCache(shared, now_s=clock).find(_plan(ttl_s=10), "acme") is None


async def test_a_hit_waits_for_nothing():
    clock = ManualClock()
    cache = TwoLevelCache(MemoryReplies(opened=asyncio.Event()), now_s=clock)
    reply = _reply(clock)
    cache.put(_plan(), "acme", reply)

    found = cache.find(_plan(), "acme")
    with pytest.raises(StopIteration) as ended:
        found.send(None)

    assert ended.value.value is reply
    await _let_go(cache)


async def test_another_worker_finds_it_and_remembers_it():
    clock = ManualClock()
    shared = MemoryReplies()
    first, second = TwoLevelCache(shared, now_s=clock), TwoLevelCache(shared, now_s=clock)
    first.put(_plan(), "acme", _reply(clock))
    await first.close()

    assert await second.find(_plan(), "acme") == _reply(clock)
    assert await second.find(_plan(), "acme") == _reply(clock)
    assert (shared.look_ups_count, shared.ttls_s) == (1, {KEY: 60})
    assert await second.find(_plan(), "other") is not None  # level 1 asks the fingerprint alone, which holds the workspace
    assert await TwoLevelCache(shared, now_s=clock).find(_plan(), "other") is None


async def test_the_least_recently_used_goes_first_when_it_is_full():
    clock = ManualClock()
    cache = TwoLevelCache(None, 10_000, now_s=clock)
    for number in range(4):
        cache.put(_plan(_key(number)), "acme", _reply(clock, b"x" * 2000))
    await cache.find(_plan(_key(0)), "acme")

    cache.put(_plan(_key(4)), "acme", _reply(clock, b"x" * 2000))

    found = [await cache.find(_plan(_key(number)), "acme") is not None for number in range(5)]
    assert found == [True, False, True, True, True]
    assert cache.size_bytes <= 10_000


async def test_putting_again_takes_no_more_room():
    clock = ManualClock()
    cache = TwoLevelCache(None, now_s=clock)
    cache.put(_plan(), "acme", _reply(clock, b"x" * 1000))
    size = cache.size_bytes

    cache.put(_plan(), "acme", _reply(clock, b"y" * 1000))

    assert cache.size_bytes == size
    assert (await cache.find(_plan(), "acme")).body == b"y" * 1000


@pytest.mark.parametrize(("limit_bytes", "reply_limit_bytes"), [(5000, 100_000), (100_000, 9_999)])
async def test_an_answer_too_large_is_not_kept_and_drives_nothing_out(limit_bytes, reply_limit_bytes):
    clock = ManualClock()
    cache = TwoLevelCache(None, limit_bytes, clock, reply_limit_bytes=reply_limit_bytes)
    cache.put(_plan(), "acme", _reply(clock))

    cache.put(_plan(_key(1)), "acme", _reply(clock, b"x" * 10_000))

    assert await cache.find(_plan(_key(1)), "acme") is None
    assert await cache.find(_plan(), "acme") is not None


async def test_large_answers_are_kept_where_that_is_allowed():
    clock = ManualClock()
    body = b"x" * 2_000_000
    small, large = TwoLevelCache(None, now_s=clock), TwoLevelCache(None, now_s=clock, reply_limit_bytes=4_000_000)
    for cache in (small, large):
        cache.put(_plan(), "acme", _reply(clock, body))

    assert [await cache.find(_plan(), "acme") for cache in (small, large)] == [None, _reply(clock, body)]


async def test_a_store_that_hangs_collects_no_endless_backlog():
    clock = ManualClock()
    shared = MemoryReplies(opened=asyncio.Event())
    cache = TwoLevelCache(shared, now_s=clock)
    for number in range(PUTS_MAX_COUNT + 50):
        cache.put(_plan(_key(number)), "acme", _reply(clock))

    shared.opened.set()
    await cache.close()

    assert len(shared.replies) == PUTS_MAX_COUNT
    cache.put(_plan(), "acme", _reply(clock))
    await cache.close()
    assert len(shared.replies) == PUTS_MAX_COUNT + 1


async def test_the_backlog_is_bounded_in_bytes_too():
    clock = ManualClock()
    shared = MemoryReplies(opened=asyncio.Event())
    cache = TwoLevelCache(shared, now_s=clock)
    for number in range(40):
        cache.put(_plan(_key(number)), "acme", _reply(clock, b"x" * 1024 * 1024))

    await _let_go(cache)
    assert len(shared.replies) == 16
    cache.put(_plan(), "acme", _reply(clock))
    await cache.close()

    assert len(shared.replies) == 17, "what was written makes room"


async def _let_go(cache: TwoLevelCache) -> None:
    shared = cache._shared
    assert isinstance(shared, MemoryReplies)
    assert shared.opened is not None
    shared.opened.set()
    await cache.close()
