"""
`/v1/requests/{id}`: what was decided for a request; `/v1/explain`: what would be.

Rules: a request is shown to the key that made it, and to keys of its workspace that may read usage; for everybody else it does not
exist. A dry run charges one request and nothing else, and no provider hears of it.
"""

from __future__ import annotations

import dataclasses
import uuid
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from apikeys.hotpath import Principal
from common.ids import timestamp
from common.money import dump_usd
from proxy.errors import BadRequest, BudgetSpent, GatewayError, NotCached, NotFound, RateLimited
from proxy.estimates import Estimate, estimate
from proxy.exchange import Exchange, Sink
from proxy.gateway import Gateway
from proxy.limiter.window_bucket import is_budget
from proxy.reply_headers import JSON_HEADERS, exchange_headers, limit_headers
from proxy.response_flow import resolve_previous
from proxy.response_state import keep_on_backend
from proxy.snapshot import Price, Route, Snapshot, Target
from proxy.stages.authenticate import authenticate, require
from proxy.stages.guard import guard
from proxy.stages.look_up import plan_cache
from proxy.stages.reserve import FREE, Caller, peek, reserve
from proxy.stages.route import find_route, route
from proxy.translators.registry import TRANSLATIONS, find_translation
from proxy.wire.bad_request import UNREADABLE
from proxy.wire.model_request import ModelRequest
from proxy.wire.spool import Ended, Started

_encode = msgspec.json.Encoder().encode
_SAME_MOMENT_S = 1e-4  # the database keeps microseconds


# --- a request that was ---------------------------------------------------------------------------------------------------------


async def handle_request_record(gateway: Gateway, exchange: Exchange, sink: Sink, request_id: str) -> None:
    """Errors: NotFound for an id that is none, is unknown or is another tenant's; StoreUnavailable."""
    snapshot = gateway.snapshot()
    principal = await authenticate(exchange.presented_key, exchange.client_ip, gateway.keys, gateway.pepper)
    exchange.reservation = await reserve(Caller(principal, exchange.client_ip, ""), FREE, snapshot, gateway.plans)
    exchange.reservation.refund()
    try:
        parsed = uuid.UUID(request_id)
    except ValueError:
        raise _unknown(request_id) from None
    record = await gateway.records.find(parsed) if gateway.records is not None else None
    if record is None or not may_see(principal, record):
        raise _unknown(request_id)
    said = describe_record(record)
    if isinstance(record, Ended):
        said["price"] = _describe_price(_find_price(record, snapshot))
    await _send(exchange, sink, snapshot, said)


def _unknown(request_id: str) -> NotFound:
    return NotFound(f"There is no request with the id {request_id[:64]!r}.")


def may_see(principal: Principal, record: Ended | Started) -> bool:
    """Tell whether a request was made with this key, or with one of its workspace while the key may read usage."""
    if record.workspace_id != principal.workspace_id:
        return False
    return record.key_id == principal.key_id or "usage" in principal.permissions


def describe_record(record: Ended | Started) -> dict[str, Any]:
    """Return a record as its owner reads it. Units: LLM tokens, milliseconds, dollars."""
    said: dict[str, Any] = {
        "id": record.request_id,
        "object": "gateway.request",
        "began_at": timestamp(uuid.UUID(record.request_id)).isoformat(),
        "key_id": record.key_id,
        "workspace_id": record.workspace_id,
        "endpoint": record.endpoint,
        "model": record.model,
        "is_stream": record.is_stream,
        "revision": record.revision,
        "end_user": record.end_user or None,
        "tags": list(record.tags),
        "reserved_usd": dump_usd(record.reserved_nano_usd),
    }
    if isinstance(record, Started):
        return said | {"outcome": "running"}
    return said | _describe_end(record)


def _describe_end(record: Ended) -> dict[str, Any]:
    return {
        "outcome": record.outcome,
        "status": record.status,
        "error": record.error_code or None,
        "backend": record.backend or None,
        "provider": record.provider or None,
        "upstream_model": record.upstream_model or None,
        "cache": record.cache or None,
        "usage": {
            "input_tokens": record.input_tokens,
            "cache_read_tokens": record.cache_read_tokens,
            "cache_write_5m_tokens": record.cache_write_5m_tokens,
            "cache_write_1h_tokens": record.cache_write_1h_tokens,
            "audio_input_tokens": record.audio_input_tokens,
            "output_tokens": record.output_tokens,
            "reasoning_tokens": record.reasoning_tokens,
            "audio_output_tokens": record.audio_output_tokens,
        },
        "usage_source": record.usage_source,
        "cost_usd": dump_usd(record.cost_nano_usd),
        "price_effective_at": record.price_effective_at,
        "attempts_count": record.attempts_count,
        "latency_ms": record.latency_ms,
        "first_token_ms": record.first_token_ms,
        "decision": record.decision,
    }


def _find_price(record: Ended, snapshot: Snapshot) -> Price | None:
    """Return the price that was used, None for none and for one that the configuration no longer has."""
    route = snapshot.find_route(record.model)
    if route is None or record.price_effective_at is None:
        return None
    targets = (t for t in route.targets if (t.backend, t.upstream_model) == (record.backend, record.upstream_model))
    prices = (price for target in targets for price in target.prices)
    return next((price for price in prices if abs(price.effective_at - record.price_effective_at) < _SAME_MOMENT_S), None)


# --- a request that could be ----------------------------------------------------------------------------------------------------


class _ExplainBody(msgspec.Struct):
    endpoint: str
    body: msgspec.Raw


_decoder = msgspec.json.Decoder(_ExplainBody)


class Reader(Protocol):
    """Reads the body that an endpoint takes. Errors: NotFound for an endpoint that takes none, BadRequest."""

    def __call__(self, endpoint: str, body: bytes, depth_limit_count: int) -> ModelRequest: ...


@dataclass(slots=True)
class _Question:
    """One dry run, and what was found out so far. `would`: refuse, hit, forward, or estimate (tokens that we count ourselves)."""

    gateway: Gateway
    exchange: Exchange
    snapshot: Snapshot
    principal: Principal
    said: dict[str, Any]

    def refuse(self, error: dict[str, Any]) -> None:
        """Note why it would be refused; the first reason is the one that a caller would hear."""
        self.said.setdefault("error", error)


async def handle_explain(gateway: Gateway, exchange: Exchange, sink: Sink, read: Reader) -> None:
    """Answer with what would happen to a request. Errors: those of authentication, limits of requests, and an unreadable envelope."""
    snapshot = gateway.snapshot()
    principal = await authenticate(exchange.presented_key, exchange.client_ip, gateway.keys, gateway.pepper)
    require(principal, "inference")
    exchange.reservation = await reserve(Caller(principal, exchange.client_ip, ""), FREE, snapshot, gateway.plans)
    exchange.reservation.refund()
    try:
        asked = _decoder.decode(exchange.body)
    except UNREADABLE as error:
        raise BadRequest('Send {"endpoint": "/v1/chat/completions", "body": {...}}.') from error
    said: dict[str, Any] = {"object": "gateway.explanation", "would": "refuse", "endpoint": asked.endpoint, "revision": snapshot.revision}
    question = _Question(gateway, exchange, snapshot, principal, said)
    try:
        body = bytes(asked.body)
        would = await _explain(question, read(asked.endpoint, body, gateway.json_depth_count), len(body))
        said["would"] = "refuse" if "error" in said else would
    except GatewayError as error:
        question.refuse({"message": error.public_message, "type": error.type, "param": error.param, "code": error.code})
    await _send(exchange, sink, snapshot, said)


async def _explain(question: _Question, request: ModelRequest, body_bytes: int) -> str:
    """Go as far as the request would get, and return what would happen. Errors: what would refuse it."""
    gateway, exchange, snapshot, principal, said = (
        question.gateway,
        question.exchange,
        question.snapshot,
        question.principal,
        question.said,
    )
    now_s = gateway.now_s()
    known = snapshot.find_route(request.model) if principal.may_use_model(request.model) else None  # or the price would tell of it
    expected = estimate(request, body_bytes, known, now_s, gateway.ratios)
    said["model"] = request.model
    said["estimate"] = _describe_estimate(expected)
    caller = Caller(principal, exchange.client_ip, known.model if known else "", exchange.end_user or request.end_user, exchange.tags)
    said["limits"] = await peek(caller, expected, snapshot, gateway.plans)
    _note_limits(question)
    policy_version = kept_by = ""
    exchange.endpoint = request.operation
    if request.operation == "responses" and gateway.responses is not None:
        request, kept_by = await resolve_previous(gateway.responses, principal.workspace_id, request)
    if gateway.guardrails is not None:
        guarded = await gateway.guardrails.open(snapshot, principal, exchange, request.model)
        try:
            request = await guard(guarded, request)
            if guarded is not None:
                await guarded.before_answer()
        finally:
            if guarded is not None:
                policy_version = guarded.version
                guarded.close()
    found = find_route(request.model, principal, snapshot)
    targets = route(found, now_s)
    said["route"] = found.model
    targets = keep_on_backend(targets, kept_by)
    said["candidates"] = [_describe_candidate(target, request, snapshot, exchange, now_s) for target in targets]
    is_lost = all(candidate["untranslatable"] for candidate in said["candidates"])
    if request.operation == "count_tokens" and not any(
        (request.operation, said_of["provider"]) in TRANSLATIONS for said_of in said["candidates"]
    ):
        return "estimate"
    would = await _explain_cache(question, request, found, policy_version)
    if would == "forward" and is_lost and said["candidates"]:
        question.refuse(said["candidates"][-1]["untranslatable"])
    return would


def _note_limits(question: _Question) -> None:
    refusing = [limit for limit in question.said["limits"] if limit["would_refuse"] and limit["mode"] == "enforce"]
    if not refusing:
        return
    worst = max(refusing, key=lambda limit: limit["retry_after_s"])
    kind = BudgetSpent if worst["unit"] == "cost" and _is_budget(question, worst["name"]) else RateLimited
    question.refuse({"message": f"The limit {worst['name']!r} is reached.", "type": kind.type, "param": None, "code": kind.code})


def _is_budget(question: _Question, name: str) -> bool:
    return any(rule.name == name and is_budget(rule) for rule in question.snapshot.limits)


async def _explain_cache(question: _Question, request: ModelRequest, found: Route, policy_version: str) -> str:
    """Errors: NotCached. Asks the cache itself, so that its hit rate counts real requests alone."""
    gateway, exchange, principal = question.gateway, question.exchange, question.principal
    plan = plan_cache(principal, request, found, policy_version, exchange.cache_control, exchange.passed_headers)
    cached = await gateway.replies.find(plan, principal.workspace_id) if plan.may_read and gateway.replies is not None else None
    question.said["cache"] = {"would_hit": cached is not None, "may_store": plan.may_store, "reason": plan.reason or None}
    if cached is None and exchange.cache_control == "only-if-cached":
        raise NotCached
    return "hit" if cached is not None else "forward"


def _describe_estimate(expected: Estimate) -> dict[str, Any]:
    return {
        "input_tokens": expected.input_tokens,
        "output_tokens": expected.output_tokens,
        "cost_usd": dump_usd(expected.cost_nano_usd),
    }


def _describe_candidate(target: Target, request: ModelRequest, snapshot: Snapshot, exchange: Exchange, now_s: float) -> dict[str, Any]:
    backend = snapshot.backends[target.backend]
    said: dict[str, Any] = {
        "backend": target.backend,
        "provider": backend.provider,
        "upstream_model": target.upstream_model,
        "weight": target.weight,
        "price": _describe_price(target.price_at(now_s)),
        "untranslatable": None,
    }
    try:
        find_translation(request.operation, backend.provider).translate_request(request, target, backend, exchange.passed_headers)
    except GatewayError as error:
        said["untranslatable"] = {"message": error.public_message, "type": error.type, "param": error.param, "code": error.code}
    return said


def _describe_price(price: Price | None) -> dict[str, int | float] | None:
    """Return a price as it is, nano-dollars per million tokens of each class; None where there is none."""
    return None if price is None else dataclasses.asdict(price)


async def _send(exchange: Exchange, sink: Sink, snapshot: Snapshot, said: dict[str, Any]) -> None:
    reservation = exchange.reservation
    headers = [*JSON_HEADERS, *exchange_headers(exchange, snapshot.revision)]
    if reservation is not None:
        headers += limit_headers(reservation, exchange.dialect)
    await sink.send(200, headers, _encode(said))
