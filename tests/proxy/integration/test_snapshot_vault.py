"""The last good snapshot, sealed, in the data folder and in Valkey."""

from __future__ import annotations

import dataclasses
import os
import stat

import pytest

from common.aead import KeyRing
from common.secret import Secret
from proxy.adapters.redis_connection import RedisAddress, RedisConnection
from proxy.adapters.snapshot_vault import SnapshotVault
from proxy.snapshot import PublishedPolicy
from proxy.testing import create_snapshot

RING = KeyRing({"k1": bytes(32)})
CREDENTIAL = "sk-very-hidden-credential"


def _snapshot(revision: int = 7):
    snapshot = create_snapshot("gpt", revision=revision)
    backend = dataclasses.replace(snapshot.backends["main"], credential=Secret(CREDENTIAL))
    policy = PublishedPolicy("default", 3, "ab" * 32, b'{"name":"default","rules":[]}', key_ids=("k",), attached_key_ids=("l",))
    return dataclasses.replace(snapshot, backends={"main": backend}, policies=(policy,))


@pytest.fixture
async def redis():
    connection = RedisConnection(RedisAddress.parse(os.environ["REDIS_URL"]), timeout_s=10.0)
    await connection.start()
    yield connection
    await connection.call(b"FLUSHDB")
    await connection.stop()


@pytest.fixture
def away():
    return RedisConnection(RedisAddress(path="/nowhere"))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "snapshot.bin"


async def test_what_is_kept_is_found_in_either_place(path, redis, away):
    await SnapshotVault(path, redis, RING).keep(_snapshot())

    assert await SnapshotVault(path, away, RING).find() == _snapshot()
    assert await SnapshotVault(path.with_name("another"), redis, RING).find() == _snapshot()


async def test_an_empty_vault_finds_nothing(path, redis, away):
    assert await SnapshotVault(path, redis, RING).find() is None
    assert await SnapshotVault(path, away, RING).find() is None


async def test_it_is_for_its_owner_only_and_holds_no_credential_in_the_clear(path, redis):
    await SnapshotVault(path, redis, RING).keep(_snapshot())

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for stored in (path.read_bytes(), await redis.call(b"GET", b"gw:snapshot")):
        assert CREDENTIAL.encode() not in stored
        assert b"main" not in stored
        assert b"gpt" not in stored


async def test_a_file_that_others_could_read_is_replaced_by_one_they_cannot(path, away):
    path.write_bytes(b"old")
    path.chmod(0o644)

    await SnapshotVault(path, away, RING).keep(_snapshot())

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_the_newest_of_both_places_wins(path, redis, away):
    await SnapshotVault(path.with_name("elsewhere"), redis, RING).keep(_snapshot(8))
    await SnapshotVault(path, away, RING).keep(_snapshot(7))
    assert (await SnapshotVault(path, redis, RING).find()).revision == 8

    await SnapshotVault(path, away, RING).keep(_snapshot(9))
    assert (await SnapshotVault(path, redis, RING).find()).revision == 9


async def test_nothing_but_the_file_is_left_in_the_folder(path, away):
    vault = SnapshotVault(path, away, RING)
    path.with_name(f"{path.name}.{os.getpid()}").write_bytes(b"what a killed process of the same number left")
    for revision in range(5):
        await vault.keep(_snapshot(revision))

    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    "damage",
    [lambda data: b"", lambda data: data[:-1], lambda data: data[:40] + bytes([data[40] ^ 1]) + data[41:], lambda data: b"garbage" * 100],
)
async def test_a_damaged_file_is_ignored(path, redis, away, damage):
    await SnapshotVault(path, away, RING).keep(_snapshot(9))
    path.write_bytes(damage(path.read_bytes()))

    assert await SnapshotVault(path, away, RING).find() is None
    await SnapshotVault(path.with_name("elsewhere"), redis, RING).keep(_snapshot(7))
    assert (await SnapshotVault(path, redis, RING).find()).revision == 7


async def test_a_damaged_copy_in_valkey_is_ignored(path, redis):
    vault = SnapshotVault(path, redis, RING)
    await vault.keep(_snapshot())
    await redis.call(b"SET", b"gw:snapshot", b"garbage")

    assert await vault.find() == _snapshot()


async def test_another_installation_s_key_opens_nothing(path, away):
    await SnapshotVault(path, away, RING).keep(_snapshot())

    assert await SnapshotVault(path, away, KeyRing({"k1": bytes([1]) * 32})).find() is None
    assert await SnapshotVault(path, away, KeyRing({"k2": bytes(32)})).find() is None


async def test_a_rotated_key_ring_still_opens_it(path, away):
    await SnapshotVault(path, away, RING).keep(_snapshot())

    rotated = KeyRing({"k2": bytes([1]) * 32, "k1": bytes(32)})
    assert await SnapshotVault(path, away, rotated).find() == _snapshot()


async def test_a_folder_that_takes_no_file_costs_only_that_copy(tmp_path, redis):
    path = tmp_path / "missing" / "snapshot.bin"
    vault = SnapshotVault(path, redis, RING)

    await vault.keep(_snapshot())

    assert await vault.find() == _snapshot()


async def test_a_folder_in_place_of_the_file_is_ignored(path, redis):
    path.mkdir()
    vault = SnapshotVault(path, redis, RING)

    await vault.keep(_snapshot())

    assert await vault.find() == _snapshot()
