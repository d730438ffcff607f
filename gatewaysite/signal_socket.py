"""
`/ws/signals`: a workspace's new signals as they are stored, for a key with the permission `signals_read`.

Rules: the handshake's query and `subscribe` messages choose among them as the query of `GET /api/signals` does. The key is looked up
again every few seconds, so one that is revoked hears nothing for long. Reference: docs/reference/websocket-signals.md.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl

import msgspec
import structlog

from apikeys.hotpath import Principal
from items.signal_feed import Listener, SignalFeed
from proxy.asgi_types import Scope
from proxy.edge import FrontDoor
from proxy.errors import BadRequest, GatewayError, InternalError, InvalidApiKey
from proxy.socket_sink import dump_failure
from proxy.stages.authenticate import authenticate, require
from proxy.stages.reserve import FREE, Caller, reserve
from proxy.telemetry import errors, socket_messages
from proxy.wire.dialect import OPENAI
from proxy.wire.socket_messages import AUTHENTICATED, PONG

PATH: Final = "/ws/signals"
_PERMISSION: Final = "signals_read"
_LOOKED_UP_EVERY_S: Final = 5.0
_WORDS_MAX_COUNT: Final = 100
_SENT_AT_ONCE: Final = 500

log = structlog.get_logger(__name__)

Say = Callable[[str], Awaitable[None]]
Fail = Callable[[GatewayError], Awaitable[None]]
ReadSince = Callable[[str, "Wanted"], Awaitable[tuple[list[dict[str, Any]], bool]]]
"""Returns the signals of a workspace since a moment, the oldest first, and whether there are more of them than it returns."""

Words = Annotated[tuple[str, ...], msgspec.Meta(max_length=_WORDS_MAX_COUNT)]


class Wanted(msgspec.Struct, tag="subscribe", tag_field="type", frozen=True, forbid_unknown_fields=True):
    """Which signals: of these symbols, channels (by name) and actions, without any of all. `since`: earlier ones first, from then on."""

    symbols: Words = ()
    channels: Words = ()
    actions: Words = ()
    since: dt.datetime | None = None

    def admits(self, signal: dict[str, Any]) -> bool:
        return (
            (not self.symbols or signal["symbol"] in self.symbols)
            and (not self.channels or signal["channel"] in self.channels)
            and (not self.actions or signal["action"] in self.actions)
        )

    @property
    def is_all(self) -> bool:
        return not (self.symbols or self.channels or self.actions)


class _Auth(msgspec.Struct, tag="auth", tag_field="type", frozen=True):
    api_key: str


class _Ping(msgspec.Struct, tag="ping", tag_field="type", frozen=True):
    pass


_message_decoder = msgspec.json.Decoder(Wanted | _Auth | _Ping)
_signals_decoder = msgspec.json.Decoder(list[dict[str, Any]])
_encoder = msgspec.json.Encoder(enc_hook=str)
_received = socket_messages("in")
_sent = socket_messages("out")
_QUERY: Final = {"symbol": "symbols", "channel": "channels", "action": "actions"}


def parse_query(query: bytes) -> Wanted:
    """Return what the query of a handshake asks for. Errors: BadRequest."""
    found: dict[str, Any] = {}
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name in _QUERY:
            found[_QUERY[name]] = [word for word in value.split(",") if word]
        elif name == "since":
            found["since"] = value
        else:
            raise BadRequest(f"There is no {name!r}. There are: {', '.join(_QUERY)}, since.", param=name)
    return _converted(found)


def _converted(found: dict[str, Any]) -> Wanted:
    try:
        wanted = msgspec.convert(found | {"type": "subscribe"}, Wanted)
    except msgspec.ValidationError as error:
        raise BadRequest(str(error)) from error
    return _normal(wanted)


def _normal(wanted: Wanted) -> Wanted:
    since = wanted.since.replace(tzinfo=dt.UTC) if wanted.since is not None and wanted.since.tzinfo is None else wanted.since
    return msgspec.structs.replace(wanted, symbols=tuple(symbol.upper() for symbol in wanted.symbols), since=since)


class SignalSocket:
    """One listener. `say` sends, `fail` closes for an error that comes up between messages."""

    def __init__(self, door: FrontDoor, say: Say, fail: Fail, scope: Scope, feed: SignalFeed, read_since: ReadSince) -> None:
        self._door = door
        self._say = say
        self._fail = fail
        self._feed = feed
        self._read_since = read_since
        self._client_ip = door.edge.client_ip(scope, dict(scope["headers"]))
        self._query: bytes = scope.get("query_string", b"")
        self._key = b""
        self._wanted: Wanted | None = None
        self._pump: asyncio.Task[None] | None = None
        self.last_at = time.monotonic()

    @property
    def is_authenticated(self) -> bool:
        return bool(self._key)

    @property
    def in_flight_count(self) -> int:
        return 0 if self._pump is None else 1

    async def authenticate(self, key: bytes) -> None:
        """
        Count one request against the key's limits and begin to listen; a second key ends what the first one heard.

        Errors: InvalidApiKey, IpNotAllowed, PermissionMissing, StoreUnavailable, RateLimited; BadRequest for the handshake's query.
        """
        wanted = self._wanted or parse_query(self._query)
        principal = await self._find_principal(key)
        gateway = self._door.gateway
        reservation = await reserve(Caller(principal, self._client_ip, f"rest:{PATH}"), FREE, gateway.snapshot(), gateway.plans)
        reservation.refund()  # of slots: a listener takes none
        self._key = key
        await self._begin(principal.workspace_id, wanted)

    async def _find_principal(self, key: bytes) -> Principal:
        gateway = self._door.gateway
        principal = await authenticate(key, self._client_ip, gateway.keys, gateway.pepper)
        require(principal, _PERMISSION)
        return principal

    async def _begin(self, workspace_id: str, wanted: Wanted) -> None:
        await self._end_pump()
        self._wanted = wanted
        self._pump = asyncio.create_task(self._listen(workspace_id, wanted), name="signals")

    async def receive(self, text: str) -> None:
        """Errors: those of `authenticate` for an `auth` message, and InvalidApiKey for another one before it."""
        self.last_at = time.monotonic()
        _received.inc()
        try:
            message = _message_decoder.decode(text)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            await self._refuse(BadRequest(f"The message is not valid: {str(error)[:200]}"))
            return
        match message:
            case _Ping():
                await self._tell(PONG)
            case _Auth():
                await self.authenticate(message.api_key.encode())
                await self._tell(AUTHENTICATED)
            case Wanted() if not self._key:
                raise InvalidApiKey("The first message must be `auth` with an API key.")
            case Wanted():
                principal = await self._find_principal(self._key)
                await self._begin(principal.workspace_id, _normal(message))

    def leave(self) -> None:
        if self._pump is not None:
            self._pump.cancel()

    def stop(self) -> None:
        self.leave()

    async def wait_closed(self) -> None:
        await self._end_pump()

    async def _end_pump(self) -> None:
        pump, self._pump = self._pump, None
        if pump is not None:
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)

    # --- what is heard ------------------------------------------------------------------------------------------------------------

    async def _listen(self, workspace_id: str, wanted: Wanted) -> None:
        listener = await self._feed.listen(workspace_id)
        try:
            await self._hear(listener, wanted)
        except GatewayError as error:
            await self._fail(error)
        except Exception:  # nobody awaits this task, and a socket that hears nothing looks like one without news
            log.exception("signal_socket_failed")
            await self._fail(InternalError())
        finally:
            await self._feed.leave(listener)

    async def _hear(self, listener: Listener, wanted: Wanted) -> None:
        await listener.is_live.wait()
        await self._tell(_dump({"type": "subscribed"} | {name: getattr(wanted, name) for name in _QUERY.values()}))
        told = await self._tell_earlier(listener.workspace_id, wanted) if wanted.since is not None else frozenset()
        looked_up_at = time.monotonic()
        while True:
            message: bytes | None = b""
            with suppress(TimeoutError):
                message = await asyncio.wait_for(listener.take(), _LOOKED_UP_EVERY_S)
            if time.monotonic() - looked_up_at >= _LOOKED_UP_EVERY_S:
                looked_up_at = time.monotonic()
                await self._find_principal(self._key)
            if message is None:
                await self._tell('{"type":"missed"}')
            elif message:
                await self._pass_on(message, wanted, told)

    async def _tell_earlier(self, workspace_id: str, wanted: Wanted) -> frozenset[str]:
        """Send what was stored before the socket listened; return which, because some of it may be heard as well."""
        signals, has_more = await self._read_since(workspace_id, wanted)
        for start in range(0, len(signals), _SENT_AT_ONCE):
            await self._tell(_dump({"type": "signals", "data": signals[start : start + _SENT_AT_ONCE]}))
        if has_more:
            await self._tell('{"type":"missed"}')
        return frozenset(str(signal["id"]) for signal in signals)

    async def _pass_on(self, message: bytes, wanted: Wanted, told: frozenset[str]) -> None:
        if wanted.is_all and not told:
            await self._tell(f'{{"type":"signals","data":{message.decode()}}}')
            return
        heard = [signal for signal in _signals_decoder.decode(message) if wanted.admits(signal) and signal["id"] not in told]
        if heard:
            await self._tell(_dump({"type": "signals", "data": heard}))

    # --- what is sent -------------------------------------------------------------------------------------------------------------

    async def _refuse(self, error: GatewayError) -> None:
        errors(error.code).inc()
        await self._tell(dump_failure(error, OPENAI, None))

    async def _tell(self, text: str) -> None:
        _sent.inc()
        await self._say(text)


def _dump(message: dict[str, Any]) -> str:
    return _encoder.encode(message).decode()
