"""
Send a request to one target.

Rules: whatever goes wrong leaves here as one of `proxy/errors.py`, without the names of our hosts in it, and is noted in the attempt.
"""

from __future__ import annotations

import email.utils
import time

from proxy.errors import GatewayError, UpstreamBroken, UpstreamCredentialRejected, UpstreamRefused, UpstreamTimeout
from proxy.exchange import Attempt, Exchange
from proxy.ports import Timeouts, Upstream, UpstreamFailure, UpstreamResponse
from proxy.snapshot import Backend, Target
from proxy.telemetry import upstream_errors
from proxy.translators.translation import Translation
from proxy.wire.model_request import ModelRequest
from proxy.wire.upstream_error import UpstreamErrorDetail

_ERROR_LIMIT_BYTES = 64 * 1024
_RETRY_AFTER_MAX_S = 3600.0
_DEADLINE_MIN_S = 0.001


def _timeouts(backend: Backend, is_stream: bool, left_s: float | None) -> Timeouts:
    timeouts = backend.timeouts if is_stream else backend.whole_answer_timeouts
    if left_s is None or left_s >= timeouts.total_s:
        return timeouts
    left_s = max(left_s, _DEADLINE_MIN_S)
    return Timeouts(timeouts.connect_s, min(timeouts.first_token_s, left_s), min(timeouts.idle_s, left_s), left_s)


def as_gateway_error(failure: UpstreamFailure) -> GatewayError:
    """Return what the caller is told of an upstream that gave no complete answer."""
    if failure.kind == "timeout":
        return UpstreamTimeout()
    if failure.kind == "blocked":
        return UpstreamBroken("The backend's address is not one the gateway may connect to. Tell the gateway's admin.")
    return UpstreamBroken()


def _retry_after_s(response: UpstreamResponse) -> float | None:
    headers = dict(response.headers)
    for name, scale in ((b"retry-after-ms", 1e-3), (b"retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            seconds = float(value) * scale
        except ValueError:
            try:
                seconds = email.utils.parsedate_to_datetime(value.decode("latin-1")).timestamp() - time.time()
            except (ValueError, OverflowError):
                continue
        if 0 <= seconds < float("inf"):
            return min(seconds, _RETRY_AFTER_MAX_S)
    return None


async def refusal(response: UpstreamResponse, translation: Translation) -> GatewayError:
    """Return what an answer that is no success means for the caller."""
    status = response.status
    if status in {401, 403}:
        response.abort()
        return UpstreamCredentialRejected()
    if not 400 <= status < 500:
        response.abort()
        return UpstreamBroken()
    try:
        detail = translation.parse_error(status, await response.read_all(_ERROR_LIMIT_BYTES))
    except UpstreamFailure:
        detail = None
    finally:
        response.abort()
    retry_after_s = _retry_after_s(response)
    if detail is not None and detail.error_class == "credential":  # Google says so with a 400
        return UpstreamCredentialRejected()
    if detail is None:
        return UpstreamRefused(status, "The provider refused this request.", retry_after_s=retry_after_s)
    return UpstreamRefused(
        status,
        detail.message,
        error_type=detail.type,
        param=detail.param,
        upstream_code=_public_code(detail),
        retry_after_s=retry_after_s,
    )


def _public_code(detail: UpstreamErrorDetail) -> str | None:
    return "context_length_exceeded" if detail.error_class == "context_length" else detail.code


async def forward(
    exchange: Exchange,
    request: ModelRequest,
    target: Target,
    backend: Backend,
    translation: Translation,
    upstream: Upstream,
) -> UpstreamResponse:
    """
    Return the head of the target's answer, which is a success.

    Errors: Untranslatable, before anything is sent or noted; UpstreamError and its kinds. A cancelled call closes the upstream at once.
    """
    call = translation.translate_request(request, target, backend, exchange.passed_headers)
    attempt = Attempt(backend.name, backend.provider, target.upstream_model, exchange.timings.elapsed_s() * 1e3)
    exchange.attempts.append(attempt)
    timeouts = _timeouts(backend, request.is_stream, exchange.left_s())
    try:
        response = await upstream.send(backend.endpoint, call.method, call.path, call.headers, call.body, timeouts)
    except UpstreamFailure as failure:
        note_failure(attempt, failure, exchange)
        raise as_gateway_error(failure) from failure
    if response.status != 200:
        attempt.result = f"http_{response.status}"
        attempt.ended_ms = exchange.timings.elapsed_s() * 1e3
        upstream_errors(backend.name, attempt.result).inc()
        raise await refusal(response, translation)
    return response


def note_failure(attempt: Attempt, failure: UpstreamFailure, exchange: Exchange) -> None:
    """Write down how an attempt failed, for the record and the metrics."""
    attempt.result = f"{failure.phase}_{failure.kind}"
    attempt.ended_ms = exchange.timings.elapsed_s() * 1e3
    upstream_errors(attempt.backend, failure.kind).inc()
