"""
One origin (`scheme://host:port`) and its connections that wait for the next exchange.

Rules: the connection used last is used next, so that the others run out and close; a connection here has no exchange.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from proxy.adapters.http.connection import Connection


RECENT_S = 1.0


class Origin:
    """Where to connect, how to name it in a request, and the idle connections to it, at most `max_idle`."""

    __slots__ = ("connections", "host", "host_header", "idle", "idle_keep_s", "is_closed", "max_idle", "port", "scheme")

    def __init__(
        self, scheme: Literal["http", "https"], host: str, port: int, host_header: bytes, *, max_idle: int, idle_keep_s: float
    ) -> None:
        self.scheme = scheme
        self.host = host
        self.port = port
        self.host_header = host_header
        self.max_idle = max_idle
        self.idle_keep_s = idle_keep_s
        self.connections: set[Connection] = set()
        """All of them, also those that still connect or carry an exchange."""
        self.idle: list[Connection] = []
        self.is_closed = False

    def find_idle(self) -> Connection | None:
        """Take out the connection that was used last, if there is one."""
        while self.idle:
            connection = self.idle.pop()
            if connection.is_open:
                return connection
        return None

    def find_recent(self, now: float) -> Connection | None:
        """
        Take out the connection that was used last if that was within `RECENT_S`, so that its upstream has hardly closed it since.

        For requests that cannot be sent twice.
        """
        while self.idle and self.idle[-1].deadline - self.idle_keep_s > now - RECENT_S:
            connection = self.idle.pop()
            if connection.is_open:
                return connection
        return None

    def keep(self, connection: Connection) -> bool:
        """Keep a connection for the next exchange; False if it should be closed instead."""
        if self.is_closed or len(self.idle) >= self.max_idle:
            return False
        self.idle.append(connection)
        return True

    def forget(self, connection: Connection) -> None:
        """Drop a connection that closed while it waited."""
        if connection in self.idle:
            self.idle.remove(connection)
