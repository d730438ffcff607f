"""
Start reading here: the way of a request, in the order of its stages.

    authenticate   key -> Principal                        stages/authenticate.py
    reserve        limits -> Reservation                   stages/reserve.py
    guard          policies -> Verdict                     stages/guard.py
    route          model -> tuple[Target, ...]             stages/route.py
    look up        caches -> CachedReply | None            stages/look_up.py
    forward        target -> UpstreamResponse              delivery.py: stages/forward.py, stages/relay.py for streams
    guard the answer                                       stages/guard.py
    settle         usage -> nano-dollars                   stages/settle.py
    record         one line before, one line after         stages/record.py

Rules: a request reads one snapshot from beginning to end. Usage is on disk before the last byte is sent, and it is settled once,
whoever hangs up first. Nothing here knows HTTP or a dialect: an `Exchange` comes in, a `Sink` takes the answer, a `GatewayError` leaves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import msgspec

from apikeys.hotpath import Principal
from proxy.coalescing import ride
from proxy.delivery import Delivery
from proxy.errors import ClientGone, GatewayError, NotCached
from proxy.estimates import estimate
from proxy.exchange import CacheResult, Exchange, Headers, Sink
from proxy.gateway import Gateway
from proxy.idempotency import run_idempotently
from proxy.reply_headers import JSON_HEADERS, cache_headers, cost_header, exchange_headers, limit_headers, reply_headers
from proxy.response_flow import remember_response, resolve_previous
from proxy.response_state import keep_on_backend
from proxy.sinks import CapturingSink, content_type_of
from proxy.snapshot import Route, Snapshot, Target
from proxy.stages.authenticate import authenticate, require
from proxy.stages.guard import GuardedCall, Moderation, guard
from proxy.stages.look_up import CachedReply, CachePlan, look_up, plan_cache
from proxy.stages.record import Recording, Result, record
from proxy.stages.reserve import Caller, Reservation, reserve
from proxy.stages.route import find_route, route
from proxy.translators.registry import TRANSLATIONS
from proxy.wire.model_request import ModelRequest

_BETA = "beta=true"  # the only query that may cross: Anthropic's SDK sends it


class Parse(Protocol):
    """Reads a body of one dialect. Errors: BadRequest."""

    def __call__(self, body: bytes, depth_limit_count: int) -> ModelRequest: ...


@dataclass(slots=True)
class _Call:
    """What the stages have found out about one request so far."""

    gateway: Gateway
    exchange: Exchange
    snapshot: Snapshot
    principal: Principal
    request: ModelRequest
    reservation: Reservation
    recording: Recording
    guarded: GuardedCall | None = None
    is_handed_over: bool = False

    def close(self) -> None:
        """Let go of what is held and under way; of what was settled nothing is given back."""
        self.reservation.refund()
        if self.guarded is not None:
            self.guarded.close()

    def headers(self) -> Headers:
        exchange = self.exchange
        return [
            *exchange_headers(exchange, self.snapshot.revision),
            *limit_headers(self.reservation, exchange.dialect),
            *cache_headers(exchange.cache),
        ]


async def handle_model(gateway: Gateway, exchange: Exchange, sink: Sink, parse: Parse) -> None:
    """
    Answer a request to a model, whole or as a stream, in the dialect that `parse` reads.

    Errors: GatewayError; with `sink.is_started` it belongs into the stream. CancelledError when this process stops.
    """
    snapshot = gateway.snapshot()
    timings = exchange.timings
    if exchange.find_principal is not None:
        principal = await exchange.find_principal()
    else:
        principal = await authenticate(exchange.presented_key, exchange.client_ip, gateway.keys, gateway.pepper)
    require(principal, "inference")
    timings.mark("authenticate")
    request = parse(exchange.body, gateway.json_depth_count)
    if exchange.query == _BETA:
        request = msgspec.structs.replace(request, query=_BETA)
    exchange.end_user = exchange.end_user or request.end_user
    exchange.endpoint = request.operation
    call = await _reserve(gateway, exchange, snapshot, principal, request)
    timings.mark("reserve")
    try:
        if exchange.idempotency_key and not request.is_stream and gateway.idempotency is not None:

            async def run(inner: Sink) -> None:
                await _answer(call, inner)

            await run_idempotently(gateway.idempotency, exchange, principal, sink, run)
            _record_free(call, sink, exchange.cache)  # of a replay; what ran is recorded
        else:
            await _answer(call, sink)
    except GatewayError as error:
        _record_refusal(call, error)
        raise
    finally:
        if not call.is_handed_over:
            call.close()


async def _reserve(gateway: Gateway, exchange: Exchange, snapshot: Snapshot, principal: Principal, request: ModelRequest) -> _Call:
    found = snapshot.find_route(request.model)
    model = _counted_name(request.model, found)
    caller = Caller(principal, exchange.client_ip, model, exchange.end_user, exchange.tags)
    recording = record(exchange, principal, request, model or request.model, snapshot.revision, gateway.spool)
    expected = estimate(request, len(exchange.body), found, gateway.now_s(), gateway.ratios)
    try:
        reservation = exchange.reservation = await reserve(caller, expected, snapshot, gateway.plans)
    except GatewayError as error:
        if gateway.refusals.may_record(principal.key_id):
            recording.end(Result(error.http_status, "refused", error.code))
        raise
    return _Call(gateway, exchange, snapshot, principal, request, reservation, recording)


def _counted_name(asked: str, found: Route | None) -> str:
    """Return the name that limits and records count by: the route's, not an alias; what was asked where a wildcard leaves it open."""
    if found is None:
        return ""
    return asked if found.model.endswith("*") else found.model


def _record_refusal(call: _Call, error: GatewayError) -> None:
    """Record what was refused before it reached a backend; what reached one is recorded already."""
    if isinstance(error, ClientGone) or call.exchange.attempts:
        return
    if call.gateway.refusals.may_record(call.principal.key_id):
        call.recording.end(Result(error.http_status, "refused", error.code))


async def _answer(call: _Call, sink: Sink) -> None:
    gateway, exchange, principal = call.gateway, call.exchange, call.principal
    if call.request.operation == "moderations" and gateway.moderator is not None and call.snapshot.find_route(call.request.model) is None:
        await _send_moderation(call, sink, gateway.moderator)
        return
    kept_by = ""
    if call.request.operation == "responses" and gateway.responses is not None:
        call.request, kept_by = await resolve_previous(gateway.responses, principal.workspace_id, call.request)
    if gateway.guardrails is not None:
        call.guarded = await gateway.guardrails.open(call.snapshot, principal, exchange, call.request.model)
        call.request = await guard(call.guarded, call.request)
        exchange.timings.mark("guard")
    found = find_route(call.request.model, principal, call.snapshot)
    targets = route(found, gateway.now_s())
    exchange.candidates = tuple((target.backend, target.upstream_model, target.weight) for target in targets)
    exchange.timings.mark("route")
    targets = keep_on_backend(targets, kept_by)
    if call.request.operation == "count_tokens" and not any(_counts_tokens(target, call.snapshot) for target in targets):
        await _send_token_count(call, sink)
        return
    version = "" if call.guarded is None else call.guarded.version
    plan = plan_cache(principal, call.request, found, version, exchange.cache_control, exchange.passed_headers)
    exchange.cache_reason = plan.reason
    if plan.fingerprint:
        await _answer_from_cache(call, sink, found, targets, plan)
    elif exchange.cache_control == "only-if-cached":
        raise NotCached
    else:
        await _deliver(call, sink, found, targets)


def _counts_tokens(target: Target, snapshot: Snapshot) -> bool:
    return ("count_tokens", snapshot.backends[target.backend].provider) in TRANSLATIONS


async def _send_token_count(call: _Call, sink: Sink) -> None:
    """Answer with our own estimate where no provider of the route counts; the header says so."""
    if call.guarded is not None:
        await call.guarded.before_answer()
    call.reservation.refund()
    _record_free(call, sink, "")
    body = b'{"input_tokens":%d}' % call.reservation.estimate.input_tokens
    await sink.send(200, [*JSON_HEADERS, *call.headers(), (b"x-gateway-usage-source", b"estimate")], body)


async def _send_moderation(call: _Call, sink: Sink, moderator: Moderation) -> None:
    """Answer with what our own engine says of the texts, where no route leads to a provider that moderates."""
    body = await moderator.moderate(call.request, call.exchange.request_id)
    call.exchange.timings.mark("guard")
    call.reservation.refund()
    _record_free(call, sink, "")
    await sink.send(200, [*JSON_HEADERS, *call.headers(), cost_header(0)], body)


async def _answer_from_cache(call: _Call, sink: Sink, found: Route, targets: tuple[Target, ...], plan: CachePlan) -> None:
    gateway, exchange = call.gateway, call.exchange
    cached = await look_up(plan, call.principal.workspace_id, gateway.replies)
    exchange.timings.mark("look_up")
    if cached is not None:
        if call.guarded is not None:
            await call.guarded.before_answer()  # what they were asked may differ in what was hidden since
        await _send_cached(call, sink, cached)
        return
    if exchange.cache_control == "only-if-cached":
        raise NotCached
    exchange.cache = "MISS" if plan.may_read else "BYPASS" if plan.is_cached else ""

    if plan.is_coalesced:
        await _share(call, sink, found, targets, plan)
    else:
        await _deliver_and_keep(call, sink, found, targets, plan)


async def _share(call: _Call, sink: Sink, found: Route, targets: tuple[Target, ...], plan: CachePlan) -> None:
    flights, exchange = call.gateway.flights, call.exchange
    flight = flights.find(plan.fingerprint)
    if flight is not None and call.guarded is not None:
        await call.guarded.before_answer()  # as above
        flight = flights.find(plan.fingerprint)
    if flight is not None:
        exchange.cache = "COALESCED"
        call.reservation.refund()
        try:
            await ride(flight, exchange, sink, lambda headers: [*reply_headers(content_type_of(headers)), *call.headers()])
        except GatewayError as error:
            outcome = "cancelled" if isinstance(error, ClientGone) else "error"
            call.recording.end(Result(error.http_status, outcome, error.code))
            raise
        _record_free(call, sink, "COALESCED")
        return

    if not call.request.is_stream:

        async def answer(inner: Sink) -> None:
            await _deliver_and_keep(call, inner, found, targets, plan)

        await flights.lead(plan.fingerprint, exchange, answer, sink)
        return

    async def lead(inner: Sink) -> None:
        try:
            await _deliver_and_keep(call, inner, found, targets, plan)
        finally:
            call.close()

    call.is_handed_over = True  # the call goes on when this client leaves, for those who joined
    await ride(flights.begin(plan.fingerprint, exchange, lead), exchange, sink, lambda headers: headers)


async def _send_cached(call: _Call, sink: Sink, cached: CachedReply) -> None:
    exchange = call.exchange
    exchange.cache = "HIT"
    call.reservation.refund()
    _record_free(call, sink, "HIT")
    age_s = max(0, int(call.gateway.now_s() - cached.stored_at_s))
    headers = [*reply_headers(cached.content_type), *call.headers(), (b"age", b"%d" % age_s)]
    if cached.is_stream:
        await sink.start(200, headers)
        await sink.end(cached.body)
    else:
        await sink.send(200, [*headers, cost_header(0)], cached.body)


def _record_free(call: _Call, sink: Sink, cache: CacheResult) -> None:
    """Record an answer that no provider was asked for."""
    call.exchange.cache = cache
    is_gone = sink.is_gone
    call.recording.end(Result(499 if is_gone else 200, "cancelled" if is_gone else "ok", "client_gone" if is_gone else ""))


async def _deliver_and_keep(call: _Call, sink: Sink, found: Route, targets: tuple[Target, ...], plan: CachePlan) -> None:
    replies = call.gateway.replies
    is_kept = plan.may_store and (call.guarded is None or call.guarded.may_keep_answer)
    if replies is None or not is_kept:
        await _deliver(call, sink, found, targets)
        return
    capturing = CapturingSink(sink)
    await _deliver(call, capturing, found, targets)
    if (body := capturing.whole_body) is not None:
        reply = CachedReply(body, capturing.content_type, call.request.is_stream, call.gateway.now_s())
        replies.put(plan, call.principal.workspace_id, reply)


async def _deliver(call: _Call, sink: Sink, found: Route, targets: tuple[Target, ...]) -> None:
    call.recording.begin()
    delivery = Delivery(
        call.gateway,
        call.exchange,
        sink,
        call.snapshot,
        call.principal,
        call.reservation,
        call.request,
        found,
        call.recording,
        call.guarded,
    )
    if call.request.operation == "responses" and call.gateway.responses is not None:
        store, workspace_id = call.gateway.responses, call.principal.workspace_id
        delivery.on_answer = remember_response(store, workspace_id, call.request, call.exchange, call.snapshot)
    await delivery.run(targets)
