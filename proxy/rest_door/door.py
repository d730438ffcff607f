"""
Requests to `/api` with an API key: who calls, what their limits say, then the answer that is kept or the REST application's.

In limits an endpoint is the model `rest:/api/items`. What happens to a GET whose answer may be kept: `giving.py`.
"""

from __future__ import annotations

import io
import tempfile
import time
from collections import OrderedDict
from functools import partial
from typing import Any, BinaryIO, Final

from apikeys.hotpath import Principal
from common.rest.scope import PRINCIPAL, REQUEST_ID
from proxy.asgi_types import Receive, Scope, Send
from proxy.edge import FrontDoor
from proxy.errors import BadRequest, GatewayError, RequestTooLarge
from proxy.exchange import Exchange
from proxy.http_sink import TAKE_BODY, HttpSink
from proxy.request_head import presented_key, read_controls
from proxy.rest_door.answers import AnswerCache
from proxy.rest_door.giving import Giving, VersionStore
from proxy.rest_door.ports import UNKNOWN_ROUTE, RestApplication, RestRoute
from proxy.rest_door.questions import find_question, wanted_coding
from proxy.rest_door.validators import without_codings
from proxy.stages.authenticate import authenticate
from proxy.stages.reserve import FREE, Caller, reserve
from proxy.wire.dialect import OPENAI

ROUTE: Final = "api"
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_ONCE: Final = frozenset({b"authorization", b"x-api-key", b"content-type", b"content-length", b"transfer-encoding", b"host"})
_ROUTES_MAX_COUNT: Final = 4096
_IN_MEMORY_BYTES: Final = 1024 * 1024


class RestDoor:
    """
    The ASGI application of `/api` for programs.

    Guarantee: every request gets one answer, counted and logged under the id that it says; a refusal has the contract's shape.
    """

    def __init__(self, front: FrontDoor, application: RestApplication, versions: VersionStore, answers: AnswerCache) -> None:
        self._front = front
        self._application = application
        self._giving = Giving(application, versions, answers, self._revision)
        self._routes: OrderedDict[str, RestRoute] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started_at = time.perf_counter()
        sink = HttpSink(receive, send, scope.get(TAKE_BODY))
        method = scope["method"]
        exchange = Exchange(ROUTE, method if method in METHODS else "OTHER", "", b"", b"", started_at)

        async def answer() -> None:
            await self._answer(scope, exchange, sink)

        async def send_error(error: GatewayError) -> None:
            if not sink.is_started:  # else the answer stays without its end, and the server closes the connection
                headers = self._front.error_headers(exchange, error)
                if method == "GET":
                    headers.append((b"x-cache-status", b"BYPASS"))
                await sink.send(error.http_status, headers, OPENAI.dump_error(error, exchange.request_id))

        await self._front.serve(exchange, sink, answer, send_error)

    async def close(self) -> None:
        await self._giving.close()

    def _revision(self) -> int | None:
        snapshot = self._front.gateway.snapshots.current
        return snapshot.revision if snapshot is not None else None

    async def _answer(self, scope: Scope, exchange: Exchange, sink: HttpSink) -> None:
        if self._front.lifecycle.is_draining:
            sink.close_after()
        self._front.admit()
        headers = self._read_head(scope, exchange)
        route = self._find_route(scope["path"])
        principal = await self._let_in(exchange, route)
        try:
            question = find_question(scope, headers, principal, route.cached_as)  # type: ignore[arg-type]  # a scope is a dictionary
            if question is not None:
                tell = partial(_told, scope, exchange, principal, is_conditional=False)
                await self._giving.give(question, exchange, sink, tell)
            else:
                body = await self._read_body(headers, sink)
                with body:
                    told = _told(scope, exchange, principal, is_conditional=True)
                    await self._giving.pass_on(exchange, sink, told, body, wanted_coding(headers))
        finally:
            if exchange.reservation is not None:
                exchange.reservation.refund()  # of slots; tokens and cost nothing was used

    def _read_head(self, scope: Scope, exchange: Exchange) -> dict[bytes, bytes]:
        by_name: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name not in by_name:
                by_name[name] = value
            elif name in _ONCE:
                raise BadRequest(f"The header {name.decode('latin-1')!r} may be sent once.")
            else:
                by_name[name] += b"," + value  # as the application reads them, too
        exchange.client_ip = self._front.edge.client_ip(scope, by_name)
        exchange.presented_key = presented_key(by_name)
        read_controls(exchange, by_name)
        try:
            scope["query_string"].decode()
        except UnicodeDecodeError:
            raise BadRequest("The query is no UTF-8.") from None
        return by_name

    def _find_route(self, path: str) -> RestRoute:
        route = self._routes.get(path)
        if route is None:
            route = self._routes[path] = self._application.find_route(path) or UNKNOWN_ROUTE
            if len(self._routes) > _ROUTES_MAX_COUNT:
                self._routes.popitem(last=False)
        return route

    async def _let_in(self, exchange: Exchange, route: RestRoute) -> Principal:
        """Errors: those of `authenticate` and `reserve`. What the key may do is the REST application's to say."""
        gateway = self._front.gateway
        snapshot = gateway.snapshot()
        principal = await authenticate(exchange.presented_key, exchange.client_ip, gateway.keys, gateway.pepper)
        exchange.timings.mark("authenticate")
        caller = Caller(principal, exchange.client_ip, f"rest:{route.label}", exchange.end_user, exchange.tags)
        exchange.reservation = await reserve(caller, FREE, snapshot, gateway.plans)
        exchange.timings.mark("reserve")
        return principal

    async def _read_body(self, headers: dict[bytes, bytes], sink: HttpSink) -> BinaryIO:
        """Return the whole body: what is large lies in a file. Errors: RequestTooLarge, BodyTimeout, BadRequest, ClientGone."""
        edge = self._front.edge
        length = headers.get(b"content-length", b"0")
        if not length.isdigit():
            raise BadRequest("The header 'content-length' is no number.")
        size = int(length[:20])
        if b"transfer-encoding" not in headers and size <= _IN_MEMORY_BYTES:
            return io.BytesIO(await sink.read_body(edge.body_limit_bytes, edge.body_timeout_s) if size else b"")
        if size > edge.body_limit_bytes:
            sink.close_after()  # nobody reads it
            raise RequestTooLarge(f"The request body is larger than {edge.body_limit_bytes} bytes.")
        kept = tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115  # closed by whoever asked for it, and below
        try:
            async for piece in sink.iter_body(edge.body_limit_bytes, edge.body_timeout_s):
                kept.write(piece)
        except BaseException:
            kept.close()
            raise
        kept.seek(0)
        return kept  # type: ignore[return-value]  # it is a binary file, which its stub does not say


def _told(scope: Scope, exchange: Exchange, principal: Principal, *, is_conditional: bool) -> dict[str, Any]:
    """Return the request as the application sees it. Where the door answers conditions itself, the application is told of none."""
    headers = scope["headers"]
    headers = without_codings(headers) if is_conditional else [pair for pair in headers if pair[0] != b"if-none-match"]
    return {**scope, "headers": headers, PRINCIPAL: principal, REQUEST_ID: exchange.request_id}
