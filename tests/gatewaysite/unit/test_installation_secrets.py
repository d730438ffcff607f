"""The secrets of an installation: written once, for their owner only, whole or not at all."""

from __future__ import annotations

import json
import stat
import threading

import pytest

from common.aead import KeyRing
from gatewaysite import installation_secrets
from gatewaysite.installation_secrets import ensure, find, generate


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "secrets.json"


def test_the_first_call_writes_them_and_every_later_one_reads_the_same(path):
    first = ensure(path)

    assert ensure(path) == first
    assert find(path) == first


def test_the_file_is_for_its_owner_only_and_nothing_else_is_left(path):
    ensure(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_without_a_file_there_is_none(path):
    assert find(path) is None


def test_two_installations_differ_in_all_three():
    one, other = generate(), generate()

    assert one.secret_key != other.secret_key
    assert one.key_pepper != other.key_pepper
    assert one.encryption_keys != other.encryption_keys
    assert min(len(one.secret_key), len(one.key_pepper)) >= 50


def test_the_keys_work_as_they_are():
    ring = KeyRing.parse(generate().encryption_keys)

    assert ring.open(ring.seal(b"x", "a"), "a") == b"x"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"secret_key": "x"}', '{"secret_key": "a", "key_pepper": "b", "encryption_keys": [], "more": 1}']
)
def test_a_damaged_file_is_never_replaced(path, text):
    path.parent.mkdir()
    path.write_text(text)

    with pytest.raises(ValueError, match="is damaged; restore it from a backup"):
        ensure(path)

    assert path.read_text() == text


def test_many_at_once_end_in_one_set(path):
    barrier, found, lock = threading.Barrier(8), [], threading.Lock()
    numbers = iter(range(100))

    def run(monkeypatched_pid):
        barrier.wait()
        found.append(ensure(path))

    real = installation_secrets.os.getpid

    def another_pid():
        with lock:
            return real() * 1000 + next(numbers)  # each thread stands for a process of its own

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(installation_secrets.os, "getpid", another_pid)
        threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(found) == 8
    assert len({json.dumps(each.encryption_keys) for each in found}) == 1
    assert [file.name for file in path.parent.iterdir()] == [path.name]
