"""
What a Responses request refers to: earlier responses, and items of them.

Two ways to keep a response: a provider that keeps it itself is the only one to go on from it, and we hold no more than whose it is; all
others are kept here whole, with all items that came before them, so that going on takes one look-up whatever the length of the chain.

Rules: pure, but for `resolve_state` and the port. A response belongs to a workspace: in another one its id is as unknown as any.
Source: docs/design/0010-responses-state.md
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec

from proxy.errors import BadRequest, NotFound, PreviousResponseNotFound
from proxy.snapshot import Backend, Target
from proxy.translators.direct_responses import has_responses
from proxy.wire.bad_request import UNREADABLE
from proxy.wire.model_request import ModelRequest
from proxy.wire.responses import TERMINAL_EVENTS, RawLifecycleEvent
from proxy.wire.sse import event_data, split_events

TTL_S: Final = 30 * 24 * 3600
"""How long OpenAI keeps a response."""

_REFERENCE: Final = b'"item_reference"'
_encoder: Final = msgspec.json.Encoder()

Item = dict[str, msgspec.Raw]


class _StoredBody(msgspec.Struct):
    id: str
    status: str | None = None
    output: list[Item] = []


_body_decoder: Final = msgspec.json.Decoder(_StoredBody)
_input_decoder: Final = msgspec.json.Decoder(str | list[Item])
_items_decoder: Final = msgspec.json.Decoder(list[Item])
_tail_decoder: Final = msgspec.json.Decoder(RawLifecycleEvent)


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """
    A response that a client may come back to.

    `backend` names the one whose provider keeps it, and nothing else is held then; empty where we do. `input` is the JSON list of all
    items before the answer, those of earlier responses included and instructions not; `body` the answer as the client got it.
    `item_ids` are those of its output. `is_too_large`: more than the store takes, so only that much is known of it.
    """

    id: str
    model: str
    backend: str = ""
    input: bytes = b"[]"
    body: bytes = b""
    item_ids: tuple[str, ...] = ()
    is_too_large: bool = False


class ResponseStore(Protocol):
    """Where responses are kept, each within its workspace."""

    async def put(self, workspace_id: str, stored: StoredResponse, ttl_s: int) -> None:
        """Keep a response. Never raises: the answer is there, and a store that is away must not take it back."""

    async def get(self, workspace_id: str, response_id: str) -> StoredResponse | None:
        """Errors: StoreUnavailable."""

    async def find_owner(self, workspace_id: str, item_id: str) -> str | None:
        """Return the id of the response that an item is part of. Errors: StoreUnavailable."""

    async def delete(self, workspace_id: str, response_id: str) -> None:
        """Errors: StoreUnavailable."""


# --- before the request is sent -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Resolved:
    """A request that refers to nothing we keep. `backend`, if not empty, is the only one that knows what it still refers to."""

    request: ModelRequest
    backend: str = ""


async def resolve_state(request: ModelRequest, workspace_id: str, store: ResponseStore) -> Resolved:
    """
    Put what we keep of earlier responses into the request.

    Errors: PreviousResponseNotFound, BadRequest for what cannot be gone on from; StoreUnavailable.
    Cost: nothing for a request without references, else one look-up for each response and two for each item.
    """
    backends: list[str] = []
    if previous_id := _previous_id(request):
        stored = await _find_previous(previous_id, workspace_id, store)
        if stored.backend:
            backends.append(stored.backend)
        else:
            request = expand_previous(request, stored)
    found: dict[str, Item] = {}
    for item_id in _referenced_ids(request):
        stored, item = await _find_item(item_id, workspace_id, store)
        if stored.backend:
            backends.append(stored.backend)
        else:
            found[item_id] = item
    if len(set(backends)) > 1:
        raise BadRequest("The request refers to responses that different backends keep.", param="input")
    return Resolved(_put_items(request, found) if found else request, backends[0] if backends else "")


def keep_on_backend(targets: tuple[Target, ...], backend: str) -> tuple[Target, ...]:
    """
    Return the targets that can go on from what `Resolved.backend` keeps; all of them where that is empty.

    Errors: BadRequest when the model has none there.
    """
    if not backend:
        return targets
    kept = tuple(target for target in targets if target.backend == backend)
    if not kept:
        message = "The previous response is kept by a provider that this model is not served by. Send its items in 'input' instead."
        raise BadRequest(message, param="previous_response_id")
    return kept


def expand_previous(request: ModelRequest, stored: StoredResponse) -> ModelRequest:
    """Return the request with all items of the response and before it in front of its own; instructions are not carried over."""
    earlier = _items_decoder.decode(stored.input) + [_carried(item) for item in _body_decoder.decode(stored.body).output]
    items = earlier + read_items(request)
    fields = {name: raw for name, raw in request.fields.items() if name != "previous_response_id"}
    return msgspec.structs.replace(request, fields=fields | {"input": _raw(items)}, previous_response_id=stored.id)


def read_items(request: ModelRequest) -> list[Item]:
    """Return the items of a request's input, a text as the message it stands for."""
    raw = request.fields.get("input")
    given = None if raw is None or bytes(raw) == b"null" else _input_decoder.decode(raw)
    if given is None:
        return []
    if isinstance(given, list):
        return given
    return [{"type": _raw("message"), "role": _raw("user"), "content": _raw([{"type": "input_text", "text": given}])}]


def _raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(_encoder.encode(value))


def _carried(item: Item) -> Item:
    """Return an item of an answer as one of the next request: no other provider knows its id and state."""
    return {name: raw for name, raw in item.items() if name not in {"id", "status"}}


def _text(raw: msgspec.Raw | None) -> str:
    try:
        return msgspec.json.decode(raw or b'""', type=str)
    except UNREADABLE:
        return ""


def _previous_id(request: ModelRequest) -> str:
    return _text(request.fields.get("previous_response_id"))


def _referenced_ids(request: ModelRequest) -> Sequence[str]:
    if _REFERENCE not in bytes(request.fields.get("input", b"")):
        return ()
    return [_text(item.get("id")) for item in read_items(request) if _is_reference(item)]


def _is_reference(item: Item) -> bool:
    return bytes(item.get("type", b"")) == _REFERENCE


async def _find_previous(response_id: str, workspace_id: str, store: ResponseStore) -> StoredResponse:
    stored = await store.get(workspace_id, response_id)
    if stored is None:
        raise PreviousResponseNotFound(f"Previous response with id '{response_id}' not found.", param="previous_response_id")
    if stored.is_too_large:
        message = "The previous response was too large to be kept. Send its items in 'input' instead."
        raise PreviousResponseNotFound(message, param="previous_response_id")
    return stored


async def _find_item(item_id: str, workspace_id: str, store: ResponseStore) -> tuple[StoredResponse, Item]:
    owner = await store.find_owner(workspace_id, item_id)
    stored = None if owner is None else await store.get(workspace_id, owner)
    if stored is not None and stored.backend:
        return stored, {}
    if stored is not None and not stored.is_too_large:
        for item in _body_decoder.decode(stored.body).output:
            if _text(item.get("id")) == item_id:
                return stored, _carried(item)
    raise BadRequest(f"Item with id '{item_id}' not found.", param="input")


def _put_items(request: ModelRequest, found: dict[str, Item]) -> ModelRequest:
    """Return the request with the items that we keep where it refers to them."""
    items = [found.get(_text(item.get("id")), item) if _is_reference(item) else item for item in read_items(request)]
    return msgspec.structs.replace(request, fields=request.fields | {"input": _raw(items)})


# --- after it was answered ------------------------------------------------------------------------------------------------------


def to_store(request: ModelRequest, body: bytes, backend: Backend) -> StoredResponse | None:
    """
    Return what is to be kept of an answer of that backend, None when the client wants nothing kept, or there is nothing to keep.

    `request` is the one of `resolve_state`, `body` the response as the client got it.
    """
    if bytes(request.fields.get("store", b"")) == b"false":
        return None
    try:
        answer = _body_decoder.decode(body)
    except UNREADABLE:
        return None
    item_ids = tuple(item_id for item in answer.output if (item_id := _text(item.get("id"))))
    if has_responses(backend):
        return StoredResponse(answer.id, request.model, backend.name, item_ids=item_ids)
    if answer.status not in {"completed", "incomplete"}:
        return None
    return StoredResponse(answer.id, request.model, input=_encoder.encode(read_items(request)), body=body, item_ids=item_ids)


def response_in_tail(tail: bytes) -> bytes | None:
    """Return the body of the response that the last events of a stream (`StreamTranslation.tail`) carry, None without one."""
    for event in reversed(split_events(tail)):
        if not any(kind.encode() in event for kind in TERMINAL_EVENTS):
            continue
        try:
            return bytes(_tail_decoder.decode(event_data(event) or b"").response)
        except UNREADABLE:
            continue
    return None


def not_found(response_id: str) -> NotFound:
    """Return the one answer for an id that was never given out, is forgotten, or is another workspace's."""
    return NotFound(f"Response with id '{response_id}' not found.")
