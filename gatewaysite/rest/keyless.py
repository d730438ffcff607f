"""`/api` without an API key: a console's session, the description and its page. Django's as it is, with the times of every REST answer."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import structlog

from gatewaysite import query_watch
from gatewaysite.env import read
from gatewaysite.times import with_times
from proxy.asgi_types import Receive, Scope, Send
from proxy.query_notes import QueryNotes

log = structlog.get_logger(__name__)


class KeylessRest:
    """The ASGI application of such requests: `console` answers them. What takes long is logged with its queries, as behind the door."""

    def __init__(self, console: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self._console = console

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started_at = time.perf_counter()
        notes = QueryNotes()
        status = 0

        async def send_noted(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        bypass = [(b"x-cache-status", b"BYPASS")] if scope["method"] == "GET" else []
        with query_watch.noting(notes):
            await self._console(scope, receive, with_times(send_noted, bypass))
        spent_ms = (time.perf_counter() - started_at) * 1e3
        if spent_ms > read("GATEWAY_SLOW_TOTAL_MS"):
            facts = {"method": scope["method"], "route": "api", "status": status, "latency_ms": round(spent_ms, 3)}
            log.warning("slow_request", **facts, **notes.describe())
