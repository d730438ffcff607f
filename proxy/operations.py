"""
What operators ask a worker: is it alive, ready, healthy, and what has it counted.

Rules: `/livez` and `/readyz` touch no store, so that a store's outage restarts nobody; `/health` says what is degraded and why.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client import REGISTRY as PROCESS_REGISTRY
from prometheus_client.multiprocess import MultiProcessCollector

if TYPE_CHECKING:
    from proxy.asgi_types import Send
    from proxy.runtime import Runtime

from proxy import tally
from proxy.lifecycle import Lifecycle

PATHS = frozenset({"/livez", "/readyz", "/health", "/metrics"})


def _metrics(folder: str) -> bytes:
    if not folder:
        return generate_latest(PROCESS_REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


class Operations:
    """The ASGI application of the operators' paths. `metrics_folder` is where the workers of this host count, empty for one process."""

    def __init__(self, lifecycle: Lifecycle, metrics_folder: str) -> None:
        self._lifecycle = lifecycle
        self._metrics_folder = metrics_folder
        self.runtime: Runtime | None = None

    async def __call__(self, scope: Any, receive: Any, send: Send) -> None:
        path, method = scope["path"], scope["method"]
        if method not in {"GET", "HEAD"}:
            await _send(send, 405, b'{"status":"method not allowed"}', extra=[(b"allow", b"GET, HEAD")])
        elif path == "/metrics":
            await asyncio.sleep(tally.FLUSH_S * 1.5)  # what any worker counted before this request is in the files then
            tally.flush()
            # In a thread: thousands of series take tens of milliseconds, and the loop has streams to serve.
            body = await asyncio.to_thread(_metrics, self._metrics_folder)
            await _send(send, 200, body, CONTENT_TYPE_LATEST.encode())
        elif path == "/livez":
            await _send(send, 200, b'{"status":"alive"}')
        elif path == "/readyz":
            is_ready = self._lifecycle.is_ready
            await _send(send, 200 if is_ready else 503, b'{"status":"ready"}' if is_ready else b'{"status":"not ready"}')
        else:
            status, report = self._health()
            await _send(send, status, msgspec.json.encode(report))

    def _health(self) -> tuple[int, dict[str, Any]]:
        """Return 200 while requests are answered, whatever is degraded; 503 when they are not."""
        runtime = self.runtime
        snapshot = runtime.holder.current if runtime else None
        if runtime is None or snapshot is None:
            return 503, {"status": "starting"}
        watcher = runtime.watcher
        checks = {
            "postgresql": "ok" if watcher.is_database_up else "unavailable",
            "redis": "ok" if runtime.redis.is_available else "unavailable",
        }
        degraded = [name for name, state in checks.items() if state != "ok"]
        status = "draining" if self._lifecycle.is_draining else "degraded" if degraded else "ok"
        report = {
            "status": status,
            "checks": checks,
            "revision": snapshot.revision,
            "checked_ago_s": round(time.time() - watcher.checked_at, 1) if watcher.checked_at else None,
            "requests_in_flight": self._lifecycle.active_streams,
        }
        return 503 if self._lifecycle.is_draining else 200, report


async def _send(
    send: Send, status: int, body: bytes, content_type: bytes = b"application/json", extra: list[tuple[bytes, bytes]] | None = None
) -> None:
    headers = [(b"content-type", content_type), (b"content-length", b"%d" % len(body)), (b"cache-control", b"no-store"), *(extra or [])]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
