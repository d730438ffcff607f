"""`/v1/models`: the models that a key may use, in the shape of whichever SDK asks."""

from __future__ import annotations

from proxy.errors import BadRequest
from proxy.exchange import Exchange, Headers, Sink
from proxy.gateway import Gateway
from proxy.reply_headers import JSON_HEADERS, exchange_headers, limit_headers
from proxy.snapshot import Route, Snapshot
from proxy.stages.authenticate import authenticate, require
from proxy.stages.reserve import FREE, Caller, reserve
from proxy.stages.route import find_route
from proxy.wire.dialect import ANTHROPIC
from proxy.wire.model_names import ModelName, Page, dump_anthropic_model, dump_anthropic_models, dump_model, dump_models, parse_page


async def handle_models(gateway: Gateway, exchange: Exchange, sink: Sink, model: str = "") -> None:
    """
    Answer with the models that the key may use, or with the one that is named.

    Errors: those of its stages; BadRequest for the paging.
    """
    snapshot = gateway.snapshot()
    principal = await authenticate(exchange.presented_key, exchange.client_ip, gateway.keys, gateway.pepper)
    require(principal, "inference")
    caller = Caller(principal, exchange.client_ip, "", exchange.end_user, exchange.tags)
    exchange.reservation = reservation = await reserve(caller, FREE, snapshot, gateway.plans)
    reservation.refund()  # the request counts, and nothing else
    is_anthropic = exchange.dialect is ANTHROPIC
    if model:
        found = find_route(model, principal, snapshot)
        name = ModelName(model, found.created_at_s)
        body = dump_anthropic_model(name) if is_anthropic else dump_model(name)
    else:
        names = [name for name in _names(snapshot) if principal.may_use_model(name.id)]
        body = dump_anthropic_models(names, _page(exchange)) if is_anthropic else dump_models(names)
    headers: Headers = [
        *JSON_HEADERS,
        *exchange_headers(exchange, snapshot.revision),
        *limit_headers(reservation, exchange.dialect),
    ]
    await sink.send(200, headers, body)


def _names(snapshot: Snapshot) -> list[ModelName]:
    """Return every name that can be asked for; what a wildcard takes has no list."""
    names = [ModelName(name, found.created_at_s) for found in snapshot.routes.values() for name in _names_of(found)]
    return sorted(names, key=lambda name: name.id)


def _names_of(found: Route) -> list[str]:
    return [name for name in (found.model, *found.aliases) if not name.endswith("*")]


def _page(exchange: Exchange) -> Page:
    try:
        return parse_page(exchange.query)
    except ValueError as error:
        raise BadRequest(str(error), param="limit") from error
