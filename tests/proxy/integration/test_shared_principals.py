"""Level two of the key directory: principals in Valkey, never wrong, empty when it is away."""

from __future__ import annotations

import os

import pytest

from proxy.adapters.redis_connection import RedisAddress, RedisConnection
from proxy.adapters.shared_principals import TTL_S, RedisPrincipals
from proxy.testing import create_principal
from tests.proxy.integration.valkey_help import own_valkey

DIGEST = os.urandom(32)
FULL = create_principal(
    allowed_models=("gpt*", "ü"),
    allowed_networks=("10.0.0.0/8",),
    limit_ids=("a", "b"),
    is_keepalive_enabled=False,
    expires_at=1.25,
    as_of=2**40,
)


@pytest.fixture
async def redis():
    connection = RedisConnection(RedisAddress.parse(os.environ["REDIS_URL"]), timeout_s=10.0)
    await connection.start()
    yield connection
    await connection.call(b"FLUSHDB")
    await connection.stop()


@pytest.mark.parametrize("principal", [create_principal(), FULL])
async def test_what_one_worker_put_another_finds(redis, principal):
    await RedisPrincipals(redis).put(DIGEST, principal)

    assert await RedisPrincipals(redis).find(DIGEST) == principal
    assert await RedisPrincipals(redis).find(b"x" * 32) is None


async def test_it_is_kept_for_a_time_and_holds_no_key(redis):
    await RedisPrincipals(redis).put(DIGEST, FULL)

    (name,) = await redis.call(b"KEYS", b"*")
    assert name == b"gw:principal:" + DIGEST.hex().encode()
    assert 0 < await redis.call(b"TTL", name) <= TTL_S


@pytest.mark.parametrize("stored", [b"", b"garbage", b"\x90", b"\xc0", b"\x98" + b"\x01" * 8])
async def test_what_is_no_principal_is_none(redis, stored):
    await redis.call(b"SET", b"gw:principal:" + DIGEST.hex().encode(), stored)

    assert await RedisPrincipals(redis).find(DIGEST) is None


async def test_a_key_of_another_kind_is_none(redis):
    await redis.call(b"LPUSH", b"gw:principal:" + DIGEST.hex().encode(), b"x")

    assert await RedisPrincipals(redis).find(DIGEST) is None


async def test_an_outage_makes_it_empty_and_raises_nothing(tmp_path):
    with own_valkey(tmp_path) as server:
        redis = RedisConnection(server.address)
        await redis.start()
        principals = RedisPrincipals(redis)
        server.pause()

        await principals.put(DIGEST, FULL)
        assert await principals.find(DIGEST) is None
        server.kill()
        await principals.put(DIGEST, FULL)
        assert await principals.find(DIGEST) is None

        await redis.stop()
