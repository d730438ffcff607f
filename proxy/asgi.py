"""
The data plane as a raw ASGI application: HTTP in, `Exchange` and `Sink` for the pipeline, the contract's errors out.

Rules: no Django; `runtime.py` builds what it needs.
"""

from __future__ import annotations

import time

from proxy.asgi_types import Receive, Scope, Send
from proxy.edge import FrontDoor
from proxy.endpoints import find_endpoint
from proxy.errors import BadRequest, GatewayError, RequestTooLarge, UnsupportedMediaType
from proxy.exchange import Exchange
from proxy.http_sink import TAKE_BODY, HttpSink
from proxy.request_head import PASSED, presented_key, read_controls

_ONCE = frozenset({b"authorization", b"x-api-key", b"content-type", b"content-length", b"host", b"x-stainless-read-timeout"})


class DataPlane:
    """
    The ASGI application of `/v1`.

    Guarantee: every request gets one answer in the contract's shape or, once its stream has begun, one error frame.
    """

    def __init__(self, door: FrontDoor) -> None:
        self.door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started_at = time.perf_counter()
        sink = HttpSink(receive, send, scope.get(TAKE_BODY))
        exchange = Exchange("unknown", _method_label(scope["method"]), "", b"", b"", started_at)

        async def answer() -> None:
            await self._answer(scope, exchange, sink)

        async def send_error(error: GatewayError) -> None:
            await self._send_error(exchange, sink, error)

        await self.door.serve(exchange, sink, answer, send_error)

    async def _answer(self, scope: Scope, exchange: Exchange, sink: HttpSink) -> None:
        if self.door.lifecycle.is_draining:
            sink.close_after()
        self.door.admit()
        endpoint = find_endpoint(scope["path"], scope["method"])
        exchange.route = endpoint.route
        exchange.dialect = endpoint.dialect
        self._read_head(scope, exchange)
        if exchange.method == "POST":
            exchange.body = await sink.read_body(self.door.edge.body_limit_bytes, self.door.edge.body_timeout_s)
        await endpoint.handle(self.door.gateway, exchange, sink)

    def _read_head(self, scope: Scope, exchange: Exchange) -> None:
        headers: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name in headers and name in _ONCE:
                raise BadRequest(f"The header {name.decode('latin-1')!r} may be sent once.")
            headers[name] = value
            if name.startswith(PASSED):
                exchange.passed_headers.append((name, value))
        exchange.client_ip = self.door.edge.client_ip(scope, headers)
        exchange.presented_key = presented_key(headers)
        exchange.query = scope["query_string"].decode("latin-1")
        read_controls(exchange, headers)
        if exchange.method == "POST":
            self._check_body(headers)

    def _check_body(self, headers: dict[bytes, bytes]) -> None:
        """Errors: UnsupportedMediaType, RequestTooLarge. A missing content type passes: the body says what it is."""
        kind = headers.get(b"content-type")
        if kind is not None and kind.partition(b";")[0].strip().lower() != b"application/json":
            raise UnsupportedMediaType
        length, limit_bytes = headers.get(b"content-length", b"0"), self.door.edge.body_limit_bytes
        if length.isdigit() and int(length[:20]) > limit_bytes:
            raise RequestTooLarge(f"The request body is larger than {limit_bytes} bytes.")

    async def _send_error(self, exchange: Exchange, sink: HttpSink, error: GatewayError) -> None:
        dialect, request_id = exchange.dialect, exchange.request_id
        if sink.is_started:
            dump = exchange.dump_stream_error
            await sink.end(dump(error) if dump else dialect.dump_stream_error(error, request_id))
            return
        await sink.send(dialect.status_of(error), self.door.error_headers(exchange, error), dialect.dump_error(error, request_id))


def _method_label(method: str) -> str:
    """Return the method, or `OTHER`: callers invent methods, and a label's values are a closed set."""
    return method if method in {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"} else "OTHER"
