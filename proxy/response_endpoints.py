"""`/v1/responses/{id}` and what lies below it: answered from what we keep, or by the backend whose provider keeps the response."""

from __future__ import annotations

from apikeys.hotpath import Principal
from proxy.errors import GatewayError, UpstreamBroken
from proxy.exchange import Attempt, Exchange, Sink
from proxy.gateway import Gateway
from proxy.ports import UpstreamFailure
from proxy.reply_headers import JSON_HEADERS, attempt_headers, exchange_headers, limit_headers
from proxy.response_state import StoredResponse, not_found
from proxy.snapshot import Backend, Snapshot
from proxy.stages.authenticate import authenticate, require
from proxy.stages.forward import as_gateway_error, note_failure, refusal
from proxy.stages.guard import AnswerRejected, guard_reply
from proxy.stages.reserve import FREE, Caller, reserve
from proxy.stored_responses import StoredCall, answer_here, call_keeper, find_stored, parse_stored_call
from proxy.translators.direct_responses import DIRECT
from proxy.wire.model_request import ModelRequest

_REPLY_LIMIT_BYTES = 64 * 1024 * 1024
_SAYING = frozenset({"get", "cancel"})
"""What is answered with the response itself."""


async def handle_stored_response(gateway: Gateway, exchange: Exchange, sink: Sink, rest: str) -> None:
    """
    Answer a call about an earlier response; `rest` is the path below `/v1/responses/`.

    Errors: NotFound, the same for an unknown id and another workspace's; MethodNotAllowed; those of limits and of the backend.
    """
    call = parse_stored_call(exchange.method, rest)
    snapshot = gateway.snapshot()
    principal = await authenticate(exchange.presented_key, exchange.client_ip, gateway.keys, gateway.pepper)
    require(principal, "inference")
    exchange.reservation = await reserve(Caller(principal, exchange.client_ip, ""), FREE, snapshot, gateway.plans)
    exchange.reservation.refund()
    store = gateway.responses
    if store is None:
        raise not_found(call.response_id)
    stored = await find_stored(call, principal.workspace_id, store)
    if stored.backend:
        body = await _ask_keeper(gateway, exchange, snapshot, call, stored)
        if call.action in _SAYING:
            body = await _guard(gateway, exchange, snapshot, principal, stored.model, body)
        if call.action == "delete":
            await store.delete(principal.workspace_id, call.response_id)
    else:
        body = await answer_here(call, stored, exchange.query, principal.workspace_id, store)
    headers = [*JSON_HEADERS, *exchange_headers(exchange, snapshot.revision), *limit_headers(exchange.reservation, exchange.dialect)]
    if exchange.attempts:
        headers += attempt_headers(exchange.backend, len(exchange.attempts))
    await sink.send(200, headers, body)


async def _guard(gateway: Gateway, exchange: Exchange, snapshot: Snapshot, principal: Principal, model: str, body: bytes) -> bytes:
    """
    Return a response as it may be seen: a provider keeps what its model said, and not what rules let through.

    Errors: ContentFiltered, Overloaded.
    """
    if gateway.guardrails is None:
        return body
    exchange.endpoint = "responses"
    guarded = await gateway.guardrails.open(snapshot, principal, exchange, model)
    if guarded is None:
        return body
    try:
        return await guard_reply(guarded, ModelRequest("responses", model, False, False, {}), body)
    except AnswerRejected as rejected:  # what was said is said
        raise rejected.error from None
    finally:
        guarded.close()


async def _ask_keeper(gateway: Gateway, exchange: Exchange, snapshot: Snapshot, call: StoredCall, stored: StoredResponse) -> bytes:
    backend = snapshot.backends.get(stored.backend)
    if backend is None:
        raise not_found(call.response_id)
    attempt = Attempt(backend.name, backend.provider, stored.model, exchange.timings.elapsed_s() * 1e3)
    exchange.attempts.append(attempt)
    try:
        return await _fetch(gateway, exchange, call, backend)
    except UpstreamFailure as failure:
        note_failure(attempt, failure, exchange)
        raise as_gateway_error(failure) from failure
    except GatewayError as error:
        attempt.result = error.code
        raise
    finally:
        attempt.ended_ms = exchange.timings.elapsed_s() * 1e3
        exchange.timings.mark("upstream")


async def _fetch(gateway: Gateway, exchange: Exchange, call: StoredCall, backend: Backend) -> bytes:
    asked = call_keeper(call, backend, exchange.query)
    response = await gateway.upstream.send(
        backend.endpoint, asked.method, asked.path, asked.headers, asked.body, backend.whole_answer_timeouts
    )
    if response.status != 200:
        raise await refusal(response, DIRECT)
    try:
        if dict(response.headers).get(b"content-type", b"").startswith(b"text/event-stream"):
            raise UpstreamBroken("A response that streams again is not passed on. Ask without `stream`.")
        return await response.read_all(_REPLY_LIMIT_BYTES)
    finally:
        response.abort()
