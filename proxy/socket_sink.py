"""
Where the answer to one request on a WebSocket goes: messages instead of an HTTP response. The messages: docs/reference/websocket.md.

Rules: each request is ended by one message, `response.completed` or `error`, unless its socket has gone. What is put into a message is
known to be JSON, so that an upstream can neither break a message nor write into those of another request.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import cast

import msgspec

from common.money import dump_usd
from proxy.errors import GatewayError, UpstreamBroken
from proxy.exchange import Exchange, Headers
from proxy.telemetry import ACTIVE_STREAMS
from proxy.wire.dialect import Dialect
from proxy.wire.socket_messages import ChunkWriter, dump_completed, dump_error, dump_started
from proxy.wire.sse import SseDecoder
from proxy.wire.usage import Usage

Say = Callable[[str], Awaitable[None]]

_PING = b"ping"
_REFUSED = 400


class SocketSink:
    """
    The `Sink` of one request. Its events become chunks, a message each; what is no JSON object (comments, `[DONE]`) becomes none.

    `say` sends a message; it waits while the client reads too slowly, and with it the reading from the upstream.
    Errors: UpstreamBroken for an event that is not JSON.
    Cost: 3 us a chunk.
    """

    __slots__ = (
        "_chunks",
        "_decoder",
        "_exchange",
        "_on_leave",
        "_request",
        "_say",
        "is_ended",
        "is_gone",
        "is_started",
        "is_taken_back",
        "status",
    )

    def __init__(self, request: str, exchange: Exchange, say: Say) -> None:
        self._request = request
        self._exchange = exchange
        self._say = say
        self._chunks = ChunkWriter(request)
        self._decoder: SseDecoder | None = None
        self._on_leave: Callable[[], None] | None = None
        self.is_started = False
        self.is_ended = False
        self.is_gone = False
        self.is_taken_back = False
        self.status = 0

    # --- the client's doings ------------------------------------------------------------------------------------------------------

    def watch(self, *, is_cancelling: bool, is_late: bool, on_leave: Callable[[], None] | None = None) -> None:
        if on_leave is None and is_cancelling and (owner := asyncio.current_task()) is not None:
            on_leave = cast("Callable[[], None]", owner.cancel)
        self._on_leave = on_leave
        if self.is_gone and on_leave is not None:
            on_leave()  # it left before anything was asked of a backend

    def leave(self) -> None:
        """The client has left: cancel whoever answers, once, unless the backend is one whose answers are read to their end."""
        if self.is_gone:
            return
        self.is_gone = True
        if self._on_leave is not None:
            self._on_leave()

    def take_back(self) -> None:
        """The client wants no answer to this request any more. One whose last message is on its way is not taken back."""
        if not self.is_ended:
            self.is_taken_back = True
            self.leave()

    # --- the answer ---------------------------------------------------------------------------------------------------------------

    async def send(self, status: int, headers: Headers, body: bytes) -> None:
        if self.is_gone or self.is_started:
            return
        _check_json(body)
        self.is_started, self.is_ended, self.status, self._on_leave = True, True, status, None
        if status >= _REFUSED:  # an error that was kept for the request's idempotency key
            await self._say(dump_error(msgspec.json.decode(body)["error"], status, self._request, self._request_id))
            return
        await self._say(dump_started(self._request, self._request_id))
        await self._say(self._chunks.dump(body))
        await self._complete()

    async def start(self, status: int, headers: Headers) -> None:
        if self.is_gone or self.is_started:
            return
        self.is_started, self.status = True, status
        self._decoder = SseDecoder()
        ACTIVE_STREAMS.inc()
        await self._say(dump_started(self._request, self._request_id))

    async def write(self, data: bytes) -> None:
        if not self.is_gone and not self.is_ended:
            await self._write(data)

    async def end(self, data: bytes = b"") -> None:
        if self.is_gone or self.is_ended:
            return
        self._on_leave = None  # the answer is settled: nothing is left to cancel
        await self._write(data)
        if not self.is_gone:
            self.is_ended = True
            await self._complete()

    async def fail(self, error: GatewayError) -> None:
        """Say that the request failed, before or after its answer began."""
        if self.is_ended:
            return
        self.is_ended, self._on_leave = True, None
        self.status = self.status or self._exchange.dialect.status_of(error)
        await self._say(dump_failure(error, self._exchange.dialect, self._request, self._request_id))

    def close(self) -> None:
        self._on_leave = None
        if self._decoder is not None:
            self._decoder = None
            ACTIVE_STREAMS.dec()

    async def _write(self, data: bytes) -> None:
        if self._decoder is None:
            return
        for event in self._decoder.feed(data):
            chunk = event.data if event.data.startswith(b"{") else event.data.strip()
            if chunk.startswith(b"{") and event.event != _PING and not self.is_gone:
                await self._say(self._chunks.dump(_check_json(chunk)))

    async def _complete(self) -> None:
        exchange = self._exchange
        usage = describe_usage(exchange.usage) if exchange.usage is not None else None
        await self._say(dump_completed(self._request, self._request_id, usage, dump_usd(exchange.cost_nano_usd)))

    @property
    def _request_id(self) -> str:
        return self._exchange.request_id


_json = msgspec.json.Decoder(msgspec.Raw)


def _check_json(data: bytes) -> bytes:
    """
    Return `data` if it is one JSON value. Errors: UpstreamBroken.

    Cost: 0.2 us for a usual chunk. Without it `{"a": 1}, "id": "other"` would be a chunk of another request.
    """
    try:
        _json.decode(data)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise UpstreamBroken("The provider sent an event that is not JSON.") from error
    return data


def dump_failure(error: GatewayError, dialect: Dialect, request: str | None, request_id: str | None = None) -> str:
    """Return the `error` message: the error object of the dialect, its status, and when to come back."""
    body = msgspec.json.decode(dialect.dump_error(error, request_id or ""))
    retry_after_ms = None if error.retry_after_s is None else max(1, math.ceil(error.retry_after_s * 1000))
    return dump_error(body["error"], dialect.status_of(error), request, request_id, retry_after_ms)


def describe_usage(usage: Usage) -> dict[str, int]:
    """Return the two sums, and every class of tokens that something was counted in."""
    classes = {name: getattr(usage, name) for name in usage.__struct_fields__}
    return {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens} | {name: n for name, n in classes.items() if n}
