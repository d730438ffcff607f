"""`gatewaysite/gunicorn.py`: what gunicorn makes of it, and its hooks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from gatewaysite import gunicorn
from gatewaysite.server.limits import ServerLimits

ROOT = Path(__file__).resolve().parents[3]


def print_config(**environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gunicorn", "--config", "python:gatewaysite.gunicorn", "--print-config", "os:environ"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    return subprocess.run(command, env=clean | {"PYTHONPATH": str(ROOT)} | environ, capture_output=True, text=True, check=False, cwd="/")


def test_gunicorn_takes_over_every_setting():
    environ = {"GATEWAY_BIND": "127.0.0.1:1, [::1]:2", "GATEWAY_WORKERS": "3", "GATEWAY_DRAIN_S": "10", "GATEWAY_DRAIN_DELAY_S": "0.5"}
    printed = print_config(**environ).stdout
    config = dict(line.split("=", 1) for line in map(str.strip, printed.splitlines()) if "=" in line)
    config = {name.strip(): value.strip() for name, value in config.items()}

    assert {name: config[name] for name in ("bind", "workers", "worker_class", "preload_app", "keepalive", "graceful_timeout")} == {
        "bind": "['127.0.0.1:1', '[::1]:2']",
        "workers": "3",
        "worker_class": "gatewaysite.server.worker.GatewayWorker",
        "preload_app": "True",
        "keepalive": "75",
        "graceful_timeout": "19",  # 0.5 + 10 + 5 + 3, rounded up
    }
    assert {name: config[name] for name in ("control_socket_disable", "accesslog", "max_requests", "wsgi_app")} == {
        "control_socket_disable": "True",
        "accesslog": "None",
        "max_requests": "0",
        "wsgi_app": "gatewaysite.asgi:application",
    }


def test_an_unusable_setting_stops_gunicorn_with_its_name():
    result = print_config(GATEWAY_DRAIN_S="soon")

    assert result.returncode == 1
    assert "GATEWAY_DRAIN_S=soon is not usable" in result.stderr


def test_a_worker_is_killed_only_after_the_longest_stop():
    assert gunicorn.graceful_timeout >= ServerLimits.from_environ(os.environ).stop_s


@pytest.fixture
def metrics(monkeypatch, tmp_path) -> Path:
    folder = tmp_path / "metrics"
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(folder))
    return folder


def start(*, master_pid: int) -> None:
    gunicorn.on_starting(SimpleNamespace(master_pid=master_pid, spawn_worker=None))


def test_a_new_master_forgets_the_metrics_of_earlier_ones(metrics: Path):
    metrics.mkdir()
    (metrics / "counter_7.db").touch()
    (metrics / "note.txt").touch()

    start(master_pid=0)

    assert [path.name for path in metrics.iterdir()] == ["note.txt"]


def test_a_new_master_makes_the_folder_of_metrics(metrics: Path):
    start(master_pid=0)

    assert metrics.is_dir()


def test_a_master_that_takes_over_from_one_that_serves_keeps_its_metrics(metrics: Path):
    metrics.mkdir()
    (metrics / "counter_7.db").touch()

    start(master_pid=4711)

    assert [path.name for path in metrics.iterdir()] == ["counter_7.db"]


def test_the_live_gauges_of_a_dead_worker_are_forgotten(metrics: Path):
    metrics.mkdir()
    for name in ("gauge_liveall_7.db", "counter_7.db", "gauge_liveall_8.db"):
        (metrics / name).touch()

    gunicorn.child_exit(None, SimpleNamespace(pid=7))

    assert sorted(path.name for path in metrics.iterdir()) == ["counter_7.db", "gauge_liveall_8.db"]


def test_a_worker_that_dies_without_metrics_is_no_error(metrics: Path, monkeypatch):
    gunicorn.child_exit(None, SimpleNamespace(pid=7))
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR")
    gunicorn.child_exit(None, SimpleNamespace(pid=7))
