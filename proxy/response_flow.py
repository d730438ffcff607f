"""The state of Responses on a request's way: what it refers to is put in before, and its answer is kept before its last byte leaves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from proxy.exchange import Exchange
from proxy.response_state import TTL_S, ResponseStore, resolve_state, response_in_tail, to_store
from proxy.snapshot import Snapshot
from proxy.wire.model_request import ModelRequest


async def resolve_previous(store: ResponseStore, workspace_id: str, request: ModelRequest) -> tuple[ModelRequest, str]:
    """
    Return the request with what we keep of earlier responses in it, and the only backend that can go on from them, empty for any.

    Before the policies look: what goes to a model again is looked at again.

    Errors: PreviousResponseNotFound, BadRequest, StoreUnavailable. Cost: nothing for a request that refers to none.
    """
    resolved = await resolve_state(request, workspace_id, store)
    return resolved.request, resolved.backend


def remember_response(
    store: ResponseStore, workspace_id: str, request: ModelRequest, exchange: Exchange, snapshot: Snapshot
) -> Callable[[bytes], Awaitable[None]]:
    """Return what is to be told the whole answer, or the tail of the stream, once it is there."""

    async def remember(answer: bytes) -> None:
        body = response_in_tail(answer) if request.is_stream else answer
        if body is None:
            return
        stored = to_store(request, body, snapshot.backends[exchange.backend])
        if stored is not None:
            await store.put(workspace_id, stored, TTL_S)

    return remember
