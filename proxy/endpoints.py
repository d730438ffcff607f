"""What the data plane answers, and in which dialect it tells of errors: one line for each path and method."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from proxy.batch import handle_batch
from proxy.decisions import handle_explain, handle_request_record
from proxy.errors import MethodNotAllowed, NotFound
from proxy.exchange import Exchange, Sink
from proxy.gateway import Gateway
from proxy.model_list import handle_models
from proxy.pipeline import Parse, handle_model
from proxy.response_endpoints import handle_stored_response
from proxy.wire.completions import parse_completions_request
from proxy.wire.dialect import ANTHROPIC, OPENAI, RESPONSES, Dialect
from proxy.wire.embeddings import parse_embeddings_request
from proxy.wire.messages import parse_count_tokens_request, parse_messages_request
from proxy.wire.model_request import ModelRequest
from proxy.wire.moderations import parse_moderations_request
from proxy.wire.openai import parse_chat_request
from proxy.wire.responses import parse_responses_request

Handler = Callable[[Gateway, Exchange, Sink], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`route` is the path with its variable parts named: the label of metrics and logs."""

    route: str
    method: str
    handle: Handler
    dialect: Dialect = OPENAI


def _model(route: str, parse: Parse, dialect: Dialect = OPENAI) -> Endpoint:
    return Endpoint(route, "POST", partial(handle_model, parse=parse), dialect)


PARSERS: dict[str, Parse] = {
    "/v1/chat/completions": parse_chat_request,
    "/v1/completions": parse_completions_request,
    "/v1/embeddings": parse_embeddings_request,
    "/v1/responses": parse_responses_request,
    "/v1/moderations": parse_moderations_request,
    "/v1/messages": parse_messages_request,
    "/v1/messages/count_tokens": parse_count_tokens_request,
}
_DIALECTS = {"/v1/messages": ANTHROPIC, "/v1/messages/count_tokens": ANTHROPIC, "/v1/responses": RESPONSES}
MODEL_ENDPOINTS = {route: _model(route, parse, _DIALECTS.get(route, OPENAI)) for route, parse in PARSERS.items()}
"""What a model can be asked for: also what `/v1/batch`, `/v1/explain` and WebSockets take."""


def find_model_endpoint(endpoint: str) -> Endpoint:
    """Errors: NotFound for what no model can be asked."""
    found = MODEL_ENDPOINTS.get(endpoint)
    if found is None:
        raise NotFound(f"The endpoint {endpoint[:100]!r} is none of {', '.join(MODEL_ENDPOINTS)}.", param="endpoint")
    return found


def _read_body(endpoint: str, body: bytes, depth_limit_count: int) -> ModelRequest:
    find_model_endpoint(endpoint)
    return PARSERS[endpoint](body, depth_limit_count)


_FIXED = {
    **MODEL_ENDPOINTS,
    "/v1/models": Endpoint("/v1/models", "GET", handle_models),
    "/v1/batch": Endpoint("/v1/batch", "POST", partial(handle_batch, endpoints=MODEL_ENDPOINTS)),
    "/v1/explain": Endpoint("/v1/explain", "POST", partial(handle_explain, read=_read_body)),
}


def find_endpoint(path: str, method: str) -> Endpoint:
    """Errors: NotFound, MethodNotAllowed."""
    endpoint = _FIXED.get(path)
    if endpoint is not None:
        if endpoint.method != method:
            raise MethodNotAllowed(endpoint.method)
        return endpoint
    return _find_with_id(path, method)


def _find_with_id(path: str, method: str) -> Endpoint:
    if path.startswith("/v1/models/") and (model := path[len("/v1/models/") :]):
        return _only("GET", method, Endpoint("/v1/models/{id}", "GET", partial(handle_models, model=model)))
    if path.startswith("/v1/responses/") and (rest := path[len("/v1/responses/") :]):
        return Endpoint("/v1/responses/{id}", method, partial(handle_stored_response, rest=rest), RESPONSES)
    if path.startswith("/v1/requests/") and (request_id := path[len("/v1/requests/") :]):
        return _only("GET", method, Endpoint("/v1/requests/{id}", "GET", partial(handle_request_record, request_id=request_id)))
    raise NotFound


def _only(allowed: str, method: str, endpoint: Endpoint) -> Endpoint:
    if method != allowed:
        raise MethodNotAllowed(allowed)
    return endpoint


ROUTES = frozenset({*_FIXED, "/v1/models/{id}", "/v1/responses/{id}", "/v1/requests/{id}"})
"""Every label that an endpoint's route can have."""
