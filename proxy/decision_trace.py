"""
What was decided for a request, as its owner may read it at `/v1/requests/{id}`: written once, when the request ends.

What the record has in columns of its own (status, usage, cost, cache) is not said twice. Put together from bytes instead of values:
every request pays for it.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

from proxy.exchange import Attempt, Exchange

_encode = msgspec.json.Encoder().encode


@lru_cache(maxsize=4096)
def _dump_text(text: str) -> bytes:
    return _encode(text)


@lru_cache(maxsize=1024)
def _dump_candidates(candidates: tuple[tuple[str, str, int], ...]) -> bytes:
    return _encode([{"backend": backend, "upstream_model": model, "weight": weight} for backend, model, weight in candidates])


@lru_cache(maxsize=256)
def _stages_form(stages: tuple[str, ...]) -> bytes:
    return b",".join([b'"%b":%%.3f' % stage.encode() for stage in stages])


def dump_decision(exchange: Exchange, error_code: str = "") -> bytes:
    """
    Return the decision as a JSON object. Units: milliseconds, LLM tokens, nano-dollars.

    Cost: 5 us with five limits.
    """
    spent = exchange.timings.stages_ms
    stages = _stages_form(tuple(spent)) % tuple(spent.values())
    attempts = b",".join([_dump_attempt(attempt) for attempt in exchange.attempts])
    pieces = [b'{"stages_ms":{%b},"candidates":%b,"attempts":[%b]' % (stages, _dump_candidates(exchange.candidates), attempts)]
    reservation = exchange.reservation
    if reservation is not None:
        expected = reservation.estimate
        numbers = (expected.input_tokens, expected.output_tokens, expected.cost_nano_usd)
        pieces.append(b',"limits":%b' % reservation.dump())
        pieces.append(b',"estimate":{"input_tokens":%d,"output_tokens":%d,"cost_nano_usd":%d}' % numbers)
    if exchange.verdicts:
        pieces.append(b',"verdicts":' + _encode(exchange.verdicts))
    if exchange.cache_reason:
        pieces.append(b',"cache_reason":' + _dump_text(exchange.cache_reason))
    if error_code:
        pieces.append(b',"error":' + _dump_text(error_code))
    pieces.append(b"}")
    return b"".join(pieces)


def _dump_attempt(attempt: Attempt) -> bytes:
    return b'{"backend":%b,"upstream_model":%b,"result":%b,"started_ms":%.3f,"ended_ms":%.3f}' % (
        _dump_text(attempt.backend),
        _dump_text(attempt.upstream_model),
        _dump_text(attempt.result or "ok"),
        attempt.started_ms,
        attempt.ended_ms,
    )
