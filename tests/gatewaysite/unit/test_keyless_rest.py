"""`/api` without a key: the console's answer with the times of every REST answer, and a line in the log where it took long."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import structlog

from gatewaysite import query_watch
from gatewaysite.rest.keyless import KeylessRest


class Connection:
    """As much of Django's connection as is watched."""

    def __init__(self) -> None:
        self.execute_wrappers: list[Any] = []

    def execute(self, sql: str) -> None:
        (wrapper,) = self.execute_wrappers
        wrapper(lambda *arguments: None, sql, ["a secret"], False, {})


async def _console(scope: Any, receive: Any, send: Any) -> None:
    connection = Connection()
    for _ in range(2):  # a connection that is made again is watched once
        query_watch._watch_connection(connection=connection)
    await asyncio.to_thread(connection.execute, "SELECT %s")
    await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})
    await send({"type": "http.response.body", "body": b"{}"})


async def _ask(method: str = "GET") -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await KeylessRest(_console)({"type": "http", "method": method, "path": "/api/x"}, None, send)  # type: ignore[arg-type]
    return sent


@pytest.mark.parametrize(("method", "has_status"), [("GET", True), ("POST", False)])
async def test_times_are_added_and_nothing_is_taken(method, has_status):
    head, body = await _ask(method)

    names = [name for name, _ in head["headers"]]
    assert names[:3] == [b"a", b"x-response-time", b"x-process-time"]
    assert (b"x-cache-status" in names) is has_status
    assert body["body"] == b"{}"


@pytest.mark.parametrize(("limit_ms", "lines"), [("0", 1), ("1e9", 0)])
async def test_what_took_long_is_logged_with_its_queries(monkeypatch, limit_ms, lines):
    monkeypatch.setenv("GATEWAY_SLOW_TOTAL_MS", limit_ms)
    with structlog.testing.capture_logs() as logged:
        await _ask()

    slow = [event for event in logged if event["event"] == "slow_request"]
    assert len(slow) == lines
    assert all([query["sql"] for query in event["queries"]] == ["SELECT %s"] for event in slow)
    assert "a secret" not in str(slow)
