"""
Get an answer from one of a route's targets and pass it on: the second half of the pipeline.

Rules: the next target is tried while the client has seen nothing and the failure may be the target's own; a caller's mistake is not
tried elsewhere. Each target is tried once. However it ends, usage is settled and recorded once, and before the last byte.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec

from apikeys.hotpath import Principal
from proxy.errors import (
    ClientGone,
    GatewayError,
    InternalError,
    NoHealthyBackend,
    Overloaded,
    Untranslatable,
    UpstreamBroken,
    UpstreamError,
    UpstreamRefused,
)
from proxy.exchange import Exchange, Headers, Sink
from proxy.gateway import Gateway
from proxy.ports import UpstreamFailure, UpstreamResponse
from proxy.reply_headers import JSON_HEADERS, STREAM_HEADERS, attempt_headers, cache_headers, cost_header, exchange_headers, limit_headers
from proxy.snapshot import Route, Snapshot, Target
from proxy.stages.forward import as_gateway_error, forward, note_failure
from proxy.stages.guard import AnswerRejected, GuardedCall, guard_reply
from proxy.stages.record import Recording, Result, UsageSource
from proxy.stages.relay import StreamOutlet, relay
from proxy.stages.reserve import Reservation
from proxy.stages.settle import UNSETTLED, settle
from proxy.telemetry import cost, model_latency, time_to_first_token, tokens
from proxy.translators.registry import find_translation
from proxy.translators.translation import StreamTranslation, Translation
from proxy.wire.model_request import ModelRequest
from proxy.wire.usage import Usage

REPLY_LIMIT_BYTES = 64 * 1024 * 1024
_WORTH_ANOTHER_TARGET = frozenset({404, 408, 409, 425, 429})


@dataclass(slots=True)
class Delivery:
    """One request on its way to the route's targets and back."""

    gateway: Gateway
    exchange: Exchange
    sink: Sink
    snapshot: Snapshot
    principal: Principal
    reservation: Reservation
    request: ModelRequest
    route: Route
    recording: Recording
    guarded: GuardedCall | None = None
    target: Target | None = None
    usage: Usage | None = None
    stream: StreamTranslation | None = None
    on_answer: Callable[[bytes], Awaitable[None]] | None = None
    """Told the whole answer, or the end of a stream, before it is sent."""
    spent: Usage | None = None
    """What answers took that a guardrail did not let pass."""
    is_blocked: bool = False
    reply_bytes: int = 0
    """The size of a whole answer that came, for an estimate of what it took."""

    async def run(self, targets: tuple[Target, ...]) -> None:
        """Errors: GatewayError; with `sink.is_started` it belongs into the stream. CancelledError when this process stops."""
        sink = self.sink
        backend = self.snapshot.backends[targets[0].backend]
        sink.watch(is_cancelling=not backend.is_drained_on_disconnect, is_late=not self.request.is_stream)
        if self.guarded is not None:
            self._watch_guardrails(self.guarded)
        try:
            await self._answer(targets)
        except GatewayError as error:
            if self.guarded is not None:
                self.guarded.check_error(error)
            self._record_error(error)
            raise
        except asyncio.CancelledError:
            if self.is_blocked and self.guarded is not None:
                await self._end_blocked(self.guarded)
            if not sink.is_gone:
                self._record_error(Overloaded())
                raise
            self._record_error(ClientGone())
            raise ClientGone from None
        except Exception:
            self._record_error(InternalError())
            raise

    def _watch_guardrails(self, guarded: GuardedCall) -> None:
        """Give the upstream up as soon as a check of the request that runs beside it blocks."""
        owner = asyncio.current_task()

        def give_up() -> None:
            if owner is not None and not owner.done() and not self.sink.is_started:
                self.is_blocked = True
                owner.cancel()

        guarded.watch(give_up)

    async def _end_blocked(self, guarded: GuardedCall) -> None:
        """Errors: ContentFiltered, recorded with what the upstream may have used."""
        if (task := asyncio.current_task()) is not None:
            task.uncancel()
        try:
            await guarded.before_answer()
        except GatewayError as error:
            self._record_error(error)
            raise

    async def _answer(self, targets: tuple[Target, ...]) -> None:
        """Get an answer; where a guardrail wants another one, ask once more with its note."""
        try:
            await self._try_targets(targets)
        except AnswerRejected as rejected:
            if self.guarded is None:
                raise rejected.error from None
            self.spent = self.usage
            self.request = self.guarded.insert_note(self.request, rejected.note)
            try:
                await self._try_targets(targets)
            except AnswerRejected as again:
                raise again.error from None

    async def _try_targets(self, targets: tuple[Target, ...]) -> None:
        outlet = self._outlet() if self.request.is_stream else None
        failed: list[GatewayError] = []
        try:
            for target in targets:
                try:
                    await self._try(target, outlet)
                    return
                except (UpstreamError, Untranslatable) as error:
                    failed.append(error)
                    if not self._may_try_another(error):
                        break
        finally:
            if outlet is not None:
                outlet.close()
        raise _worst_of(failed)

    def _may_try_another(self, error: GatewayError) -> bool:
        if self.stream is not None and self.stream.has_content:
            return False
        left_s = self.exchange.left_s()
        if left_s is not None and left_s <= 0:
            return False
        if isinstance(error, UpstreamRefused):
            return error.http_status in _WORTH_ANOTHER_TARGET
        return True

    async def _try(self, target: Target, outlet: StreamOutlet | None) -> None:
        exchange = self.exchange
        self.target = target
        self.usage, self.stream, self.reply_bytes = self.spent, None, 0
        backend = self.snapshot.backends[target.backend]
        translation = find_translation(self.request.operation, backend.provider)
        response = await forward(exchange, self.request, target, backend, translation, self.gateway.upstream)
        exchange.timings.mark("upstream")
        attempt = exchange.attempts[-1]
        try:
            if outlet is not None:
                await self._relay_stream(response, translation, outlet, backend.min_stream_bytes_per_s)
            else:
                await self._send_reply(response, translation)
        except UpstreamFailure as failure:
            note_failure(attempt, failure, exchange)
            raise as_gateway_error(failure) from failure
        except ValueError as error:
            attempt.result = "unreadable"
            raise UpstreamBroken("The provider sent something that is no answer of its kind.") from error
        except UpstreamError as error:
            attempt.result = error.code
            raise
        finally:
            response.abort()
            attempt.ended_ms = exchange.timings.elapsed_s() * 1e3

    # --- whole answers ------------------------------------------------------------------------------------------------------------

    async def _send_reply(self, response: UpstreamResponse, translation: Translation) -> None:
        body = await response.read_all(REPLY_LIMIT_BYTES)
        self.exchange.timings.mark("upstream")
        reply = translation.translate_reply(body, self.request)
        self.reply_bytes = len(reply.body)
        self.usage = reply.usage if self.spent is None else _added(self.spent, reply.usage)
        if self.guarded is not None:
            await self.guarded.before_answer()
            body = await guard_reply(self.guarded, self.request, reply.body)
            self.exchange.timings.mark("guard_answer")
        else:
            body = reply.body
        self._record_success(len(reply.body))
        if self.on_answer is not None:
            await self.on_answer(body)
        self.exchange.timings.mark("settle")
        await self.sink.send(200, [*self._headers(JSON_HEADERS), cost_header(self.exchange.cost_nano_usd)], body)

    # --- streams ------------------------------------------------------------------------------------------------------------------

    def _outlet(self) -> StreamOutlet:
        async def start() -> None:
            if self.guarded is not None:
                await self.guarded.before_answer()
            await self.sink.start(200, self._headers(STREAM_HEADERS))

        keepalive_s = self.gateway.keepalive_s if self.principal.is_keepalive_enabled else None
        return StreamOutlet(self.sink, start, self.exchange.dialect.keepalive, keepalive_s)

    async def _relay_stream(self, response: UpstreamResponse, translation: Translation, outlet: StreamOutlet, min_bytes_per_s: int) -> None:
        stream = translation.begin_stream(self.request)
        if self.guarded is not None:
            stream = self.guarded.guard_stream(self.request, stream)
        self.stream = stream
        self.exchange.dump_stream_error = stream.fail
        try:
            await relay(response, stream, outlet, on_content=self._note_first_token, min_bytes_per_s=min_bytes_per_s)
        finally:
            self.usage = stream.usage if self.spent is None else _added(self.spent, stream.usage)
            if self.guarded is not None:
                self.guarded.note_stream()
        self.exchange.timings.mark("upstream")
        if self.guarded is not None:
            await self.guarded.before_answer()  # a keepalive may have begun the stream before there was an answer to ask about
            self.exchange.timings.mark("guard_answer")
        self._record_success(stream.content_bytes)
        if self.on_answer is not None:
            await self.on_answer(stream.tail)
        outlet.close()
        await self.sink.end(stream.tail)

    def _note_first_token(self) -> None:
        elapsed_s = self.exchange.timings.elapsed_s()
        self.recording.first_token_ms = round(elapsed_s * 1000, 3)
        time_to_first_token.observe(elapsed_s)

    def _headers(self, kind: Headers) -> Headers:
        exchange = self.exchange
        return [
            *kind,
            *exchange_headers(exchange, self.snapshot.revision),
            *limit_headers(self.reservation, exchange.dialect),
            *attempt_headers(exchange.backend, len(exchange.attempts)),
            *cache_headers(exchange.cache),
        ]

    # --- settle and record --------------------------------------------------------------------------------------------------------

    def _record_success(self, content_bytes: int) -> None:
        usage, source = self._count(content_bytes, is_whole=True)
        is_gone = self.sink.is_gone
        self._end(usage, source, 499 if is_gone else 200, "cancelled" if is_gone else "ok", "client_gone" if is_gone else "")
        exchange, model = self.exchange, self.route.model  # and not the caller's word, which a wildcard leaves open
        model_latency(exchange.attempts[-1].provider, model).observe(exchange.timings.upstream_s)
        tokens(model, "input").inc(usage.input_tokens)
        tokens(model, "output").inc(usage.output_tokens)
        cost(model).inc(exchange.cost_nano_usd)

    def _record_error(self, error: GatewayError) -> None:
        self.exchange.timings.mark("upstream")  # it was the upstream we waited for until now
        is_gone = isinstance(error, ClientGone)
        content_bytes = self.stream.content_bytes if self.stream is not None else self.reply_bytes
        usage: Usage | None = None
        source: UsageSource = "none"
        if self.usage is not None or content_bytes or (is_gone and self.exchange.attempts):
            usage, source = self._count(content_bytes, is_whole=False)
        self._end(usage, source, error.http_status, "cancelled" if is_gone else "error", error.code)

    def _count(self, content_bytes: int, *, is_whole: bool) -> tuple[Usage, UsageSource]:
        """
        Return what was used and who counted it: the provider; the provider and we for what it left out; we.

        An answer that was cut short was counted by the provider only up to where it says so: what came after is estimated.
        """
        ratios, model, counted = self.gateway.ratios, self.route.model, self.usage
        body_bytes = len(self.exchange.body)
        if counted is not None and (is_whole or self.stream is None or self.stream.is_done):
            ratios.learn(model, body_bytes, counted.input_tokens)
            return counted, "provider"
        output_tokens = ratios.estimate_output(content_bytes, model) if content_bytes else 0
        if counted is None:
            return Usage(ratios.estimate_input(model, body_bytes), output_tokens), "estimate"
        if counted.output_tokens >= output_tokens:
            return counted, "partial"
        return _with_output(counted, output_tokens), "partial"

    def _end(self, usage: Usage | None, source: UsageSource, status: int, outcome: str, error_code: str) -> None:
        exchange = self.exchange
        settlement = settle(self.target, usage, self.gateway.now_s()) if self.target is not None else UNSETTLED
        if settlement.price_effective_at is None and usage is not None and self.target is not None:
            self.gateway.unpriced.note(self.route.model, self.target.backend)
        exchange.usage, exchange.cost_nano_usd = usage, settlement.cost_nano_usd
        if usage is None:
            self.reservation.refund()
        else:
            self.reservation.settle(usage, settlement.cost_nano_usd)
        self.recording.end(Result(status, outcome, error_code, usage, source, settlement))


def _added(one: Usage, other: Usage | None) -> Usage:
    """Return what two answers took together."""
    if other is None:
        return one
    return Usage(*(getattr(one, name) + getattr(other, name) for name in Usage.__struct_fields__))


def _with_output(counted: Usage, output_tokens: int) -> Usage:
    missing = output_tokens - counted.output_tokens
    return msgspec.structs.replace(counted, text_output_tokens=counted.text_output_tokens + missing)


def _worst_of(failed: list[GatewayError]) -> GatewayError:
    """
    Return what the caller is told when every target failed: the last failure, save that a refusal by a limit says when to come back.

    Errors that only say that a target could not be asked give way to those of targets that were.
    """
    if not failed:
        return NoHealthyBackend()
    asked = [error for error in failed if not isinstance(error, Untranslatable)] or failed
    limited = [error for error in asked if error.http_status == 429]
    if limited and len(limited) == len(asked):
        return min(limited, key=lambda error: error.retry_after_s if error.retry_after_s is not None else float("inf"))
    return asked[-1]
