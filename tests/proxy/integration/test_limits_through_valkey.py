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
from proxy.estimates import Estimate
from proxy.limiter import Bucket, Limiter, Plan, Reservation, Subject, count_units
from proxy.snapshot import LimitRule
from proxy.testing import MemoryHistory
from tests.proxy.integration.valkey_help import eventually, own_valkey
from tests.proxy.limit_help import passes, rule

WORKERS_COUNT = 4


def _rule(amount: int, window_s: int, burst: int | None = None, **changes) -> LimitRule:
    return rule(uuid.uuid4().hex, amount, window_s, burst, **changes)


def _bucket(limiter: Limiter, limit: LimitRule) -> Bucket:
    return limiter.bucket(limit, "w", Subject("w", "s"))


@asynccontextmanager
async def workers(
    count: int = WORKERS_COUNT, address: RedisAddress | None = None, *, slots_expire_s: float = 30.0, history=None, **options
):
    """Yield limiters with a connection each, as the workers of a host have; nothing looks after them unless a test does."""
    address = address or RedisAddress.parse(os.environ["REDIS_URL"])
    connections = [RedisConnection(address, **({"timeout_s": 10.0} | options)) for _ in range(count)]
    for connection in connections:
        await connection.start()
    try:
        counters = [RedisCounter(connection, slots_expire_s) for connection in connections]
        yield [Limiter(counter, time.monotonic, 1 / count, history=history) for counter in counters]
    finally:
        for connection in connections:
            await connection.stop()


async def _count_passes(limiter: Limiter, limit: LimitRule, tries_count: int, takes: int = 1) -> int:
    one = _bucket(limiter, limit)
    return sum(await asyncio.gather(*[passes(limiter, one, takes=takes) for _ in range(tries_count)]))


async def _crowd(limiters: list[Limiter], limit: LimitRule, tries_count: int, takes: int = 1) -> list[int]:
    return await asyncio.gather(*[_count_passes(each, limit, tries_count, takes) for each in limiters])


def _connection(limiter: Limiter) -> RedisConnection:
    return limiter._around.counter._redis


# --- how much passes ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("burst", [1, 3, 10, 49])
@pytest.mark.parametrize("unit", ["requests", "cost", "concurrency"])
async def test_a_small_limit_is_exact_over_several_workers(burst, unit):
    async with workers() as limiters:
        assert sum(await _crowd(limiters, _rule(burst, 360_000, unit=unit), 50)) == burst


async def test_a_large_limit_is_never_passed_by_several_workers():
    limit = _rule(1, 3600, 2000)
    async with workers() as limiters:

        async def use(limiter: Limiter) -> int:
            return sum([await _count_passes(limiter, limit, 20) for _ in range(40)])

        passed = sum(await asyncio.gather(*map(use, limiters)))
        leased = sum(_bucket(limiter, limit).balance for limiter in limiters)

    assert passed + leased == 2000
    assert leased <= 4 * 2000 // 50


@pytest.mark.parametrize("window", [{"window_s": 86_400}, {"window_s": 1, "calendar": "month"}])
async def test_two_hundred_at_once_with_money_for_ten_are_ten_and_no_eleventh(window):
    history = MemoryHistory()
    async with workers(history=history) as limiters:
        assert sum(await _crowd(limiters, _rule(10_000, unit="cost", **window), 50, 1000)) == 10
        assert sum(await _crowd(limiters, _rule(10_500, unit="cost", **window), 50, 1000)) == 11  # the last one takes what is left


@pytest.mark.parametrize(
    ("amount", "unit", "takes"),
    [(400, "requests", 1), (2_000_000, "tokens", 2000), (4_000_000_000, "cost", 8_000_000), (30, "requests", 1)],
)
async def test_at_twice_the_limit_as_much_passes_as_the_limit_says(amount, unit, takes):
    per_request = 2 * takes if unit == "tokens" else takes  # as many input as output tokens
    per_s = 2 * amount / per_request
    for _ in range(3):
        limit = _rule(amount, 1, unit=unit)
        async with workers() as limiters:
            for each in limiters:
                each.start()
            passed_count, offered_s, elapsed_s = await _offer(limiters, limit, per_s, takes, seconds=2.0)
            for each in limiters:
                await each.stop()
        if offered_s < 2.2:  # else the machine stood still meanwhile, and Redis did not answer in time: there is nothing to be seen
            break

    allowed = passed_count * per_request
    print(f"{limit.unit}: {allowed / (amount + amount * elapsed_s):.4f} of the limit")
    assert allowed <= amount + amount * elapsed_s + per_request
    # What the workers lease when it ends is the rest: a fiftieth of the burst each at most.
    assert allowed >= (amount + amount * offered_s) * 0.96 - 2 * per_request


async def _offer(limiters: list[Limiter], limit: LimitRule, per_s: float, takes: int, seconds: float) -> tuple[int, float, float]:
    """Send requests at a steady pace whatever becomes of them; return how many passed, for how long they were sent and answered."""
    buckets = [_bucket(each, limit) for each in limiters]
    tasks: list[asyncio.Task[bool]] = []
    began_at = time.monotonic()
    while (elapsed_s := time.monotonic() - began_at) < seconds:
        while len(tasks) < elapsed_s * per_s:
            at = len(tasks) % len(limiters)
            tasks.append(asyncio.ensure_future(passes(limiters[at], buckets[at], takes=takes)))
        await asyncio.sleep(0.002)
    passed = await asyncio.gather(*tasks)
    return sum(passed), elapsed_s, time.monotonic() - began_at


async def test_under_settlement_never_more_is_used_than_the_budget_and_all_of_it():
    """Requests that use a fifth of their estimates, over all workers, until the budget of the month is spent."""
    amount, estimated, used = 200_000, 5000, 1000
    limit = _rule(amount, 1, unit="cost", calendar="month")
    async with workers(history=MemoryHistory()) as limiters:
        for each in limiters:
            each.start()
        passed = sum(await asyncio.gather(*[_spend_all(each, limit, estimated, used) for each in limiters]))
        for each in limiters:
            await each.stop()

    assert amount - used <= passed * used <= amount + estimated


async def _spend_all(limiter: Limiter, limit: LimitRule, estimated: int, used: int) -> int:
    """Make ten calls at a time, each of some milliseconds, until a second went by without one passing."""
    one, counts = _bucket(limiter, limit), count_units(Estimate(0, 0, estimated))
    passed_count, passed_at = 0, time.monotonic()

    async def call_on() -> None:
        nonlocal passed_count, passed_at
        while time.monotonic() - passed_at < 1.0:
            if await limiter.take([one], counts):
                await asyncio.sleep(0.02)
                continue
            passed_count, passed_at = passed_count + 1, time.monotonic()
            reservation = Reservation(Plan([one]), Estimate(0, 0, estimated), counts, time.monotonic)
            await asyncio.sleep(0.005)
            reservation.settle(Estimate(0, 0, 0), used)

    await asyncio.gather(*[call_on() for _ in range(10)])
    return passed_count


async def test_what_the_server_says_of_the_wait_is_right():
    limit = _rule(2, 1, 1)
    async with workers(1) as (limiter,):
        assert await passes(limiter, _bucket(limiter, limit))

        (refusal,) = await limiter.take([_bucket(limiter, limit)])
        assert 0 < refusal.retry_after_s <= 0.5
        await asyncio.sleep(refusal.retry_after_s)

        assert await passes(limiter, _bucket(limiter, limit))


async def test_leases_of_a_worker_that_stops_are_there_for_the_others():
    wide, narrow = _rule(1, 3600, 10), _rule(1, 3600, 1)
    async with workers(2) as (leaving, staying):
        mine = [_bucket(leaving, wide), _bucket(leaving, narrow)]
        await asyncio.gather(*[passes(leaving, *mine) for _ in range(10)])
        assert mine[0].balance == 9

        await leaving.stop()

        assert await _count_passes(staying, wide, 20) >= 8


async def test_what_one_limit_refuses_is_not_charged_to_the_other():
    wide, narrow = _rule(1, 3600, 10), _rule(1, 3600, 1)
    async with workers(1) as (limiter,):
        both = _bucket(limiter, wide), _bucket(limiter, narrow)
        passed = [await passes(limiter, *both) for _ in range(20)]

        assert sum(passed) == 1
        assert await _count_passes(limiter, wide, 20) == 9


# --- slots ----------------------------------------------------------------------------------------------------------------------------


async def test_slots_of_a_worker_that_died_are_free_for_the_others():
    limit = _rule(10, 1, unit="concurrency")
    async with workers(2, slots_expire_s=0.5) as (dying, living):
        assert await _count_passes(dying, limit, 20) == 10
        assert await _count_passes(living, limit, 20) == 0
        await _connection(dying).stop()
        await asyncio.sleep(0.6)

        assert await _count_passes(living, limit, 20) == 10


async def test_slots_that_are_freed_on_one_worker_pass_on_another_within_a_moment():
    limit = _rule(1, 1, unit="concurrency")
    async with workers(2) as (first, second):
        mine = _bucket(first, limit)
        for _ in range(5):
            assert await passes(first, mine)
            assert not await passes(second, _bucket(second, limit))
            mine.settle(1, 0, time.monotonic())
            await asyncio.sleep(0.1)
            assert await passes(second, _bucket(second, limit))
            _bucket(second, limit).settle(1, 0, time.monotonic())
            await asyncio.sleep(0.1)


# --- a server that hangs, forgets, goes away ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", ["requests", "cost", "concurrency"])
async def test_workers_enforce_their_share_while_the_server_hangs_and_the_whole_again_after(tmp_path, unit):
    limit = _rule(40, 360_000, unit=unit)
    with own_valkey(tmp_path) as server:
        async with workers(4, server.address, timeout_s=0.05, stuck_s=60.0) as limiters:
            server.pause()
            assert await _crowd(limiters, limit, 30) == [10, 10, 10, 10]

            server.resume()
            for limiter in limiters:
                await eventually(lambda limiter=limiter: _connection(limiter).is_available)
                _connection(limiter).timeout_s = 10.0
                await limiter.sweep(0.0)
            fresh = _rule(40, 360_000, unit=unit)

            assert sum(await _crowd(limiters, limit, 30)) == 0
            assert sum(await _crowd(limiters, fresh, 30)) == 40


async def test_a_share_begins_with_what_was_left(tmp_path):
    limit = _rule(40, 3600)
    with own_valkey(tmp_path) as server:
        async with workers(4, server.address) as limiters:
            assert await _count_passes(limiters[0], limit, 32) == 32
            for limiter in limiters:
                await _bucket(limiter, limit).refresh()
            server.kill()
            for limiter in limiters:
                await eventually(lambda limiter=limiter: not _connection(limiter).is_available)

            assert await _crowd(limiters, limit, 30) == [2, 2, 2, 2]


async def test_once_the_breaker_is_open_no_request_waits_for_a_server_that_hangs(tmp_path):
    limit = _rule(1_000_000, 1)
    with own_valkey(tmp_path) as server:
        async with workers(1, server.address, timeout_s=0.05, stuck_s=60.0) as (limiter,):
            one = _bucket(limiter, limit)
            server.pause()
            while _connection(limiter).is_available:
                assert await passes(limiter, one)
            answers = []
            for _ in range(100):
                answers.append(one.ask(1, time.monotonic()))
                await asyncio.sleep(0.01)  # a second: several probes go out meanwhile

            assert answers == [0.0] * 100  # none is a future
            server.resume()
            assert await eventually(lambda: _connection(limiter).is_available) < 5


async def test_a_server_that_forgot_everything_begins_anew(tmp_path):
    limit = _rule(1, 3600, 5)
    with own_valkey(tmp_path) as server:
        async with workers(1, server.address) as (limiter,):
            assert await _count_passes(limiter, limit, 10) == 5
            await _connection(limiter).call(b"FLUSHALL")
            await _connection(limiter).call(b"SCRIPT", b"FLUSH")

            other = Limiter(limiter._around.counter, time.monotonic)
            assert await _count_passes(other, limit, 10) == 5


async def test_a_budget_that_the_server_forgot_is_made_anew_from_the_books(tmp_path):
    limit = _rule(10_000, 1, unit="cost", calendar="month")
    history = MemoryHistory()
    with own_valkey(tmp_path) as server:
        async with workers(4, server.address, history=history) as limiters:
            assert await _count_passes(limiters[0], limit, 6, 1000) == 6
            history.spent_counts[limit.name] = 6000
            await _connection(limiters[0]).call(b"FLUSHALL")

            assert sum(await _crowd(limiters, limit, 50, 1000)) == 4


async def test_a_server_that_died_and_came_back_empty_has_the_budget_of_the_books_again(tmp_path):
    limit = _rule(10_000, 1, unit="cost", calendar="month")
    history = MemoryHistory()
    with own_valkey(tmp_path) as server:
        async with workers(2, server.address, history=history) as limiters:
            assert await _count_passes(limiters[0], limit, 4, 1000) == 4
            await _bucket(limiters[1], limit).refresh()
            await _connection(limiters[0]).call(b"FLUSHALL")
            server.kill()
            for limiter in limiters:
                await eventually(lambda limiter=limiter: not _connection(limiter).is_available)
            alone = await _crowd(limiters, limit, 10, 1000)
            assert alone == [3, 3]
            history.spent_counts[limit.name] = 10_000
            server.start()
            for limiter in limiters:
                await eventually(lambda limiter=limiter: _connection(limiter).is_available)
                await limiter.sweep(0.0)

            assert await _crowd(limiters, limit, 10, 1000) == [0, 0]
