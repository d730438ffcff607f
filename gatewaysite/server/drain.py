"""
A worker's server: how it stops without losing what it owes.

    SIGTERM    (delay: not ready, port open) -> port closed -> streams finish -> the rest is cancelled -> lifespan shutdown
    released   port closed -> every connection is served until it ends by itself -> then as above
    SIGQUIT    the same as SIGTERM without waiting for anybody

Rules: a handler that still runs at the drain limit gets CancelledError and `cancel_grace_s` to write its last frame and settle;
lifespan shutdown always runs, and only then; the master hears from us until then, or it would kill a worker that drains.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from random import SystemRandom
from types import FrameType
from typing import cast

from uvicorn.config import Config
from uvicorn.server import Server

from gatewaysite.server.berth import Berth, Standing
from gatewaysite.server.limits import ServerLimits
from gatewaysite.server.protocol import GuardedHttp
from gatewaysite.server.state import GuardedConnection, GuardedState
from proxy.lifecycle import Lifecycle

_TICK_S = 0.1
_TICKS_PER_SECOND = 10
_URGENT_GRACE_S = 1.0  # the master gives two seconds after a second SIGINT

logger = logging.getLogger("uvicorn.error")


class DrainServer(Server):
    """One worker's server. `berth` is its place in the crew; `master_pid` is who hears of it."""

    server_state: GuardedState

    def __init__(self, config: Config, limits: ServerLimits, berth: Berth, master_pid: int) -> None:
        super().__init__(config)
        self.server_state = GuardedState(limits)
        self._limits = limits
        self._berth = berth
        self._master_pid = master_pid
        self._lifecycle = Lifecycle()
        self._is_terminated = False
        self._is_urgent = False
        self._ticks = 0
        self._requests_until_leave = limits.max_requests + SystemRandom().randint(0, limits.max_requests_jitter)

    # --- signals ----------------------------------------------------------------------------------------------------------------

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # uvicorn raises the signal again at the very end, which kills the process past `finally` and `atexit`. So it is not kept.
        self._is_urgent |= self._is_terminated and sig == signal.SIGINT
        self._is_terminated = self.should_exit = True

    def quit(self) -> None:
        """Stop without waiting for streams."""
        self._is_urgent = self._is_terminated = self.should_exit = True

    # --- while serving ----------------------------------------------------------------------------------------------------------

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        found = getattr(self.config.loaded_app, "lifecycle", None)
        if isinstance(found, Lifecycle):  # without one, the open HTTP requests alone are waited for
            self._lifecycle = found
        await super().startup(sockets)
        self._berth.report(Standing.SERVING, self._master_pid)

    async def on_tick(self, counter: int) -> bool:
        if counter % _TICKS_PER_SECOND == 0:
            now_s = asyncio.get_running_loop().time()
            for connection in self._connections():
                connection.abort_if_stuck(now_s)
        if await super().on_tick(counter) or self._berth.standing is Standing.RELEASED:
            return True
        if self._has_served_enough() and self._berth.standing is Standing.SERVING:
            self._berth.report(Standing.LEAVING, self._master_pid)
        return False

    def _has_served_enough(self) -> bool:
        return bool(self._limits.max_requests) and self.server_state.total_requests >= self._requests_until_leave

    def _connections(self) -> Iterator[GuardedConnection]:
        return iter(cast("list[GuardedConnection]", list(self.server_state.connections)))

    # --- the stop ---------------------------------------------------------------------------------------------------------------

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # A worker that somebody stops by its pid is replaced now and not after its drain.
        self._berth.report(Standing.RELEASED, self._master_pid)
        try:
            if self._is_terminated:
                await self._announce()
            self._close_port(sockets)
            if not self._is_terminated:
                await self._serve_out()
            await self._finish_streams()
            await self._cancel_rest()
        finally:
            await self.lifespan.shutdown()

    async def _announce(self) -> None:
        """Be not ready for a while, with the port open, until load balancers have seen it."""
        self._lifecycle.mark_unready()
        if self._limits.drain_delay_s:
            self._close_connections_gently()
            await self._wait(self._limits.drain_delay_s, lambda: self._is_urgent)

    def _close_port(self, sockets: list[socket.socket] | None) -> None:
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()

    async def _serve_out(self) -> None:
        """
        Serve the connections of a released worker, each until its next answer has told the client to use another one.

        A connection closed while idle may cross a request on its way, and that request would be lost.
        """
        self._close_connections_gently()
        await self._wait(self._limits.drain_s, lambda: self._is_terminated or not self._http_connections())

    def _close_connections_gently(self) -> None:
        self.server_state.is_leaving = True
        for connection in self._connections():
            connection.leave()

    async def _finish_streams(self) -> None:
        """Refuse new requests (the application answers 503), let the running ones finish within `drain_s`."""
        self._lifecycle.start_drain()
        self.server_state.is_leaving = True
        for connection in self._http_connections():
            connection.shutdown()
        await self._wait(self._limits.drain_s, lambda: self._is_urgent or self._has_finished())

    def _has_finished(self) -> bool:
        return self._lifecycle.active_streams == 0 and not any(connection.is_busy for connection in self._connections())

    async def _cancel_rest(self) -> None:
        """
        Close idle WebSockets with 1012; cancel every handler that still runs.

        Handlers are cancelled before their connections close, so that each can say on its own wire what happened.
        """
        grace_s = _URGENT_GRACE_S if self._is_urgent else self._limits.cancel_grace_s
        tasks = self.server_state.tasks
        if self._has_finished():
            for connection in self._connections():
                connection.shutdown()
            await self._wait(grace_s / 2, lambda: not tasks)
            grace_s /= 2
        if tasks:
            logger.warning("drain limit reached: cancelling %d handlers", len(tasks))
            for task in list(tasks):
                task.cancel("the worker stops")
        await self._wait(grace_s, lambda: not tasks and not self.server_state.connections)
        for connection in self._connections():
            connection.transport.abort()

    def _http_connections(self) -> list[GuardedConnection]:
        return [connection for connection in self._connections() if isinstance(connection, GuardedHttp)]

    async def _wait(self, limit_s: float, is_over: Callable[[], bool]) -> None:
        """Wait until `is_over()`, at most `limit_s`, doing what the main loop did: heartbeat, date header, stuck connections."""
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + limit_s
        while not is_over() and (left_s := deadline_s - loop.time()) > 0:
            self._ticks += 1
            await self.on_tick(self._ticks)
            await asyncio.sleep(min(_TICK_S, left_s))
