"""
Services: plain HTTP upstreams below paths of ours, under the same keys, limits and records as models.

In limits, allow-lists and usage a service is the model `service:<path>`. What happens once a request is let in: service_delivery.py.
"""

from __future__ import annotations

import time
from typing import Final

from proxy.asgi_types import Receive, Scope, Send
from proxy.edge import FrontDoor
from proxy.errors import BadRequest, ClientGone, GatewayError, MethodNotAllowed, ModelNotAllowed, RequestTooLarge
from proxy.exchange import Exchange, Headers
from proxy.http_sink import HttpSink
from proxy.request_head import presented_key, read_controls
from proxy.service_cache import plan_service_cache
from proxy.service_delivery import RequestBody, ServiceDelivery
from proxy.service_path import find_service, upstream_path
from proxy.snapshot import Service
from proxy.stages.authenticate import authenticate, require
from proxy.stages.record import Recording, Result, record
from proxy.stages.reserve import FREE, Caller, reserve
from proxy.wire.dialect import OPENAI
from proxy.wire.model_request import ModelRequest

ROUTE: Final = "service"
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_ONCE: Final = frozenset({b"authorization", b"x-api-key", b"content-type", b"content-length", b"transfer-encoding", b"host"})


def model_of(service: Service) -> str:
    """Return the name that limits, allow-lists and usage know a service by."""
    return f"service:{service.path}"


class ServicePlane:
    """
    The ASGI application of all services.

    Guarantee: every request gets one answer. A refusal of ours and a failure of the upstream have the contract's shape; what the upstream
    answers, its own errors too, passes as it is. An answer that breaks off breaks off for the client as well: it never ends cleanly.
    """

    def __init__(self, door: FrontDoor) -> None:
        self._door = door

    def find(self, path: str) -> Service | None:
        """Return the service that answers at `path`, percent-decoded."""
        snapshot = self._door.gateway.snapshots.current
        return find_service(snapshot, path) if snapshot is not None else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send, service: Service) -> None:
        started_at = time.perf_counter()
        sink = HttpSink(receive, send)
        method = scope["method"]
        exchange = Exchange(ROUTE, method if method in METHODS else "OTHER", "", b"", b"", started_at)

        async def answer() -> None:
            await self._answer(scope, exchange, sink, service)

        async def send_error(error: GatewayError) -> None:
            if not sink.is_started:  # else the answer stays without its end, and the server closes the connection
                body = OPENAI.dump_error(error, exchange.request_id)
                await sink.send(error.http_status, self._door.error_headers(exchange, error), body)

        await self._door.serve(exchange, sink, answer, send_error)

    async def _answer(self, scope: Scope, exchange: Exchange, sink: HttpSink, service: Service) -> None:
        if self._door.lifecycle.is_draining:
            sink.close_after()
        self._door.admit()
        if exchange.method not in METHODS:
            raise MethodNotAllowed(", ".join(METHODS))
        by_name = self._read_head(scope, exchange)
        path = upstream_path(scope, service)
        body = self._find_body(by_name, sink, service)
        delivery = await self._let_in(exchange, sink, service, path, scope["headers"], has_body=body is not None)
        try:
            await delivery.run(body)
        except GatewayError as error:
            if not exchange.attempts:  # else it is recorded already
                self._record_refusal(delivery.recording, error, delivery.principal.key_id)
            raise
        finally:
            if exchange.reservation is not None:
                exchange.reservation.refund()  # of tokens and cost nothing was used

    def _read_head(self, scope: Scope, exchange: Exchange) -> dict[bytes, bytes]:
        by_name: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name in by_name and name in _ONCE:
                raise BadRequest(f"The header {name.decode('latin-1')!r} may be sent once.")
            by_name[name] = value
        exchange.client_ip = self._door.edge.client_ip(scope, by_name)
        exchange.presented_key = presented_key(by_name)
        exchange.query = scope["query_string"].decode("latin-1")
        read_controls(exchange, by_name)
        return by_name

    def _find_body(self, headers: dict[bytes, bytes], sink: HttpSink, service: Service) -> RequestBody | None:
        """Return the request's body, which nobody has read yet; None for a request without one, whatever its method."""
        length = headers.get(b"content-length")
        if b"transfer-encoding" in headers:
            return RequestBody(sink.iter_body(service.body_limit_bytes, self._door.edge.body_timeout_s), None)
        if length is None:
            return None
        if not length.isdigit():
            raise BadRequest("The header 'content-length' is no number.")
        size = int(length[:20])
        if size > service.body_limit_bytes:
            sink.close_after()  # nobody reads it
            raise RequestTooLarge(f"The request body is larger than {service.body_limit_bytes} bytes.")
        return RequestBody(sink.iter_body(service.body_limit_bytes, self._door.edge.body_timeout_s), size) if size else None

    async def _let_in(
        self, exchange: Exchange, sink: HttpSink, service: Service, path: str, headers: Headers, *, has_body: bool
    ) -> ServiceDelivery:
        """Errors: those of `authenticate` and `reserve`; PermissionMissing, ModelNotAllowed."""
        gateway = self._door.gateway
        snapshot = gateway.snapshot()
        principal = await authenticate(exchange.presented_key, exchange.client_ip, gateway.keys, gateway.pepper)
        require(principal, "inference")
        exchange.timings.mark("authenticate")
        model = model_of(service)
        recording = record(exchange, principal, ModelRequest(ROUTE, model, False, False, {}), model, snapshot.revision, gateway.spool)
        try:
            if not principal.may_use_model(model):
                raise ModelNotAllowed(f"This API key may not use {model!r}.")
            caller = Caller(principal, exchange.client_ip, model, exchange.end_user, exchange.tags)
            exchange.reservation = await reserve(caller, FREE, snapshot, gateway.plans)
        except GatewayError as error:
            self._record_refusal(recording, error, principal.key_id)
            raise
        exchange.timings.mark("reserve")
        plan = plan_service_cache(
            service, principal.workspace_id, exchange.method, path, exchange.query, headers, exchange.cache_control, has_body=has_body
        )
        exchange.cache_reason = plan.reason
        return ServiceDelivery(gateway, exchange, sink, snapshot.revision, service, principal, recording, plan, path, headers)

    def _record_refusal(self, recording: Recording, error: GatewayError, key_id: str) -> None:
        if not isinstance(error, ClientGone) and self._door.gateway.refusals.may_record(key_id):
            recording.end(Result(error.http_status, "refused", error.code))
