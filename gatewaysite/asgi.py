"""
The ASGI application of a worker: the data plane beside Django, told apart by path before Django sees anything.

    lifespan                     our own: the data plane starts and stops with the worker
    /v1/...                      proxy/asgi.py        (roles all, proxy)
    /ws/...                      routing.py           (roles all, proxy)
    a service's path             proxy/services.py    (roles all, proxy)
    /api/... with an API key     proxy/rest_door/     (roles all, console), Django behind it
    /livez /readyz /health /metrics   proxy/operations.py
    everything else              Django               (roles all, console)
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import warnings
from collections.abc import Callable
from typing import TypeVar

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gatewaysite.settings")

from django.core.asgi import get_asgi_application

# Static files are small: that they are read whole before they are sent needs no warning. Longer answers: common/rest/pieces.py.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")

_django = get_asgi_application()  # loads the settings; what follows reads them

from django.conf import settings

from gatewaysite.django_threads import DjangoThreads
from gatewaysite.env import read
from gatewaysite.pool_metrics import PoolMetrics
from gatewaysite.postgresql.base import open_pools
from gatewaysite.rest.keyless import KeylessRest
from gatewaysite.routing import Router, create_router
from gatewaysite.server.limits import ServerLimits
from gatewaysite.services.paths import DataDir
from gatewaysite.times import with_times
from items.signal_feed import SignalFeed
from proxy.asgi_types import Receive, Scope, Send
from proxy.cors import Cors
from proxy.edge import FrontDoor
from proxy.lifecycle import Lifecycle
from proxy.operations import PATHS, Operations
from proxy.request_head import presented_key
from proxy.rest_door.door import RestDoor
from proxy.runtime import Runtime, RuntimeSettings
from proxy.validators import RESERVED_PATHS

_Read = TypeVar("_Read")
_CONSOLE_CONCURRENCY = 2  # more would take the interpreter from the data plane: p99 3.5 ms with two, 8 to 23 ms unbounded

_SAME_ORIGIN = frozenset({"/admin", "/static", "/accounts", "/ws"})
_OURS = frozenset(RESERVED_PATHS)


def _first_segment(path: str) -> str:
    return "/" + path[1:].partition("/")[0]


def _networks(values: list[str]) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.ip_network(value) for value in values)


def runtime_settings() -> RuntimeSettings:
    """Errors: ValueError for a network that is none, ImproperlyConfigured for a value of the wrong type."""
    data_dir = DataDir(settings.GATEWAY_DATA_DIR)
    return RuntimeSettings(
        redis_url=settings.REDIS_URL,
        cache_redis_url=read("CACHE_REDIS_URL"),
        pepper=settings.GATEWAY_KEY_PEPPER.encode(),
        encryption_keys=tuple(settings.GATEWAY_ENCRYPTION_KEYS),
        spool_folder=data_dir.spool,
        snapshot_file=data_dir.snapshot_file,
        worker_count=max(1, ServerLimits.from_environ(os.environ).worker_count),
        body_limit_bytes=read("GATEWAY_BODY_LIMIT_BYTES"),
        body_timeout_s=read("GATEWAY_BODY_TIMEOUT_S"),
        json_depth_count=read("GATEWAY_JSON_DEPTH_COUNT"),
        concurrency_count=read("GATEWAY_CONCURRENCY_COUNT"),
        key_cache_count=read("GATEWAY_KEY_CACHE_COUNT"),
        key_cache_ttl_s=read("GATEWAY_KEY_CACHE_TTL_S"),
        key_negative_ttl_s=read("GATEWAY_KEY_NEGATIVE_TTL_S"),
        revision_poll_s=read("GATEWAY_REVISION_POLL_S"),
        keepalive_s=read("GATEWAY_KEEPALIVE_S"),
        slow_overhead_ms=read("GATEWAY_SLOW_OVERHEAD_MS"),
        slow_total_ms=read("GATEWAY_SLOW_TOTAL_MS"),
        spool_file_bytes=read("GATEWAY_SPOOL_FILE_BYTES"),
        reply_cache_bytes=read("GATEWAY_REPLY_CACHE_BYTES"),
        rest_cache_bytes=read("GATEWAY_REST_CACHE_BYTES"),
        is_console=settings.GATEWAY_ROLE == "console",
        automata_folder=data_dir.automata,
        trusted_proxies=_networks(read("GATEWAY_TRUSTED_PROXIES")),
        allowed_private_upstreams=_networks(read("GATEWAY_ALLOW_PRIVATE_UPSTREAMS")),
    )


class Application:
    """One worker's application. `lifecycle` is where the server looks for what it must wait for."""

    def __init__(self) -> None:
        self.lifecycle = Lifecycle()
        self._role: str = settings.GATEWAY_ROLE
        self._operations = Operations(self.lifecycle, os.environ.get("PROMETHEUS_MULTIPROC_DIR", ""))
        self._runtime: Runtime | None = None
        self._starting: asyncio.Lock | None = None
        self._console_slots = asyncio.Semaphore(_CONSOLE_CONCURRENCY)
        self._django_threads = DjangoThreads(self._console_slots, threads_count=_CONSOLE_CONCURRENCY)
        self._rest_door: RestDoor | None = None
        self._router: Router | None = None
        self._feed = SignalFeed(settings.REDIS_URL)
        self._cors = Cors(read("GATEWAY_CORS_ORIGINS"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
            return
        path: str = scope["path"]
        if path in PATHS:
            await self._operations(scope, receive, with_times(send))
            return
        if self._cors.is_on and _first_segment(path) not in _SAME_ORIGIN:
            if await self._cors.answer_preflight(scope, send):
                return
            send = self._cors.wrap(scope, send)
        await self._dispatch(path, scope, receive, send)

    async def _dispatch(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        segment = _first_segment(path)
        if self._role != "console" and (segment == "/v1" or segment not in _OURS):
            runtime = self._runtime or await self._ensure_started()
            if segment == "/v1":
                await runtime.data_plane(scope, receive, send)
                return
            if (service := runtime.services.find(path)) is not None:
                await runtime.services(scope, receive, send, service)
                return
        if self._role == "proxy":
            await _not_here(send)
        elif segment == "/api":
            await self._rest(scope, receive, send)
        else:
            await self._console(scope, receive, with_times(send))

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._role == "console":
            await _no_socket_here(scope, receive, send)
            return
        if self._router is None:
            self._router = create_router(self._door, _no_socket_here, self._read, self._feed)
        await self._router(scope, receive, send)

    async def _read(self, read: Callable[[], _Read]) -> _Read:
        runtime = self._runtime or await self._ensure_started()
        return await runtime.store.run(read)

    async def _door(self) -> FrontDoor:
        runtime = self._runtime or await self._ensure_started()
        return runtime.door

    async def _rest(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A program comes through the door; a person's session, the description and its page are the console's."""
        if not presented_key(dict(scope["headers"])):
            await KeylessRest(self._console)(scope, receive, send)
            return
        if self._rest_door is None:
            runtime = self._runtime or await self._ensure_started()
            self._rest_door = self._rest_door or runtime.open_rest_door(self._django_threads)
        await self._rest_door(scope, receive, send)

    async def _console(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._console_slots:
            await _django(scope, receive, send)  # type: ignore[arg-type]  # Django types the same dictionaries more narrowly

    async def _ensure_started(self) -> Runtime:
        """Start the data plane: with the worker, or on the first request under a server that sends no lifespan."""
        if self._starting is None:
            self._starting = asyncio.Lock()
        async with self._starting:
            if self._runtime is None:
                runtime = Runtime(runtime_settings(), self.lifecycle)
                await runtime.start()
                self._runtime = self._operations.runtime = runtime
        return self._runtime

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        if self._role != "console":
            await self._ensure_started()
        else:
            self.lifecycle.mark_ready()
        pool_metrics = asyncio.create_task(PoolMetrics(open_pools).run())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        pool_metrics.cancel()
        await self._feed.stop()
        await self._django_threads.close()
        if self._runtime is not None:
            await self._runtime.stop()
        await send({"type": "lifespan.shutdown.complete"})


async def _no_socket_here(scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse the handshake: with a 404 where the server can, else with the server's own 403."""
    if "websocket.http.response" in (scope.get("extensions") or ()):
        headers = [(b"content-type", b"application/json")]
        await send({"type": "websocket.http.response.start", "status": 404, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": b'{"error":"not served by this process"}'})
        return
    await send({"type": "websocket.close", "code": 4404})


async def _not_here(send: Send) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 404, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"error":"not served by this process"}'})


application = Application()
