"""
Send a request to its targets, in order, until one answers.

Rules: another target is tried only while nothing of the request was sent; after that a repeat could be charged twice. Whatever goes
wrong leaves here as one of `proxy/errors.py`, without the names of our hosts in it.
"""

from __future__ import annotations

import email.utils
import time
from dataclasses import dataclass

from proxy.errors import GatewayError, NoHealthyBackend, UpstreamBroken, UpstreamCredentialRejected, UpstreamRefused, UpstreamTimeout
from proxy.ports import Timeouts, Upstream, UpstreamFailure, UpstreamResponse
from proxy.snapshot import Backend, Snapshot, Target
from proxy.telemetry import upstream_errors
from proxy.translators.openai_openai import translate_request
from proxy.wire.openai import ChatRequest, parse_error

_ERROR_LIMIT_BYTES = 64 * 1024
_RETRY_AFTER_MAX_S = 3600.0


@dataclass(slots=True)
class Attempt:
    """The target that was tried last, how many were, and its answer once its head is there."""

    backend: Backend
    target: Target
    count: int
    response: UpstreamResponse | None = None


def _timeouts(backend: Backend, request: ChatRequest, deadline_s: float | None) -> Timeouts:
    timeouts = backend.timeouts if request.is_stream else backend.whole_answer_timeouts
    if deadline_s is None or deadline_s >= timeouts.total_s:
        return timeouts
    return Timeouts(timeouts.connect_s, min(timeouts.first_token_s, deadline_s), min(timeouts.idle_s, deadline_s), deadline_s)


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


async def _refusal(response: UpstreamResponse) -> GatewayError:
    """Return what an answer that is no success means for the caller."""
    status = response.status
    if status in {401, 403}:
        response.abort()
        return UpstreamCredentialRejected()
    if not 400 <= status < 500:
        response.abort()
        return UpstreamBroken()
    try:
        detail = parse_error(await response.read_all(_ERROR_LIMIT_BYTES))
    except UpstreamFailure:
        detail = None
    finally:
        response.abort()
    if detail is None:
        return UpstreamRefused(status, "The provider refused this request.", retry_after_s=_retry_after_s(response))
    return UpstreamRefused(
        status,
        detail.message,
        error_type=detail.type,
        param=detail.param,
        upstream_code=detail.code,
        retry_after_s=_retry_after_s(response),
    )


async def forward(
    attempt: Attempt,
    rest: tuple[Target, ...],
    snapshot: Snapshot,
    request: ChatRequest,
    passed_headers: list[tuple[bytes, bytes]],
    deadline_s: float | None,
    upstream: Upstream,
) -> UpstreamResponse:
    """
    Return the answer's head of the first target that takes the request; `attempt` tells how far it came, also when this fails.

    Errors: UpstreamError and its kinds. A cancelled call closes the upstream at once.
    """
    while True:
        backend, target = attempt.backend, attempt.target
        call = translate_request(request, target, backend, passed_headers)
        try:
            response = await upstream.send(
                backend.endpoint, "POST", call.path, call.headers, call.body, _timeouts(backend, request, deadline_s)
            )
        except UpstreamFailure as failure:
            upstream_errors(backend.name, failure.kind).inc()
            if failure.is_sent or not rest:
                raise as_gateway_error(failure) from failure
            attempt.target, rest = rest[0], rest[1:]
            attempt.backend = snapshot.backends[attempt.target.backend]
            attempt.count += 1
            continue
        if response.status != 200:
            upstream_errors(backend.name, f"http_{response.status}").inc()
            raise await _refusal(response)
        attempt.response = response
        return response


def first_attempt(targets: tuple[Target, ...], snapshot: Snapshot) -> Attempt:
    """Errors: NoHealthyBackend when the route has no target."""
    if not targets:
        raise NoHealthyBackend
    return Attempt(snapshot.backends[targets[0].backend], targets[0], 1)
