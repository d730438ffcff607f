"""The worker's memory of keys: bounded, asked once for many, and never older than the changes it heard of."""

from __future__ import annotations

import asyncio
import tracemalloc
import uuid
from dataclasses import dataclass, field

import msgspec
import pytest

from apikeys.hotpath import Principal
from proxy.errors import StoreUnavailable
from proxy.key_directory import KeyDirectory
from proxy.testing import KEY_ID, WORKSPACE_ID, ManualClock, MemoryPrincipals, create_principal

DIGEST = b"d" * 32
KEY_CHANGED = f"key:{KEY_ID}"
WORKSPACE_CHANGED = f"workspace:{WORKSPACE_ID}"


def _digest(number: int) -> bytes:
    return number.to_bytes(32, "big")


@dataclass
class Desk:
    """A directory, what it asks, its clock, and how often it was hit and missed."""

    keys: KeyDirectory
    store: MemoryPrincipals
    clock: ManualClock
    lookups: list[bool] = field(default_factory=list)


def _desk(store: MemoryPrincipals | None = None, **options) -> Desk:
    store = store or MemoryPrincipals({DIGEST: create_principal()})
    clock = ManualClock()
    lookups: list[bool] = []
    keys = KeyDirectory(store, store, clock=clock, on_lookup=lookups.append, **options)
    return Desk(keys, store, clock, lookups)


async def test_a_hundred_requests_with_one_cold_key_look_up_once():
    desk = _desk()

    found = await asyncio.gather(*[desk.keys.find(DIGEST) for _ in range(100)])

    assert found == [create_principal()] * 100
    assert desk.store.look_ups_count == 1


async def test_a_hundred_requests_with_one_unknown_key_look_up_once():
    desk = _desk()

    found = await asyncio.gather(*[desk.keys.find(b"u" * 32) for _ in range(100)])

    assert found == [None] * 100
    assert desk.store.look_ups_count == 1


async def test_an_outage_reaches_all_who_wait_and_is_not_remembered():
    desk = _desk()
    desk.store.error = StoreUnavailable()

    results = await asyncio.gather(*[desk.keys.find(DIGEST) for _ in range(10)], return_exceptions=True)
    desk.store.error = None

    assert {type(result) for result in results} == {StoreUnavailable}
    assert desk.store.look_ups_count == 1
    assert await desk.keys.find(DIGEST) == create_principal()


async def test_one_caller_that_leaves_does_not_take_the_answer_from_the_others():
    desk = _desk()
    first = asyncio.ensure_future(desk.keys.find(DIGEST))
    second = asyncio.ensure_future(desk.keys.find(DIGEST))
    await asyncio.sleep(0)

    first.cancel()

    assert await second == create_principal()
    assert desk.store.look_ups_count == 1


async def test_a_caller_that_leaves_alone_leaves_nothing_behind():
    desk = _desk()
    desk.store.error = StoreUnavailable()
    only = asyncio.ensure_future(desk.keys.find(DIGEST))
    await asyncio.sleep(0)

    only.cancel()
    for _ in range(5):
        await asyncio.sleep(0)

    desk.store.error = None
    assert await desk.keys.find(DIGEST) == create_principal()


async def test_a_store_that_hangs_is_an_outage(monkeypatch):
    monkeypatch.setattr("proxy.key_directory._LOOK_UP_TIMEOUT_S", 0.02)

    class Hanging(MemoryPrincipals):
        async def find_principal(self, digest):
            await asyncio.Event().wait()

    with pytest.raises(StoreUnavailable):
        await _desk(Hanging()).keys.find(DIGEST)


async def test_look_ups_at_once_are_bounded():
    running, most = 0, 0

    class Slow(MemoryPrincipals):
        async def find_principal(self, digest):
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.001)
            running -= 1

    desk = _desk(Slow())
    await asyncio.gather(*[desk.keys.find(_digest(number)) for number in range(200)])

    assert most == 16


async def test_a_warm_key_asks_nobody_and_counts_as_a_hit():
    desk = _desk()
    await desk.keys.find(DIGEST)
    desk.store.error = StoreUnavailable()
    desk.store.shared.clear()

    assert await desk.keys.find(DIGEST) == create_principal()
    assert desk.keys.remembered(DIGEST) == create_principal()
    assert desk.lookups == [False, True, True]


async def test_an_unknown_key_is_remembered_as_such_for_a_short_time():
    desk = _desk(negative_ttl_s=10)
    await desk.keys.find(b"u" * 32)
    desk.clock.advance(9.9)
    await desk.keys.find(b"u" * 32)
    assert desk.store.look_ups_count == 1

    desk.clock.advance(0.2)
    desk.store.principals[b"u" * 32] = create_principal()

    assert await desk.keys.find(b"u" * 32) == create_principal()
    assert desk.store.look_ups_count == 2


async def test_a_known_key_is_asked_for_again_after_its_time():
    desk = _desk(ttl_s=300)
    await desk.keys.find(DIGEST)
    desk.store.shared.clear()
    desk.clock.advance(300.1)

    assert desk.keys.remembered(DIGEST) is None
    await desk.keys.find(DIGEST)
    assert desk.store.look_ups_count == 2


async def test_level_two_answers_without_the_store():
    desk = _desk(MemoryPrincipals(shared={DIGEST: create_principal()}))

    assert await desk.keys.find(DIGEST) == create_principal()
    assert desk.store.look_ups_count == 0


async def test_what_the_store_answers_is_shared():
    desk = _desk()

    await desk.keys.find(DIGEST)

    assert desk.store.shared == {DIGEST: create_principal()}


async def test_known_keys_are_bounded_and_the_least_used_goes_first():
    store = MemoryPrincipals({_digest(n): create_principal(key_id=str(n)) for n in range(10)})
    desk = _desk(store, max_count=5)
    for number in range(5):
        await desk.keys.find(_digest(number))
    await desk.keys.find(_digest(0))

    await desk.keys.find(_digest(5))

    assert len(desk.keys) == 5
    assert desk.keys.remembered(_digest(0)) is not None
    assert desk.keys.remembered(_digest(1)) is None


async def test_unknown_keys_are_bounded_and_push_no_known_one_out():
    desk = _desk(max_count=5)
    await desk.keys.find(DIGEST)

    for number in range(1000):
        await desk.keys.find(_digest(number))

    assert len(desk.keys) == 1
    assert len(desk.keys._unknown) == 5
    assert desk.keys.remembered(DIGEST) is not None


async def test_changes_are_bounded_and_what_was_dropped_still_refuses_old_copies(monkeypatch):
    monkeypatch.setattr("proxy.key_directory._CHANGES_MAX_COUNT", 10)
    desk = _desk(MemoryPrincipals({DIGEST: create_principal(as_of=100)}, shared={DIGEST: create_principal(as_of=1)}))
    desk.keys.apply_change(KEY_CHANGED, 2)
    for number in range(3, 50):
        desk.keys.apply_change(f"key:{number}", number)

    assert len(desk.keys._changes) == 10
    assert await desk.keys.find(DIGEST) == create_principal(as_of=100)
    assert desk.store.look_ups_count == 1


async def test_ten_thousand_keys_and_as_many_unknown_ones_take_less_than_20_mb():
    copies = [
        msgspec.msgpack.encode(
            Principal(
                str(uuid.uuid4()), str(uuid.uuid4()), ("gpt-4o*", "claude-*"), ("10.0.0.0/8",), (str(uuid.uuid4()),) * 2, True, 1.5, n
            )
        )
        for n in range(10_000)
    ]
    decoder = msgspec.msgpack.Decoder(Principal)

    class Level2(MemoryPrincipals):
        async def find(self, digest):
            number = int.from_bytes(digest, "big")
            return decoder.decode(copies[number]) if number < 10_000 else None  # every copy with strings of its own, as from Redis

    desk = _desk(Level2())
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for number in range(20_000):
        await desk.keys.find(_digest(number))
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()

    assert len(desk.keys) == 10_000
    assert len(desk.keys._unknown) == 10_000
    assert taken <= 20_000_000
