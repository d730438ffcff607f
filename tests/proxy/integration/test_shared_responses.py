"""Responses in Valkey: each its workspace's own, sealed, and only for a time."""

from __future__ import annotations

import json
import os

import pytest

from common.aead import KeyRing
from proxy.adapters.redis_connection import RedisAddress, RedisConnection
from proxy.adapters.shared_responses import RedisResponses
from proxy.errors import PreviousResponseNotFound, StoreUnavailable
from proxy.response_state import TTL_S, StoredResponse, resolve_state, to_store
from tests.proxy.integration.valkey_help import own_valkey
from tests.proxy.responses_help import BACKEND, CHAT_ONLY, asked, message_item, response

RING = KeyRing({"k1": bytes(32)})
ACME, OTHER = "01890000-0000-7000-8000-000000000001", "01890000-0000-7000-8000-000000000002"
STORED = StoredResponse("resp_1", "gpt", "", b'[{"role":"user"}]', b'{"id":"resp_1","secret":"x"}', ("msg_1", "fc_1"))


@pytest.fixture
async def redis():
    connection = RedisConnection(RedisAddress.parse(os.environ["REDIS_URL"]), timeout_s=10.0)
    await connection.start()
    yield connection
    await connection.call(b"FLUSHDB")
    await connection.stop()


@pytest.mark.parametrize("stored", [STORED, StoredResponse("resp_1", "gpt", "main", item_ids=("msg_1",)), StoredResponse("resp_1", "gpt")])
async def test_what_one_worker_put_another_finds(redis, stored):
    await RedisResponses(redis, RING).put(ACME, stored, 60)

    assert await RedisResponses(redis, RING).get(ACME, "resp_1") == stored
    assert await RedisResponses(redis, RING).get(ACME, "resp_2") is None


async def test_an_item_leads_to_its_response(redis):
    responses = RedisResponses(redis, RING)
    await responses.put(ACME, STORED, 60)

    assert [await responses.find_owner(ACME, item_id) for item_id in ("msg_1", "fc_1", "msg_2")] == ["resp_1", "resp_1", None]


async def test_another_workspace_finds_nothing(redis):
    responses = RedisResponses(redis, RING)
    await responses.put(ACME, STORED, 60)

    assert await responses.get(OTHER, "resp_1") is None
    assert await responses.find_owner(OTHER, "msg_1") is None
    await responses.delete(OTHER, "resp_1")
    assert await responses.get(ACME, "resp_1") == STORED


@pytest.mark.parametrize("backend", [BACKEND, CHAT_ONLY])
async def test_another_workspace_cannot_go_on_from_it(redis, backend):
    responses = RedisResponses(redis, RING)
    stored = to_store(asked(), json.dumps(response(message_item())).encode(), backend)
    assert stored is not None
    await responses.put(ACME, stored, 60)
    request = asked(previous_response_id="resp_1")

    assert (await resolve_state(request, ACME, responses)).backend == stored.backend
    with pytest.raises(PreviousResponseNotFound):
        await resolve_state(request, OTHER, responses)


async def test_a_value_that_was_copied_to_another_workspace_does_not_open(redis):
    responses = RedisResponses(redis, RING)
    await responses.put(ACME, STORED, 60)
    sealed = await redis.call(b"GET", f"gw:{{{ACME}}}:response:resp_1".encode())

    await redis.call(b"SET", f"gw:{{{OTHER}}}:response:resp_1".encode(), sealed)
    await redis.call(b"SET", f"gw:{{{ACME}}}:response:resp_2".encode(), sealed)

    assert await responses.get(OTHER, "resp_1") is None
    assert await responses.get(ACME, "resp_2") is None


async def test_values_are_sealed_and_the_keys_of_a_workspace_are_in_one_slot(redis):
    await RedisResponses(redis, RING).put(ACME, STORED, 60)

    keys = sorted(await redis.call(b"KEYS", b"*"))

    prefix = f"gw:{{{ACME}}}:".encode()
    assert keys == [prefix + b"item:fc_1", prefix + b"item:msg_1", prefix + b"response:resp_1"]
    assert b"secret" not in await redis.call(b"GET", keys[-1])


@pytest.mark.parametrize(("wanted_s", "max_s", "kept_s"), [(60, TTL_S, 60), (TTL_S * 2, TTL_S, TTL_S), (600, 100, 100), (0, 100, 1)])
async def test_everything_is_kept_for_a_time(redis, wanted_s, max_s, kept_s):
    await RedisResponses(redis, RING, ttl_max_s=max_s).put(ACME, STORED, wanted_s)

    for key in await redis.call(b"KEYS", b"*"):
        assert kept_s * 1000 - 60_000 < await redis.call(b"PTTL", key) <= kept_s * 1000


async def test_what_is_too_large_is_remembered_as_that(redis):
    responses = RedisResponses(redis, RING, value_limit_bytes=1000)
    large = StoredResponse("resp_1", "gpt", "", b"[]", b"x" * 1000, ("msg_1",))
    await responses.put(ACME, large, 60)

    assert await responses.get(ACME, "resp_1") == StoredResponse("resp_1", "gpt", is_too_large=True)
    assert await responses.find_owner(ACME, "msg_1") is None
    with pytest.raises(PreviousResponseNotFound, match="too large"):
        await resolve_state(asked(previous_response_id="resp_1"), ACME, responses)


async def test_a_large_response_is_kept_within_the_limit(redis):
    large = StoredResponse("resp_1", "gpt", "", b"[]", os.urandom(1_000_000))
    await RedisResponses(redis, RING).put(ACME, large, 60)

    assert await RedisResponses(redis, RING).get(ACME, "resp_1") == large


async def test_what_was_deleted_is_gone(redis):
    responses = RedisResponses(redis, RING)
    await responses.put(ACME, STORED, 60)

    await responses.delete(ACME, "resp_1")

    assert await responses.get(ACME, "resp_1") is None


@pytest.mark.parametrize("name", ["", "a b", "a}b", "x" * 257, "resp_1\n", "ü", "*"])
async def test_what_is_no_id_is_never_looked_up(redis, name):
    responses = RedisResponses(redis, RING)
    await responses.put(ACME, StoredResponse(name, "gpt"), 60)

    assert await redis.call(b"DBSIZE") == 0
    assert await responses.get(ACME, name) is None
    assert await responses.find_owner(ACME, name) is None
    await responses.delete(ACME, name)


@pytest.mark.parametrize(
    "sealed",
    [b"", b"garbage", b"\x02k1" + b"\0" * 40, RING.seal(b"\x90", f"response:{ACME}:resp_1")],
    ids=["nothing", "garbage", "another tag", "another value"],  # a sealed text is another one in each process
)
async def test_what_cannot_be_read_is_unknown(redis, sealed):
    await redis.call(b"SET", f"gw:{{{ACME}}}:response:resp_1".encode(), sealed)

    assert await RedisResponses(redis, RING).get(ACME, "resp_1") is None


async def test_a_key_that_came_after_opens_what_an_older_one_sealed(redis):
    await RedisResponses(redis, RING).put(ACME, STORED, 60)

    rotated = KeyRing({"k2": b"2" * 32, "k1": bytes(32)})

    assert await RedisResponses(redis, rotated).get(ACME, "resp_1") == STORED


async def test_an_outage_takes_no_answer_back_and_is_never_a_404(tmp_path):
    with own_valkey(tmp_path) as server:
        redis = RedisConnection(server.address)
        await redis.start()
        responses = RedisResponses(redis, RING)
        server.pause()

        await responses.put(ACME, STORED, 60)
        for call in (responses.get(ACME, "resp_1"), responses.find_owner(ACME, "msg_1"), responses.delete(ACME, "resp_1")):
            with pytest.raises(StoreUnavailable):
                await call

        server.kill()
        await redis.stop()
