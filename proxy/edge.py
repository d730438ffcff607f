"""
The outer edge of the data plane, for HTTP and WebSockets alike: who may come in now, and what happens however a request ends.

Rules: the only place of the data plane that catches everything. Each request is counted and logged once.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from proxy.errors import ClientGone, GatewayError, InternalError, Overloaded, RateLimited
from proxy.exchange import Exchange, Headers, Sink
from proxy.gateway import Gateway
from proxy.lifecycle import Lifecycle
from proxy.reply_headers import JSON_HEADERS, exchange_headers, limit_headers
from proxy.request_log import RequestLog
from proxy.telemetry import errors, gateway_overhead, http_requests, request_duration
from proxy.wire.errors import error_headers

log = structlog.get_logger(__name__)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Edge:
    """The bounds of this worker's edge. Units: bytes, seconds, requests."""

    body_limit_bytes: int
    body_timeout_s: float
    concurrency_count: int
    trusted_proxies: tuple[Network, ...] = ()

    def client_ip(self, scope: MutableMapping[str, Any], headers: Mapping[bytes, bytes]) -> str:
        """Return the last address that no trusted proxy added; what is left of it anybody may have written."""
        client = scope.get("client")
        address: str = client[0] if client else ""
        if not self.trusted_proxies:
            return address
        forwarded_for = headers.get(b"x-forwarded-for")
        hops = [hop.strip() for hop in forwarded_for.decode("latin-1").split(",")] if forwarded_for else []
        while hops and self._is_trusted(address):
            address = hops.pop()
        return address

    def _is_trusted(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self.trusted_proxies)


class ClosingSink(Sink, Protocol):
    """A sink that holds on to something. `status` is what was answered, 0 for nothing."""

    status: int

    def close(self) -> None: ...


class FrontDoor:
    """Where every request of this worker comes in and is seen off."""

    def __init__(self, gateway: Gateway, edge: Edge, lifecycle: Lifecycle, request_log: RequestLog) -> None:
        self.gateway = gateway
        self.edge = edge
        self.lifecycle = lifecycle
        self._request_log = request_log

    def admit(self) -> None:
        """Errors: Overloaded while the worker stops, and when too much is in flight."""
        if self.lifecycle.is_draining:
            raise Overloaded("The gateway is stopping. Try again.", retry_after_s=1)
        if self.lifecycle.active_streams > self.edge.concurrency_count:
            raise Overloaded(retry_after_s=0.2)

    async def serve(
        self,
        exchange: Exchange,
        sink: ClosingSink,
        answer: Callable[[], Awaitable[None]],
        send_error: Callable[[GatewayError], Awaitable[None]],
    ) -> None:
        """
        Run `answer`; tell whatever it raises to the client, count and log the request.

        Errors: CancelledError, after the client was told that the gateway stops. No other.
        """
        self.lifecycle.stream_started()
        error: GatewayError | None = None
        try:
            await answer()
        except GatewayError as raised:
            error = raised
            await self._tell(sink, raised, send_error)
        except asyncio.CancelledError:
            error = ClientGone() if sink.is_gone else Overloaded("The gateway is stopping. Try again.", retry_after_s=1)
            await self._tell(sink, error, send_error)
            raise
        except Exception:
            error = InternalError()
            log.exception("request_failed", request_id=exchange.request_id)
            await self._tell(sink, error, send_error)
        finally:
            sink.close()
            self.lifecycle.stream_ended()
            self._note(exchange, sink, error)

    async def _tell(self, sink: Sink, error: GatewayError, send_error: Callable[[GatewayError], Awaitable[None]]) -> None:
        if not sink.is_gone and not isinstance(error, ClientGone):
            await send_error(error)

    def error_headers(self, exchange: Exchange, error: GatewayError) -> Headers:
        """Return the headers of an answer that is an error."""
        snapshot = self.gateway.snapshots.current
        reservation = error.reservation if isinstance(error, RateLimited) else exchange.reservation
        return [
            *JSON_HEADERS,
            *exchange_headers(exchange, snapshot.revision if snapshot else None),
            *error_headers(error),
            *(limit_headers(reservation, exchange.dialect) if reservation else ()),
        ]

    def _note(self, exchange: Exchange, sink: ClosingSink, error: GatewayError | None) -> None:
        elapsed_s = exchange.timings.elapsed_s()
        upstream_s = exchange.timings.upstream_s
        status = sink.status or 499  # nothing was sent: nobody was there
        http_requests(exchange.route, exchange.method, status).inc()
        request_duration(exchange.route).observe(elapsed_s)
        gateway_overhead.observe(elapsed_s - upstream_s)
        if error is not None:
            errors(error.code).inc()
        self._request_log.write(exchange, status, error.code if error else "", elapsed_s, upstream_s)
