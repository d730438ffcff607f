"""The embedded Valkey: what it keeps, and that it never runs twice on one folder."""

from __future__ import annotations

import os
import signal
import stat
import time

import pytest
import redis

from gatewaysite.services.child import is_alive
from gatewaysite.services.embedded import Services
from gatewaysite.services.errors import ServiceError
from gatewaysite.services.paths import DataDir
from gatewaysite.services.valkey import Valkey


@pytest.fixture
def data_dir(tmp_path):
    return DataDir(tmp_path / "data")


def _services(data_dir, **options):
    return Services(data_dir, postgres=False, **options)


class _Client(redis.Redis):
    """A client that closes its connections, which is a warning otherwise."""

    def __init__(self, data_dir):
        super().__init__(unix_socket_path=str(data_dir.valkey_socket))

    def __exit__(self, *args):
        self.close()
        self.connection_pool.disconnect()


def test_data_is_there_after_a_clean_stop(data_dir):
    with _services(data_dir), _Client(data_dir) as client:
        client.set("kept", "yes")
    with _services(data_dir), _Client(data_dir) as client:
        assert client.get("kept") == b"yes"


def test_data_is_there_after_kill_9(data_dir):
    services = _services(data_dir)
    services.start()
    with _Client(data_dir) as client:
        client.set("kept", "yes")
        _wait_until_written(client)
    os.kill(services.pids()["Valkey"], signal.SIGKILL)
    services.stop()

    with _services(data_dir), _Client(data_dir) as client:
        assert client.get("kept") == b"yes"


@pytest.mark.parametrize(("fsync", "policy"), [(True, "everysec"), (False, "no")])
def test_append_only_file_is_synced_every_second_unless_told_otherwise(data_dir, fsync, policy):
    with _services(data_dir, fsync=fsync), _Client(data_dir) as client:
        wanted = {"appendonly": "yes", "appendfsync": policy, "save": "", "port": "0", "maxmemory-policy": "noeviction"}

        assert {name: client.config_get(name)[name] for name in wanted} == wanted


def test_socket_is_for_its_owner_only(data_dir):
    with _services(data_dir):
        assert stat.S_IMODE(data_dir.valkey_socket.stat().st_mode) == 0o700
        assert stat.S_IMODE(data_dir.run.stat().st_mode) == 0o700


@pytest.mark.parametrize("name", ["path with a space", "x" * 150, "größe, ünd 'quote\" 100%"])
def test_start_in_an_unusual_path(tmp_path, name):
    data_dir = DataDir(tmp_path / name)

    with _services(data_dir), _Client(data_dir) as client:
        client.set("kept", "yes")
    with _services(data_dir), _Client(data_dir) as client:
        assert client.get("kept") == b"yes"
    assert (data_dir.valkey / "appendonlydir").is_dir()


def test_start_ends_a_server_that_outlived_its_parent(data_dir):
    first = _services(data_dir)
    first.start()
    orphan = first.pids()["Valkey"]
    with _Client(data_dir) as client:
        client.set("kept", "yes")

    with _services(data_dir) as second, _Client(data_dir) as client:
        assert second.pids()["Valkey"] != orphan
        assert not is_alive(orphan)
        assert client.get("kept") == b"yes"
    first.stop()


def test_start_removes_a_socket_that_nobody_listens_on(data_dir):
    services = _services(data_dir)
    services.start()
    os.kill(services.pids()["Valkey"], signal.SIGKILL)
    services.stop()
    assert data_dir.valkey_socket.exists()

    with _services(data_dir), _Client(data_dir) as client:
        assert client.ping()


def test_restart_dead_brings_a_killed_server_back(data_dir):
    with _services(data_dir) as services:
        pid = services.pids()["Valkey"]
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + 30
        while not (restarted := services.restart_dead()):
            assert time.monotonic() < deadline

        assert restarted == ["Valkey"]
        assert services.pids()["Valkey"] != pid


def test_server_that_cannot_start_is_reported_with_its_log(data_dir):
    data_dir.create()
    (data_dir.valkey / "appendonlydir").write_text("not a folder")
    valkey = Valkey(data_dir)
    valkey.launch()

    with pytest.raises(ServiceError, match=r"Valkey ended while starting[\s\S]*valkey\.log[\s\S]*appendonly"):
        valkey.wait_ready()

    assert not valkey.is_running()


def _wait_until_written(client):
    """Wait until the append-only file holds everything, which the server sees to once an event loop."""
    deadline = time.monotonic() + 30
    while client.info("persistence")["aof_buffer_length"]:
        assert time.monotonic() < deadline
        time.sleep(0.01)
