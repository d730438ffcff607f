"""
Start reading here: the way of a request, in the order of its stages.

    authenticate   key -> Principal                        stages/authenticate.py
    reserve        limits -> Reservation                   stages/reserve.py
    guard          policies -> Verdict                     stages/guard.py
    look up        caches -> CachedReply | None            stages/look_up.py
    route          model -> tuple[Target, ...]             stages/route.py
    forward        target -> UpstreamResponse              stages/forward.py, stages/relay.py for streams
    guard the answer                                       stages/guard.py
    settle         usage -> nano-dollars                   stages/settle.py
    record         one line before, one line after         stages/record.py

Rules: a request reads one snapshot from beginning to end. Usage is on disk before the last byte is sent, and it is settled once,
whoever hangs up first. Nothing here knows HTTP: an `Exchange` comes in, a `Sink` takes the answer, a `GatewayError` leaves.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from apikeys.hotpath import Principal
from proxy.errors import ClientGone, GatewayError, InternalError, Overloaded, UpstreamBroken
from proxy.exchange import Exchange, Headers, Sink
from proxy.key_directory import KeyDirectory
from proxy.limiter import Reservation
from proxy.ports import Upstream, UpstreamFailure, UpstreamResponse
from proxy.reply_headers import JSON_HEADERS, STREAM_HEADERS, attempt_headers, cost_header, exchange_headers, limit_headers
from proxy.snapshot import Route, Snapshot, SnapshotHolder
from proxy.stages.authenticate import authenticate
from proxy.stages.forward import Attempt, as_gateway_error, first_attempt, forward
from proxy.stages.guard import Guard, guard, guard_reply
from proxy.stages.look_up import CachedReply, ReplyCache, look_up
from proxy.stages.record import Recording, Spool, record
from proxy.stages.relay import StreamRelay
from proxy.stages.reserve import LimitPlans, reserve
from proxy.stages.route import find_route, route
from proxy.stages.settle import settle
from proxy.telemetry import cost, model_latency, time_to_first_token, tokens
from proxy.wire.openai import ChatRequest, Usage, dump_model, dump_models, parse_chat_reply, parse_chat_request

REPLY_LIMIT_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Gateway:
    """All that the pipeline needs, made once for each worker by `runtime.py` (and by `testing.py`)."""

    snapshots: SnapshotHolder
    keys: KeyDirectory
    pepper: bytes
    plans: LimitPlans
    upstream: Upstream
    spool: Spool
    guards: tuple[Guard, ...] = ()
    caches: tuple[ReplyCache, ...] = ()
    json_depth_count: int = 64
    keepalive_s: float = 15.0
    now_s: Callable[[], float] = time.time

    def snapshot(self) -> Snapshot:
        """Errors: Overloaded before the first configuration was loaded."""
        if (current := self.snapshots.current) is None:
            raise Overloaded("The gateway is starting. Try again.", retry_after_s=1)
        return current


@dataclass(slots=True)
class _Call:
    """One request on its way to a backend: what every step from `forward` on needs."""

    gateway: Gateway
    exchange: Exchange
    sink: Sink
    snapshot: Snapshot
    principal: Principal
    reservation: Reservation
    request: ChatRequest
    attempt: Attempt
    recording: Recording
    usage: Usage | None = None

    def headers(self, kind: Headers) -> Headers:
        return [
            *kind,
            *exchange_headers(self.exchange, self.snapshot.revision),
            *limit_headers(self.reservation),
            *attempt_headers(self.attempt.backend.name, self.attempt.count),
        ]

    def settle(self) -> int:
        return settle(self.attempt.target, self.usage, self.gateway.now_s())


async def handle_chat(gateway: Gateway, exchange: Exchange, sink: Sink) -> None:
    """
    Answer a chat completion, whole or as a stream.

    Errors: GatewayError; with `sink.is_started` it belongs into the stream. CancelledError when this process stops.
    """
    snapshot = gateway.snapshot()
    timings = exchange.timings
    principal = await authenticate(exchange.presented_key, exchange.client_ip, gateway.keys, gateway.pepper)
    timings.mark("authenticate")
    request = parse_chat_request(exchange.body, gateway.json_depth_count)
    reservation = await reserve(principal, exchange.client_ip, request.model, snapshot, gateway.plans)
    exchange.reservation = reservation
    timings.mark("reserve")
    request = (await guard(principal, request, gateway.guards)).request
    timings.mark("guard")
    found = find_route(request.model, principal, snapshot)
    cached = await look_up(principal, request, snapshot, gateway.caches)
    timings.mark("look_up")
    if cached is not None:
        await _send_cached(cached, exchange, sink, snapshot, reservation)
        return
    await _call_backend(gateway, exchange, sink, snapshot, principal, reservation, request, found)


async def _send_cached(cached: CachedReply, exchange: Exchange, sink: Sink, snapshot: Snapshot, reservation: Reservation) -> None:
    headers = [*JSON_HEADERS, *exchange_headers(exchange, snapshot.revision), *limit_headers(reservation)]
    headers += [(b"x-cache", cached.cache_type.encode()), (b"age", b"%d" % cached.age_s)]
    await sink.send(200, headers, cached.body)


async def _call_backend(
    gateway: Gateway,
    exchange: Exchange,
    sink: Sink,
    snapshot: Snapshot,
    principal: Principal,
    reservation: Reservation,
    request: ChatRequest,
    found: Route,
) -> None:
    targets = route(found)
    attempt = first_attempt(targets, snapshot)
    exchange.timings.mark("route")
    recording = record(exchange, principal, request.model, snapshot.revision, request.is_stream, gateway.spool)
    call = _Call(gateway, exchange, sink, snapshot, principal, reservation, request, attempt, recording)
    sink.watch(is_cancelling=not attempt.backend.is_drained_on_disconnect, is_late=not request.is_stream)
    try:
        response = await forward(attempt, targets[1:], snapshot, request, exchange.passed_headers, exchange.deadline_s, gateway.upstream)
        exchange.timings.mark("upstream")
        if request.is_stream:
            await _relay_stream(call, response)
        else:
            await _send_reply(call, response)
    except GatewayError as error:
        _record_error(call, error)
        raise
    except asyncio.CancelledError:
        if not sink.is_gone:
            _record_error(call, Overloaded())
            raise
        _record_error(call, ClientGone())
        raise ClientGone from None
    except Exception:
        _record_error(call, InternalError())
        raise
    finally:
        exchange.backend = attempt.backend.name  # the last one tried


def _record_error(call: _Call, error: GatewayError) -> None:
    call.exchange.timings.mark("upstream")  # it was the upstream we waited for until now
    cost_nano_usd = call.settle()
    outcome = "cancelled" if isinstance(error, ClientGone) else "error"
    call.recording.end(
        call.attempt, status=error.http_status, outcome=outcome, error_code=error.code, usage=call.usage, cost_nano_usd=cost_nano_usd
    )


def _record_success(call: _Call) -> int:
    """Write the end line; return the cost in nano-dollars."""
    cost_nano_usd = call.settle()
    attempt, usage, model = call.attempt, call.usage, call.request.model
    is_gone = call.sink.is_gone
    call.recording.end(
        attempt,
        status=499 if is_gone else 200,
        outcome="cancelled" if is_gone else "ok",
        error_code="client_gone" if is_gone else "",
        usage=usage,
        cost_nano_usd=cost_nano_usd,
    )
    model_latency(attempt.backend.provider, model).observe(call.exchange.timings.upstream_s)
    if usage is not None:
        tokens(model, "input").inc(usage.input_tokens)
        tokens(model, "output").inc(usage.output_tokens)
        cost(model).inc(cost_nano_usd)
    return cost_nano_usd


async def _send_reply(call: _Call, response: UpstreamResponse) -> None:
    try:
        body = await response.read_all(REPLY_LIMIT_BYTES)
        call.exchange.timings.mark("upstream")
        call.usage = parse_chat_reply(body)
    except UpstreamFailure as failure:
        raise as_gateway_error(failure) from failure
    except ValueError as error:
        raise UpstreamBroken("The provider sent something that is no chat completion.") from error
    finally:
        response.abort()
    body = await guard_reply(call.principal, body, call.gateway.guards)
    cost_nano_usd = _record_success(call)
    call.exchange.timings.mark("settle")
    await call.sink.send(200, [*call.headers(JSON_HEADERS), cost_header(cost_nano_usd)], body)


async def _relay_stream(call: _Call, response: UpstreamResponse) -> None:
    async def start() -> None:
        await call.sink.start(200, call.headers(STREAM_HEADERS))

    def note_first_token() -> None:
        elapsed_s = call.exchange.timings.elapsed_s()
        call.recording.first_token_ms = round(elapsed_s * 1000, 3)
        time_to_first_token.observe(elapsed_s)

    keepalive_s = call.gateway.keepalive_s if call.principal.is_keepalive_enabled else None
    relay = StreamRelay(response, call.request, call.sink, start=start, on_content=note_first_token, keepalive_s=keepalive_s)
    try:
        tail = await relay.run()
    finally:
        call.usage = relay.usage
    call.exchange.timings.mark("upstream")
    _record_success(call)
    await call.sink.end(tail)


async def handle_models(gateway: Gateway, exchange: Exchange, sink: Sink, model: str = "") -> None:
    """Answer with the models that the key may use, or with the one that is named. Errors: as `handle_chat`, except the upstream's."""
    snapshot = gateway.snapshot()
    principal = await authenticate(exchange.presented_key, exchange.client_ip, gateway.keys, gateway.pepper)
    exchange.reservation = reservation = await reserve(principal, exchange.client_ip, model, snapshot, gateway.plans)
    if model:
        found = find_route(model, principal, snapshot)
        body = dump_model(found.model, found.created_at_s)
    else:
        allowed = [found for name, found in sorted(snapshot.routes.items()) if principal.may_use_model(name)]
        body = dump_models([(found.model, found.created_at_s) for found in allowed])
    await sink.send(200, [*JSON_HEADERS, *exchange_headers(exchange, snapshot.revision), *limit_headers(reservation)], body)
