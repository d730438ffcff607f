"""Idempotency keys in Valkey: one claim wins, nothing is lost in an outage, nothing runs twice."""

from __future__ import annotations

import asyncio
import os
from hashlib import sha256

import pytest

from proxy.adapters.idempotency_store import ANSWER_TTL_S, CLAIM_TTL_S, RedisIdempotency
from proxy.adapters.redis_connection import RedisAddress, RedisConnection
from proxy.errors import Overloaded
from proxy.idempotency import IdempotencyPlace, Running, StoredAnswer
from tests.proxy.integration.valkey_help import eventually, own_valkey

PLACE = IdempotencyPlace("acme", "key-1", "k\n é")
REDIS_KEY = f"gw:{{acme}}:key-1:idempotency:{sha256(PLACE.key.encode()).hexdigest()}".encode()
CLAIM = Running(b"d" * 32, "r-1")
ANSWER = StoredAnswer(b"d" * 32, "r-1", 200, ((b"content-type", b"application/json"),), b'{"a":"\xc3\xa9"}')


@pytest.fixture
async def redis():
    connection = RedisConnection(RedisAddress.parse(os.environ["REDIS_URL"]), timeout_s=10.0)
    await connection.start()
    yield connection
    await connection.call(b"FLUSHDB")
    await connection.stop()


async def test_the_first_claim_gets_the_key_and_others_are_told_of_it(redis):
    store, others = RedisIdempotency(redis), RedisIdempotency(redis)

    assert await store.claim(PLACE, CLAIM) is None
    assert await others.claim(PLACE, Running(b"e" * 32, "r-2")) == CLAIM
    assert CLAIM_TTL_S - 60 < await redis.call(b"PTTL", REDIS_KEY) / 1000 <= CLAIM_TTL_S


async def test_of_many_claims_at_once_one_wins(redis):
    store = RedisIdempotency(redis)

    found = await asyncio.gather(*(store.claim(PLACE, Running(b"d", str(number))) for number in range(50)))

    assert found.count(None) == 1


@pytest.mark.parametrize("other", [{"workspace_id": "other"}, {"key_id": "key-2"}, {"key": "k"}])
async def test_keys_of_others_are_others(redis, other):
    store = RedisIdempotency(redis)
    await store.claim(PLACE, CLAIM)
    fields = {"workspace_id": PLACE.workspace_id, "key_id": PLACE.key_id, "key": PLACE.key}

    assert await store.claim(IdempotencyPlace(**fields | other), CLAIM) is None


async def test_an_answer_takes_the_place_of_its_claim(redis):
    store = RedisIdempotency(redis)
    await store.claim(PLACE, CLAIM)
    await store.keep(PLACE, CLAIM, ANSWER)

    assert await store.claim(PLACE, Running(b"d" * 32, "r-2")) == ANSWER
    assert ANSWER_TTL_S - 60 < await redis.call(b"PTTL", REDIS_KEY) / 1000 <= ANSWER_TTL_S


async def test_a_claim_that_was_given_back_is_free(redis):
    store = RedisIdempotency(redis)
    await store.claim(PLACE, CLAIM)
    await store.release(PLACE, CLAIM)

    assert await store.claim(PLACE, Running(b"e" * 32, "r-2")) is None


async def test_a_claim_expires_and_its_answer_does_not_take_anothers_place(redis):
    """A worker that died never gives its claim back; one that was only slow must not undo what happened since."""
    store = RedisIdempotency(redis, claim_ttl_s=0.05, answer_ttl_s=60)
    await store.claim(PLACE, CLAIM)
    await asyncio.sleep(0.1)
    others = Running(b"e" * 32, "r-2")
    assert await RedisIdempotency(redis).claim(PLACE, others) is None

    await store.keep(PLACE, CLAIM, ANSWER)
    await store.release(PLACE, CLAIM)

    assert await store.claim(PLACE, CLAIM) == others


async def test_an_answer_whose_claim_expired_unnoticed_is_kept(redis):
    store = RedisIdempotency(redis)
    await store.keep(PLACE, CLAIM, ANSWER)

    assert await store.claim(PLACE, CLAIM) == ANSWER


async def test_an_answer_expires(redis):
    store = RedisIdempotency(redis, answer_ttl_s=0.05)
    await store.keep(PLACE, CLAIM, ANSWER)
    await asyncio.sleep(0.1)

    assert await store.claim(PLACE, CLAIM) is None


@pytest.mark.parametrize("stored", [b"", b"garbage", b"\xc0", b"\x93\xa4done\x01\x02"])
async def test_what_is_neither_claim_nor_answer_is_not_run_over(redis, stored):
    await redis.call(b"SET", REDIS_KEY, stored)

    with pytest.raises(Overloaded):
        await RedisIdempotency(redis).claim(PLACE, CLAIM)
    assert await redis.call(b"GET", REDIS_KEY) == stored


async def test_without_redis_no_promise_is_made_and_nothing_raises_at_the_end(tmp_path):
    with own_valkey(tmp_path) as server:
        redis = RedisConnection(server.address)
        await redis.start()
        store = RedisIdempotency(redis)
        server.kill()
        await eventually(lambda: not redis.is_available)

        with pytest.raises(Overloaded) as caught:
            await store.claim(PLACE, CLAIM)
        await store.keep(PLACE, CLAIM, ANSWER)
        await store.release(PLACE, CLAIM)

        assert (caught.value.http_status, caught.value.retry_after_s) == (503, 1)
        await store.close()
        await redis.stop()


async def test_a_claim_that_ran_unheard_is_given_back_so_that_a_retry_gets_it(tmp_path):
    """Or a client whose claim was answered too late would meet its own claim until that expires."""
    with own_valkey(tmp_path) as server:
        redis = RedisConnection(server.address, stuck_s=60.0)
        await redis.start()
        store = RedisIdempotency(redis)
        server.pause()
        with pytest.raises(Overloaded):
            await store.claim(PLACE, CLAIM)
        server.resume()
        await eventually(lambda: not store._giving_back)

        patient = RedisConnection(server.address, timeout_s=10.0)
        await patient.start()
        assert await RedisIdempotency(patient).claim(PLACE, Running(b"d" * 32, "r-2")) is None

        await patient.stop()
        await store.close()
        await redis.stop()
