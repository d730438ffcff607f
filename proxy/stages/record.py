"""Write down that a request began and, once, how it ended."""

from __future__ import annotations

from typing import Protocol

from apikeys.hotpath import Principal
from proxy.errors import Overloaded
from proxy.exchange import Exchange
from proxy.stages.forward import Attempt
from proxy.wire.openai import Usage
from proxy.wire.spool import Ended, Started


class Spool(Protocol):
    """Where lines survive this process. Errors of both: OSError."""

    def started(self, line: Started) -> None: ...

    def ended(self, line: Ended) -> None: ...


class Recording:
    """
    The record of one request.

    Guarantee: one `Started` line before the upstream is called, one `Ended` line however often and from wherever `end` is called.
    """

    __slots__ = ("_exchange", "_is_ended", "_spool", "_started", "first_token_ms")

    def __init__(self, exchange: Exchange, started: Started, spool: Spool) -> None:
        self._exchange = exchange
        self._spool = spool
        self._is_ended = False
        self._started = started
        self.first_token_ms: float | None = None

    def end(
        self,
        attempt: Attempt | None,
        *,
        status: int,
        outcome: str,
        error_code: str = "",
        usage: Usage | None = None,
        cost_nano_usd: int = 0,
    ) -> None:
        if self._is_ended:
            return
        self._is_ended = True
        started = self._started
        counted = usage or Usage()
        self._spool.ended(
            Ended(
                started.request_id,
                started.workspace_id,
                started.key_id,
                started.model,
                started.revision,
                started.is_stream,
                attempt.backend.name if attempt else "",
                attempt.backend.provider if attempt else "",
                attempt.target.upstream_model if attempt else "",
                status,
                outcome,
                error_code,
                counted.input_tokens,
                counted.cached_input_tokens,
                counted.output_tokens,
                cost_nano_usd,
                "upstream" if usage else "none",
                attempt.count if attempt else 0,
                round(self._exchange.timings.elapsed_s() * 1000, 3),
                self.first_token_ms,
            )
        )


def record(exchange: Exchange, principal: Principal, model: str, revision: int, is_stream: bool, spool: Spool) -> Recording:
    """
    Begin the record of a request that is about to reach a backend.

    Errors: Overloaded when the disk takes no more: a request that cannot be recorded is not forwarded.
    """
    started = Started(str(exchange.request_id), principal.workspace_id, principal.key_id, model, revision, is_stream)
    try:
        spool.started(started)
    except OSError as error:
        raise Overloaded("The gateway cannot record usage now. Try again later.", retry_after_s=5) from error
    return Recording(exchange, started, spool)
