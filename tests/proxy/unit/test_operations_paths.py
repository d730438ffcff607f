"""What operators ask a worker: alive, ready, healthy, and its metrics."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from proxy.lifecycle import Lifecycle
from proxy.operations import PATHS, Operations
from proxy.snapshot import SnapshotHolder
from proxy.testing import create_snapshot


class Desk:
    """The operators' paths of one worker whose stores are up or down as told."""

    def __init__(self, *, is_started: bool = True, is_database_up: bool = True, is_redis_up: bool = True) -> None:
        self.lifecycle = Lifecycle()
        self.operations = Operations(self.lifecycle, "")
        if is_started:
            self.lifecycle.mark_ready()
            self.operations.runtime = SimpleNamespace(  # type: ignore[assignment]
                holder=SnapshotHolder(create_snapshot()),
                watcher=SimpleNamespace(is_database_up=is_database_up, checked_at=0.0),
                redis=SimpleNamespace(is_available=is_redis_up),
            )

    async def ask(self, path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
        sent = []

        async def send(message):
            sent.append(message)

        await self.operations({"type": "http", "method": method, "path": path, "headers": []}, None, send)
        head, body = sent
        return head["status"], {name.decode(): value.decode() for name, value in head["headers"]}, body["body"]


async def test_a_worker_is_alive_whatever_its_stores_do():
    desk = Desk(is_started=False)

    assert (await desk.ask("/livez"))[0] == 200


async def test_a_worker_is_ready_after_its_first_configuration_and_not_while_it_drains():
    desk = Desk(is_started=False)
    assert (await desk.ask("/readyz"))[0] == 503

    desk.lifecycle.mark_ready()
    assert (await desk.ask("/readyz"))[0] == 200

    desk.lifecycle.mark_unready()
    assert (await desk.ask("/readyz"))[0] == 503
    desk.lifecycle.mark_ready()
    assert (await desk.ask("/readyz"))[0] == 503


async def test_ready_does_not_depend_on_a_store():
    assert (await Desk(is_database_up=False, is_redis_up=False).ask("/readyz"))[0] == 200


@pytest.mark.parametrize(
    ("options", "status", "state", "checks"),
    [
        ({}, 200, "ok", {"postgresql": "ok", "redis": "ok"}),
        ({"is_database_up": False}, 200, "degraded", {"postgresql": "unavailable", "redis": "ok"}),
        ({"is_redis_up": False}, 200, "degraded", {"postgresql": "ok", "redis": "unavailable"}),
    ],
)
async def test_health_says_what_is_degraded(options, status, state, checks):
    code, headers, body = await Desk(**options).ask("/health")

    report = json.loads(body)
    assert (code, report["status"], report["checks"]) == (status, state, checks)
    assert report["revision"] == 7
    assert report["requests_in_flight"] == 0
    assert headers["content-type"] == "application/json"


async def test_health_while_starting_and_while_draining_is_a_503():
    starting, draining = Desk(is_started=False), Desk()
    draining.lifecycle.start_drain()

    assert json.loads((await starting.ask("/health"))[2]) == {"status": "starting"}
    assert (await starting.ask("/health"))[0] == 503
    code, _, body = await draining.ask("/health")
    assert (code, json.loads(body)["status"]) == (503, "draining")


async def test_metrics_are_in_prometheus_text_format():
    code, headers, body = await Desk().ask("/metrics")

    assert code == 200
    assert headers["content-type"].startswith("text/plain")
    assert b"# TYPE http_requests_total counter" in body
    assert b"# HELP request_duration_seconds" in body


@pytest.mark.parametrize("path", sorted(PATHS))
async def test_every_path_takes_get_and_head_only(path):
    desk = Desk()

    for method in ("GET", "HEAD"):
        code, headers, body = await desk.ask(path, method)
        assert code == 200
        assert headers["cache-control"] == "no-store"
        assert int(headers["content-length"]) == len(body)
    for method in ("POST", "DELETE", "BREW"):
        code, headers, _ = await desk.ask(path, method)
        assert (code, headers["allow"]) == (405, "GET, HEAD")
