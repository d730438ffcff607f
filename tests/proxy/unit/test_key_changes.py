"""Changes of keys: forgotten at once, never undone by an older copy, wherever and whenever that comes from."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from proxy.key_directory import KeyDirectory
from proxy.testing import KEY_ID, WORKSPACE_ID, ManualClock, MemoryPrincipals, create_principal

DIGEST, OTHER = b"d" * 32, b"o" * 32
KEY_CHANGED = f"key:{KEY_ID}"
WORKSPACE_CHANGED = f"workspace:{WORKSPACE_ID}"


@dataclass
class SlowStore(MemoryPrincipals):
    """A store that has read its answer and delivers it only when told."""

    deliver: asyncio.Event = field(default_factory=asyncio.Event)

    async def find_principal(self, digest):
        self.look_ups_count += 1
        principal = self.principals.get(digest)
        await self.deliver.wait()
        return principal


def _keys(store: MemoryPrincipals) -> KeyDirectory:
    return KeyDirectory(store, store, clock=ManualClock())


@pytest.mark.parametrize("subject", [KEY_CHANGED, WORKSPACE_CHANGED])
async def test_a_revoked_key_is_forgotten_and_not_found_again_in_level_two(subject):
    store = MemoryPrincipals({DIGEST: create_principal(as_of=3)})
    keys = _keys(store)
    await keys.find(DIGEST)

    store.principals.clear()  # revoked: the database knows it no more, level two still holds the copy
    keys.apply_change(subject, 4)

    assert store.shared
    assert await keys.find(DIGEST) is None
    assert await keys.find(DIGEST) is None
    assert store.look_ups_count == 2


async def test_a_change_of_another_key_leaves_this_one_remembered():
    store = MemoryPrincipals({DIGEST: create_principal()})
    keys = _keys(store)
    await keys.find(DIGEST)

    keys.apply_change("key:another", 9)
    keys.apply_change("workspace:another", 10)

    assert keys.remembered(DIGEST) is not None


async def test_all_secrets_of_a_rotated_key_are_forgotten():
    store = MemoryPrincipals({DIGEST: create_principal(), OTHER: create_principal()})
    keys = _keys(store)
    await keys.find(DIGEST)
    await keys.find(OTHER)

    keys.apply_change(KEY_CHANGED, 1)

    assert keys.remembered(DIGEST) is None
    assert keys.remembered(OTHER) is None


async def test_a_copy_read_after_the_change_is_taken():
    store = MemoryPrincipals(shared={DIGEST: create_principal(as_of=4)})
    keys = _keys(store)
    keys.apply_change(KEY_CHANGED, 4)

    assert await keys.find(DIGEST) == create_principal(as_of=4)
    assert store.look_ups_count == 0


async def test_an_older_announcement_does_not_lower_what_is_refused():
    store = MemoryPrincipals(shared={DIGEST: create_principal(as_of=7)})
    keys = _keys(store)
    keys.apply_change(KEY_CHANGED, 8)
    keys.apply_change(KEY_CHANGED, 2)

    assert await keys.find(DIGEST) is None


async def test_a_key_revoked_while_it_is_looked_up_is_looked_up_again():
    store = SlowStore({DIGEST: create_principal(as_of=3)})
    keys = _keys(store)
    waiting = asyncio.ensure_future(keys.find(DIGEST))
    await asyncio.sleep(0.001)

    store.principals.clear()
    keys.apply_change(KEY_CHANGED, 4)  # after the database was read, before its answer arrived
    store.deliver.set()

    assert await waiting is None
    assert store.look_ups_count == 2
    assert keys.remembered(DIGEST) is None
    assert store.shared == {}


async def test_a_key_changed_while_it_is_looked_up_is_found_as_it_is_now():
    store = SlowStore({DIGEST: create_principal(as_of=3)})
    keys = _keys(store)
    waiting = asyncio.ensure_future(keys.find(DIGEST))
    await asyncio.sleep(0.001)

    now = create_principal(allowed_models=("gpt",), as_of=4)
    store.principals[DIGEST] = now
    keys.apply_change(KEY_CHANGED, 4)
    store.deliver.set()

    assert await waiting == now
    assert keys.remembered(DIGEST) == now
    assert store.shared == {DIGEST: now}


async def test_a_database_behind_the_feed_is_believed_but_not_remembered():
    store = MemoryPrincipals({DIGEST: create_principal(as_of=3)})
    keys = _keys(store)
    keys.apply_change(KEY_CHANGED, 4)

    assert await keys.find(DIGEST) == create_principal(as_of=3)
    assert keys.remembered(DIGEST) is None
    assert store.shared == {}
    assert store.look_ups_count == 2


async def test_a_key_that_comes_back_to_life_is_known_with_the_change():
    store = MemoryPrincipals()
    keys = _keys(store)
    assert await keys.find(DIGEST) is None

    store.principals[DIGEST] = create_principal(as_of=5)  # its workspace was activated again, or its end moved
    keys.apply_change(WORKSPACE_CHANGED, 5)

    assert await keys.find(DIGEST) == create_principal(as_of=5)


async def test_a_key_that_comes_to_life_while_it_is_looked_up_is_not_remembered_as_unknown():
    store = SlowStore()
    keys = _keys(store)
    waiting = asyncio.ensure_future(keys.find(DIGEST))
    await asyncio.sleep(0.001)

    store.principals[DIGEST] = create_principal(as_of=5)
    keys.apply_change(KEY_CHANGED, 5)
    store.deliver.set()
    await waiting

    assert await keys.find(DIGEST) == create_principal(as_of=5)
