"""
Many requests over one WebSocket: what its messages mean. The same pipeline, limits and accounting as HTTP.

Rules: no Channels, no Django here; `consumers.py` brings the messages. Each request runs in a task of its own, which the socket's end
cancels; it is settled and recorded as one whose client has left. A key is looked up again for each request, so one that is revoked is
refused on an open socket as soon as on a new one.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from apikeys.hotpath import Principal
from proxy.edge import FrontDoor
from proxy.endpoints import MODEL_ENDPOINTS, Endpoint
from proxy.errors import BadRequest, ClientGone, GatewayError, InvalidApiKey, IpNotAllowed, RequestTooLarge, TooManyInFlight
from proxy.exchange import Exchange
from proxy.request_head import PASSED, read_controls
from proxy.socket_sink import SocketSink, dump_failure
from proxy.stages.authenticate import authenticate
from proxy.telemetry import errors, socket_messages
from proxy.wire.dialect import OPENAI, Dialect
from proxy.wire.socket_messages import AUTHENTICATED, PONG, Auth, Ping, RequestCancel, RequestCreate, parse_message

ROUTE: Final = "/ws/v1/stream"
Send = Callable[[str], Awaitable[None]]
KeyFinder = Callable[[str], Awaitable[Principal | None]]
"""Returns who a key is, by its id; None for one that may not be used."""

_HEADERS_LIMIT_BYTES: Final = 16 * 1024
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")

_received = socket_messages("in")
_sent = socket_messages("out")


class StreamSocket:
    """
    One WebSocket: who it belongs to, and the requests that run on it.

    `in_flight_max_count` bounds the latter. `client_ip` is the peer's, or what a trusted proxy says. `find_key` finds the keys that the
    console's user behind the socket may use, None where there is none.
    """

    __slots__ = (
        "_client_ip",
        "_door",
        "_find_principal",
        "_in_flight",
        "_in_flight_max_count",
        "_presented_key",
        "_send",
        "find_key",
        "last_at",
    )

    def __init__(self, door: FrontDoor, send: Send, client_ip: str, in_flight_max_count: int) -> None:
        self._door = door
        self._send = send
        self._client_ip = client_ip
        self._in_flight_max_count = in_flight_max_count
        self._in_flight: dict[str, tuple[SocketSink, asyncio.Task[None]]] = {}
        self._presented_key = b""
        self._find_principal: Callable[[], Awaitable[Principal]] | None = None
        self.find_key: KeyFinder | None = None
        self.last_at = time.monotonic()

    @property
    def is_authenticated(self) -> bool:
        return bool(self._presented_key) or self._find_principal is not None

    @property
    def in_flight_count(self) -> int:
        return len(self._in_flight)

    async def authenticate(self, key: bytes) -> None:
        """
        Make the socket the key's; requests that run stay those of the key before it.

        Errors: InvalidApiKey, IpNotAllowed, StoreUnavailable.
        """
        gateway = self._door.gateway
        await authenticate(key, self._client_ip, gateway.keys, gateway.pepper)
        self._presented_key, self._find_principal = key, None

    async def authenticate_as(self, key_id: str) -> None:
        """
        Make the socket that of a key which the console's user behind it may manage, looked up again for each request.

        Errors: InvalidApiKey, one answer for every reason; IpNotAllowed; StoreUnavailable.
        """
        find_key, client_ip = self.find_key, self._client_ip

        async def find() -> Principal:
            principal = await find_key(key_id) if find_key is not None else None
            if principal is None:
                raise InvalidApiKey
            if not principal.may_come_from(client_ip):
                raise IpNotAllowed
            return principal

        await find()
        self._find_principal = find

    async def receive(self, text: str) -> None:
        """
        Do what a message says.

        Errors: those of `authenticate` for an `auth` message, and InvalidApiKey for another one before it; the socket is to be closed then.
        """
        self.last_at = time.monotonic()
        _received.inc()
        try:
            message = parse_message(text)
        except ValueError as error:
            await self._refuse(BadRequest(f"The message is not valid: {error}"))
            return
        if isinstance(message, Ping):
            await self._say(PONG)
        elif isinstance(message, Auth) and not (message.api_key or message.key_id):
            await self._refuse(BadRequest("The message `auth` needs `api_key`.", param="api_key"))
        elif isinstance(message, Auth):
            await (self.authenticate_as(message.key_id) if message.key_id else self.authenticate(message.api_key.encode()))
            await self._say(AUTHENTICATED)
        elif not self.is_authenticated:
            raise InvalidApiKey("The first message must be `auth` with an API key.")
        elif isinstance(message, RequestCreate):
            await self._create(message)
        else:
            self._cancel(message)

    def leave(self) -> None:
        """The client has left: end everything that runs for it."""
        for sink, _ in list(self._in_flight.values()):
            sink.leave()

    def stop(self) -> None:
        """The gateway stops and waits no longer: end everything that runs, and tell the client."""
        for sink, task in list(self._in_flight.values()):
            if not sink.is_gone:
                task.cancel()

    async def wait_closed(self) -> None:
        """Wait until everything that ran has ended and was settled."""
        await asyncio.gather(*(task for _, task in self._in_flight.values()), return_exceptions=True)

    # --- requests -----------------------------------------------------------------------------------------------------------------

    async def _create(self, message: RequestCreate) -> None:
        endpoint = MODEL_ENDPOINTS.get(message.endpoint) or MODEL_ENDPOINTS.get(_SHORT.get(message.endpoint, ""))
        dialect = endpoint.dialect if endpoint else OPENAI
        if endpoint is None:
            text = f"The endpoint {message.endpoint[:100]!r} is none of {', '.join(MODEL_ENDPOINTS)}."
            await self._refuse(BadRequest(text, param="endpoint"), message.id, dialect)
        elif message.id in self._in_flight:
            text = f"A request with the id {message.id!r} is running already."
            await self._refuse(BadRequest(text, param="id"), message.id, dialect)
        elif len(self._in_flight) >= self._in_flight_max_count:
            text = f"{self._in_flight_max_count} requests run on this socket, which is the most. Wait for one to end."
            await self._refuse(TooManyInFlight(text), message.id, dialect)
        else:
            self._begin(message, endpoint)

    def _begin(self, message: RequestCreate, endpoint: Endpoint) -> None:
        body = bytes(message.body)  # a copy, so that the rest of the message is let go
        exchange = Exchange(ROUTE, "POST", self._client_ip, self._presented_key, body, time.perf_counter(), endpoint.dialect)
        exchange.find_principal = self._find_principal
        sink = SocketSink(message.id, exchange, self._say)
        running = self._run(message.id, message.headers, endpoint, exchange, sink)
        self._in_flight[message.id] = (sink, asyncio.get_running_loop().create_task(running))

    async def _run(self, request: str, headers: Mapping[str, str], endpoint: Endpoint, exchange: Exchange, sink: SocketSink) -> None:
        async def answer() -> None:
            self._door.admit()
            limit_bytes = self._door.edge.body_limit_bytes
            if len(exchange.body) > limit_bytes:
                raise RequestTooLarge(f"The request body is larger than {limit_bytes} bytes.")
            _read_headers(exchange, headers)
            await endpoint.handle(self._door.gateway, exchange, sink)

        try:
            await self._door.serve(exchange, sink, answer, sink.fail)
        finally:
            del self._in_flight[request]
            self.last_at = time.monotonic()
            if sink.is_taken_back:
                await sink.fail(ClientGone("The client has cancelled this request."))

    def _cancel(self, message: RequestCancel) -> None:
        running = self._in_flight.get(message.id)
        if running is not None:  # else its last message and this one have crossed
            running[0].take_back()

    # --- what is sent -------------------------------------------------------------------------------------------------------------

    async def _refuse(self, error: GatewayError, request: str | None = None, dialect: Dialect = OPENAI) -> None:
        errors(error.code).inc()
        await self._say(dump_failure(error, dialect, request))

    async def _say(self, text: str) -> None:
        _sent.inc()
        await self._send(text)


_SHORT: Final = {path.removeprefix("/v1/"): path for path in MODEL_ENDPOINTS} | {"chat": "/v1/chat/completions"}


def _read_headers(exchange: Exchange, headers: Mapping[str, str]) -> None:
    """Put into the exchange what the headers of a message say, as HTTP does. Errors: BadRequest."""
    if not headers:
        return
    read: dict[bytes, bytes] = {}
    size_bytes = 0
    for name, value in headers.items():
        size_bytes += len(name) + len(value)
        if size_bytes > _HEADERS_LIMIT_BYTES or not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            text = f"`headers` holds names and values as HTTP has them, in Latin-1, {_HEADERS_LIMIT_BYTES} bytes together."
            raise BadRequest(text, param="headers")
        read[name.lower().encode()] = value.encode("latin-1")
    exchange.passed_headers += [(name, value) for name, value in read.items() if name.startswith(PASSED)]
    read_controls(exchange, read)
