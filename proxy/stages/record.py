"""Write down that a request began and, once, how it ended."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from apikeys.hotpath import Principal
from proxy.decision_trace import dump_decision
from proxy.errors import Overloaded
from proxy.exchange import Exchange
from proxy.stages.settle import UNSETTLED, Settlement
from proxy.wire.model_request import ModelRequest
from proxy.wire.spool import Ended, Started
from proxy.wire.usage import Usage

UsageSource = Literal["provider", "partial", "estimate", "none"]
_NOTHING = Usage()


class Spool(Protocol):
    """Where lines survive this process. Errors of both: OSError."""

    def started(self, line: Started) -> None: ...

    def ended(self, line: Ended) -> None: ...


class Result(msgspec.Struct, frozen=True, gc=False):
    """How a request ended. `outcome` is one of `proxy.choices.Outcome`; `usage_source` tells who counted."""

    status: int
    outcome: str
    error_code: str = ""
    usage: Usage | None = None
    usage_source: UsageSource = "none"
    settlement: Settlement = UNSETTLED


class Recording:
    """
    The record of one request.

    `model` is the name that limits count by.
    Guarantee: one `Started` line before the upstream is called, one `Ended` line however often and from wherever `end` is called.
    """

    __slots__ = ("_exchange", "_is_ended", "_model", "_principal", "_request", "_revision", "_spool", "first_token_ms")

    def __init__(self, exchange: Exchange, principal: Principal, request: ModelRequest, model: str, revision: int, spool: Spool) -> None:
        self._exchange = exchange
        self._principal = principal
        self._request = request
        self._model = model.replace("\x00", "")  # what no text column takes, a refused request may name
        self._revision = revision
        self._spool = spool
        self._is_ended = False
        self.first_token_ms: float | None = None

    def begin(self) -> None:
        """Errors: Overloaded when the disk takes no more: a request that cannot be recorded is not forwarded."""
        exchange, principal, request = self._exchange, self._principal, self._request
        reservation = exchange.reservation
        line = Started(
            exchange.request_id,
            principal.workspace_id,
            principal.key_id,
            self._model,
            self._revision,
            request.is_stream,
            request.operation,
            exchange.end_user[:128].replace("\x00", ""),
            exchange.tags,
            reservation.estimate.cost_nano_usd if reservation else 0,
            reservation.estimate.total_tokens if reservation else 0,
            reservation.estimate.input_tokens if reservation else 0,
        )
        try:
            self._spool.started(line)
        except OSError as error:
            raise Overloaded("The gateway cannot record usage now. Try again later.", retry_after_s=5) from error

    def end(self, result: Result) -> None:
        if self._is_ended:
            return
        self._is_ended = True
        self._spool.ended(self._line(result))

    def _line(self, result: Result) -> Ended:
        exchange, principal, request = self._exchange, self._principal, self._request
        usage = result.usage or _NOTHING
        reservation = exchange.reservation
        last = exchange.attempts[-1] if exchange.attempts else None
        return Ended(
            exchange.request_id,
            principal.workspace_id,
            principal.key_id,
            self._model,
            self._revision,
            request.is_stream,
            last.backend if last else "",
            last.provider if last else "",
            last.upstream_model if last else "",
            result.status,
            result.outcome,
            result.error_code,
            usage.input_tokens,
            usage.cache_read_tokens,
            usage.output_tokens,
            result.settlement.cost_nano_usd,
            result.usage_source,
            len(exchange.attempts),
            round(exchange.timings.elapsed_s() * 1000, 3),
            self.first_token_ms,
            usage.cache_write_5m_tokens,
            usage.cache_write_1h_tokens,
            usage.reasoning_tokens,
            usage.audio_input_tokens,
            usage.audio_output_tokens,
            reservation.estimate.cost_nano_usd if reservation else 0,
            result.settlement.price_effective_at,
            request.operation,
            exchange.cache,
            exchange.end_user[:128].replace("\x00", ""),
            exchange.tags,
            msgspec.Raw(dump_decision(exchange, result.error_code)),
            reservation.estimate.total_tokens if reservation else 0,
        )


def record(exchange: Exchange, principal: Principal, request: ModelRequest, model: str, revision: int, spool: Spool) -> Recording:
    """Return the record of a request, which nothing is written of yet. `model` is the name that limits count by."""
    return Recording(exchange, principal, request, model, revision, spool)
