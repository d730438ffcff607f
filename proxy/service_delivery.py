"""
A request to a service that was let in: look up, forward, relay, record.

Rules: bodies stream both ways and are not read. Only an answer that may be kept, and is small, is held back until it is whole. What was
recorded is on disk before the last byte is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgspec

from apikeys.hotpath import Principal
from proxy.errors import ClientGone, GatewayError, InternalError, NotCached, Overloaded, UpstreamBroken
from proxy.exchange import Attempt, Exchange, Headers
from proxy.gateway import Gateway
from proxy.http_sink import HttpSink
from proxy.ports import UpstreamFailure, UpstreamResponse
from proxy.reply_headers import attempt_headers, cache_headers, exchange_headers, limit_headers
from proxy.service_cache import CONDITIONAL, STORED_MAX_BYTES, Freshness, etag_of, is_not_modified, judge_freshness
from proxy.service_headers import request_headers, response_headers
from proxy.snapshot import Service
from proxy.stages.forward import as_gateway_error, note_failure
from proxy.stages.look_up import CachedReply, CachePlan, look_up
from proxy.stages.record import Recording, Result
from proxy.telemetry import upstream_errors
from proxy.wire.dialect import OPENAI

_NO_BODY: Final = frozenset({204, 304})
_NOT_IN_304: Final = frozenset({b"content-type", b"content-encoding", b"content-language", b"content-disposition", b"accept-ranges"})
_STATUS_MAX: Final = 599


class RequestBody(NamedTuple):
    """`length` is None for a body that comes in chunks."""

    pieces: AsyncIterator[bytes]
    length: int | None


@dataclass(slots=True)
class ServiceDelivery:
    """One request on its way to a service and back. `path` is what the upstream sees, `headers` what the client sent."""

    gateway: Gateway
    exchange: Exchange
    sink: HttpSink
    revision: int
    service: Service
    principal: Principal
    recording: Recording
    plan: CachePlan
    path: str
    headers: Headers

    async def run(self, body: RequestBody | None) -> None:
        """Errors: GatewayError; with `sink.is_started` the answer stays without its end. CancelledError when this process stops."""
        exchange, plan = self.exchange, self.plan
        if plan.fingerprint:
            cached = await look_up(plan, self.principal.workspace_id, self.gateway.replies)
            exchange.timings.mark("look_up")
            if cached is not None and self.gateway.now_s() - cached.stored_at_s < cached.fresh_s:
                await self._send_cached(cached)
                return
        if exchange.cache_control == "only-if-cached":
            raise NotCached
        if self.service.cache_get_ttl_s:
            exchange.cache = "MISS" if plan.may_read else "BYPASS"
        self.recording.begin()
        try:
            await self._forward(body)
        except GatewayError as error:
            self._record_error(error)
            raise
        except asyncio.CancelledError:
            if not self.sink.is_gone:
                self._record_error(Overloaded())
                raise
            self._record_error(ClientGone())
            raise ClientGone from None
        except Exception:
            self._record_error(InternalError())
            raise

    # --- forward --------------------------------------------------------------------------------------------------------------------

    async def _forward(self, body: RequestBody | None) -> None:
        exchange, service = self.exchange, self.service
        attempt = Attempt(service.path, "service", "", exchange.timings.elapsed_s() * 1e3)
        exchange.attempts.append(attempt)
        self.sink.watch(is_cancelling=True, is_late=body is None)
        response: UpstreamResponse | None = None
        try:
            response = await self.gateway.upstream.send(
                service.endpoint,
                exchange.method,
                f"{self.path}?{exchange.query}" if exchange.query else self.path,
                self._upstream_headers(),
                body.pieces if body else b"",
                service.timeouts,
                body_length=body.length if body else None,
            )
            response.mark_started()  # a stream may be silent for long after its head: now the idle timer counts
            exchange.timings.mark("upstream")
            self._note_status(response.status, attempt)
            await self._relay(response)
        except UpstreamFailure as failure:
            note_failure(attempt, failure, exchange)
            raise as_gateway_error(failure) from failure
        finally:
            if response is not None:
                response.abort()
            exchange.timings.mark("upstream")  # it was the upstream we waited for until now
            attempt.ended_ms = exchange.timings.elapsed_s() * 1e3

    def _upstream_headers(self) -> Headers:
        headers = request_headers(self.headers, self.service, self.exchange.request_id, self.exchange.client_ip)
        if not self.plan.fingerprint:
            return headers
        return [(name, value) for name, value in headers if name not in CONDITIONAL]

    def _note_status(self, status: int, attempt: Attempt) -> None:
        if status >= 400:
            attempt.result = f"http_{status}"
            upstream_errors(attempt.backend, attempt.result).inc()
        if status > _STATUS_MAX:
            raise UpstreamBroken

    async def _relay(self, response: UpstreamResponse) -> None:
        headers = response_headers(response.headers, self.service)
        size = _find_size(response.headers) if response.status != 204 else None  # which has no body, and no length either
        may_keep = self.plan.may_store and response.status == 200
        freshness = judge_freshness(response.headers, self.service, self.gateway.now_s()) if may_keep else Freshness(0)
        if not freshness.fresh_s or (size is not None and size > STORED_MAX_BYTES):
            await self._relay_sized(response, headers, size) if size is not None else await self._relay_open(response, headers, None)
        elif size is None:
            await self._relay_open(response, headers, freshness)
        else:
            body = await response.read_all(STORED_MAX_BYTES)
            self.exchange.timings.mark("upstream")
            self._keep(headers, body, freshness)
            await self._send_whole(headers, body)

    async def _relay_sized(self, response: UpstreamResponse, headers: Headers, size: int) -> None:
        """Relay a body of a known size. One that fails before its first byte can still be answered with an error."""
        has_body = size > 0 and self.exchange.method != "HEAD" and response.status not in _NO_BODY
        piece = await response.read() if has_body else b""
        left = size - len(piece)
        await self.sink.start(response.status, [*headers, (b"content-length", b"%d" % size), *self._own_headers()])
        while has_body and left > 0:
            await self.sink.write(piece)
            piece = await response.read()
            left -= len(piece)
        self._record(response.status)
        await self.sink.end(piece)

    async def _relay_open(self, response: UpstreamResponse, headers: Headers, freshness: Freshness | None) -> None:
        """Relay a body that ends when it ends, each piece as it comes, the head before them; keep it where `freshness` is given."""
        sink = self.sink
        await sink.start(response.status, [*headers, *self._own_headers()])
        if self.exchange.method != "HEAD" and response.status not in _NO_BODY:
            await sink.write(b"")  # the server would hold the head back until there is something to send with it
        kept: list[bytes] = []
        kept_bytes = 0
        while piece := await response.read():
            kept_bytes += len(piece)
            if freshness is not None and kept_bytes <= STORED_MAX_BYTES:
                kept.append(piece)
            else:
                freshness = None
                kept.clear()
            await sink.write(piece)
        if freshness is not None:
            self._keep(headers, b"".join(kept), freshness)
        self._record(response.status)
        await sink.end()

    # --- the cache ------------------------------------------------------------------------------------------------------------------

    def _keep(self, headers: Headers, body: bytes, freshness: Freshness) -> None:
        if not any(name == b"etag" for name, _ in headers):
            headers.append((b"etag", etag_of(body)))
        if self.gateway.replies is not None:
            kind = dict(headers).get(b"content-type", b"")
            reply = CachedReply(body, kind, False, self.gateway.now_s(), tuple(headers), freshness.fresh_s)
            self.gateway.replies.put(msgspec.structs.replace(self.plan, ttl_s=freshness.fresh_s), self.principal.workspace_id, reply)

    async def _send_cached(self, cached: CachedReply) -> None:
        self.exchange.cache = "HIT"
        age_s = max(0, int(self.gateway.now_s() - cached.stored_at_s))
        headers: Headers = []
        for name, value in cached.headers:
            if name == b"age":
                age_s += int(value) if value.isdigit() else 0
            else:
                headers.append((name, value))
        headers.append((b"age", b"%d" % age_s))
        await self._send_whole(headers, cached.body)

    async def _send_whole(self, headers: Headers, body: bytes) -> None:
        """Send an answer of 200: to HEAD its headers alone, and 304 to a client that has it already."""
        own = self._own_headers()
        if is_not_modified(self.headers, headers):
            self._record(304)
            await self.sink.start(304, [*((name, value) for name, value in headers if name not in _NOT_IN_304), *own])
            await self.sink.end()
        elif self.exchange.method == "HEAD":
            self._record(200)
            await self.sink.start(200, [*headers, (b"content-length", b"%d" % len(body)), *own])
            await self.sink.end()
        else:
            self._record(200)
            await self.sink.send(200, [*headers, *own], body)

    # --- headers and records --------------------------------------------------------------------------------------------------------

    def _own_headers(self) -> Headers:
        exchange = self.exchange
        return [
            *exchange_headers(exchange, self.revision),
            *(limit_headers(exchange.reservation, OPENAI) if exchange.reservation else ()),
            *attempt_headers(self.service.path, len(exchange.attempts)),
            *cache_headers(exchange.cache),
        ]

    def _record(self, status: int) -> None:
        if self.sink.is_gone:
            self._record_error(ClientGone())
        elif status >= 400:
            self.recording.end(Result(status, "error", "upstream_error" if status >= 500 else "upstream_refused"))
        else:
            self.recording.end(Result(status, "ok"))

    def _record_error(self, error: GatewayError) -> None:
        outcome = "cancelled" if isinstance(error, ClientGone) else "error"
        self.recording.end(Result(error.http_status, outcome, error.code))


def _find_size(headers: Sequence[tuple[bytes, bytes]]) -> int | None:
    value = next((value for name, value in headers if name == b"content-length"), b"")
    return int(value) if value.isdigit() and len(value) < 19 else None
