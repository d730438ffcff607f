"""
The hot path's own connection to Redis or Valkey: commands of one event-loop tick leave in one write, answers come back in order.

Rules: a call never waits longer than its deadline, also when the server hangs; a breaker answers at once while it is known to be away,
and no call of a request is used to find out whether it is back: the connection pings by itself.
Everything that is not on the way of a request uses `redis.asyncio` instead (`adapters/watcher.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast
from urllib.parse import parse_qs, unquote, urlsplit

import hiredis
import structlog

log = structlog.get_logger(__name__)

_BREAKER_FAILURES_COUNT = 3
_PROBE_S = 0.25
_BUSY_TICK_S = 0.005
_RECONNECT_MAX_S = 1.0


class RedisUnavailable(Exception):
    """The call got no answer: not connected, too late, or the connection broke. It may or may not have run."""


class RedisRefused(Exception):
    """The server answered with an error."""


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """Where and as whom to connect; `path` for a Unix socket, else `host` and `port`."""

    path: str = ""
    host: str = ""
    port: int = 6379
    username: str = ""
    password: str = ""
    database: int = 0
    is_tls: bool = False

    @classmethod
    def parse(cls, url: str) -> RedisAddress:
        """Read `redis://`, `rediss://` or `unix://`. Errors: ValueError."""
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        username, password = unquote(parts.username or ""), unquote(parts.password or "")
        if parts.scheme == "unix":
            database = int(query.get("db", ["0"])[0])
            return cls(path=unquote(parts.path), username=username, password=password, database=database)
        if parts.scheme not in {"redis", "rediss"} or not parts.hostname:
            raise ValueError("REDIS_URL begins with redis://, rediss:// or unix://")
        database = int(parts.path.strip("/") or query.get("db", ["0"])[0])
        return cls("", parts.hostname, parts.port or 6379, username, password, database, parts.scheme == "rediss")


OnLate = Callable[[Any], None]
"""Told the answer to a call whose caller stopped waiting; errors are not told."""


@dataclass(slots=True)
class _Pending:
    """A call on the line."""

    deadline: float
    future: asyncio.Future[Any]
    on_late: OnLate | None


class _Protocol(asyncio.Protocol):
    """One connection: requests out in order, replies matched to them in order."""

    def __init__(self, owner: RedisConnection) -> None:
        self._owner = owner
        self._reader = hiredis.Reader()
        self.pending: deque[_Pending] = deque()
        self._out: list[bytes] = []
        self._queued_at = 0.0
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = 0.0
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def send(self, command: bytes, deadline: float, on_late: OnLate | None = None) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self.pending.append(_Pending(deadline, future, on_late))
        if not self._out:
            self._queued_at = time.monotonic()
            loop.call_soon(self._flush)
        self._out.append(command)
        if self._timer is None or deadline < self._timer_due:  # the greeting of a new connection may take longer than a call
            self._arm(deadline)
        return future

    def _arm(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_due = due
        self._timer = asyncio.get_running_loop().call_later(max(0.0, due - time.monotonic()), self._check_deadlines)

    def _check_deadlines(self) -> None:
        """Fail what is overdue, leaving its place on the line; give up a connection that stays silent."""
        self._timer = None
        if not self.pending:
            return
        now = time.monotonic()
        next_at = now + self._owner.timeout_s
        for each in self.pending:
            if each.deadline > now:
                next_at = each.deadline
                break
            if not each.future.done():
                each.future.set_exception(RedisUnavailable("no answer in time"))
                self._owner.note_failure()
        if self.pending[0].deadline + self._owner.stuck_s < now:
            self.abort()
            return
        self._arm(next_at)

    def _flush(self) -> None:
        out, self._out = self._out, []
        waited_s = time.monotonic() - self._queued_at
        if waited_s > _BUSY_TICK_S:  # the server has its time from now on
            for each in islice(reversed(self.pending), len(out)):
                each.deadline += waited_s
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(out))

    def data_received(self, data: bytes) -> None:
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not False:
                each = self.pending.popleft()
                if each.future.done():  # its caller stopped waiting; the answer still had to be taken off the line
                    if each.on_late is not None and not isinstance(reply, hiredis.ReplyError):
                        each.on_late(reply)
                    continue
                if isinstance(reply, hiredis.ReplyError):
                    each.future.set_exception(RedisRefused(str(reply)))
                else:
                    each.future.set_result(reply)
                self._owner.note_answer()
        except (hiredis.ProtocolError, IndexError):
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        for each in self.pending:
            if not each.future.done():
                each.future.set_exception(RedisUnavailable("the connection broke"))
        self.pending.clear()
        if not self.closed.done():
            self.closed.set_result(None)

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()


class RedisConnection:
    """
    A pipelined connection that comes back by itself.

    Cost: about 4 us of CPU a call with many in flight, one write a tick.
    Guarantee: `call` ends within `timeout_s` (and a tick), whatever the server does.
    """

    def __init__(self, address: RedisAddress, *, timeout_s: float = 0.05, stuck_s: float = 1.0) -> None:
        self._address = address
        self.timeout_s = timeout_s
        self.stuck_s = stuck_s
        self._protocol: _Protocol | None = None
        self._task: asyncio.Task[None] | None = None
        self._failures_count = 0
        self._is_open = False
        self._scripts: dict[bytes, bytes] = {}
        self.connection_number = 0
        """Rises with each connection: what one server process said may not hold for the next."""

    @property
    def is_available(self) -> bool:
        """Tell whether a call is tried at all: connected, and the breaker closed."""
        return self._protocol is not None and not self._is_open

    async def start(self) -> None:
        """Connect if the server is there; keep trying in the background if not."""
        first = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._keep_connected(first), name="redis-connection")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(first, timeout=1.0)

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._protocol is not None:
            self._protocol.abort()
            self._protocol = None

    async def call(self, *arguments: bytes | str | int | float) -> Any:
        """Errors: RedisUnavailable, RedisRefused."""
        return await self.submit(*arguments)

    def submit(self, *arguments: bytes | str | int | float, on_late: OnLate | None = None) -> asyncio.Future[Any]:
        """Queue a command for this tick's write. Errors: RedisUnavailable now, or from the future; RedisRefused from the future."""
        protocol = self._protocol
        if protocol is None or self._is_open:
            raise RedisUnavailable("not connected")
        command = hiredis.pack_command(arguments)  # type: ignore[arg-type]  # its stub allows one argument
        return protocol.send(command, time.monotonic() + self.timeout_s, on_late)

    async def run_script(
        self, script: bytes, keys: list[bytes], arguments: list[bytes | str | int | float], on_late: OnLate | None = None
    ) -> Any:
        """Run a Lua script, loading it where the server does not know it. Errors: as `call`."""
        digest = self._scripts.get(script)
        if digest is None:
            digest = self._scripts[script] = await self.call(b"SCRIPT", b"LOAD", script)
        try:
            return await self.submit(b"EVALSHA", digest, len(keys), *keys, *arguments, on_late=on_late)
        except RedisRefused as error:
            if not str(error).startswith("NOSCRIPT"):
                raise
            return await self.submit(b"EVAL", script, len(keys), *keys, *arguments, on_late=on_late)

    def note_answer(self) -> None:
        if self._failures_count:
            self._failures_count, self._is_open = 0, False

    def note_failure(self) -> None:
        self._failures_count += 1
        if self._failures_count >= _BREAKER_FAILURES_COUNT and not self._is_open:
            self._is_open = True
            self._probe_later()

    def _probe_later(self) -> None:
        asyncio.get_running_loop().call_later(_PROBE_S, self._probe, self._protocol)

    def _probe(self, protocol: _Protocol | None) -> None:
        """Ping a server that did not answer; the first answer that comes in time closes the breaker."""
        if protocol is None or protocol is not self._protocol or not self._is_open:
            return
        command = hiredis.pack_command((b"PING",))
        protocol.send(command, time.monotonic() + self.timeout_s).add_done_callback(asyncio.Future.exception)  # told by note_failure
        self._probe_later()

    async def _connect(self) -> _Protocol:
        loop = asyncio.get_running_loop()
        address = self._address
        if address.path:
            _, protocol = await loop.create_unix_connection(lambda: _Protocol(self), address.path)
        else:
            context = ssl.create_default_context() if address.is_tls else None
            _, protocol = await loop.create_connection(lambda: _Protocol(self), address.host, address.port, ssl=context)
        deadline = time.monotonic() + 1.0
        greetings: list[tuple[bytes | str | int | float, ...]] = []
        if address.password:
            greetings.append((b"AUTH", address.username, address.password) if address.username else (b"AUTH", address.password))
        if address.database:
            greetings.append((b"SELECT", address.database))
        greetings.append((b"PING",))
        try:
            for greeting in greetings:
                command = hiredis.pack_command(greeting)  # type: ignore[arg-type]  # its stub allows one argument
                await asyncio.wait_for(protocol.send(command, deadline), timeout=1.0)
        except BaseException:
            protocol.abort()
            raise
        return protocol

    async def _keep_connected(self, first: asyncio.Future[None]) -> None:
        delay_s = 0.05
        is_reported = False
        while True:
            try:
                async with asyncio.timeout(2.0):
                    protocol = await self._connect()
            except (OSError, TimeoutError, RedisUnavailable, RedisRefused) as error:
                if not is_reported:
                    is_reported = True
                    log.error("redis_unavailable", reason=type(error).__name__)
                await asyncio.sleep(delay_s)
                delay_s = min(delay_s * 2, _RECONNECT_MAX_S)
                continue
            if is_reported:
                log.info("redis_available")
            delay_s, is_reported = 0.05, False
            self._failures_count, self._is_open = 0, False
            self.connection_number += 1
            self._protocol = protocol
            if not first.done():
                first.set_result(None)
            try:
                await protocol.closed
            finally:
                self._protocol = None
                protocol.abort()
