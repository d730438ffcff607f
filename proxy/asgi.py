"""
The data plane as a raw ASGI application: HTTP in, `Exchange` and `Sink` for the pipeline, the contract's errors out.

Rules: the outer edge: the only place of the data plane that catches everything. No Django; `runtime.py` builds what it needs.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

import structlog

from proxy.errors import (
    BadRequest,
    ClientGone,
    GatewayError,
    InternalError,
    MethodNotAllowed,
    NotFound,
    Overloaded,
    RateLimited,
    RequestTooLarge,
    UnsupportedMediaType,
)
from proxy.exchange import Exchange, Headers, Sink
from proxy.http_sink import HttpSink
from proxy.lifecycle import Lifecycle
from proxy.pipeline import Gateway, handle_chat, handle_models
from proxy.reply_headers import JSON_HEADERS, exchange_headers, limit_headers
from proxy.request_log import RequestLog
from proxy.telemetry import errors, gateway_overhead, http_requests, request_duration
from proxy.wire.errors import dump_openai_error, dump_openai_stream_error, error_headers

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Handler = Callable[[Gateway, Exchange, Sink], Awaitable[None]]

log = structlog.get_logger(__name__)

_MODELS = "/v1/models"
_ONCE = frozenset({b"authorization", b"x-api-key", b"content-type", b"content-length", b"host", b"x-stainless-read-timeout"})
_DEADLINE_MAX_S = 86_400.0
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Edge:
    """The bounds of this worker's edge. Units: bytes, seconds, requests."""

    body_limit_bytes: int
    body_timeout_s: float
    concurrency_count: int
    trusted_proxies: tuple[Network, ...] = ()


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """A path of the data plane: its label, its only method and what answers it."""

    route: str
    method: str
    handle: Handler


_CHAT = _Endpoint("/v1/chat/completions", "POST", handle_chat)
_LIST_MODELS = _Endpoint(_MODELS, "GET", handle_models)
_ENDPOINTS = {endpoint.route: endpoint for endpoint in (_CHAT, _LIST_MODELS)}


def _find_endpoint(path: str) -> _Endpoint:
    """Errors: NotFound."""
    if (endpoint := _ENDPOINTS.get(path)) is not None:
        return endpoint
    if path.startswith(_MODELS + "/") and (model := path[len(_MODELS) + 1 :]):

        async def handle_one(gateway: Gateway, exchange: Exchange, sink: Sink) -> None:
            await handle_models(gateway, exchange, sink, model)

        return _Endpoint(_MODELS + "/{id}", "GET", handle_one)
    raise NotFound


class DataPlane:
    """
    The ASGI application of `/v1`.

    Guarantee: every request gets one answer in the contract's shape or, once its stream has begun, one error frame; each is counted
    and logged once.
    """

    def __init__(self, gateway: Gateway, edge: Edge, lifecycle: Lifecycle, request_log: RequestLog) -> None:
        self._gateway = gateway
        self._edge = edge
        self._lifecycle = lifecycle
        self._request_log = request_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started_at = time.perf_counter()
        self._lifecycle.stream_started()
        sink = HttpSink(receive, send)
        exchange = Exchange("unknown", _method_label(scope["method"]), "", b"", b"", started_at)
        error: GatewayError | None = None
        try:
            await self._answer(scope, exchange, sink)
        except GatewayError as raised:
            error = raised
            await self._send_error(exchange, sink, raised)
        except asyncio.CancelledError:
            error = Overloaded("The gateway is stopping. Try again.", retry_after_s=1)
            await self._send_error(exchange, sink, error)
            raise
        except Exception:
            error = InternalError()
            log.exception("request_failed", request_id=str(exchange.request_id))
            await self._send_error(exchange, sink, error)
        finally:
            sink.close()
            self._lifecycle.stream_ended()
            self._note(exchange, sink, error)

    async def _answer(self, scope: Scope, exchange: Exchange, sink: HttpSink) -> None:
        if self._lifecycle.is_draining:
            sink.close_after()
            raise Overloaded("The gateway is stopping. Try again.", retry_after_s=1)
        if self._lifecycle.active_streams > self._edge.concurrency_count:
            raise Overloaded(retry_after_s=0.2)
        endpoint = _find_endpoint(scope["path"])
        exchange.route = endpoint.route
        if scope["method"] != endpoint.method:
            raise MethodNotAllowed(endpoint.method)
        self._read_head(scope, exchange)
        if endpoint.method == "POST":
            exchange.body = await sink.read_body(self._edge.body_limit_bytes, self._edge.body_timeout_s)
        await endpoint.handle(self._gateway, exchange, sink)

    def _read_head(self, scope: Scope, exchange: Exchange) -> None:
        headers: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name in headers and name in _ONCE:
                raise BadRequest(f"The header {name.decode('latin-1')!r} may be sent once.")
            headers[name] = value
            if name.startswith(b"openai-"):
                exchange.passed_headers.append((name, value))
        client = scope.get("client")
        peer = client[0] if client else ""
        exchange.client_ip = self._client_ip(peer, headers.get(b"x-forwarded-for")) if self._edge.trusted_proxies else peer
        exchange.presented_key = _presented_key(headers)
        if (timeout := headers.get(b"x-stainless-read-timeout")) is not None:
            exchange.deadline_s = _deadline_s(timeout)
        if exchange.method == "POST":
            _check_content_type(headers.get(b"content-type"))
            length = headers.get(b"content-length", b"0")
            if length.isdigit() and int(length[:20]) > self._edge.body_limit_bytes:
                raise RequestTooLarge(f"The request body is larger than {self._edge.body_limit_bytes} bytes.")

    def _client_ip(self, peer: str, forwarded_for: bytes | None) -> str:
        """Return the last address that no trusted proxy added; what is left of it anybody may have written."""
        hops = [hop.strip() for hop in forwarded_for.decode("latin-1").split(",")] if forwarded_for else []
        address = peer
        while hops and self._is_trusted(address):
            address = hops.pop()
        return address

    def _is_trusted(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._edge.trusted_proxies)

    async def _send_error(self, exchange: Exchange, sink: HttpSink, error: GatewayError) -> None:
        if sink.is_gone or isinstance(error, ClientGone):
            return
        if sink.is_started:
            await sink.end(dump_openai_stream_error(error))
            return
        snapshot = self._gateway.snapshots.current
        reservation = error.reservation if isinstance(error, RateLimited) else exchange.reservation
        headers: Headers = [
            *JSON_HEADERS,
            *exchange_headers(exchange, snapshot.revision if snapshot else None),
            *error_headers(error),
            *(limit_headers(reservation) if reservation else ()),
        ]
        await sink.send(error.http_status, headers, dump_openai_error(error))

    def _note(self, exchange: Exchange, sink: HttpSink, error: GatewayError | None) -> None:
        elapsed_s = exchange.timings.elapsed_s()
        upstream_s = exchange.timings.upstream_s
        status = sink.status or 499  # nothing was sent: nobody was there
        http_requests(exchange.route, exchange.method, status).inc()
        request_duration(exchange.route).observe(elapsed_s)
        gateway_overhead.observe(elapsed_s - upstream_s)
        if error is not None:
            errors(error.code).inc()
        self._request_log.write(exchange, status, error.code if error else "", elapsed_s, upstream_s)


def _method_label(method: str) -> str:
    """Return the method, or `OTHER`: callers invent methods, and a label's values are a closed set."""
    return method if method in {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"} else "OTHER"


def _presented_key(headers: dict[bytes, bytes]) -> bytes:
    authorization = headers.get(b"authorization", b"")
    if authorization[:7].lower() == b"bearer ":
        return authorization[7:].strip()
    return headers.get(b"x-api-key", b"").strip()


def _deadline_s(value: bytes) -> float | None:
    try:
        seconds = float(value)
    except ValueError:
        return None
    return seconds if 0 < seconds <= _DEADLINE_MAX_S else None


def _check_content_type(value: bytes | None) -> None:
    """Errors: UnsupportedMediaType. A missing one passes: the body says what it is."""
    if value is not None and value.partition(b";")[0].strip().lower() != b"application/json":
        raise UnsupportedMediaType
