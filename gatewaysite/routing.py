"""Which WebSocket goes where."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

from channels.routing import URLRouter
from django.urls import path, re_path

from gatewaysite.console_sockets import Run, find_keys_of_session
from gatewaysite.env import read
from gatewaysite.signal_backlog import read_since
from gatewaysite.signal_socket import PATH as SIGNALS_PATH
from gatewaysite.signal_socket import SignalSocket, Wanted
from items.signal_feed import SignalFeed
from proxy.asgi_types import Receive, Scope, Send
from proxy.consumers import Fail, Say, SocketBounds, SocketConsumer
from proxy.edge import FrontDoor
from proxy.stream_socket import StreamSocket

Router = Callable[[Scope, Receive, Send], Awaitable[None]]


def create_router(door: Callable[[], Awaitable[FrontDoor]], otherwise: Router, run: Run, feed: SignalFeed) -> Router:
    """
    Return the application of every WebSocket.

    `door` gives the worker's front door; `otherwise` takes the paths that nobody knows; `run` runs a blocking read of the console's tables;
    `feed` has the signals that are stored.
    """
    bounds = SocketBounds(read("GATEWAY_WS_AUTH_TIMEOUT_S"), read("GATEWAY_WS_IDLE_TIMEOUT_S"))
    in_flight_max_count: int = read("GATEWAY_WS_IN_FLIGHT_COUNT")

    def open_stream(front: FrontDoor, say: Say, fail: Fail, scope: Scope) -> StreamSocket:
        socket = StreamSocket(front, say, front.edge.client_ip(scope, dict(scope["headers"])), in_flight_max_count)
        socket.find_key = find_keys_of_session(scope, run)
        return socket

    async def read_earlier(workspace_id: str, wanted: Wanted) -> tuple[list[dict[str, Any]], bool]:
        return await run(lambda: read_since(workspace_id, wanted))

    def open_signals(front: FrontDoor, say: Say, fail: Fail, scope: Scope) -> SignalSocket:
        return SignalSocket(front, say, fail, scope, feed, read_earlier)

    stream: Any = SocketConsumer.as_asgi(door=door, bounds=bounds, open_socket=open_stream)
    signals: Any = SocketConsumer.as_asgi(door=door, bounds=bounds, open_socket=open_signals)
    last: Any = otherwise
    routes: Any = [path("ws/v1/stream", stream), path(SIGNALS_PATH[1:], signals), re_path("", last)]  # Django types views, not these
    return cast("Router", URLRouter(routes))
