"""The hot path's own connection to Valkey: in order, in time, and back by itself, whatever the server does."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager

import pytest

from proxy.adapters.redis_connection import RedisAddress, RedisConnection, RedisRefused, RedisUnavailable
from tests.proxy.integration.valkey_help import OwnValkey, eventually, own_valkey
from tests.proxy.loops import on_both_loops

SOON_S = 1.0  # promised are 50 ms; several suites may share the machine's two cores
DOUBLE = b"return tonumber(ARGV[1]) * 2"


@pytest.fixture
def server(tmp_path):
    with own_valkey(tmp_path) as running:
        yield running


@asynccontextmanager
async def connected(server: OwnValkey, **options):
    """Yield a connection that has more patience than the real one unless told otherwise, so that a slow machine fails nothing."""
    connection = RedisConnection(server.address, **({"timeout_s": 10.0} | options))
    await connection.start()
    try:
        yield connection
    finally:
        await connection.stop()


async def _outcome(call) -> str:
    try:
        await call
    except RedisUnavailable:
        return "unavailable"
    return "answered"


async def test_calls_are_answered(server):
    async with connected(server) as redis:
        assert await redis.call(b"SET", "name", "value") == b"OK"
        assert await redis.call(b"GET", b"name") == b"value"
        assert await redis.call(b"GET", b"nothing") is None
        assert await redis.call(b"INCRBY", b"count", 5) == 5
        assert await redis.call(b"MGET", b"name", b"nothing", b"count") == [b"value", None, b"5"]
        assert redis.is_available


@on_both_loops
async def test_many_calls_at_once_get_each_its_own_answer(server):
    async with connected(server) as redis:
        await asyncio.gather(*[redis.call(b"SET", f"k{number}", number) for number in range(500)])

        answers = await asyncio.gather(*[redis.call(b"GET", f"k{number}") for number in range(500)])

    assert answers == [str(number).encode() for number in range(500)]


async def test_large_values_come_whole(server):
    value = bytes(range(256)) * 20_000
    async with connected(server) as redis:
        await redis.call(b"SET", b"large", value)

        assert await redis.call(b"GET", b"large") == value


async def test_an_error_of_the_server_is_one_call_s_alone(server):
    async with connected(server) as redis:
        await redis.call(b"SET", b"text", b"x")

        results = await asyncio.gather(
            redis.call(b"GET", b"text"),
            redis.call(b"INCR", b"text"),
            redis.call(b"NONSENSE"),
            redis.call(b"GET", b"text"),
            return_exceptions=True,
        )

    assert results[0] == results[3] == b"x"
    assert [type(result) for result in results[1:3]] == [RedisRefused, RedisRefused]


@on_both_loops
async def test_a_caller_that_leaves_does_not_shift_the_answers(server):
    async with connected(server) as redis:
        for number in range(10):
            await redis.call(b"SET", f"k{number}", number)
        calls = [asyncio.ensure_future(redis.call(b"GET", f"k{number}")) for number in range(10)]
        await asyncio.sleep(0)
        for number in (0, 3, 4, 9):
            calls[number].cancel()

        answers = await asyncio.gather(*calls, return_exceptions=True)

        assert [answer for answer in answers if isinstance(answer, bytes)] == [b"1", b"2", b"5", b"6", b"7", b"8"]
        assert await redis.call(b"GET", b"k7") == b"7"


async def test_a_script_is_loaded_when_the_server_does_not_know_it(server):
    async with connected(server) as redis:
        assert await redis.run_script(DOUBLE, [b"k"], [4]) == 8
        for forget in ((b"SCRIPT", b"FLUSH"), (b"FLUSHALL",)):
            await redis.call(*forget)
            assert await asyncio.gather(*[redis.run_script(DOUBLE, [b"k"], [number]) for number in range(20)]) == [2 * n for n in range(20)]
        with pytest.raises(RedisRefused):
            await redis.run_script(b"return redis.error_reply('no')", [b"k"], [])


async def test_a_script_survives_a_restart_that_forgot_it(server):
    async with connected(server) as redis:
        await redis.run_script(DOUBLE, [b"k"], [4])
        server.kill()
        await eventually(lambda: not redis.is_available)
        server.start()
        await eventually(lambda: redis.is_available)

        assert await redis.run_script(DOUBLE, [b"k"], [4]) == 8


# --- the server hangs -------------------------------------------------------------------------------------------------------------


@on_both_loops
async def test_every_call_to_a_server_that_hangs_ends_in_time(server):
    async with connected(server, timeout_s=0.05, stuck_s=60.0) as redis:
        server.pause()
        started_at = time.monotonic()

        outcomes = await asyncio.gather(*[_outcome(redis.call(b"GET", b"k")) for _ in range(200)])

        assert time.monotonic() - started_at < SOON_S
        assert set(outcomes) == {"unavailable"}


async def test_calls_that_come_one_after_the_other_end_each_in_time(server):
    async with connected(server, timeout_s=0.05, stuck_s=60.0) as redis:
        server.pause()
        for _ in range(3):
            started_at = time.monotonic()
            assert await _outcome(redis.call(b"GET", b"k")) == "unavailable"
            assert time.monotonic() - started_at < SOON_S


@on_both_loops
async def test_after_the_first_that_hang_the_breaker_answers_at_once(server):
    async with connected(server, timeout_s=0.05, stuck_s=60.0) as redis:
        server.pause()
        await asyncio.gather(*[_outcome(redis.call(b"GET", b"k")) for _ in range(3)])

        assert not redis.is_available
        with pytest.raises(RedisUnavailable):
            redis.submit(b"GET", b"k")  # raises without any wait


@on_both_loops
async def test_no_call_is_used_to_find_out_whether_the_server_is_back(server):
    async with connected(server, timeout_s=0.05, stuck_s=60.0) as redis:
        server.pause()
        await asyncio.gather(*[_outcome(redis.call(b"GET", b"k")) for _ in range(3)])

        for _ in range(100):  # a second: several probes go out meanwhile
            with pytest.raises(RedisUnavailable):
                redis.submit(b"GET", b"k")
            await asyncio.sleep(0.01)


@on_both_loops
async def test_the_breaker_closes_by_itself_when_the_server_answers_again(server):
    async with connected(server, timeout_s=0.05, stuck_s=60.0) as redis:
        server.pause()
        await asyncio.gather(*[_outcome(redis.call(b"GET", b"k")) for _ in range(3)])
        server.resume()

        await eventually(lambda: redis.is_available)
        redis.timeout_s = 10.0
        assert await redis.call(b"SET", b"k", b"v") == b"OK"


@on_both_loops
async def test_an_answer_that_comes_too_late_is_told_to_who_wants_to_know(server):
    async with connected(server, timeout_s=0.05, stuck_s=60.0) as redis:
        late = []
        server.pause()
        calls = [redis.submit(b"INCR", b"k", on_late=late.append), redis.submit(b"PING"), redis.submit(b"NONSENSE", on_late=late.append)]
        assert {type(outcome) for outcome in await asyncio.gather(*calls, return_exceptions=True)} == {RedisUnavailable}

        server.resume()

        await eventually(lambda: redis.is_available)
        assert late == [1]


@on_both_loops
async def test_the_server_has_its_time_from_when_a_call_is_written_on(server):
    async with connected(server, timeout_s=1.0) as redis:
        answer = asyncio.ensure_future(_outcome(redis.call(b"GET", b"k")))
        await asyncio.sleep(0)  # the call is queued, and not written
        server.pause()

        time.sleep(0.8)  # noqa: ASYNC251  # somebody computes
        asyncio.get_running_loop().call_later(0.5, server.resume)

        assert await answer == "answered"


@on_both_loops
async def test_a_server_that_goes_on_mixes_up_no_answers(server):
    async with connected(server, timeout_s=0.05, stuck_s=60.0) as redis:
        await asyncio.gather(*[redis.call(b"SET", f"k{number}", number) for number in range(30)])
        server.pause()
        late = await asyncio.gather(*[_outcome(redis.call(b"GET", f"k{number}")) for number in range(20)])
        assert set(late) == {"unavailable"}
        server.resume()

        await eventually(lambda: redis.is_available)
        answers = {}

        async def ask(number: int) -> None:
            while number not in answers:
                try:
                    answers[number] = await redis.call(b"GET", f"k{number}")
                except RedisUnavailable:
                    await asyncio.sleep(0.01)

        async with asyncio.timeout(30):
            await asyncio.gather(*[ask(number) for number in range(20, 30)])

    assert answers == {number: str(number).encode() for number in range(20, 30)}


@on_both_loops
async def test_a_connection_that_stays_silent_is_given_up_and_made_again(server):
    async with connected(server, timeout_s=0.05, stuck_s=0.2) as redis:
        await redis.call(b"SET", b"k", b"kept")
        server.pause()
        assert await _outcome(redis.call(b"GET", b"k")) == "unavailable"
        await eventually(lambda: redis._protocol is None)
        with pytest.raises(RedisUnavailable):
            redis.submit(b"GET", b"k")
        server.resume()

        await eventually(lambda: redis.is_available)
        redis.timeout_s = 10.0
        assert await redis.call(b"GET", b"k") == b"kept"


# --- the server goes away ---------------------------------------------------------------------------------------------------------


@on_both_loops
async def test_calls_that_wait_when_the_server_is_killed_fail_at_once(server):
    async with connected(server) as redis:
        server.pause()
        waiting = [asyncio.ensure_future(_outcome(redis.call(b"GET", b"k"))) for _ in range(10)]
        await asyncio.sleep(0.02)

        server.kill()

        async with asyncio.timeout(5):  # and not after the 10 s that this connection would wait
            assert set(await asyncio.gather(*waiting)) == {"unavailable"}
        with pytest.raises(RedisUnavailable):
            redis.submit(b"GET", b"k")


@on_both_loops
async def test_it_comes_back_by_itself_after_kill_9_and_a_restart(server):
    async with connected(server) as redis:
        await redis.call(b"SET", b"k", b"v")
        server.kill()
        await eventually(lambda: not redis.is_available)
        server.start()

        await eventually(lambda: redis.is_available)
        assert await redis.call(b"SET", b"k", b"new") == b"OK"
        assert await redis.call(b"GET", b"k") == b"new"


async def test_a_server_that_comes_later_is_found(tmp_path):
    server = OwnValkey(tmp_path)
    async with connected(server) as redis:
        assert not redis.is_available
        assert await _outcome(redis.call(b"PING")) == "unavailable"
        server.start()
        try:
            await eventually(lambda: redis.is_available)
            assert await redis.call(b"PING") == b"PONG"
        finally:
            server.stop()


@on_both_loops
async def test_stop_ends_what_waits_and_leaves_no_task(server):
    before = asyncio.all_tasks()
    async with connected(server) as redis:
        server.pause()
        waiting = asyncio.ensure_future(_outcome(redis.call(b"GET", b"k")))
        await asyncio.sleep(0.02)
    async with asyncio.timeout(5):
        assert await waiting == "unavailable"

    assert asyncio.all_tasks() == before
    assert await _outcome(redis.call(b"GET", b"k")) == "unavailable"


async def test_a_connection_that_was_never_started_is_unavailable():
    redis = RedisConnection(RedisAddress(path="/nowhere"))

    assert await _outcome(redis.call(b"PING")) == "unavailable"
    await redis.stop()


# --- as whom and where ------------------------------------------------------------------------------------------------------------


async def test_databases_are_apart(server):
    other = RedisConnection(RedisAddress.parse(f"{server.url}?db=3"), timeout_s=10.0)
    await other.start()
    async with connected(server) as redis:
        await redis.call(b"SET", b"k", b"zero")
        assert await other.call(b"GET", b"k") is None
    await other.stop()


async def test_a_password_is_given_and_a_wrong_one_is_an_outage(server):
    async with connected(server) as redis:
        await redis.call(b"CONFIG", b"SET", b"requirepass", b"s3cret")
    path = server.address.path
    right = RedisConnection(RedisAddress(path=path, password="s3cret"), timeout_s=10.0)
    wrong = RedisConnection(RedisAddress(path=path, password="guess"), timeout_s=10.0)

    await asyncio.gather(right.start(), wrong.start())

    assert await right.call(b"PING") == b"PONG"
    assert not wrong.is_available
    await asyncio.gather(right.stop(), wrong.stop())
