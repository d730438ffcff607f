"""
The HTTP/1.1 client behind `proxy.ports.Upstream`.

Rules: it connects only to addresses that the egress policy returned, by number, while TLS still checks the name; it follows no
redirect, keeps no cookie, reads no proxy setting, unpacks nothing; it repeats a request only where the port allows it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from typing import Literal, Protocol

from proxy.adapters.http.connection import Connection
from proxy.adapters.http.pool import Origin
from proxy.adapters.http.request import dump_head, dump_host
from proxy.adapters.http.response import Response
from proxy.adapters.http.upload import Upload
from proxy.ports import Endpoint, FailureKind, Headers, Phase, Timeouts, UpstreamFailure

_MAX_ORIGINS = 256
_CLOSING_ROUNDS = 20


class Resolver(Protocol):
    """Turns a name into the addresses that may be connected to: `proxy.adapters.egress.EgressPolicy`."""

    async def resolve(self, host: str, port: int) -> tuple[str, ...]: ...


class HttpClient:
    """
    Implements `proxy.ports.Upstream`; one per event loop.

    Units: `idle_keep_s` is how long an unused connection stays open.
    Cost: on a kept-alive connection one write, one future, no task and no timer.
    Guarantee: a request is sent twice only if a *reused* connection turned out closed at once, before a byte of an answer; the
    second time always goes over a fresh connection. A streamed body is sent once; it takes a fresh connection, or one that was in
    use within the last second.
    """

    def __init__(
        self,
        egress: Resolver,
        *,
        ssl_context: ssl.SSLContext | None = None,
        max_idle_per_origin: int = 256,
        idle_keep_s: float = 30.0,
    ) -> None:
        self._egress = egress
        self._ssl_context = ssl_context
        self._max_idle_per_origin = max_idle_per_origin
        self._idle_keep_s = idle_keep_s
        self._origins: dict[tuple[str, str, int], Origin] = {}
        self._is_closed = False

    async def send(
        self,
        endpoint: Endpoint,
        method: str,
        path: str,
        headers: Headers,
        body: bytes | AsyncIterator[bytes],
        timeouts: Timeouts,
        *,
        body_length: int | None = None,
    ) -> Response:
        """
        Send one request and wait for the head of its answer.

        Errors: UpstreamFailure; what a streamed body raised; ValueError, before anything is sent, for a method, path or header that
        could change the request's framing; RuntimeError after `close`.
        """
        if self._is_closed:
            raise RuntimeError("the client is closed")
        origin = self._get_origin(endpoint)
        if not isinstance(body, bytes):
            if body_length is not None and body_length < 0:
                raise ValueError("a body has no negative length")
            head = dump_head(method, endpoint.path + path, origin.host_header, headers, body_length)
            return await self._send_stream(origin, head, Upload(body, body_length), timeouts, is_head_request=method == "HEAD")
        head = dump_head(method, endpoint.path + path, origin.host_header, headers, len(body))
        is_head_request = method == "HEAD"
        total_at = asyncio.get_running_loop().time() + timeouts.total_s
        connection = origin.find_idle()
        if connection is not None:
            try:
                return await connection.exchange(head, body, is_head_request=is_head_request, timeouts=timeouts, total_at=total_at)
            except UpstreamFailure as failure:
                if self._is_closed or not connection.is_stale(failure):
                    raise
        connection = await self._connect(origin, timeouts, total_at)
        return await connection.exchange(head, body, is_head_request=is_head_request, timeouts=timeouts, total_at=total_at)

    async def _send_stream(self, origin: Origin, head: bytes, upload: Upload, timeouts: Timeouts, *, is_head_request: bool) -> Response:
        now = asyncio.get_running_loop().time()
        total_at = now + timeouts.total_s
        connection = origin.find_recent(now) or await self._connect(origin, timeouts, total_at)
        try:
            return await connection.exchange(head, upload, is_head_request=is_head_request, timeouts=timeouts, total_at=total_at)
        finally:
            await upload.settled()  # or the caller's iterator would go on behind a call that has failed

    async def close(self) -> None:
        """Close every connection; exchanges that still run end with a failure. No `send` after this."""
        self._is_closed = True
        for origin in self._origins.values():
            origin.is_closed = True
            for connection in tuple(origin.connections):
                connection.fail("reset", "the gateway shuts down")
        for _ in range(_CLOSING_ROUNDS):
            if not any(origin.connections for origin in self._origins.values()):
                break
            await asyncio.sleep(0)

    def _get_origin(self, endpoint: Endpoint) -> Origin:
        key = (endpoint.scheme, endpoint.host, endpoint.port)
        return self._origins.get(key) or self._add_origin(key, endpoint)

    def _add_origin(self, key: tuple[str, str, int], endpoint: Endpoint) -> Origin:
        if len(self._origins) >= _MAX_ORIGINS:
            self._origins = {known: origin for known, origin in self._origins.items() if origin.connections}
        origin = Origin(
            endpoint.scheme,
            endpoint.host,
            endpoint.port,
            dump_host(endpoint.scheme, endpoint.host, endpoint.port),
            max_idle=self._max_idle_per_origin,
            idle_keep_s=self._idle_keep_s,
        )
        self._origins[key] = origin
        return origin

    async def _connect(self, origin: Origin, timeouts: Timeouts, total_at: float) -> Connection:
        connect_at = asyncio.get_running_loop().time() + timeouts.connect_s
        phase: Phase = "resolve"
        try:
            async with asyncio.timeout_at(min(connect_at, total_at)):
                addresses = await self._egress.resolve(origin.host, origin.port)
                phase = "connect"
                return await self._connect_to_one(origin, addresses, min(connect_at, total_at))
        except TimeoutError as error:
            timer: Literal["connect", "total"] = "connect" if connect_at <= total_at else "total"
            raise UpstreamFailure(phase, "timeout", is_sent=False, timer=timer) from error

    async def _connect_to_one(self, origin: Origin, addresses: tuple[str, ...], until: float) -> Connection:
        """Try the addresses in order; each but the last gets an even share of the time, or one that is silent would take it all."""
        loop = asyncio.get_running_loop()
        for position, address in enumerate(addresses[:-1]):
            share_s = (until - loop.time()) / (len(addresses) - position)
            try:
                async with asyncio.timeout(share_s):
                    return await self._open(origin, address)
            except (TimeoutError, UpstreamFailure):
                continue
        return await self._open(origin, addresses[-1])

    async def _open(self, origin: Origin, address: str) -> Connection:
        loop = asyncio.get_running_loop()
        connection = Connection(loop, origin)
        origin.connections.add(connection)
        context = self._get_ssl_context() if origin.scheme == "https" else None
        try:
            await loop.create_connection(
                lambda: connection, address, origin.port, ssl=context, server_hostname=origin.host if context else None
            )
        except BaseException as error:
            # The loop closes what it opened, but politely: with a connection just made, TLS would wait for the upstream's farewell.
            connection.discard()
            origin.connections.discard(connection)
            if isinstance(error, OSError):
                kind = _connect_failure_kind(error)
                raise UpstreamFailure("connect", kind, is_sent=False, detail=f"{address}: {error}") from error
            raise
        if not connection.is_open:
            raise UpstreamFailure("connect", connection.ended_by, is_sent=False, detail=f"{address} ended the new connection")
        return connection

    def _get_ssl_context(self) -> ssl.SSLContext:
        if self._ssl_context is None:
            self._ssl_context = ssl.create_default_context()
            self._ssl_context.set_alpn_protocols(["http/1.1"])
        return self._ssl_context


def _connect_failure_kind(error: OSError) -> FailureKind:
    if isinstance(error, ssl.SSLError):
        return "tls"
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, ConnectionError):
        return "reset"
    return "unreachable"
