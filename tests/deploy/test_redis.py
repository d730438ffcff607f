"""deploy/redis: the servers that its files make."""

from __future__ import annotations

import signal
import subprocess

import pytest
import redis
from django.conf import settings

from gatewaysite.services.binaries import find_valkey
from gatewaysite.services.child import guarded_command
from tests.http_talk import wait_for
from tests.installation import free_port

FOLDER = settings.BASE_DIR / "deploy" / "redis"


@pytest.fixture
def start(tmp_path):
    """Start a server with one of the files, its port the test's."""
    processes, clients = [], []

    def _start(name, port_line):
        port = free_port()
        text = (FOLDER / name).read_text()
        assert port_line in text
        (tmp_path / name).write_text(text.replace(port_line, f"port {port}"))
        argv = guarded_command([str(find_valkey()), str(tmp_path / name)], death_signal=signal.SIGKILL)
        processes.append(subprocess.Popen(argv, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        client = redis.Redis(port=port, decode_responses=True)
        clients.append(client)

        def answers():
            try:
                return client.ping()
            except redis.ConnectionError:
                return False

        wait_for(answers)
        return client

    yield _start
    for client in clients:
        client.close()
        client.connection_pool.disconnect()
    for process in processes:
        process.kill()
        process.wait()


def _config(client, *names):
    return {name: client.config_get(name)[name] for name in names}


def test_state_is_never_evicted_and_survives_a_restart(start):
    client = start("state.conf", "port 6379")

    assert _config(client, "maxmemory-policy", "appendonly", "appendfsync", "save", "tcp-keepalive", "timeout") == {
        "maxmemory-policy": "noeviction",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "tcp-keepalive": "60",
        "timeout": "0",
    }


def test_cache_lets_the_oldest_go_and_keeps_nothing_on_disk(start):
    client = start("cache.conf", "port 6380")

    assert _config(client, "maxmemory", "maxmemory-policy", "appendonly", "save", "tcp-keepalive", "timeout") == {
        "maxmemory": str(2 * 1024**3),
        "maxmemory-policy": "allkeys-lru",
        "appendonly": "no",
        "save": "",
        "tcp-keepalive": "60",
        "timeout": "300",
    }
