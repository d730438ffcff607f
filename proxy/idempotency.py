"""
`Idempotency-Key`: the same call made twice is answered once.

The first call claims the key, in the name of its API key and with a digest of what it asks; a second one gets the first one's answer,
a refusal while the first is still running, or a refusal when it asks something else. Only final answers are kept: what a retry may
change (429, 5xx) gives the claim back.

Rules: the answer is kept before its last byte is sent, so a client that comes back at once finds it. A client that leaves does not end
the call: the lost connection is what the key is for. A claim whose call never ended, because its worker died, expires.
Reference: docs/howto/retry-safely.md, docs/design/0012-response-cache.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec

from apikeys.hotpath import Principal
from proxy.errors import GatewayError, IdempotencyConflict
from proxy.exchange import Exchange, Headers, Sink
from proxy.reply_headers import JSON_HEADERS, cost_header, exchange_headers
from proxy.sinks import CapturingSink

_FINAL_ERRORS: Final = frozenset({400, 404, 413, 422})
_KEPT_HEADERS: Final = frozenset({b"content-type", b"x-gateway-backend"})
_REPLAYED: Final = (b"x-gateway-idempotent-replay", b"true")


@dataclass(frozen=True, slots=True)
class IdempotencyPlace:
    """Whose key it is. The same key of two API keys is two keys."""

    workspace_id: str
    key_id: str
    key: str


class Running(msgspec.Struct, frozen=True, array_like=True, tag="running"):
    """A claim whose call has not ended. `request_id` tells it from every other claim of the same key."""

    digest: bytes
    request_id: str


class StoredAnswer(msgspec.Struct, frozen=True, array_like=True, tag="done"):
    """
    A final answer, and the digest of the request it belongs to. `request_id` is the first call's.

    `is_too_large`: the call was answered, but the answer was larger than what is kept.
    """

    digest: bytes
    request_id: str
    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    is_too_large: bool = False


class IdempotencyStore(Protocol):
    """Claims and answers, shared by all workers."""

    async def claim(self, place: IdempotencyPlace, claim: Running) -> StoredAnswer | Running | None:
        """
        Claim the key, or return who has it. None: it is ours now.

        Errors: Overloaded when the store is away: the promise cannot be kept then.
        Guarantee: of any number of claims at once one gets it.
        """

    async def keep(self, place: IdempotencyPlace, claim: Running, answer: StoredAnswer) -> None:
        """
        Put the answer in the place of the claim; not in that of another call's, which got the key when ours had expired.

        Never raises: with the store away the claim stands until it expires, so the call is refused but not made twice.
        """

    async def release(self, place: IdempotencyPlace, claim: Running) -> None:
        """Give the claim back, if it is still ours. Never raises: what cannot be given back expires."""


def digest_request(exchange: Exchange) -> bytes:
    """Return what tells one request from another: its path and every byte of its body."""
    return hashlib.sha256((exchange.endpoint or exchange.route).encode() + b"\0" + exchange.body).digest()


async def run_idempotently(
    store: IdempotencyStore, exchange: Exchange, principal: Principal, sink: Sink, run: Callable[[Sink], Awaitable[None]]
) -> None:
    """
    Answer with what the first call of this key was answered, or run and keep the answer.

    Errors: IdempotencyConflict; Overloaded when the store is away; what `run` raises, after the claim was given back or, for an error
    that a repeat would meet again, kept as the answer.
    Cost: two round trips, the second of them with the answer.
    """
    place = IdempotencyPlace(principal.workspace_id, principal.key_id, exchange.idempotency_key)
    claim = Running(digest_request(exchange), exchange.request_id)
    found = await store.claim(place, claim)
    exchange.timings.mark("idempotency")
    if found is not None:
        await _answer_again(found, claim.digest, exchange, sink)
        return
    keeper = _Keeper(sink, store, place, claim)
    try:
        await run(keeper)
    except GatewayError as error:
        if error.http_status in _FINAL_ERRORS and not keeper.is_started:
            dialect = exchange.dialect
            await keeper.keep(dialect.status_of(error), JSON_HEADERS, dialect.dump_error(error, claim.request_id))
        raise
    finally:
        if not keeper.is_kept:
            await store.release(place, claim)


class _Keeper(CapturingSink):
    """Passes the answer on once it is kept. A client that leaves is noticed and cancels nothing."""

    def __init__(self, inner: Sink, store: IdempotencyStore, place: IdempotencyPlace, claim: Running) -> None:
        super().__init__(inner)
        self._store = store
        self._place = place
        self._claim = claim
        self.is_kept = False

    def watch(self, *, is_cancelling: bool, is_late: bool, on_leave: Callable[[], None] | None = None) -> None:
        super().watch(is_cancelling=False, is_late=is_late)

    async def on_ended(self) -> None:
        if self.status == 200:
            await self.keep(self.status, self.headers, self.whole_body)

    async def keep(self, status: int, headers: Headers, body: bytes | None) -> None:
        """Keep an answer; None for one that is too large, which is kept as having been given."""
        kept = tuple(header for header in headers if header[0] in _KEPT_HEADERS)
        answer = StoredAnswer(self._claim.digest, self._claim.request_id, status, kept, body or b"", body is None)
        self.is_kept = True  # before it is: should we be cancelled now, the claim stands and the call is not made twice
        await self._store.keep(self._place, self._claim, answer)


async def _answer_again(found: StoredAnswer | Running, digest: bytes, exchange: Exchange, sink: Sink) -> None:
    if found.digest != digest:
        raise IdempotencyConflict("The idempotency key was used with other parameters. Use a new key for a new request.")
    if isinstance(found, Running):
        raise IdempotencyConflict("The first call with this idempotency key is still running. Try again when it has ended.")
    if found.is_too_large:
        raise IdempotencyConflict("The call with this idempotency key was answered, and its answer was too large to be kept.")
    headers = [*found.headers, *exchange_headers(exchange, None), cost_header(0), _REPLAYED]
    await sink.send(found.status, [*headers, (b"x-gateway-first-request-id", found.request_id.encode())], found.body)
