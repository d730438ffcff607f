"""
The endpoints of responses that were answered before: `GET` and `DELETE /v1/responses/{id}`, `/cancel` and `/input_items`.

What we keep is answered here; a response that a provider keeps is asked for there, in the client's words.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import parse_qs, parse_qsl, quote, urlencode

import msgspec

from proxy.errors import BadRequest, MethodNotAllowed, NotFound
from proxy.response_state import ResponseStore, StoredResponse, not_found
from proxy.snapshot import Backend
from proxy.translators.direct_responses import PATH
from proxy.translators.openai_family import credential_headers, upstream_path
from proxy.translators.translation import Headers, UpstreamCall

Action = Literal["get", "delete", "cancel", "input_items"]

_ACTIONS: Final[dict[tuple[str, str], Action]] = {
    ("", "GET"): "get",
    ("", "DELETE"): "delete",
    ("/input_items", "GET"): "input_items",
    ("/cancel", "POST"): "cancel",
}
_METHODS: Final[dict[Action, str]] = {"get": "GET", "delete": "DELETE", "cancel": "POST", "input_items": "GET"}
_NO_IDS: Final = frozenset({"", "compact", "input_tokens"})  # other endpoints of OpenAI's
_QUERY: Final = frozenset({"include", "include[]", "include_obfuscation", "starting_after", "stream", "after", "before", "limit", "order"})
_PAGE_COUNT: Final = 20
_PAGE_MAX_COUNT: Final = 100
_PREFIXES: Final = {"message": "msg", "function_call": "fc", "function_call_output": "fco", "reasoning": "rs"}
_encoder: Final = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class StoredCall:
    """What a client wants of which response."""

    response_id: str
    action: Action


def parse_stored_call(method: str, path: str) -> StoredCall:
    """
    Read a path below `/v1/responses/`, such as `resp_1/cancel`.

    Errors: NotFound, MethodNotAllowed.
    """
    response_id, slash, rest = path.partition("/")
    suffix = slash + rest
    methods = [known for known_suffix, known in _ACTIONS if known_suffix == suffix]
    if response_id in _NO_IDS or not methods:
        raise NotFound
    action = _ACTIONS.get((suffix, method))
    if action is None:
        raise MethodNotAllowed(", ".join(methods))
    return StoredCall(response_id, action)


async def find_stored(call: StoredCall, workspace_id: str, store: ResponseStore) -> StoredResponse:
    """Errors: NotFound, which is the same for a response of another workspace; StoreUnavailable."""
    stored = await store.get(workspace_id, call.response_id)
    if stored is None or stored.is_too_large:
        raise not_found(call.response_id)
    return stored


def call_keeper(call: StoredCall, backend: Backend, query: str) -> UpstreamCall:
    """Return the call to the backend whose provider keeps the response; its answer is the client's."""
    suffix = f"/{call.action}" if call.action in {"cancel", "input_items"} else ""
    kept = urlencode([(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name in _QUERY])
    path = upstream_path(backend, f"{PATH}/{quote(call.response_id, safe='')}{suffix}", "")
    headers: Headers = [(b"accept", b"application/json"), *credential_headers(backend)]
    return UpstreamCall(f"{path}?{kept}" if kept else path, headers, b"", _METHODS[call.action])


async def answer_here(call: StoredCall, stored: StoredResponse, query: str, workspace_id: str, store: ResponseStore) -> bytes:
    """
    Return the body of the answer about a response that we keep.

    Errors: BadRequest; StoreUnavailable for what cannot be deleted now.
    """
    if call.action == "cancel":
        raise BadRequest("Cannot cancel a synchronous response.")
    if call.action == "delete":
        await store.delete(workspace_id, stored.id)
        return _encoder.encode({"id": stored.id, "object": "response", "deleted": True})
    values = parse_qs(query)
    if call.action == "input_items":
        return _encoder.encode(_page(_listed_items(stored), values))
    if values.get("stream", [""])[0] == "true":
        raise BadRequest("Only a response that was made in the background can be streamed again.", param="stream")
    return stored.body


def _listed_items(stored: StoredResponse) -> list[dict[str, Any]]:
    """Return the input's items as OpenAI lists them; the id of one that came without is made of its place, so it stays."""
    items = []
    for number, item in enumerate(msgspec.json.decode(stored.input, type=list[dict[str, Any]])):
        kind = item.get("type") or "message"
        digest = hashlib.sha256(f"{stored.id}:{number}".encode()).hexdigest()[:32]
        prefix = _PREFIXES.get(kind, "item") if isinstance(kind, str) else "item"
        listed = {"id": f"{prefix}_{digest}", "type": kind, "status": "completed"} | item
        if isinstance(content := item.get("content"), str):
            part = "output_text" if item.get("role") == "assistant" else "input_text"
            listed["content"] = [{"type": part, "text": content}]
        items.append(listed)
    return items


def _page(items: list[dict[str, Any]], query: dict[str, list[str]]) -> dict[str, Any]:
    """Errors: BadRequest."""
    limit = query.get("limit", [str(_PAGE_COUNT)])[0]
    if not limit.isdecimal() or not 1 <= int(limit[:6]) <= _PAGE_MAX_COUNT:
        raise BadRequest(f"'limit' is a number from 1 to {_PAGE_MAX_COUNT}.", param="limit")
    order = query.get("order", ["desc"])[0]
    if order not in {"asc", "desc"}:
        raise BadRequest("'order' is asc or desc.", param="order")
    ordered = items if order == "asc" else items[::-1]
    if after := query.get("after", [""])[0]:
        places = [place for place, item in enumerate(ordered) if item["id"] == after]
        if not places:
            raise BadRequest(f"There is no item '{after}'.", param="after")
        ordered = ordered[places[0] + 1 :]
    shown = ordered[: int(limit[:6])]
    return {
        "object": "list",
        "data": shown,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": len(ordered) > len(shown),
    }
